"""Scans that go on after the decision: described anew, raised where that is due, never lowered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from investigations.choices import Disposition, Severity, Status
from investigations.models import Actor, AuditEvent, Investigation
from investigations.playbooks.engine import Engine
from investigations.playbooks.growth import follow_scans
from investigations.services.ingest import store
from investigations.services.investigations import dismiss, escalate
from investigations.services.replay import replay
from tests.makers import make_alert

MALICIOUS = "203.0.113.66"


@pytest.fixture
def decided(simulator) -> Investigation:
    store([make_alert(MALICIOUS, answered=False)])
    with Engine() as engine:
        engine.run(30)
    simulator.clear()
    return Investigation.objects.get()


def grow(*alerts: object) -> Investigation:
    store(alerts)
    # As if the quiet time were over
    Investigation.objects.update(described=now() - timedelta(minutes=1))
    follow_scans()
    return Investigation.objects.get()


def test_it_says_what_the_scan_has_become(decided):
    before, count = decided.headline, decided.decisions.count()
    grown = grow(*[make_alert(MALICIOUS, minutes=n, victim=f"10.20.0.{n}", answered=False) for n in range(10, 25)])

    assert before != grown.headline
    assert "16 of our hosts" in grown.headline
    assert grown.decisions.count() == count


def test_it_raises_when_something_answers(simulator, decided):
    assert decided.severity != Severity.HIGH
    grown = grow(make_alert(MALICIOUS, minutes=1, answered=True))

    assert (grown.status, grown.severity) == (Status.ESCALATED, Severity.HIGH)
    last = grown.decisions.order_by("pk").last()
    assert last.automatic
    assert replay(last).same
    assert AuditEvent.objects.filter(action="investigation.raised").count() == 1
    # On the answers that are there: nobody is asked again
    assert simulator.requests == []


def test_it_never_lowers(decided):
    count = decided.decisions.count()
    Investigation.objects.update(severity=Severity.CRITICAL)
    grown = grow(make_alert(MALICIOUS, minutes=1, answered=True))

    assert grown.severity == Severity.CRITICAL
    assert grown.decisions.count() == count


def test_it_only_describes_what_a_person_holds(decided, analyst):
    decided.assign(analyst.pk, Actor("anna"), "Claimed by anna")
    grown = grow(make_alert(MALICIOUS, minutes=1, answered=True, victim_port=23))

    assert grown.severity == decided.severity
    assert "answered" in grown.headline


@pytest.mark.parametrize("action", [escalate, dismiss])
def test_it_leaves_alone_what_a_person_decided(decided, action):
    action(decided, disposition=Disposition.UNDETERMINED, comment="", actor=Actor("anna"))
    grown = grow(make_alert(MALICIOUS, minutes=1, answered=True, victim_port=23))

    assert (grown.status, grown.severity, grown.headline) == (decided.status, decided.severity, decided.headline)


def test_it_waits_between_two_looks(decided):
    store([make_alert(MALICIOUS, minutes=1, answered=True)])
    assert follow_scans() == 0
