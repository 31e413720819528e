"""What rules that only propose, and the shadow policy, would have done with the same evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from investigations.choices import Severity
from investigations.models import Decision, PolicyVersion, Proposal
from investigations.playbooks.base import Run
from investigations.policy.decide import Proposed, decide
from investigations.policy.document import FROM_ALERTS, Policy
from investigations.policy.evidence import Evidence
from investigations.queries.policies import parsed

log = structlog.get_logger(__name__)


def store_proposals(pairs: Sequence[tuple[Run, Decision]], policy_id: int, moment: datetime) -> None:
    """Write the proposals beside the decisions that were made instead. Call it in their transaction."""
    rows = [row for run, decision in pairs for row in _of_rules(run, decision, policy_id, moment)]
    rows += _of_shadow(pairs, moment)
    Proposal.objects.bulk_create(rows)


def _of_rules(run: Run, decision: Decision, policy_id: int, moment: datetime) -> Iterator[Proposal]:
    """Of the policy in force; what a brake holds back is no proposal."""
    proposing = {rule.name for rule in run.playbook.policy.rules if rule.proposes}
    for one in run.case.decided.proposals if run.case.decided else ():
        if one.rule in proposing:
            yield _proposal(decision, policy_id, one, _severity(one, decision), moment)


def _severity(proposed: Proposed, decision: Decision) -> str:
    scan = decision.evidence.get("scan", {})
    return str(scan.get("severity", Severity.LOW)) if proposed.severity == FROM_ALERTS else proposed.severity


def _proposal(decision: Decision, policy: int, one: Proposed, severity: str, moment: datetime) -> Proposal:
    return Proposal(
        investigation_id=decision.investigation_id,
        decision=decision,
        policy_id=policy,
        rule=one.rule,
        outcome=one.outcome,
        severity=severity,
        disposition=one.disposition,
        made=moment,
    )


def _of_shadow(pairs: Sequence[tuple[Run, Decision]], moment: datetime) -> list[Proposal]:
    version = PolicyVersion.objects.filter(shadow=True).first() if pairs else None
    if version is None:
        return []
    rows = []
    try:
        policy = parsed(version.document)
        for run, decision in pairs:
            if run.case.evidence is not None:
                # Without the brakes, which speak of the rules in force
                evidence = replace(run.case.evidence, held=())
                rows.append(_shadow(policy, evidence, decision, version.pk, moment))
    # Whatever is wrong with a policy that only proposes must not hurt a decision
    except Exception as error:
        log.error("shadow_failed", policy=version.pk, error=type(error).__name__)
    return rows


def _shadow(policy: Policy, evidence: Evidence, decision: Decision, version: int, moment: datetime) -> Proposal:
    decided = decide(policy, evidence)
    proposed = Proposed(decided.rule, decided.outcome, decided.severity, decided.disposition, "", "")
    return _proposal(decision, version, proposed, decided.severity, moment)
