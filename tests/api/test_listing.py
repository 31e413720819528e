"""The list of investigations: filters, pages, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from investigations.choices import Disposition, Status, TokenScope
from investigations.models import Actor, Investigation
from investigations.services.ingest import store
from tests.api.conftest import INVESTIGATIONS, Caller, MakeToken
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
ADDRESSES = ("203.0.113.1", "203.0.113.2", "198.51.100.7", "192.0.2.1", "2001:db8:1::5", "2001:db8:2::5")


@pytest.fixture
def several() -> None:
    store([make_alert(address) for address in ADDRESSES])


def sources(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {row["source"] for row in answer.json()["investigations"]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("203.0.113.1", {"203.0.113.1"}),
        ("203.0.113.0/24", {"203.0.113.1", "203.0.113.2"}),
        ("203.0.113.99/24", {"203.0.113.1", "203.0.113.2"}),
        ("0.0.0.0/0", {address for address in ADDRESSES if ":" not in address}),
        ("2001:db8:1::/48", {"2001:db8:1::5"}),
        ("2001:0DB8:0001:0000::5", {"2001:db8:1::5"}),
        ("::/0", {address for address in ADDRESSES if ":" in address}),
        ("8.8.8.8", set()),
    ],
)
def test_it_narrows_to_an_address_or_a_network(script: Caller, several: None, source: str, expected: set[str]) -> None:
    assert sources(script.get(INVESTIGATIONS, source=source)) == expected


def test_it_narrows_by_status(script: Caller, several: None) -> None:
    Investigation.objects.get(subject="192.0.2.1").dismiss(Actor("anna"), Disposition.NOISE, "Dismissed", "")

    assert sources(script.get(INVESTIGATIONS, status="dismissed")) == {"192.0.2.1"}
    assert sources(script.get(INVESTIGATIONS, status="enriching")) == set(ADDRESSES) - {"192.0.2.1"}
    assert sources(script.get(INVESTIGATIONS, status="escalated")) == set()


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("113.", {"203.0.113.1", "203.0.113.2"}),
        ("2001:DB8:1::5", {"2001:db8:1::5"}),
        ("nothing like it", set()),
        ("%", set()),
        ("_", set()),
        ("' OR 1=1 --", set()),
        ("\\", set()),
        ("192.0\x00.2.1", {"192.0.2.1"}),
        ("\x00", set(ADDRESSES)),
        ("🙈" * 200, set()),
    ],
)
def test_it_searches_for_a_text_as_it_is(script: Caller, several: None, q: str, expected: set[str]) -> None:
    assert sources(script.get(INVESTIGATIONS, q=q)) == expected


def test_it_finds_an_investigation_by_its_number(script: Caller, several: None) -> None:
    row = Investigation.objects.get(subject="192.0.2.1")

    assert sources(script.get(INVESTIGATIONS, q=f"INV-{row.pk}")) == {"192.0.2.1"}


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_it_pages_through_everything_exactly_once(script: Caller, several: None, limit: int) -> None:
    # Ties in every key but the number
    Investigation.objects.update(activity="2026-11-24T12:00Z")
    seen, cursor = [], ""
    while True:
        page = script.get(INVESTIGATIONS, limit=limit, cursor=cursor).json()
        assert len(page["investigations"]) <= limit
        seen += [row["id"] for row in page["investigations"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert sorted(seen) == sorted(Investigation.objects.values_list("pk", flat=True))
    assert len(seen) == len(set(seen)) == len(ADDRESSES)


def test_it_skips_nothing_when_new_ones_arrive_between_pages(script: Caller, several: None) -> None:
    first = script.get(INVESTIGATIONS, limit=3).json()
    store([make_alert("203.0.113.200")])
    second = script.get(INVESTIGATIONS, limit=200, cursor=first["next"]).json()

    rows = [row["source"] for row in first["investigations"] + second["investigations"]]
    assert sorted(rows) == sorted(ADDRESSES)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 201},
        {"limit": "many"},
        {"limit": 10**30},
        {"status": "open"},
        {"status": "DISMISSED"},
        {"source": "203.0.113"},
        {"source": "203.0.113.0/33"},
        {"source": "evil.example"},
        {"source": "1" * 101},
        {"q": "x" * 201},
        {"cursor": "nonsense"},
        {"cursor": "W10:1:x"},
    ],
    ids=str,
)
def test_it_says_what_is_wrong_with_a_filter(script: Caller, several: None, query: dict[str, Any]) -> None:
    answer = script.get(INVESTIGATIONS, **query)

    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert answer.json()["error"]


def test_it_needs_the_scope_to_read(make_token: MakeToken) -> None:
    for scope in (TokenScope.INGEST, TokenScope.WRITE, TokenScope.AUDIT):
        answer = Caller(make_token(scope, name=scope)).get(INVESTIGATIONS)
        assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert Caller("").get(INVESTIGATIONS).status_code == 401


def test_it_lists_what_is_most_urgent_first(script: Caller, several: None) -> None:
    Investigation.objects.filter(subject="192.0.2.1").update(status=Status.ESCALATED, severity="high", due=None)
    Investigation.objects.filter(subject="203.0.113.2").update(status=Status.NEEDS_REVIEW, due=None)
    rows = script.get(INVESTIGATIONS).json()["investigations"]

    assert [row["source"] for row in rows[:2]] == ["192.0.2.1", "203.0.113.2"]


def test_it_asks_the_database_as_often_for_one_as_for_many(script: Caller, several: None) -> None:
    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(script.get(INVESTIGATIONS, limit=limit).json()["investigations"]) == limit
        return len(captured)

    script.get(INVESTIGATIONS)  # notes the use of the token
    assert queries(1) == queries(6) <= 4
