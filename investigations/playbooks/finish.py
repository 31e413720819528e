"""Write decisions: outcome, frozen evidence, timeline and audit row, in one transaction for many cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import connection, transaction

from investigations.choices import Disposition, RunStatus, Severity, Status, Targeting, TimelineKind, Verdict
from investigations.models import AuditEvent, Decision, TimelineEvent
from investigations.models.audit import AUTOMATION
from investigations.models.investigation import Settlement, settle
from investigations.playbooks import store
from investigations.playbooks.base import Run
from investigations.playbooks.brakes import dismisses, hold_back
from investigations.playbooks.proposals import store_proposals
from investigations.playbooks.recheck import recheck_flipped
from investigations.playbooks.samples import draw
from investigations.policy.decide import Decided

VERBS = {Status.ESCALATED: "Escalated", Status.DISMISSED: "Dismissed", Status.NEEDS_REVIEW: "Handed to a person"}
ARTIFACT_VERDICTS = """
UPDATE investigations_investigationartifact AS link SET verdict = v.verdict
FROM jsonb_to_recordset(%s::jsonb) AS v(investigation bigint, artifact bigint, verdict text)
WHERE link.investigation_id = v.investigation AND link.artifact_id = v.artifact"""


def finish(runs: Sequence[Run], policy_id: int, moment: datetime) -> int:
    """Settle finished runs where their fence still holds; how many were. The others leave no trace but their run."""
    with transaction.atomic():
        store.wait_for_disk()
        gate = hold_back(runs, moment)
        written = settle(_settlement(run, moment) for run in runs)
        kept = [run for run in runs if run.case.investigation in written]
        decisions = Decision.objects.bulk_create(decision_of(run, policy_id, moment) for run in kept)
        pairs = list(zip(kept, decisions, strict=True))
        if gate is not None:
            draw(gate, [(decision, run.case.fence) for run, decision in pairs if dismisses(run)], moment)
        store_proposals(pairs, policy_id, moment)
        TimelineEvent.objects.bulk_create(_timeline(run, moment) for run in kept)
        AuditEvent.objects.bulk_create(_audit(run, moment) for run in kept)
        save_verdicts(kept)
        close_runs(runs, written, moment)
        recheck_flipped(kept)
        store.count_list_hits(kept)
    return len(kept)


def _settlement(run: Run, moment: datetime) -> Settlement:
    case, decided = run.case, run.case.decided
    dismissed = decided is not None and decided.outcome == Status.DISMISSED
    return Settlement(
        investigation=case.investigation,
        fence=case.fence,
        # A playbook that never came to decide: a person gets it, whatever went wrong
        status=decided.outcome if decided else Status.NEEDS_REVIEW,
        severity=decided.severity if decided else Severity.MEDIUM,
        verdict=decided.verdict if decided else Verdict.UNKNOWN,
        targeting=decided.targeting if decided else Targeting.UNKNOWN,
        disposition=(decided.disposition or Disposition.UNDETERMINED) if decided and dismissed else "",
        headline=decided.headline if decided else "The automation could not finish this investigation",
        place=case.place,
        simulated=case.simulated,
        decided=moment,
    )


def decision_of(run: Run, policy_id: int, moment: datetime) -> Decision:
    case, decided = run.case, run.case.decided
    row = Decision(
        investigation_id=case.investigation,
        automatic=True,
        actor=AUTOMATION.name,
        decided=moment,
        policy_id=policy_id,
        evidence=case.evidence.as_json() if case.evidence else {},
        evidence_digest=_digest(run),
        flip=case.flip[:300],
    )
    if decided is None:
        row.outcome, row.severity, row.rule = Status.NEEDS_REVIEW, Severity.MEDIUM, "run-failed"
        row.reasons = [{"text": f"The run did not finish: {case.error}", "kind": "rule", "verdict": "unknown"}]
        return row
    return with_judgement(row, decided)


def with_judgement(row: Decision, decided: Decided) -> Decision:
    """The row with everything that was decided, as it is stored and replayed."""
    row.outcome, row.rule, row.severity = decided.outcome, decided.rule, decided.severity
    row.disposition, row.verdict, row.targeting = decided.disposition, decided.verdict, decided.targeting
    row.headline = decided.headline[:300]
    row.reasons = [asdict(reason) for reason in decided.reasons]
    return row


def _digest(run: Run) -> str:
    """The decision has computed it already; it costs as much as the writing."""
    if run.case.decided:
        return run.case.decided.evidence
    return run.case.evidence.digest if run.case.evidence else ""


def _timeline(run: Run, moment: datetime) -> TimelineEvent:
    decided = run.case.decided
    outcome = decided.outcome if decided else Status.NEEDS_REVIEW
    because = f" by rule {decided.rule}: {decided.reasons[0].text}" if decided and decided.reasons else ""
    return TimelineEvent(
        investigation_id=run.case.investigation,
        at=moment,
        kind=TimelineKind.DECIDED,
        actor=AUTOMATION.name,
        automatic=True,
        text=VERBS[Status(outcome)] + because,
    )


def _audit(run: Run, moment: datetime) -> AuditEvent:
    decided = run.case.decided
    after = {"status": (decided.outcome if decided else Status.NEEDS_REVIEW).value}
    if decided:
        after |= {"severity": decided.severity.value, "rule": decided.rule, "policy": decided.policy[:12]}
        after |= {"evidence": decided.evidence}
    return AuditEvent(
        at=moment,
        actor=AUTOMATION.name,
        action="investigation.decided",
        subject=f"investigation {run.case.investigation}",
        before={"status": Status.ENRICHING.value},
        after=after,
    )


def save_verdicts(runs: Sequence[Run]) -> None:
    rows = [
        {"investigation": run.case.investigation, "artifact": artifact.pk, "verdict": run.case.verdicts[value].value}
        for run in runs
        for value, artifact in run.case.artifacts.items()
        if value in run.case.verdicts
    ]
    with connection.cursor() as cursor:
        cursor.execute(ARTIFACT_VERDICTS, [json.dumps(rows)])


def close_runs(runs: Sequence[Run], written: set[int], moment: datetime) -> None:
    """Write the runs as they ended; one that was decided early and still waits for answers goes on."""
    for run in runs:
        if run.is_early and run.is_waiting and run.case.investigation in written:
            continue
        run.error = run.case.error if run.case.investigation in written else "somebody else decided first"
        run.status = RunStatus.FAILED if run.error else RunStatus.COMPLETED
        run.finished = moment
    store.save_runs(runs)
