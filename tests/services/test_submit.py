"""Manual submission: what a person pastes, who and why in the timeline, and what becomes of what is there already."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Actor, AuditEvent, Decision, Investigation, TimelineEvent
from investigations.playbooks.engine import Engine
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from investigations.services.investigations import submit, submit_values
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
ANNA = Actor("anna", user_id=7, address="192.0.2.9")


def decide() -> None:
    with Engine() as engine:
        engine.run(30)


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("203[.]0[.]113[.]7", ["203.0.113.7"]),
        ("hxxps://evil[.]com/x?y=1", ["evil.com"]),
        ("source,port,domain\n203.0.113.7,22,evil.com\n2001:db8::1,80,", ["203.0.113.7", "evil.com", "2001:db8::1"]),
        ("We saw 203.0.113.7 (and evil.com!) talk to 203.0.113.7 again.", ["203.0.113.7", "evil.com"]),
        ("user@evil.com", ["evil.com"]),
        ("2001:0DB8::0001", ["2001:db8::1"]),
        ("EVIL.COM.", ["evil.com"]),
        ("::ffff:203.0.113.7", ["203.0.113.7"]),
    ],
)
def test_it_reads_what_people_paste(pasted: str, expected: list[str]) -> None:
    result = submit(pasted, reason="", actor=ANNA)

    assert [item.value for item in result.accepted] == expected
    assert not any(item.existing for item in result.accepted)
    assert set(Investigation.objects.values_list("subject", "status", "submitted")) == {
        (value, "enriching", True) for value in expected
    }


def test_it_says_why_a_value_is_refused() -> None:
    result = submit_values(
        ["300.1.2.3", "203.0.113.0/24", "report.pdf", "just words", "203.0.113.7"], reason="", actor=ANNA
    )

    assert [item.value for item in result.accepted] == ["203.0.113.7"]
    assert {item.text: item.reason for item in result.refused} == {
        "300.1.2.3": "not an IP address",
        "203.0.113.0/24": "a network of 256 addresses: give single addresses",
        "report.pdf": "looks like a file name",
        "just words": "neither an address nor a domain",
    }


def test_it_tells_who_asked_and_why() -> None:
    submit("203.0.113.7", reason="from a\x00 phishing\x1b[2J mail", actor=ANNA)

    assert TimelineEvent.objects.get().text == "Submitted by anna: from a phishing[2J mail"
    event = AuditEvent.objects.get(action="investigation.opened")
    assert (event.actor, event.user_id, event.address) == ("anna", 7, "192.0.2.9")
    assert event.reason == "from a phishing[2J mail"


def test_it_joins_an_investigation_that_is_there() -> None:
    store([make_alert("203.0.113.7")])
    result = submit("203.0.113.7", reason="why", actor=ANNA)

    row = Investigation.objects.get()
    assert (result.accepted[0].existing, result.accepted[0].investigation_id) == (True, row.pk)
    assert (row.submitted, row.alert_count) == (True, 1)
    assert [event.kind for event in row.timeline.order_by("pk")] == ["opened", "submitted"]


def test_it_opens_another_one_after_a_silence(settings: Any) -> None:
    submit("203.0.113.7", reason="", actor=ANNA)
    Investigation.objects.update(activity=now() - timedelta(seconds=settings.GROUPING_WINDOW + 60))
    submit("203.0.113.7", reason="", actor=ANNA)

    assert Investigation.objects.count() == 2


@pytest.mark.parametrize("address", ["203.0.113.66", "198.51.100.10", "203.0.113.77"])
def test_it_looks_again_at_what_only_the_automation_has_decided(simulator: Any, address: str) -> None:
    """Escalated, dismissed, or handed over: a person asks, so the question is open again."""
    store([make_alert(address, answered=False)])
    decide()
    before = Investigation.objects.get().status
    assert before != Status.ENRICHING
    submit(address, reason="is it really?", actor=ANNA)

    row = Investigation.objects.get()
    assert (row.status, row.closed, row.disposition) == (Status.ENRICHING, None, "")
    event = AuditEvent.objects.get(action="investigation.requeued")
    assert (event.before, event.after, event.actor) == ({"status": before}, {"status": "enriching"}, "anna")
    decide()
    row.refresh_from_db()
    assert row.status != Status.ENRICHING
    assert Decision.objects.filter(automatic=True).latest("pk").investigation == row


@pytest.mark.parametrize("settled_by", ["dismissal", "claim"])
def test_it_leaves_alone_what_a_person_has_taken_up(simulator: Any, lead: Any, settled_by: str) -> None:
    store([make_alert("203.0.113.77")])
    decide()
    row = Investigation.objects.get()
    if settled_by == "dismissal":
        workflow.dismiss(row, disposition="noise", comment="", actor=ANNA)
    else:
        workflow.claim(row, user=lead, actor=ANNA)
    status = row.status
    submit("203.0.113.77", reason="again", actor=ANNA)

    row.refresh_from_db()
    assert (row.status, row.due) == (status, None)
    assert row.timeline.order_by("-pk")[0].text == "Submitted by anna: again"


@pytest.mark.django_db(transaction=True)
def test_it_opens_one_when_many_submit_the_same_at_once() -> None:
    values = [f"203.0.113.{number}" for number in range(1, 9)]

    def send(order: list[str]) -> None:
        try:
            submit("\n".join(order), reason="", actor=ANNA)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(values[::step],)) for step in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(Investigation.objects.values_list("subject", flat=True)) == values
    assert TimelineEvent.objects.count() == 4 * len(values)
