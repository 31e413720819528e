"""A dismissal holds while hits repeat; it is looked at again when the source does what it had not done before."""

from __future__ import annotations

from typing import Any

import pytest

from investigations.choices import Status
from investigations.models import Actor, AuditEvent, Decision, Investigation, TimelineEvent
from investigations.playbooks.engine import Engine
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from tests.makers import make_alert

KNOWN_SCANNER = "198.51.100.10"  # dismissed by the automation


def decide() -> None:
    with Engine() as engine:
        engine.run(30)


@pytest.fixture
def row(simulator: Any) -> Investigation:
    store([make_alert(KNOWN_SCANNER, answered=False)])
    decide()
    row = Investigation.objects.get()
    assert (row.status, row.due) == (Status.DISMISSED, None)
    return row


def arrives(minutes: int, **changes: Any) -> Investigation:
    store([make_alert(KNOWN_SCANNER, minutes=minutes, **changes)])
    return Investigation.objects.get()


def reopenings() -> list[str]:
    return list(TimelineEvent.objects.filter(kind="reopened").order_by("pk").values_list("text", flat=True))


def test_it_holds_while_the_same_repeats(row: Investigation) -> None:
    for minutes in range(1, 4):
        again = arrives(minutes, answered=False)
        assert (again.status, again.due) == (Status.DISMISSED, None)
    assert again.alert_count == 4
    assert not reopenings()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"is_recon": False, "answered": False}, "Looked at again: an alert goes beyond reconnaissance"),
        ({"answered": True}, "Looked at again: something of ours answered"),
    ],
)
def test_it_is_looked_at_again_for_something_new(row: Investigation, change: dict[str, Any], text: str) -> None:
    again = arrives(1, **change)

    assert (again.status, again.disposition, again.closed) == (Status.ENRICHING, "", None)
    assert again.due is not None
    assert reopenings() == [text]
    event = AuditEvent.objects.get(action="investigation.reopened")
    assert (event.actor, event.subject) == ("automation", f"investigation {row.pk}")
    assert (event.before["status"], event.after) == ("dismissed", {"status": "enriching"})


def test_it_does_not_loop_when_the_new_repeats(row: Investigation) -> None:
    for minutes in range(1, 4):
        arrives(minutes, answered=True)
        decide()
    assert len(reopenings()) <= 1
    for minutes in range(4, 7):
        arrives(minutes, answered=True, is_recon=False)
        decide()

    # Once for each kind of news at the most, however often it comes
    assert len(reopenings()) <= 2
    assert Decision.objects.count() == 1 + len(reopenings())
    assert Investigation.objects.get().status != Status.ENRICHING


def test_it_never_touches_the_dismissal_of_a_person(row: Investigation) -> None:
    anna = Actor("anna")
    workflow.reopen(row, comment="", actor=anna)
    workflow.dismiss(row, disposition="authorised_scan", comment="our own", actor=anna)
    again = arrives(1, answered=True, is_recon=False)

    assert (again.status, again.disposition, again.due) == (Status.DISMISSED, "authorised_scan", None)
    assert AuditEvent.objects.filter(action="investigation.reopened", actor="automation").count() == 0


def test_it_leaves_an_open_investigation_to_its_people(simulator: Any) -> None:
    store([make_alert("203.0.113.77")])
    decide()
    store([make_alert("203.0.113.77", minutes=1, answered=True, is_recon=False)])

    row = Investigation.objects.get()
    assert (row.status, row.due) == (Status.NEEDS_REVIEW, None)
