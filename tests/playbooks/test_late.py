"""One decisive malicious answer escalates at once; later answers only add evidence."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from investigations.choices import Outcome, RunStatus, Severity, Status
from investigations.models import (
    Actor,
    AuditEvent,
    Enrichment,
    Investigation,
    PlaybookRun,
    ProviderSettings,
    TimelineEvent,
    User,
)
from investigations.playbooks.engine import Engine
from investigations.playbooks.late import give_up_abandoned
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from investigations.services.replay import replay
from tests.makers import make_alert

MALICIOUS = "203.0.113.66"
SLOW = 1500  # milliseconds
LEA = Actor("lea")


def drain() -> None:
    with Engine() as engine:
        engine.run(30)


def while_it_waits(action: Any) -> None:
    """Run the engine, and do something as soon as the investigation is escalated while lookups are still pending."""
    done: list[bool] = []

    def watch() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            row = Investigation.objects.get()
            if row.status == Status.ESCALATED and row.enrichments.filter(outcome=Outcome.PENDING).exists():
                action(row)
                done.append(True)
                break
            time.sleep(0.02)
        connection.close()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    drain()
    watcher.join(25)
    assert done, "it was not escalated before all answers were in"


@pytest.fixture
def waiting(simulator: Any) -> Any:
    for name in ("virustotal", "abuseipdb"):
        simulator.set_fault(name, f"latency:{SLOW}")
    store([make_alert(MALICIOUS, answered=False)])
    return simulator


def test_it_escalates_before_the_slow_ones_answer(waiting: Any) -> None:
    seen: dict[str, Any] = {}

    def look(row: Investigation) -> None:
        decision = row.decisions.get()
        pending = {answer["provider"] for answer in decision.evidence["answers"] if answer["outcome"] == "pending"}
        seen.update(outcome=decision.outcome, pending=pending)

    while_it_waits(look)

    assert seen["outcome"] == Status.ESCALATED
    assert {"virustotal", "abuseipdb"} <= seen["pending"]


def test_it_adds_what_comes_later_as_evidence(waiting: Any) -> None:
    drain()

    row = Investigation.objects.get()
    first, last = row.decisions.order_by("pk")
    assert not Enrichment.objects.filter(outcome=Outcome.PENDING).exists()
    assert len(last.evidence["answers"]) >= len(first.evidence["answers"])
    assert {answer["outcome"] for answer in last.evidence["answers"]} <= {"ok", "not_found", "skipped"}
    assert (last.outcome, row.status) == (Status.ESCALATED, Status.ESCALATED)
    assert replay(first).same and replay(last).same
    assert TimelineEvent.objects.filter(text__startswith="All answers are in").count() == 1
    assert AuditEvent.objects.filter(action="investigation.completed").count() == 1
    assert PlaybookRun.objects.get().status == RunStatus.COMPLETED


def test_it_escalates_nothing_else_early(simulator: Any) -> None:
    simulator.set_fault("abuseipdb", f"latency:{SLOW}")
    store([make_alert("198.51.100.10", answered=False), make_alert("203.0.113.77", answered=False)])
    drain()

    for row in Investigation.objects.all():
        assert row.decisions.count() == 1
        assert not any(answer["outcome"] == "pending" for answer in row.decisions.get().evidence["answers"])


@pytest.mark.parametrize("word", ["dismiss", "claim"])
def test_it_leaves_a_persons_word_alone(waiting: Any, word: str) -> None:
    user = User.objects.create_user("lea", role="lead")

    def act(row: Investigation) -> None:
        if word == "dismiss":
            workflow.dismiss(row, disposition="noise", comment="ours", actor=LEA)
        else:
            workflow.claim(row, user=user, actor=LEA)

    while_it_waits(act)

    row = Investigation.objects.get()
    assert row.decisions.filter(automatic=True).count() == 1
    assert row.status == (Status.DISMISSED if word == "dismiss" else Status.ESCALATED)
    assert row.assignee == (None if word == "dismiss" else user)


def test_it_never_lowers_what_it_has_escalated(waiting: Any) -> None:
    def raise_it(row: Investigation) -> None:
        Investigation.objects.filter(pk=row.pk).update(severity=Severity.CRITICAL)

    while_it_waits(raise_it)

    assert Investigation.objects.get().severity == Severity.CRITICAL
    assert TimelineEvent.objects.filter(text__contains="The escalation stands").exists()


def test_it_ends_at_the_deadline_with_what_there_is(simulator: Any, settings: Any) -> None:
    settings.INVESTIGATION_DEADLINE = 2
    ProviderSettings.objects.update(timeout=20)
    simulator.set_fault("virustotal", "timeout")
    store([make_alert(MALICIOUS)])
    drain()

    row = Investigation.objects.get()
    assert row.status == Status.ESCALATED
    assert row.enrichments.get(provider="virustotal", artifact__value=MALICIOUS).outcome == Outcome.TIMEOUT


def test_it_gives_up_lookups_that_a_dead_worker_left(waiting: Any) -> None:
    drain()
    Enrichment.objects.filter(provider="virustotal").update(outcome="pending", asked=now() - timedelta(minutes=6))
    Enrichment.objects.filter(provider="abuseipdb").update(outcome="pending")

    assert give_up_abandoned() > 0
    assert {row.outcome for row in Enrichment.objects.filter(provider="virustotal")} == {"timeout"}
    assert {row.outcome for row in Enrichment.objects.filter(provider="abuseipdb")} == {"pending"}
