"""Dismissals are looked at again when the source goes on, or when a provider changes its mind; people's never."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Actor, AuditEvent, Decision, Enrichment, Investigation, TimelineEvent
from investigations.playbooks.engine import Engine
from investigations.playbooks.growth import follow_dismissals
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from tests.makers import make_alert

NOISE = "192.0.2.40"
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
    assert again(noise) == "Looked at again: it no longer fits rule internet-noise (40 alerts, 39 ports, 1 address)"
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


def flipped(noise: Investigation) -> Investigation:
    """The same source comes back much later, and GreyNoise calls it malicious now."""
    Investigation.objects.filter(pk=noise.pk).update(last_alert=now() - timedelta(days=60), first_alert=None)
    Enrichment.objects.filter(investigation=noise).update(asked=now() - timedelta(days=2))
    store([make_alert(NOISE, minutes=1, answered=False, victim_port=23)])
    other = Investigation.objects.exclude(pk=noise.pk).get()
    return other


def test_it_looks_again_when_a_provider_changes_its_mind(simulator: Any, noise: Investigation) -> None:
    other = flipped(noise)
    # What the provider said then was milder than what it says now
    Enrichment.objects.filter(investigation=noise, artifact__value=NOISE).update(verdict="benign")
    from investigations.playbooks import recheck
    from investigations.playbooks.case import Lookup

    drain()
    answer = Enrichment.objects.get(investigation=other, provider="greynoise", artifact__value=NOISE)
    lookup = Lookup(
        artifact=type("A", (), {"pk": answer.artifact_id, "value": NOISE})(),  # type: ignore[arg-type]
        provider="greynoise",
        label="GreyNoise",
        reputation=True,
        verdict="malicious",  # type: ignore[arg-type]
        summary="malicious: Mirai",
        asked=now(),
    )
    run = type("R", (), {"case": type("C", (), {"investigation": other.pk, "lookups": [lookup]})()})()

    assert recheck.recheck_flipped([run]) == 1
    noise.refresh_from_db()
    assert noise.status == Status.ENRICHING
    assert again(noise) == "Looked at again: GreyNoise has changed its mind: malicious: Mirai"
    assert AuditEvent.objects.filter(action="investigation.reopened", actor="automation").count() == 1
    assert recheck.recheck_flipped([run]) == 0


def test_it_does_not_go_round_in_circles(simulator: Any, noise: Investigation) -> None:
    flipped(noise)
    drain()
    drain()

    assert not Investigation.objects.filter(status=Status.ENRICHING).exists()
    assert TimelineEvent.objects.filter(kind="reopened").count() <= 1
