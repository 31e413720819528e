"""Asymmetric speed: one decisive malicious answer escalates at once; what comes later only adds evidence.

An escalation that was made early stands whatever the others say. When the last answer is in, one further decision holds
the complete evidence, never milder than the first, and never over a person's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from investigations.choices import SEVERITY_ORDER, Outcome, Severity, Status, TimelineKind, Verdict
from investigations.models import AuditEvent, Decision, Investigation, TimelineEvent
from investigations.models.audit import AUTOMATION
from investigations.playbooks import store
from investigations.playbooks.base import Run
from investigations.playbooks.case import Lookup
from investigations.playbooks.finish import close_runs, decision_of, finish, save_verdicts
from investigations.playbooks.gather import gather
from investigations.policy.decide import Decided, outcome_of
from investigations.policy.signals import is_decisive
from investigations.policy.wording import counted

GIVEN_UP = 300.0  # seconds after which a lookup of a settled investigation has no worker any more

ABANDONED = """
UPDATE investigations_enrichment AS e SET outcome = 'timeout', summary = 'the worker ended', answered = now()
FROM investigations_investigation AS i
WHERE e.outcome = 'pending' AND e.asked < now() - make_interval(secs => %s)
    AND i.id = e.investigation_id AND i.status <> 'enriching'"""


def is_alarming(lookup: Lookup, moment: datetime) -> bool:
    """Whether an answer might escalate on its own."""
    return lookup.verdict == Verdict.MALICIOUS and is_decisive(lookup.as_answer(moment))


def escalate_early(runs: Sequence[Run], policy_id: int, moment: datetime) -> list[Run]:
    """Settle those that are escalated on what is known now; the others go on waiting. Returns the settled ones."""
    gather([run.case for run in runs], moment)
    certain = [run for run in runs if outcome_of(run.playbook.policy, run.case.freeze(moment)) == Status.ESCALATED]
    for run in certain:
        run.decide_early()
    if certain:
        finish(certain, policy_id, moment)
    return certain


def add_evidence(runs: Iterable[Run], policy_id: int, moment: datetime) -> None:
    """All answers of early escalations are in: store what they add. Call it once their steps have ended."""
    for run in runs:
        with transaction.atomic():
            store.wait_for_disk()
            _add(run, policy_id, moment)
            save_verdicts([run])
            close_runs([run], {run.case.investigation}, moment)


def _add(run: Run, policy_id: int, moment: datetime) -> None:
    row = Investigation.objects.select_for_update().get(pk=run.case.investigation)
    last = Decision.objects.filter(investigation=row).defer("evidence", "reasons").latest("pk")
    decided, stands = run.case.decided, f"All answers are in: {_answered(run)}. The escalation stands"
    ours = last.automatic and row.fence == run.case.fence and row.assignee_id is None and row.closed is None
    if decided is None or not ours or not _is_as_grave(decided, row):
        _tell(run, stands, moment)
        return
    Decision.objects.bulk_create([decision_of(run, policy_id, moment)])
    raised = decided.severity != row.severity
    _tell(run, f"{stands}, now {decided.severity.label.lower()}" if raised else stands, moment)
    before = {"severity": row.severity}
    row.complete(decided.severity, decided.verdict, decided.targeting, decided.headline, run.case.place)
    AuditEvent.objects.record(
        AUTOMATION,
        "investigation.completed",
        f"investigation {row.pk}",
        before=before,
        after={"severity": decided.severity.value, "rule": decided.rule, "evidence": decided.evidence},
    )


def _is_as_grave(decided: Decided, row: Investigation) -> bool:
    rank = SEVERITY_ORDER[decided.severity] >= SEVERITY_ORDER[Severity(row.severity)]
    return decided.outcome == row.status == Status.ESCALATED and rank


def _answered(run: Run) -> str:
    asked = [lookup for lookup in run.case.lookups if lookup.outcome != Outcome.SKIPPED]
    answered = sum(lookup.outcome in (Outcome.OK, Outcome.NOT_FOUND) for lookup in asked)
    return f"{answered} of {counted(len(asked), 'lookup')}"


def _tell(run: Run, text: str, moment: datetime) -> None:
    TimelineEvent.objects.create(
        investigation_id=run.case.investigation,
        at=moment,
        kind=TimelineKind.DECIDED,
        actor=AUTOMATION.name,
        automatic=True,
        text=text,
    )


def give_up_abandoned() -> int:
    """Lookups of settled investigations that no worker waits for any more: how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(ABANDONED, [GIVEN_UP])
        return int(cursor.rowcount)
