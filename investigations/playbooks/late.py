"""Asymmetric speed: one decisive malicious answer escalates at once; what comes later only adds evidence.

An escalation that was made early stands whatever the others say. When the last answer is in, one further decision holds
the complete evidence, never milder than the first, and never over a person's word.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from investigations.choices import SEVERITY_ORDER, Outcome, Severity, TimelineKind, Verdict
from investigations.models import AuditEvent, Decision, Investigation, TimelineEvent
from investigations.models.audit import AUTOMATION
from investigations.playbooks import store
from investigations.playbooks.base import Run
from investigations.playbooks.case import Lookup
from investigations.playbooks.finish import close_runs, decision_of, save_verdicts
from investigations.playbooks.gather import gather
from investigations.playbooks.proposals import store_proposals
from investigations.playbooks.recheck import recheck_flipped
from investigations.policy.signals import is_decisive
from investigations.policy.wording import counted

GRACE = 120.0  # seconds after an investigation's time is up, when surely no worker waits for its answers any more

# What an ended worker leaves behind on an investigation that is decided: its lookups, and the run that waited for them
ABANDONED = """
WITH lost AS (
    UPDATE investigations_enrichment AS e SET outcome = 'timeout', summary = 'the worker ended', answered = now()
    FROM investigations_investigation AS i
    WHERE e.outcome = 'pending' AND e.asked < now() - make_interval(secs => %(after)s)
        AND i.id = e.investigation_id AND i.status <> 'enriching'
    RETURNING e.investigation_id),
counted AS (SELECT investigation_id, count(*) AS lookups FROM lost GROUP BY 1),
ended AS (
    UPDATE investigations_playbookrun AS r SET
        status = 'failed', finished = now(), error = 'the worker ended before all answers were in'
    FROM counted AS c
    WHERE r.investigation_id = c.investigation_id AND r.status = 'running'
        AND r.started < now() - make_interval(secs => %(after)s)
    RETURNING r.id),
steps AS (
    UPDATE investigations_playbookstep AS s SET status = 'failed', finished = now(), error = 'the worker ended'
    FROM ended WHERE s.run_id = ended.id AND s.status = 'running'),
told AS (
    INSERT INTO investigations_timelineevent (investigation_id, at, kind, actor, automatic, text)
    SELECT investigation_id, now(), 'decided', 'automation', true, 'Nobody waits any more for ' || lookups
        || CASE lookups WHEN 1 THEN ' answer' ELSE ' answers' END || ': the worker ended'
    FROM counted)
SELECT coalesce(sum(lookups), 0)::int FROM counted"""

log = structlog.get_logger(__name__)


def escalate_early(answered: Iterable[tuple[Run, Lookup]], moment: datetime) -> list[Run]:
    """The runs that are escalated on what is known now, because of one of these answers; the others go on waiting."""
    alarmed = {
        run.case.investigation: run
        for run, lookup in answered
        if _is_alarming(lookup, moment) and run.case.waiting and not run.is_early
    }
    if not alarmed:
        return []
    gather([run.case for run in alarmed.values()], moment)
    return [run for run in alarmed.values() if run.escalate_early()]


def _is_alarming(lookup: Lookup, moment: datetime) -> bool:
    """Whether an answer might escalate on its own."""
    return lookup.verdict == Verdict.MALICIOUS and is_decisive(lookup.as_answer(moment))


def add_evidence(runs: Iterable[Run], moment: datetime) -> None:
    """All answers of early escalations are in: store what they add. Call it once their steps have ended."""
    for run in runs:
        try:
            with transaction.atomic():
                store.wait_for_disk()
                _add(run, moment)
        except DatabaseError as error:
            # The escalation is written, and so are the answers
            log.error("late_evidence_failed", investigation=run.case.investigation, error=type(error).__name__)


def _add(run: Run, moment: datetime) -> None:
    case = run.case
    row = Investigation.objects.select_for_update().get(pk=case.investigation)
    last = Decision.objects.filter(investigation=row).only("automatic").latest("pk")
    if row.due is not None or (row.fence != case.fence and last.automatic):
        # It is looked at again, and what came late is part of that
        close_runs([run], set(), moment)
        return
    Investigation.objects.filter(pk=row.pk).update(place=case.place[:120], simulated=case.simulated)
    told = _answered(run)
    if last.automatic and row.assignee_id is None and row.closed is None:
        told += _decide(run, row, moment)
    _tell(run, told, moment)
    save_verdicts([run])
    recheck_flipped([run])
    close_runs([run], {row.pk}, moment)


def _decide(run: Run, row: Investigation, moment: datetime) -> str:
    """One further decision, if there is something new in it that is no milder; what to say about it."""
    decided = run.case.decided
    adds = run.case.answered > run.early_answers
    if decided is None or decided.outcome != row.status or not adds or _rank(decided.severity) < _rank(row.severity):
        return ". The escalation stands"
    [decision] = Decision.objects.bulk_create([decision_of(run, run.policy_id, moment)])
    store_proposals([(run, decision)], run.policy_id, moment)
    row.complete(decided.severity, decided.verdict, decided.targeting, decided.headline)
    AuditEvent.objects.record(
        AUTOMATION,
        "investigation.completed",
        f"investigation {row.pk}",
        before={"severity": row.severity},
        after={"severity": decided.severity.value, "rule": decided.rule, "evidence": decided.evidence},
    )
    now_graver = f", now {decided.severity.label.lower()}" if decided.severity != row.severity else ""
    return f". The escalation stands{now_graver}"


def _rank(severity: str) -> int:
    return SEVERITY_ORDER[Severity(severity)]


def _answered(run: Run) -> str:
    outcomes = [lookup.outcome for lookup in run.case.lookups if lookup.outcome != Outcome.SKIPPED]
    over = "The time is up" if Outcome.TIMEOUT in outcomes else "All answers are in"
    return f"{over}: {run.case.answered} of {counted(len(outcomes), 'lookup')} answered"


def _tell(run: Run, text: str, moment: datetime) -> None:
    TimelineEvent.objects.create(
        investigation_id=run.case.investigation,
        at=moment,
        kind=TimelineKind.DECIDED,
        actor=AUTOMATION.name,
        automatic=True,
        text=text,
    )


def give_up(runs: Iterable[Run], moment: datetime) -> None:
    """The worker stops: what has come is kept, the rest is not waited for."""
    early = [run for run in runs if run.is_early]
    store.time_out([run.case for run in early], "the worker ended")
    for run in early:
        run.end_waiting()
    add_evidence(early, moment)


def give_up_abandoned() -> int:
    """End lookups of decided investigations that no worker waits for any more: how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(ABANDONED, {"after": settings.INVESTIGATION_DEADLINE + GRACE})
        return int(cursor.fetchone()[0])
