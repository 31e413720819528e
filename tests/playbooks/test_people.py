"""A person's word is never overwritten by the automation, whichever way it comes by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.choices import Outcome, Status
from investigations.models import Actor, Decision, Enrichment, Investigation, TimelineEvent
from investigations.playbooks.engine import Engine
from investigations.playbooks.growth import follow_dismissals, follow_scans
from investigations.services import automation
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from tests.makers import make_alert

MALICIOUS = "203.0.113.66"
NOISE = "192.0.2.40"
ANNA, LEA = Actor("anna"), Actor("lea")
WORDS = ("dismiss", "escalate", "reopen")
KEPT = ("status", "severity", "disposition", "closed", "assignee_id", "judged", "headline")

type Path = Callable[[Investigation, Any], object]


def drain() -> None:
    with Engine() as engine:
        engine.run(30)


def speak(row: Investigation, word: str) -> Investigation:
    """A person decides; `reopen` takes a decision back and leaves it open."""
    row.refresh_from_db()
    if row.closed is not None:
        workflow.reopen(row, comment="wrong", actor=ANNA)
    if word == "escalate":
        workflow.escalate(row, disposition="true_positive", comment="", actor=ANNA)
    else:
        workflow.dismiss(row, disposition="authorised_scan", comment="ours", actor=ANNA)
    if word == "reopen":
        workflow.reopen(row, comment="not sure", actor=ANNA)
    return Investigation.objects.get(pk=row.pk)


def check(row: Investigation) -> None:
    after = Investigation.objects.get(pk=row.pk)
    for name in KEPT:
        assert getattr(after, name) == getattr(row, name), name
    assert after.decisions.latest("pk").actor == "anna"


def growth(row: Investigation, simulator: Any) -> None:
    grow(row.subject)
    follow_scans()


def growth_of_dismissals(row: Investigation, simulator: Any) -> None:
    grow(row.subject)
    follow_dismissals()


def answers_that_are_old(row: Investigation, simulator: Any) -> None:
    Decision.objects.update(decided=now() - timedelta(days=2))
    store([make_alert(row.subject, minutes=1, answered=False)])
    Investigation.objects.update(described=now() - timedelta(hours=1))
    follow_dismissals()


def revisit(row: Investigation, simulator: Any) -> None:
    store([make_alert(row.subject, minutes=1, answered=True, is_recon=False)])


def resubmission(row: Investigation, simulator: Any) -> None:
    workflow.submit(row.subject, reason="look", actor=LEA)
    assert TimelineEvent.objects.filter(investigation=row, kind="submitted").exists()


def recheck_after_a_flip(row: Investigation, simulator: Any) -> None:
    """Another investigation of this source learns that everybody calls it malicious by now."""
    long_ago = now() - timedelta(days=2)
    Enrichment.objects.update(verdict="benign", asked=long_ago)
    Investigation.objects.update(first_alert=now() - timedelta(days=60), last_alert=now() - timedelta(days=60))
    store([make_alert(MALICIOUS, minutes=1, answered=False)])


def undo_of_every_rule(row: Investigation, simulator: Any) -> None:
    for rule in set(Decision.objects.values_list("rule", flat=True)) - {""}:
        automation.undo(rule, since=now() - timedelta(days=9), reason="all wrong", actor=LEA)


def grow(subject: str) -> None:
    store([make_alert(subject, minutes=1, answered=True, victim_port=port) for port in range(1, 60)])
    Investigation.objects.update(described=now() - timedelta(hours=1))


PATHS = (growth, growth_of_dismissals, answers_that_are_old, revisit, resubmission, undo_of_every_rule)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
def test_it_leaves_a_decided_investigation_to_people(simulator: Any, path: Path, word: str) -> None:
    store([make_alert(NOISE, answered=False)])
    drain()
    row = Investigation.objects.get()
    assert row.status == Status.DISMISSED
    row = speak(row, word)
    path(row, simulator)
    drain()

    after = Investigation.objects.get(pk=row.pk)
    if path in (growth, growth_of_dismissals) and word == "reopen":
        row.headline = after.headline  # what is open is described anew
    check(row)


@pytest.mark.parametrize("word", WORDS)
def test_it_rechecks_nothing_that_a_person_has_decided(simulator: Any, word: str) -> None:
    store([make_alert(MALICIOUS, answered=False)])
    drain()
    row = speak(Investigation.objects.get(), word)
    recheck_after_a_flip(row, simulator)
    drain()

    assert Investigation.objects.count() == 2
    check(row)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("address", [MALICIOUS, NOISE])
def test_it_settles_nothing_that_a_person_has_decided_meanwhile(simulator: Any, word: str, address: str) -> None:
    """While it is enriching: neither at once on a decisive answer, nor when all answers are in."""
    simulator.set_fault("abuseipdb", "latency:500")
    store([make_alert(address, answered=False)])
    with Engine() as engine:
        engine._claim()
        row = speak(Investigation.objects.get(), word)
        engine.run(10)
        assert engine.settled == 0

    check(row)
    assert not Decision.objects.filter(automatic=True).exists()


def test_it_keeps_no_lookup_waiting_for_what_a_person_has_decided(simulator: Any, settings: Any) -> None:
    settings.LEASE_SECONDS = 0.3  # so that it learns of it soon
    simulator.set_fault("virustotal", "latency:1500")
    store([make_alert(NOISE, answered=False)])
    with Engine() as engine:
        engine._claim()
        workflow.dismiss(Investigation.objects.get(), disposition="noise", comment="", actor=ANNA)
        engine.run(10)

    assert not Enrichment.objects.filter(outcome=Outcome.PENDING).exists()
    late = Enrichment.objects.get(provider="virustotal", artifact__value=NOISE)
    assert (late.outcome, late.summary) == (Outcome.TIMEOUT, "a person decided before it answered")
