"""Dismissals are looked at again when the source goes on, or when a provider changes its mind; people's never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import (
    Actor,
    AuditEvent,
    Decision,
    Enrichment,
    Investigation,
    PolicyVersion,
    ProviderSettings,
    TimelineEvent,
    User,
)
from investigations.playbooks.engine import Engine
from investigations.playbooks.growth import follow_dismissals
from investigations.playbooks.recheck import FLIPPED
from investigations.policy.document import parse_policy
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from tests.makers import make_alert

NOISE = "192.0.2.40"
MALICIOUS = "203.0.113.66"
LEA = Actor("lea")


def drain() -> None:
    with Engine() as engine:
        engine.run(30)


def quiet_over() -> None:
    Investigation.objects.update(described=now() - timedelta(minutes=1))


@pytest.fixture
def noise(simulator: Any) -> Investigation:
    """Dismissed as Internet noise."""
    store([make_alert(NOISE, answered=False, victim_port=23)])
    drain()
    row = Investigation.objects.get()
    assert (row.status, row.decisions.get().rule) == (Status.DISMISSED, "internet-noise")
    return row


def again(row: Investigation) -> str:
    event = TimelineEvent.objects.filter(investigation=row, kind="reopened").latest("pk")
    return event.text


def test_it_looks_again_when_the_scan_outgrows_the_rule(noise: Investigation) -> None:
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=port) for port in range(1, 40)])
    quiet_over()

    assert follow_dismissals() == 1
    noise.refresh_from_db()
    assert noise.status == Status.ENRICHING
    assert again(noise) == "Looked at again: it no longer fits rule internet-noise: 39 ports"
    drain()
    noise.refresh_from_db()
    assert noise.status == Status.NEEDS_REVIEW


def test_it_stays_dismissed_while_the_rule_still_fits(noise: Investigation) -> None:
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=23)])
    quiet_over()

    assert follow_dismissals() == 0
    assert follow_dismissals() == 0  # and is not looked at twice
    assert Investigation.objects.get().status == Status.DISMISSED


def test_it_asks_again_when_the_answers_are_old(noise: Investigation) -> None:
    Decision.objects.update(decided=now() - timedelta(hours=25))
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=23)])
    quiet_over()

    assert follow_dismissals() == 1
    assert again(noise) == "Looked at again: it is back, and its answers are 25 hours old"


def test_it_never_looks_again_at_what_a_person_dismissed(noise: Investigation) -> None:
    workflow.reopen(noise, comment="hm", actor=LEA)
    workflow.dismiss(noise, disposition="noise", comment="", actor=LEA)
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=port) for port in range(1, 40)])
    quiet_over()

    assert follow_dismissals() == 0
    assert not noise.look_again("whatever")
    noise.refresh_from_db()
    assert noise.status == Status.DISMISSED


def test_it_leaves_to_a_person_what_he_holds(noise: Investigation, analyst: User) -> None:
    workflow.claim(noise, user=analyst, actor=LEA)
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=port) for port in range(1, 40)])
    quiet_over()

    assert follow_dismissals() == 0
    assert Investigation.objects.get().status == Status.DISMISSED


def test_it_looks_the_rarer_the_larger_the_scan_is(noise: Investigation) -> None:
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=port) for port in range(1, 40)])
    Investigation.objects.update(described=now() - timedelta(seconds=30), alert_count=10_000)
    assert follow_dismissals() == 0

    Investigation.objects.update(alert_count=40)
    assert follow_dismissals() == 1


def again_and_again(count: int) -> list[Investigation]:
    """So many investigations of one source that everybody calls malicious, with long silences between them."""
    for number in range(count):
        long_ago = now() - timedelta(days=60)
        Investigation.objects.update(first_alert=long_ago, last_alert=long_ago)
        store([make_alert(MALICIOUS, minutes=number, answered=False)])
    return list(Investigation.objects.order_by("pk"))


def as_if_dismissed(row: Investigation, *, days: float = 2, verdict: str = "benign") -> None:
    """What the automation would have written, had the providers spoken otherwise then."""
    moment = now() - timedelta(days=days)
    Enrichment.objects.filter(investigation=row).update(verdict=verdict, asked=moment, answered=moment)
    Decision.objects.filter(investigation=row).update(outcome="dismissed", rule="internet-noise", decided=moment)
    Investigation.objects.filter(pk=row.pk).update(
        status="dismissed", disposition="noise", closed=moment, decided=moment, due=None
    )
    row.refresh_from_db()


@pytest.fixture
def before(simulator: Any) -> Investigation:
    """Dismissed two days ago, when everybody still spoke well of it."""
    [row] = again_and_again(1)
    drain()
    as_if_dismissed(row)
    return row


def reopened(row: Investigation) -> list[str]:
    events = TimelineEvent.objects.filter(investigation=row, kind="reopened").order_by("pk")
    return list(events.values_list("text", flat=True))


def test_it_looks_again_when_a_provider_changes_its_mind(before: Investigation) -> None:
    again_and_again(1)
    drain()

    before.refresh_from_db()
    assert before.status == Status.ESCALATED
    [text] = reopened(before)
    assert text.startswith("Looked at again: ")
    assert " has changed its mind: malicious" in text
    event = AuditEvent.objects.get(action="investigation.reopened")
    assert (event.actor, event.subject, event.reason) == ("automation", f"investigation {before.pk}", text)
    assert (event.before["status"], event.after) == ("dismissed", {"status": "enriching"})


def test_it_heeds_late_answers_as_well(simulator: Any, before: Investigation) -> None:
    """GreyNoise spoke like this before, so it has not changed its mind; VirusTotal has, and is slow."""
    Enrichment.objects.exclude(provider="virustotal").update(verdict="malicious")
    simulator.set_fault("virustotal", "latency:700")
    again_and_again(1)
    drain()

    [text] = reopened(before)
    assert "VirusTotal has changed its mind" in text


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "malicious"},  # it said so before
        {"outcome": "timeout"},  # it had said nothing
        # What it said then is younger than what it says now, and is not used again: it was no simulator's
        {"asked": now() + timedelta(days=1), "simulated": False},
    ],
)
def test_it_stays_where_nobody_has_changed_his_mind(before: Investigation, change: dict[str, Any]) -> None:
    Enrichment.objects.filter(investigation=before).update(**change)
    again_and_again(1)
    drain()

    assert reopened(before) == []


@pytest.mark.parametrize("why", ["old", "a person's", "held by a person"])
def test_it_leaves_such_a_dismissal_alone(before: Investigation, analyst: User, why: str) -> None:
    if why == "old":
        as_if_dismissed(before, days=8)
    elif why == "held by a person":
        workflow.claim(before, user=analyst, actor=LEA)
    else:
        workflow.reopen(before, comment="", actor=LEA)
        workflow.dismiss(before, disposition="noise", comment="", actor=LEA)
        Enrichment.objects.filter(investigation=before).update(verdict="benign", asked=now() - timedelta(days=2))
    again_and_again(1)
    drain()

    before.refresh_from_db()
    assert before.status == Status.DISMISSED
    assert "Looked at again" not in str(reopened(before))


DISMISS_ALL = """
name = "dismiss-all"

[[rule]]
name = "all-noise"
when = "true"
outcome = "dismissed"
disposition = "noise"
quorum = ["cymru"]
reason = "All is noise"
"""


def test_it_does_not_go_round_in_circles(simulator: Any) -> None:
    """Three investigations of one source, dismissed in spite of bad answers, of which none is used again."""
    PolicyVersion.objects.update(active=False)
    PolicyVersion.objects.create(
        name="dismiss-all", document=DISMISS_ALL, digest=parse_policy(DISMISS_ALL).digest, active=True
    )
    ProviderSettings.objects.update(freshness=0)
    rows = again_and_again(2)
    drain()
    for row in rows:
        assert row.decisions.get().outcome == Status.DISMISSED
        as_if_dismissed(row)
    again_and_again(1)
    drain()
    drain()

    assert [len(reopened(row)) for row in Investigation.objects.order_by("pk")] == [1, 1, 0]
    assert set(Investigation.objects.values_list("status", flat=True)) == {"dismissed"}


def test_it_finds_what_rests_on_an_answer_without_reading_all_answers(before: Investigation) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + FLIPPED, ["[]"])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Seq Scan" not in plan
