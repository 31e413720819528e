"""Frozen evidence to look back on: any amount, each piece different, made and decided by the product's own code.

What a share of it says is drawn by a seed, so that the same number always gives the same past.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from django.db import transaction

from investigations.choices import ArtifactKind, Disposition, ListKind, Outcome, Remembers, Status, Strength, Verdict
from investigations.models import Decision, Investigation, PolicyVersion
from investigations.playbooks.case import stamp
from investigations.policy.decide import ruling_of
from investigations.policy.document import FROM_ALERTS
from investigations.policy.evidence import Answer, Evidence, Held, Listed, Remembered, ScanFacts
from investigations.providers import PROVIDERS
from investigations.queries.policies import parsed

SEED = 20261124
BATCH = 2000
FAILURES = (Outcome.TIMEOUT, Outcome.ERROR, Outcome.THROTTLED)
SIGNATURES = ("ET SCAN Potential SSH Scan", "ET SCAN Suspicious inbound to MySQL", "ET SCAN Zmap User-Agent")
PORTS = (22, 23, 80, 443, 445, 2323, 3306, 3389, 5060, 6379, 8080, 8443)

type Said = tuple[Verdict, Strength, dict[str, Any]]
type Persona = Callable[[random.Random], dict[str, Said]]

NOTHING: Said = (Verdict.UNKNOWN, Strength.CONTEXT, {})


def _noise(draw: random.Random) -> dict[str, Said]:
    facts = {"noise_seen": True, "classification": "unknown"}
    reports = {"reporters": draw.randrange(30), "reports": draw.randrange(200)}
    return {"greynoise": (Verdict.UNKNOWN, Strength.CONTEXT, facts), "abuseipdb": (*NOTHING[:2], reports)}


def _attacker(draw: random.Random) -> dict[str, Said]:
    count = draw.randrange(1, 20)
    strength = draw.choice([Strength.WEAK, Strength.STRONG, Strength.STRONG, Strength.DECISIVE])
    said: dict[str, Said] = {
        "virustotal": (Verdict.MALICIOUS, strength, {"malicious": count, "total": 92}),
        "abuseipdb": (Verdict.MALICIOUS, Strength.STRONG, {"reporters": draw.randrange(400)}),
    }
    if draw.random() < 0.5:
        said["greynoise"] = (Verdict.MALICIOUS, Strength.STRONG, {"noise_seen": True})
    return said


def _scanner(draw: random.Random) -> dict[str, Said]:
    name = draw.choice(["census", "probe", "scan"])
    return {
        "greynoise": (Verdict.BENIGN, Strength.STRONG, {"noise_seen": True, "actor": "Example Census"}),
        "dns": (*NOTHING[:2], {"rdns": f"{name}-{draw.randrange(999)}.example", "rdns_confirmed": draw.random() < 0.8}),
    }


def _published(draw: random.Random) -> dict[str, Said]:
    facts = {"known_scanner": "Example Research", "published_range": True}
    return {"warninglists": (Verdict.BENIGN, Strength.STRONG, facts), **_scanner(draw)}


def _stranger(draw: random.Random) -> dict[str, Said]:
    return {"greynoise": (Verdict.UNKNOWN, Strength.CONTEXT, {"noise_seen": False})}


def _service(draw: random.Random) -> dict[str, Said]:
    facts = {"noise_seen": False, "business_service": "Example Public DNS", "trust_level": draw.choice([1, 2])}
    return {"greynoise": (Verdict.BENIGN, Strength.WEAK, facts)}


PERSONAS: Mapping[Persona, int] = {_noise: 50, _attacker: 20, _scanner: 8, _published: 8, _stranger: 9, _service: 5}


def pieces(number: int, until: datetime, days: int) -> Iterator[Evidence]:
    """So many, spread evenly over the days before `until`, the oldest first."""
    draw = random.Random(SEED)
    step = timedelta(days=days) / max(number, 1)
    for place in range(number):
        moment = until - timedelta(days=days) + step * (place + 0.5)
        yield _piece(draw, place, moment)


def _piece(draw: random.Random, place: int, moment: datetime) -> Evidence:
    source = f"{1 + place // 65536}.{draw.randrange(256)}.{place // 256 % 256}.{place % 256}"
    [persona] = draw.choices(list(PERSONAS), list(PERSONAS.values()))
    return Evidence(
        source=source,
        kind=ArtifactKind.IPV4.value,
        scope="internal" if draw.random() < 0.02 else "public",
        scan=_scan(draw, moment),
        answers=tuple(_answers(draw, source, persona(draw), moment)),
        decided=stamp(moment),
        lists=_lists(draw, source),
        memory=_memory(draw, source, moment),
        held=(Held("internet-noise", "its cap is reached"),) if draw.random() < 0.01 else (),
    )


def _scan(draw: random.Random, moment: datetime) -> ScanFacts:
    alerts = int(draw.paretovariate(0.7))
    ports = draw.sample(PORTS, draw.randrange(1, 6))
    exposed = draw.choice([None, None, 0, 1])
    return ScanFacts(
        alerts=min(alerts, 50_000),
        ports=min(len(ports) + alerts // 3, 900),
        targets=1 + draw.randrange(min(alerts, 250)),
        first=stamp(moment - timedelta(minutes=draw.randrange(90))),
        last=stamp(moment),
        answered=draw.choice([False, False, False, True, None]),
        top_ports=tuple(ports),
        severity=draw.choice(["low", "low", "medium", "high"]),
        signatures=(draw.choice(SIGNATURES),),
        techniques=("T1595.001",),
        beyond_recon=draw.random() < 0.05,
        exposed=exposed,
        exposed_ports=tuple(ports[:exposed]) if exposed else (),
    )


def _answers(draw: random.Random, source: str, said: dict[str, Said], moment: datetime) -> Iterator[Answer]:
    """Of every provider there is; some fail, some reuse what they said yesterday."""
    for name, provider in PROVIDERS.items():
        outcome = Outcome.OK if name in said or draw.random() < 0.6 else Outcome.NOT_FOUND
        verdict, strength, facts = said.get(name, NOTHING)
        if draw.random() < 0.03:
            outcome, verdict, strength, facts = draw.choice(FAILURES), *NOTHING
        yield Answer(
            provider=name,
            label=provider.label,
            artifact=source,
            kind=ArtifactKind.IPV4.value,
            outcome=outcome.value,
            verdict=verdict.value,
            strength=strength.value,
            summary=f"{provider.label}: {draw.randrange(100)} of 100",
            facts=facts,
            asked=stamp(moment - timedelta(seconds=2) - timedelta(days=draw.random() < 0.1)),
            reputation=provider.reputation,
            simulated=True,
        )


def _lists(draw: random.Random, source: str) -> tuple[Listed, ...]:
    if draw.random() > 0.03:
        return ()
    kind = draw.choice([ListKind.ALLOW, ListKind.DENY, ListKind.KNOWN_SERVICE, ListKind.AUTHORISED_SCANNER])
    return (Listed(kind.value, 1, source, "an entry of ours", "lea", "agreed in a ticket", "SOC-12"),)


def _memory(draw: random.Random, source: str, moment: datetime) -> tuple[Remembered, ...]:
    if draw.random() > 0.05:
        return ()
    disposition = draw.choice([Disposition.NOISE, Disposition.TRUE_POSITIVE])
    outcome = Status.ESCALATED if disposition == Disposition.TRUE_POSITIVE else Status.DISMISSED
    then = stamp(moment - timedelta(days=draw.randrange(120)))
    return (Remembered(Remembers.SOURCE.value, source, disposition.value, outcome.value, then, "anna", 1),)


def fill(number: int, *, days: int, until: datetime | None = None) -> PolicyVersion:
    """Store so many decisions of the policy in force with their evidence; one in fifty was looked at by a person."""
    version = PolicyVersion.objects.get(active=True)
    moment = until or datetime.now(UTC)
    draw = random.Random(SEED)
    for batch in batched(pieces(number, moment, days), BATCH):
        with transaction.atomic():
            _store(batch, version, draw)
    return version


def _store(batch: tuple[Evidence, ...], version: PolicyVersion, draw: random.Random) -> None:
    rows = Investigation.objects.bulk_create(
        Investigation(
            kind=one.kind, subject=one.source, source=one.source, status=Status.NEEDS_REVIEW,
            decided=datetime.fromisoformat(one.decided), activity=datetime.fromisoformat(one.decided), simulated=True,
        ) for one in batch
    )  # fmt: skip
    decisions = [_decision(row, one, version) for row, one in zip(rows, batch, strict=True)]
    people = [_of_person(decision, draw) for decision in decisions if draw.random() < 0.02]
    Decision.objects.bulk_create([*decisions, *people])


def _decision(row: Investigation, evidence: Evidence, version: PolicyVersion) -> Decision:
    ruling = ruling_of(parsed(version.document), evidence)
    severity = evidence.scan.severity if ruling.severity == FROM_ALERTS else ruling.severity
    return Decision(
        investigation=row, outcome=ruling.outcome, automatic=True, actor="automation", rule=ruling.rule,
        decided=datetime.fromisoformat(evidence.decided), policy=version, severity=severity,
        disposition=ruling.disposition, evidence=evidence.as_json(), evidence_digest=evidence.digest,
    )  # fmt: skip


def _of_person(decision: Decision, draw: random.Random) -> Decision:
    outcome, disposition = draw.choice([(Status.ESCALATED, "true_positive"), (Status.DISMISSED, "noise")])
    return Decision(
        investigation=decision.investigation, outcome=outcome, automatic=False, actor="anna",
        decided=decision.decided + timedelta(hours=1), severity=decision.severity, disposition=disposition,
    )  # fmt: skip
