"""A scan goes on after the decision: say what it has become, and judge the same answers with it again.

This may raise an open investigation, never lower it; it asks nobody, and never touches what a person decided. What a
person holds is only described anew. A dismissal that would not be made any more is investigated anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from investigations.choices import SEVERITY_ORDER, Severity, Status, TimelineKind
from investigations.models import AuditEvent, Decision, Investigation, TimelineEvent
from investigations.models.audit import AUTOMATION
from investigations.playbooks.case import stamp
from investigations.playbooks.finish import with_judgement
from investigations.playbooks.gather import lists_by_now
from investigations.policy.decide import Decided, decide
from investigations.policy.document import Policy
from investigations.policy.evidence import Evidence, Listed, ScanFacts
from investigations.policy.flips import nearest_flip
from investigations.policy.outgrown import outgrown
from investigations.policy.wording import counted
from investigations.queries.policies import active_policy
from investigations.queries.scan import scan_facts

BATCH = 50
QUIET = 10.0  # seconds between two looks at one investigation
RANK = {Status.NEEDS_REVIEW: 0, Status.ESCALATED: 1}


def follow_scans(limit: int = BATCH) -> int:
    """Look at open investigations whose alerts went on arriving; how many were looked at."""
    with transaction.atomic():
        rows = Investigation.objects.take_grown(limit, QUIET)
        if not rows:
            return 0
        number, policy = active_policy()
        scans = scan_facts([row.pk for row in rows])
        lists = lists_by_now(rows, scans, now())
        latest = _latest_decisions([row.pk for row in rows])
        for row in rows:
            _follow(row, latest.get(row.pk), scans[row.pk], lists.get(row.pk, ()), (number, policy))
    return len(rows)


def follow_dismissals(limit: int = BATCH) -> int:
    """Look at automatic dismissals whose alerts went on; how many are investigated anew.

    One is, when the rules would not dismiss it any more with what the scan has become, or when its answers are old.
    """
    again = 0
    with transaction.atomic():
        rows = Investigation.objects.take_grown_dismissals(limit, QUIET)
        if not rows:
            return 0
        policy = active_policy()[1]
        scans = scan_facts([row.pk for row in rows])
        lists = lists_by_now(rows, scans, now())
        latest = _latest_decisions([row.pk for row in rows])
        for row in rows:
            reason = _why_again(latest.get(row.pk), scans[row.pk], lists.get(row.pk, ()), policy)
            again += bool(reason and row.look_again(f"Looked at again: {reason}"))
    return again


def _why_again(last: Decision | None, scan: ScanFacts, lists: tuple[Listed, ...], policy: Policy) -> str:
    if last is None or not last.automatic or not last.evidence:
        return ""
    age = now() - last.decided
    if age > timedelta(seconds=settings.RECHECK_AFTER):
        return f"it is back, and its answers are {counted(int(age.total_seconds() // 3600), 'hour')} old"
    before = Evidence.from_json(last.evidence)
    why = outgrown(policy, before, replace(before, scan=scan, lists=lists, decided=stamp(now())))
    return f"it no longer fits rule {last.rule}: {why}" if why else ""


def _latest_decisions(ids: list[int]) -> dict[int, Decision]:
    """With their evidence, which the lists of pages leave out."""
    rows = Decision.objects.filter(investigation__in=ids).order_by("investigation", "-pk").distinct("investigation")
    return {row.investigation_id: row for row in rows}


def _follow(
    row: Investigation, last: Decision | None, scan: ScanFacts, lists: tuple[Listed, ...], policy: tuple[int, Policy]
) -> None:
    if last is None or not last.evidence or not scan.alerts:
        return
    moment = now()
    evidence = replace(Evidence.from_json(last.evidence), scan=scan, lists=lists, decided=stamp(moment))
    decided = decide(policy[1], evidence)
    if last.automatic and row.assignee_id is None and _is_higher(decided, row):
        _raise(row, decided, evidence, policy, moment)
    else:
        row.describe(decided.headline)


def _is_higher(decided: Decided, row: Investigation) -> bool:
    if decided.outcome not in RANK:
        return False
    present = (RANK[Status(row.status)], SEVERITY_ORDER[Severity(row.severity)])
    return (RANK[decided.outcome], SEVERITY_ORDER[decided.severity]) > present


def _raise(
    row: Investigation, decided: Decided, evidence: Evidence, policy: tuple[int, Policy], moment: datetime
) -> None:
    before = {"status": row.status, "severity": row.severity}
    after = {"status": decided.outcome.value, "severity": decided.severity.value}
    if not row.raise_to(decided.outcome, decided.severity, decided.verdict, decided.targeting, decided.headline):
        return
    decision = Decision(
        investigation=row,
        automatic=True,
        actor=AUTOMATION.name,
        decided=moment,
        policy_id=policy[0],
        flip=(nearest_flip(policy[1], evidence) or "")[:300],
        evidence=evidence.as_json(),
        evidence_digest=decided.evidence,
    )
    with_judgement(decision, decided).save()
    TimelineEvent.objects.create(
        investigation=row,
        at=moment,
        kind=TimelineKind.DECIDED,
        actor=AUTOMATION.name,
        automatic=True,
        text=f"Raised to {decided.outcome.label.lower()}, {decided.severity.label.lower()}, by rule {decided.rule}: "
        f"{decided.reasons[0].text}",
    )
    AuditEvent.objects.record(
        AUTOMATION,
        "investigation.raised",
        f"investigation {row.pk}",
        before=before,
        after=after | {"rule": decided.rule, "policy": decided.policy[:12], "evidence": decided.evidence},
    )
