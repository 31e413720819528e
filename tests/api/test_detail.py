"""One investigation over the API: its shape, field by field, and manual submission."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from investigations.choices import Outcome, Status, TokenScope, Verdict
from investigations.models import Investigation, TimelineEvent
from investigations.playbooks.engine import Engine
from investigations.services.ingest import store
from tests.api.conftest import INVESTIGATIONS, Caller, MakeToken
from tests.makers import make_alert

DETAIL = {
    "id",
    "source",
    "status",
    "severity",
    "disposition",
    "assignee",
    "decision",
    "artifacts",
    "alerts",
    "timeline",
}
DECISION = {"outcome", "rule", "policy_version", "reasons", "actor", "automatic", "decided"}
ARTIFACT = {"kind", "value", "verdict", "enrichments"}
ENRICHMENT = {"provider", "outcome", "verdict", "summary", "asked", "cached"}
ALERTS = {"count", "first", "last", "ports", "targets"}


def decide() -> None:
    with Engine() as engine:
        engine.run(30)


def test_it_shows_an_investigation_in_the_shape_of_the_contract(simulator: Any, script: Caller) -> None:
    store([make_alert("203.0.113.66", minutes=number, victim_port=20 + number) for number in range(3)])
    decide()
    answer = script.get(f"{INVESTIGATIONS}/{Investigation.objects.get().pk}")

    shape = answer.json()
    assert answer.status_code == 200
    assert shape.keys() >= DETAIL
    assert (shape["source"], shape["status"], shape["assignee"]) == ("203.0.113.66", "escalated", None)
    assert shape["alerts"].keys() == ALERTS
    assert (shape["alerts"]["count"], shape["alerts"]["ports"], shape["alerts"]["targets"]) == (3, 3, 1)
    assert datetime.fromisoformat(shape["alerts"]["first"]) < datetime.fromisoformat(shape["alerts"]["last"])
    assert shape["decision"].keys() >= DECISION
    assert shape["decision"]["automatic"] and shape["decision"]["actor"] == "automation"
    assert shape["decision"]["reasons"] and all(isinstance(text, str) for text in shape["decision"]["reasons"])
    assert {event["kind"] for event in shape["timeline"]} >= {"opened", "decided"}
    artifact = shape["artifacts"][0]
    assert artifact.keys() >= ARTIFACT
    assert (artifact["kind"], artifact["value"], artifact["verdict"]) == ("ipv4-addr", "203.0.113.66", "malicious")
    assert artifact["enrichments"] and all(row.keys() >= ENRICHMENT for row in artifact["enrichments"])
    assert {row["outcome"] for row in artifact["enrichments"]} <= set(Outcome.values)
    assert {row["verdict"] for row in artifact["enrichments"]} <= set(Verdict.values)


@pytest.mark.django_db
def test_it_shows_one_that_nobody_has_decided_yet(script: Caller) -> None:
    store([make_alert()])
    shape = script.get(f"{INVESTIGATIONS}/{Investigation.objects.get().pk}").json()

    assert (shape["status"], shape["decision"], shape["disposition"], shape["artifacts"]) == (
        "enriching",
        None,
        None,
        [],
    )


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["999999", "0", "9" * 30, "9" * 5000, "-1", "abc", "1/nothing", "1/../2", "%00"])
def test_it_answers_unknown_paths_in_json(script: Caller, path: str) -> None:
    answer = script.get(f"{INVESTIGATIONS}/{path}")

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.django_db
def test_it_shows_the_latest_of_a_long_timeline(script: Caller) -> None:
    store([make_alert()])
    row = Investigation.objects.get()
    TimelineEvent.objects.bulk_create(
        TimelineEvent(investigation=row, kind="comment", actor="anna", text=f"{number}") for number in range(250)
    )
    texts = [event["text"] for event in script.get(f"{INVESTIGATIONS}/{row.pk}").json()["timeline"]]

    assert (len(texts), texts[-1]) == (200, "249")


def test_it_asks_the_database_as_often_for_little_as_for_much(simulator: Any, script: Caller) -> None:
    store([make_alert("203.0.113.66")])
    store([make_alert("192.0.2.31", minutes=number, victim_port=number + 1) for number in range(300)])
    decide()
    little, much = Investigation.objects.order_by("alert_count")

    def queries(row: Investigation) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert script.get(f"{INVESTIGATIONS}/{row.pk}").status_code == 200
        return len(captured)

    queries(little)  # notes the use of the token
    assert queries(little) == queries(much) <= 8


@pytest.mark.django_db
class TestSubmission:
    """`POST investigations`."""

    def test_it_investigates_what_is_submitted(self, script: Caller) -> None:
        body = {"artifacts": ["203[.]0[.]113[.]7", "hxxps://evil[.]com/x"], "reason": "seen in a phishing mail"}
        answer = script.post(INVESTIGATIONS, body)

        rows = {row["source"]: row for row in answer.json()["investigations"]}
        assert answer.status_code == 201
        assert set(rows) == {"203.0.113.7", "evil.com"}
        assert all(row["status"] == Status.ENRICHING for row in rows.values())
        assert rows["evil.com"]["kind"] == "domain-name"
        assert rows["evil.com"]["timeline"][0]["text"] == "Submitted by token script: seen in a phishing mail"
        assert answer.json()["refused"] == []

    def test_it_gives_each_refused_value_its_reason(self, script: Caller) -> None:
        values = ["203.0.113.7", "203.0.113.0/24", "300.1.2.3", "hello", "", "<script>"]
        answer = script.post(INVESTIGATIONS, {"artifacts": values})

        refused = {item["value"]: item["error"] for item in answer.json()["refused"]}
        assert answer.status_code == 201
        assert set(refused) == set(values[1:])
        assert all(refused.values())

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"artifacts": []},
            {"artifacts": "203.0.113.7"},
            {"artifacts": [1]},
            {"artifacts": None},
            {"artifacts": ["203.0.113.7"] * 501},
            {"artifacts": ["nothing"]},
            {"artifacts": ["203.0.113.7"], "reason": "x" * 2001},
            [],
            "text",
            b"\xff",
            b"{",
            b"[" * 100_000,
            b'{"artifacts": ["\\ud800.example"]}',
            b" " * 3_000_000,
        ],
        ids=lambda body: str(body)[:40],
    )
    def test_it_refuses_a_bad_body(self, script: Caller, body: Any) -> None:
        assert script.post(INVESTIGATIONS, body).status_code == 400
        assert not Investigation.objects.exists()

    def test_it_stores_a_hostile_reason_as_text(self, script: Caller) -> None:
        body = {"artifacts": ["203.0.113.7"], "reason": "a\x00b\x1b[2J<b>\u202e"}
        answer = script.post(INVESTIGATIONS, body)

        assert answer.json()["investigations"][0]["timeline"][0]["text"] == "Submitted by token script: ab[2J<b>"

    def test_it_needs_the_scope_to_write(self, make_token: MakeToken) -> None:
        for scope in (TokenScope.READ, TokenScope.INGEST, TokenScope.AUDIT):
            caller = Caller(make_token(scope, name=scope))
            assert caller.post(INVESTIGATIONS, {"artifacts": ["203.0.113.7"]}).status_code == 401
        assert not Investigation.objects.exists()
