"""What people do with investigations: each with its timeline and audit row, all or nothing, and never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from investigations.choices import Disposition, Status
from investigations.models import Actor, AuditEvent, Decision, InvalidTransition, Investigation, TimelineEvent, User
from investigations.playbooks.engine import Engine
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
ANNA = Actor("anna", user_id=7, address="192.0.2.9")


@pytest.fixture
def row(db: None) -> Investigation:
    return Investigation.objects.create(
        kind="ipv4-addr", subject="203.0.113.66", source="203.0.113.66", status=Status.NEEDS_REVIEW, severity="high"
    )


def dismissed(row: Investigation) -> Investigation:
    workflow.dismiss(row, disposition="noise", comment="", actor=ANNA)
    return row


type Act = Callable[[Investigation, User], None]
ACTS: dict[str, tuple[Act, str, dict[str, Any], dict[str, Any]]] = {
    "escalate": (
        lambda row, _: workflow.escalate(row, disposition="true_positive", comment="bad", actor=ANNA),
        "Escalated as true positive: bad",
        {"status": "needs_review", "disposition": ""},
        {"status": "escalated", "disposition": "true_positive"},
    ),
    "dismiss": (
        lambda row, _: workflow.dismiss(row, disposition="authorised_scan", comment="", actor=ANNA),
        "Dismissed as authorised scan",
        {"status": "needs_review", "disposition": ""},
        {"status": "dismissed", "disposition": "authorised_scan"},
    ),
    "reopen": (
        lambda row, _: workflow.reopen(dismissed(row), comment="again", actor=ANNA),
        "Reopened: again",
        {"status": "dismissed", "disposition": "noise"},
        {"status": "needs_review", "disposition": ""},
    ),
    "claim": (
        lambda row, user: workflow.claim(row, user=user, actor=ANNA),
        "Claimed by lea",
        {"assignee_id": None},
        {"assignee_id": "user"},
    ),
    "assign": (
        lambda row, user: workflow.assign(row, user=user, actor=ANNA),
        "Given to lea by anna",
        {"assignee_id": None},
        {"assignee_id": "user"},
    ),
    "release": (
        lambda row, user: (workflow.claim(row, user=user, actor=ANNA), workflow.release(row, actor=ANNA))[1],
        "Released by anna",
        {"assignee_id": "user"},
        {"assignee_id": None},
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_it_tells_timeline_and_audit(row: Investigation, lead: User, name: str) -> None:
    act, text, before, after = ACTS[name]
    act(row, lead)

    event = TimelineEvent.objects.order_by("-pk")[0]
    assert (event.investigation, event.actor, event.automatic, event.text) == (row, "anna", False, text)
    audit = AuditEvent.objects.order_by("-pk")[0]
    assert (audit.actor, audit.user_id, audit.address) == ("anna", 7, "192.0.2.9")
    assert audit.subject == f"investigation {row.pk}"
    users = {"user": lead.pk}
    assert {key: audit.before[key] for key in before} == {key: users.get(str(v), v) for key, v in before.items()}
    assert {key: audit.after[key] for key in after} == {key: users.get(str(v), v) for key, v in after.items()}
    # The object in hand shows what the database holds
    stored = Investigation.objects.get()
    assert (row.status, row.disposition, row.assignee_id) == (stored.status, stored.disposition, stored.assignee_id)


BREAK = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse();"""


@pytest.mark.parametrize("table", ["timelineevent", "auditevent", "decision"])
@pytest.mark.parametrize("name", ["escalate", "dismiss"])
def test_it_changes_nothing_when_a_part_of_it_cannot_be_written(
    row: Investigation, lead: User, name: str, table: str
) -> None:
    audited = AuditEvent.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(BREAK.format(table=f"investigations_{table}"))
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
        ACTS[name][0](row, lead)

    stored = Investigation.objects.get()
    assert (stored.status, stored.disposition, stored.closed) == (Status.NEEDS_REVIEW, "", None)
    assert not TimelineEvent.objects.exists() and not Decision.objects.exists()
    assert AuditEvent.objects.count() == audited


