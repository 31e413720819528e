"""The audit history over the API: for its own scope alone, filtered, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from investigations.choices import TokenScope
from investigations.models import Actor, AuditEvent
from tests.api.conftest import Caller, MakeToken

pytestmark = pytest.mark.django_db
AUDIT = "/api/v1/audit"
FIELDS = {"id", "at", "actor", "address", "action", "subject", "before", "after", "reason"}


@pytest.fixture
def auditing(make_token: MakeToken) -> Caller:
    return Caller(make_token(TokenScope.AUDIT, name="auditing"))


@pytest.fixture
def history() -> list[int]:
    return [
        AuditEvent.objects.record(
            Actor(f"person {number % 2}", address="192.0.2.9"),
            "provider.changed",
            f"provider {number}",
            after={"n": number},
        ).pk
        for number in range(7)
    ]


def test_it_shows_the_newest_event_first(auditing: Caller, history: list[int]) -> None:
    body = auditing.get(AUDIT).json()

    newest = body["events"][0]
    assert newest.keys() == FIELDS
    assert (newest["id"], newest["actor"], newest["address"]) == (history[-1], "person 0", "192.0.2.9")
    assert (newest["before"], newest["after"]) == ({}, {"n": 6})
    assert body["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"actor": "person 1"}, {1, 3, 5}),
        ({"subject": "provider 4"}, {4}),
        ({"action": "provider.changed", "subject": "provider 0"}, {0}),
        ({"action": "provider"}, set()),
        ({"actor": "' OR 1=1"}, set()),
        ({"actor": "per\x00son 1"}, {1, 3, 5}),
    ],
)
def test_it_narrows(auditing: Caller, history: list[int], query: dict[str, str], expected: set[int]) -> None:
    events = auditing.get(AUDIT, **query).json()["events"]

    assert {event["after"]["n"] for event in events} == expected


def test_it_pages_through_everything_once(auditing: Caller, history: list[int]) -> None:
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        body = auditing.get(AUDIT, **query).json()
        seen += [event["id"] for event in body["events"]]
        if body["next"] is None:
            break
        query["before"] = body["next"]

    assert seen == sorted(AuditEvent.objects.values_list("pk", flat=True), reverse=True)


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 1001}, {"before": -1}, {"before": 2**70}, {"before": "x"}, {"actor": "x" * 151}]
)
def test_it_says_what_is_wrong_with_a_filter(auditing: Caller, query: dict[str, Any]) -> None:
    answer = auditing.get(AUDIT, **query)

    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize("scope", [scope for scope in TokenScope if scope != TokenScope.AUDIT])
def test_it_needs_its_own_scope(make_token: MakeToken, scope: TokenScope) -> None:
    assert Caller(make_token(scope)).get(AUDIT).status_code == 401
    assert Caller("").get(AUDIT).status_code == 401
