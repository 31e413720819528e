"""One decisive malicious answer escalates at once; later answers only add evidence."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.choices import Outcome, RunStatus, Severity, Status
from investigations.models import (
    Actor,
    AuditEvent,
    Decision,
    Enrichment,
    Investigation,
    PlaybookRun,
    PlaybookStep,
    PolicyVersion,
    ProviderSettings,
    TimelineEvent,
    User,
)
from investigations.playbooks import PLAYBOOKS
from investigations.playbooks.base import Output
from investigations.playbooks.case import Case
from investigations.playbooks.engine import Engine
from investigations.playbooks.growth import follow_scans
from investigations.playbooks.late import give_up_abandoned
from investigations.playbooks.recon import ReconTriage
from investigations.policy.document import parse_policy
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from investigations.services.replay import replay
from tests.makers import make_alert

MALICIOUS = "203.0.113.66"
SLOW = 1500  # milliseconds
LEA = Actor("lea")


def drain() -> int:
    with Engine() as engine:
        return engine.run(30)


def while_it_waits(action: Any) -> None:
    """Run the engine, and do something as soon as the investigation is escalated while lookups are still pending."""
    done: list[bool] = []

    def watch() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            row = Investigation.objects.get(subject=MALICIOUS)
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


@pytest.mark.parametrize("word", ["dismiss", "escalate", "reopen", "claim"])
def test_it_leaves_a_persons_word_alone(waiting: Any, word: str) -> None:
    user = User.objects.create_user("lea", role="lead")
    seen: list[Investigation] = []

    def act(row: Investigation) -> None:
        if word == "dismiss":
            workflow.dismiss(row, disposition="noise", comment="ours", actor=LEA)
        elif word == "claim":
            workflow.claim(row, user=user, actor=LEA)
        else:
            workflow.escalate(row, disposition="true_positive", comment="", actor=LEA)
            if word == "reopen":
                workflow.reopen(row, comment="not sure", actor=LEA)
        seen.append(Investigation.objects.get())

    while_it_waits(act)

    row = Investigation.objects.get()
    assert row.decisions.filter(automatic=True).count() == 1
    assert "stands" not in TimelineEvent.objects.get(text__startswith="All answers are in").text
    for name in ("status", "severity", "disposition", "closed", "assignee", "headline", "fence"):
        assert getattr(row, name) == getattr(seen[0], name), name


def test_it_keeps_answers_that_come_after_a_persons_word(waiting: Any) -> None:
    while_it_waits(lambda row: workflow.dismiss(row, disposition="noise", comment="", actor=LEA))

    assert set(Enrichment.objects.values_list("outcome", flat=True)) <= {"ok", "not_found"}
    assert Enrichment.objects.filter(provider="virustotal", verdict="malicious").exists()


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


def test_it_counts_an_investigation_once(waiting: Any) -> None:
    assert drain() == 1


def test_it_escalates_at_once_on_an_answer_that_is_known_already(waiting: Any) -> None:
    """GreyNoise's answer is cached from another investigation of the same source; the others still think."""
    drain()
    Investigation.objects.update(last_alert=now() - timedelta(days=60), first_alert=None)
    Enrichment.objects.exclude(provider="greynoise").update(asked=now() - timedelta(days=60))
    store([make_alert(MALICIOUS, minutes=1, answered=False)])
    drain()

    first = Investigation.objects.latest("pk").decisions.earliest("pk")
    by_provider = {answer["provider"]: answer["outcome"] for answer in first.evidence["answers"]}
    assert (first.outcome, by_provider["greynoise"]) == (Status.ESCALATED, "ok")
    assert by_provider["virustotal"] == by_provider["abuseipdb"] == "pending"


def test_it_decides_no_second_time_when_nothing_new_came(simulator: Any, settings: Any) -> None:
    settings.INVESTIGATION_DEADLINE = 2
    ProviderSettings.objects.update(timeout=20)
    for name in set(ProviderSettings.objects.values_list("name", flat=True)) - {"greynoise", "warninglists"}:
        simulator.set_fault(name, "timeout")
    store([make_alert(MALICIOUS, answered=False)])
    drain()

    decision = Investigation.objects.get().decisions.get()
    assert decision.outcome == Status.ESCALATED
    assert TimelineEvent.objects.latest("pk").text == ("The time is up: 2 of 8 lookups answered. The escalation stands")
    assert PlaybookRun.objects.get().status == RunStatus.COMPLETED


OTHER_POLICY = """
name = "people"

[[rule]]
name = "all-to-people"
when = "true"
outcome = "needs_review"
reason = "A person decides"
"""


def test_it_names_the_policy_that_it_was_judged_by(waiting: Any, monkeypatch: Any) -> None:
    """Another version comes into force while the slow ones think."""
    monkeypatch.setattr("investigations.playbooks.engine.RELOAD", 0.0)
    old = PolicyVersion.objects.get(active=True)
    store([make_alert("192.0.2.41", answered=False)])

    def activate(row: Investigation) -> None:
        PolicyVersion.objects.update(active=False)
        digest = parse_policy(OTHER_POLICY).digest
        PolicyVersion.objects.create(name="people", document=OTHER_POLICY, digest=digest, active=True)
        store([make_alert("192.0.2.40", answered=False)])

    while_it_waits(activate)

    rows = list(Decision.objects.select_related("policy").order_by("pk"))
    by_source = {row.investigation.subject: row.policy for row in rows}
    assert by_source[MALICIOUS] == by_source["192.0.2.41"] == old
    assert by_source["192.0.2.40"] != old
    assert len(rows) == 4
    assert all(replay(row).same for row in rows)