@pytest.mark.parametrize("name", ACTS)
def test_it_refuses_what_somebody_else_has_changed_meanwhile(
    row: Investigation, lead: User, admin: User, name: str
) -> None:
    if name == "reopen":
        dismissed(row)
    if name == "release":
        workflow.claim(row, user=lead, actor=ANNA)
    mine = Investigation.objects.get()
    Investigation.objects.update(assignee=admin)  # what this person sees is old now
    events = TimelineEvent.objects.count()

    acts: dict[str, Callable[[], None]] = {
        "reopen": lambda: workflow.reopen(mine, comment="", actor=ANNA),
        "release": lambda: workflow.release(mine, actor=ANNA),
    }
    with pytest.raises(InvalidTransition, match="Somebody else"):
        acts.get(name, lambda: ACTS[name][0](mine, lead))()
    assert TimelineEvent.objects.count() == events


def test_it_needs_a_known_disposition(row: Investigation) -> None:
    for wrong in ("", "whatever", "Noise"):
        with pytest.raises(ValueError):
            workflow.dismiss(row, disposition=wrong, comment="", actor=ANNA)
        with pytest.raises(ValueError):
            workflow.escalate(row, disposition=wrong, comment="", actor=ANNA)
    assert Investigation.objects.get().status == Status.NEEDS_REVIEW


def test_it_takes_no_claim_of_what_another_holds(row: Investigation, lead: User, analyst: User) -> None:
    workflow.claim(row, user=lead, actor=ANNA)
    workflow.claim(row, user=lead, actor=ANNA)  # once more is nothing new
    with pytest.raises(InvalidTransition, match="lea holds it"):
        workflow.claim(row, user=analyst, actor=ANNA)
    assert TimelineEvent.objects.count() == 1
    workflow.assign(row, user=analyst, actor=ANNA)
    assert Investigation.objects.get().assignee == analyst


def test_it_reopens_only_what_is_closed_and_decides_only_what_is_open(row: Investigation) -> None:
    with pytest.raises(InvalidTransition, match="open already"):
        workflow.reopen(row, comment="", actor=ANNA)
    dismissed(row)
    for act in (workflow.escalate, workflow.dismiss):
        with pytest.raises(InvalidTransition, match="reopen it first"):
            act(row, disposition="noise", comment="", actor=ANNA)


def test_it_confirms_an_escalation_of_the_automation(row: Investigation) -> None:
    Investigation.objects.update(status=Status.ESCALATED)
    row.refresh_from_db()
    workflow.escalate(row, disposition="true_positive", comment="", actor=ANNA)

    assert TimelineEvent.objects.get().text == "Confirmed the escalation as true positive"
    assert row.closed is not None


def test_it_keeps_the_evidence_that_lay_before_the_person(simulator: Any) -> None:
    store([make_alert("203.0.113.77")])
    with Engine() as engine:
        engine.run(30)
    row = Investigation.objects.get()
    workflow.dismiss(row, disposition="noise", comment="seen before", actor=ANNA)

    automatic, person = Decision.objects.order_by("pk")
    assert (person.automatic, person.policy_id, person.comment) == (False, None, "seen before")
    assert (person.evidence, person.evidence_digest) == (automatic.evidence, automatic.evidence_digest)
    assert person.reasons[0]["text"] == "seen before"


def test_it_ends_the_work_of_the_automation(simulator: Any) -> None:
    store([make_alert("203.0.113.66")])
    with Engine() as engine:
        engine._claim()
        row = Investigation.objects.get()
        workflow.dismiss(row, disposition="duplicate", comment="", actor=ANNA)
        engine.run(10)

    row.refresh_from_db()
    assert (row.status, row.disposition, row.due) == (Status.DISMISSED, Disposition.DUPLICATE, None)
    assert not Decision.objects.filter(automatic=True).exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  two\nlines  ", "two\nlines"),
        ("a\x00b\x1b[31mc\x9b\u202ed\u200be\ud800", "ab[31mcde"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 6000, "x" * 5000),
        ("ü 🙂 日本", "ü 🙂 日本"),
    ],
)
def test_it_stores_a_comment_in_clean_words(row: Investigation, typed: str, kept: str) -> None:
    workflow.comment(row, text=typed, actor=ANNA)

    assert TimelineEvent.objects.get().text == kept
    assert AuditEvent.objects.get(action="investigation.commented").after == {"comment": kept}


@pytest.mark.parametrize("typed", ["", " \n ", "\x00\x07", "\u200b"])
def test_it_wants_words_in_a_comment(row: Investigation, typed: str) -> None:
    with pytest.raises(InvalidTransition, match="needs some words"):
        workflow.comment(row, text=typed, actor=ANNA)
