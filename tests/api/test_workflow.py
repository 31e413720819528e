"""Escalate, dismiss, reopen, assign and comment over the API; 409 when the state has moved."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from investigations.choices import Disposition, Role, Status, TokenScope
from investigations.models import AuditEvent, Decision, Investigation
from tests.api.conftest import INVESTIGATIONS, Caller, MakeToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(db: None) -> Investigation:
    return Investigation.objects.create(
        kind="ipv4-addr", subject="203.0.113.66", source="203.0.113.66", status=Status.NEEDS_REVIEW
    )


def path(row: Investigation, action: str) -> str:
    return f"{INVESTIGATIONS}/{row.pk}/{action}"


@pytest.mark.parametrize(("action", "status"), [("escalate", "escalated"), ("dismiss", "dismissed")])
def test_it_decides(script: Caller, row: Investigation, action: str, status: str) -> None:
    answer = script.post(path(row, action), {"disposition": "benign_positive", "comment": "our own scan"})

    shape = answer.json()
    assert answer.status_code == 200
    assert (shape["id"], shape["status"], shape["disposition"]) == (row.pk, status, "benign_positive")
    assert shape["decision"]["automatic"] is False
    assert (shape["decision"]["actor"], shape["decision"]["outcome"]) == ("token script", status)
    assert shape["decision"]["reasons"] == ["our own scan"]
    assert shape["timeline"][-1]["actor"] == "token script"
    event = AuditEvent.objects.get(action=f"investigation.{status}")
    assert (event.actor, event.address) == ("token script", "127.0.0.1")
    assert (event.before["status"], event.after["status"]) == ("needs_review", status)
    assert event.reason == "our own scan"


def test_it_reopens_and_decides_again(script: Caller, row: Investigation) -> None:
    script.post(path(row, "dismiss"), {"disposition": "noise"})
    reopened = script.post(path(row, "reopen"), {"comment": "it came back"}).json()
    escalated = script.post(path(row, "escalate"), {"disposition": "true_positive"}).json()

    assert (reopened["status"], reopened["disposition"]) == ("needs_review", None)
    assert escalated["status"] == "escalated"
    assert list(Decision.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "dismissed", "needs_review", "escalated",
    ]  # fmt: skip


@pytest.mark.parametrize("action", ["escalate", "dismiss"])
@pytest.mark.parametrize("body", [{}, {"disposition": ""}, {"disposition": None}, {"disposition": "whatever"}, []])
def test_it_needs_a_disposition(script: Caller, row: Investigation, action: str, body: Any) -> None:
    answer = script.post(path(row, action), body)

    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert "disposition" in answer.json()["error"] or body == []
    row.refresh_from_db()
    assert row.status == Status.NEEDS_REVIEW


@pytest.mark.parametrize("disposition", Disposition)
def test_it_takes_every_disposition_of_the_contract(script: Caller, row: Investigation, disposition: str) -> None:
    assert script.post(path(row, "dismiss"), {"disposition": disposition}).json()["disposition"] == disposition


@pytest.mark.parametrize("first", ["escalate", "dismiss"])
@pytest.mark.parametrize("second", ["escalate", "dismiss"])
def test_it_answers_409_when_the_state_has_moved(script: Caller, row: Investigation, first: str, second: str) -> None:
    assert script.post(path(row, first), {"disposition": "noise"}).status_code == 200
    late = script.post(path(row, second), {"disposition": "true_positive"})

    assert (late.status_code, list(late.json())) == (409, ["error"])
    assert Decision.objects.count() == 1
    row.refresh_from_db()
    assert row.disposition == "noise"


def test_it_answers_409_to_reopening_what_is_open(script: Caller, row: Investigation) -> None:
    assert script.post(path(row, "reopen"), {}).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_it_lets_one_of_two_clients_win(make_token: MakeToken, row: Investigation) -> None:
    token = make_token(TokenScope.WRITE)
    start = threading.Barrier(8)
    statuses: list[int] = []

    def act(number: int) -> None:
        action = "escalate" if number % 2 else "dismiss"
        try:
            start.wait()
            statuses.append(Caller(token).post(path(row, action), {"disposition": "noise"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [409] * 7
    decision = Decision.objects.get()
    row.refresh_from_db()
    assert row.status == decision.outcome
    assert AuditEvent.objects.filter(action__in=["investigation.escalated", "investigation.dismissed"]).count() == 1
    assert row.timeline.count() == 1


def test_it_assigns_and_releases(script: Caller, row: Investigation, analyst: Any) -> None:
    assert script.post(path(row, "assign"), {"assignee": "anna"}).json()["assignee"] == "anna"
    assert script.post(path(row, "assign"), {"assignee": None}).json()["assignee"] is None
    events = AuditEvent.objects.filter(subject=f"investigation {row.pk}").order_by("pk")
    assert [event.after["assignee_id"] for event in events] == [analyst.pk, None]


@pytest.mark.parametrize("name", ["nobody", "", "an\x00na", "victor", "oscar", "gone", "x" * 151, 7])
def test_it_assigns_only_to_people_who_can_work(
    script: Caller, row: Investigation, name: Any, viewer: Any, auditor: Any, make_user: Any
) -> None:
    gone = make_user("gone", Role.ANALYST)
    gone.is_active = False
    gone.save()
    answer = script.post(path(row, "assign"), {"assignee": name})

    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    row.refresh_from_db()
    assert row.assignee is None


def test_it_comments_in_clean_words(script: Caller, row: Investigation) -> None:
    shape = script.post(path(row, "comments"), {"comment": " two\nlines\x00\x1b[31m \u202e<b> "}).json()

    assert shape["timeline"][-1]["text"] == "two\nlines[31m <b>"
    assert shape["timeline"][-1]["kind"] == "comment"


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x1b\u200b", "x" * 5001, None, 7])
def test_it_refuses_a_comment_without_words_or_end(script: Caller, row: Investigation, text: Any) -> None:
    assert script.post(path(row, "comments"), {"comment": text}).status_code == 400
    assert not row.timeline.exists()


@pytest.mark.parametrize("action", ["escalate", "dismiss", "reopen", "assign", "comments"])
def test_it_needs_the_scope_and_an_investigation(make_token: MakeToken, row: Investigation, action: str) -> None:
    body = {"disposition": "noise", "comment": "x", "assignee": None}
    reader = Caller(make_token(TokenScope.READ, TokenScope.AUDIT, TokenScope.INGEST, name="reader"))
    writer = Caller(make_token(TokenScope.WRITE, name="writer"))

    assert reader.post(path(row, action), body).status_code == 401
    missing = writer.post(f"{INVESTIGATIONS}/999999999/{action}", body)
    assert (missing.status_code, list(missing.json())) == (404, ["error"])
    assert writer.post(f"{INVESTIGATIONS}/{'9' * 30}/{action}", body).status_code == 404
    assert writer.get(path(row, action)).status_code == 405


def test_it_takes_no_session_for_a_token(client: Any, lead: Any, row: Investigation) -> None:
    """A page of somebody else cannot make a browser that is logged in decide: cookies open nothing here."""
    client.force_login(lead)

    assert client.get(INVESTIGATIONS).status_code == 401
    assert (
        client.post(path(row, "dismiss"), {"disposition": "noise"}, content_type="application/json").status_code == 401
    )
