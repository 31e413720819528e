"""Investigations that are about to be dismissed, without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import now

from investigations.choices import ArtifactKind, Scope, Status
from investigations.models import Decision, Investigation, PolicyVersion
from investigations.playbooks.base import Run
from investigations.playbooks.case import Case, CaseArtifact, stamp
from investigations.playbooks.finish import finish
from investigations.playbooks.recon import ReconTriage
from investigations.policy.document import Policy
from investigations.policy.evidence import Evidence
from investigations.queries.policies import active_policy
from tests.policy.makers import evidence, malicious, named, scanner

RULE = "known-scanner-confirmed"


def scanner_evidence(address: str) -> Evidence:
    """Of a known scanner whose reverse DNS confirms: the default policy dismisses it by RULE."""
    answers = [replace(answer, artifact=address) for answer in (named(), scanner())]
    return evidence(*answers, source=address)


def attacker_evidence(address: str) -> Evidence:
    """Of what everybody calls malicious."""
    answers = [replace(malicious(name), artifact=address) for name in ("greynoise", "virustotal")]
    return evidence(*answers, source=address)


def judged(number: int = 1, *, policy: Policy | None = None, evidence_of: Any = scanner_evidence) -> Run:
    """The run of one claimed investigation, decided and not yet written."""
    address = f"198.51.{100 + number // 200}.{number % 200 + 1}"
    moment = now()
    row = Investigation.objects.create(
        kind=ArtifactKind.IPV4,
        subject=address,
        source=address,
        due=moment - timedelta(hours=1),  # the database's clock stands still in a test's transaction
        alert_count=4,
        last_alert=moment,
    )
    [(_, fence)] = [claim for claim in Investigation.objects.claim(1000, 60) if claim[0] == row.pk]
    subject = CaseArtifact(address, ArtifactKind.IPV4, Scope.PUBLIC, "source")
    case = Case(row.pk, fence, subject, moment + timedelta(minutes=1))
    case.evidence = replace(evidence_of(address), decided=stamp(moment))
    run = Run(ReconTriage(policy or active_policy()[1], now), case)
    run.playbook.decide(case)
    return run


def finish_all(runs: list[Run], moment: datetime | None = None) -> None:
    version = PolicyVersion.objects.get(active=True)
    assert finish(runs, version.pk, moment or now()) == len(runs)


def dismissed(count: int, *, start: int = 1, moment: datetime | None = None) -> list[Decision]:
    """So many investigations that the automation has dismissed by RULE."""
    runs = [judged(start + number) for number in range(count)]
    finish_all(runs, moment)
    rows = Decision.objects.filter(investigation__in=[run.case.investigation for run in runs]).order_by("pk")
    assert {row.outcome for row in rows} == {Status.DISMISSED}
    return list(rows)