def test_it_says_what_growth_has_raised_meanwhile(waiting: Any) -> None:
    def grow(row: Investigation) -> None:
        store([make_alert(MALICIOUS, minutes=1, answered=True)])
        Investigation.objects.update(described=now() - timedelta(minutes=1))
        assert follow_scans() == 1

    while_it_waits(grow)

    row = Investigation.objects.get()
    assert (row.status, row.severity) == (Status.ESCALATED, Severity.HIGH)
    decisions = list(row.decisions.order_by("pk"))
    assert [decision.severity for decision in decisions[1:]] == ["high", "high"]
    assert decisions[-1].evidence["scan"]["answered"] is True
    assert all(replay(decision).same for decision in decisions)


def test_it_adds_nothing_to_what_another_worker_looks_at(waiting: Any) -> None:
    def take_over(row: Investigation) -> None:
        with transaction.atomic():
            workflow.submit(MALICIOUS, reason="is it?", actor=LEA)
            Investigation.objects.update(due=now() - timedelta(minutes=1))  # before this transaction's clock
            assert Investigation.objects.claim(1, 60)

    while_it_waits(take_over)

    row = Investigation.objects.get()
    assert (row.status, row.decisions.count()) == (Status.ENRICHING, 1)
    assert not TimelineEvent.objects.filter(text__contains="lookups answered").exists()
    assert PlaybookRun.objects.get().status == RunStatus.FAILED


def test_it_leaves_the_rest_to_a_run_that_somebody_asked_for(waiting: Any) -> None:
    while_it_waits(lambda row: workflow.submit(MALICIOUS, reason="is it?", actor=LEA))

    row = Investigation.objects.get()
    assert row.status == Status.ESCALATED
    assert [run.status for run in PlaybookRun.objects.order_by("fence")][-1] == RunStatus.COMPLETED
    assert not row.enrichments.filter(outcome=Outcome.PENDING).exists()
    assert TimelineEvent.objects.filter(text__startswith="All answers are in").count() <= 1


class Otherwise(ReconTriage):
    """A site's own playbook that decides in a way of its own."""

    def decide(self, case: Case) -> Output:
        output = super().decide(case)
        assert case.decided is not None
        case.decided = replace(case.decided, outcome=Status.DISMISSED, rule="internet-noise", disposition="noise")
        return output


class Broken(ReconTriage):
    """It breaks where answers are missing."""

    def judge(self, case: Case) -> Output:
        if case.waiting:
            raise KeyError("virustotal")
        return super().judge(case)


class HasMoreToDo(ReconTriage):
    steps = ("collect_artifacts", "enrich", "report", "judge", "decide", "act")

    def report(self, case: Case) -> Output:
        return {"waiting": len(case.waiting)}


@pytest.mark.parametrize("playbook", [Otherwise, Broken, HasMoreToDo])
def test_it_hurries_no_playbook_that_cannot_be(waiting: Any, monkeypatch: Any, playbook: type[ReconTriage]) -> None:
    monkeypatch.setitem(PLAYBOOKS, ReconTriage.name, playbook)
    store([make_alert("198.51.100.10", answered=False)])
    drain()

    decisions = list(Decision.objects.all())
    assert len(decisions) == 2
    assert not any(answer["outcome"] == "pending" for one in decisions for answer in one.evidence["answers"])
    assert not PlaybookStep.objects.filter(status="failed").exists()


def test_it_tells_when_a_worker_ends_while_answers_are_late(waiting: Any) -> None:
    """As after a kill: the decision is there, the worker is not."""
    engine = Engine()
    with pytest.raises(KeyboardInterrupt), engine:
        engine._end_waiting = killed_once_it_is_early(engine)  # type: ignore[method-assign]
        engine.run(30)
    row = Investigation.objects.get()
    assert (row.status, row.due) == (Status.ESCALATED, None)
    assert give_up_abandoned() == 0  # somebody may still wait
    long_ago = now() - timedelta(minutes=10)
    Enrichment.objects.filter(outcome="pending").update(asked=long_ago)
    PlaybookRun.objects.update(started=long_ago)

    assert give_up_abandoned() > 0
    assert give_up_abandoned() == 0
    late = row.enrichments.get(provider="virustotal", artifact__value=MALICIOUS)
    assert (late.outcome, late.summary) == (Outcome.TIMEOUT, "the worker ended")
    assert PlaybookRun.objects.get().status == RunStatus.FAILED
    assert not PlaybookStep.objects.filter(status="running").exists()
    assert "the worker ended" in TimelineEvent.objects.latest("pk").text
    assert row.decisions.count() == 1


def test_it_keeps_what_has_come_when_it_is_told_to_stop(waiting: Any) -> None:
    stop = threading.Event()
    with Engine(stop) as engine:
        engine._end_waiting = lambda: stop.set() if any(run.is_early for run in engine.runs.values()) else None  # type: ignore[func-returns-value, method-assign]
        engine.run(30)

    row = Investigation.objects.get()
    assert (row.status, row.due) == (Status.ESCALATED, None)
    assert set(row.enrichments.filter(outcome=Outcome.TIMEOUT).values_list("summary", flat=True)) == {
        "the worker ended"
    }
    assert not row.enrichments.filter(outcome=Outcome.PENDING).exists()
    assert TimelineEvent.objects.latest("pk").text.startswith("The time is up")
    assert PlaybookRun.objects.get().status == RunStatus.COMPLETED


def killed_once_it_is_early(engine: Engine) -> Any:
    def end() -> None:
        if any(run.is_early for run in engine.runs.values()):
            raise KeyboardInterrupt

    return end
