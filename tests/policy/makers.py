"""Evidence as the providers really give it, one function per answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from investigations.choices import Outcome, Strength, Verdict
from investigations.policy.evidence import Answer, Evidence, Listed, Remembered, ScanFacts

SOURCE = "203.0.113.66"
ASKED = "2026-11-24T06:00:00+00:00"
DECIDED = "2026-11-24T06:00:05+00:00"
LABELS = {
    "greynoise": "GreyNoise",
    "abuseipdb": "AbuseIPDB",
    "virustotal": "VirusTotal",
    "spamhaus": "Spamhaus",
    "dshield": "DShield",
    "dns": "DNS",
    "warninglists": "MISP warning lists",
    "tor": "Tor",
}
CONTEXT_ONLY = frozenset({"dns", "warninglists", "tor"})

MALICIOUS, SUSPICIOUS, BENIGN = Verdict.MALICIOUS, Verdict.SUSPICIOUS, Verdict.BENIGN
QUIET = ScanFacts(alerts=4, ports=2, targets=3, answered=False, top_ports=(22, 23))


def answer(
    provider: str,
    verdict: str = Verdict.UNKNOWN,
    strength: str = Strength.STRONG,
    *,
    outcome: str = Outcome.OK,
    facts: Mapping[str, Any] | None = None,
    artifact: str = SOURCE,
    **rest: Any,
) -> Answer:
    return Answer(
        provider=provider,
        label=LABELS.get(provider, provider),
        artifact=artifact,
        kind="domain-name" if artifact[-1].isalpha() and ":" not in artifact else "ipv4-addr",
        outcome=str(outcome),
        verdict=str(verdict),
        strength=str(strength),
        facts=dict(facts or {}),
        asked=ASKED,
        **{"reputation": provider not in CONTEXT_ONLY, **rest},
    )


def evidence(*answers: Answer, scan: ScanFacts = QUIET, source: str = SOURCE, **rest: Any) -> Evidence:
    values = {"kind": "ipv4-addr", "scope": "public", "decided": DECIDED, **rest}
    return Evidence(source=source, scan=scan, answers=answers, **values)


def failed(provider: str, outcome: str = Outcome.TIMEOUT, summary: str = "", **rest: Any) -> Answer:
    return answer(provider, outcome=outcome, strength=Strength.CONTEXT, summary=summary, **rest)


def not_found(provider: str, artifact: str = SOURCE) -> Answer:
    facts = {"noise_seen": False} if provider == "greynoise" else {}
    return answer(provider, outcome=Outcome.NOT_FOUND, strength=Strength.CONTEXT, facts=facts, artifact=artifact)


def named(name: str = "scan-07.census.example", *, confirmed: bool = True) -> Answer:
    return answer("dns", strength=Strength.CONTEXT, facts={"rdns": name, "rdns_confirmed": confirmed})


def listed(owner: str = "Censys") -> Answer:
    return answer("warninglists", BENIGN, facts={"known_scanner": owner, "published_range": True})


def noise(verdict: str = Verdict.UNKNOWN, strength: str = Strength.CONTEXT, **facts: Any) -> Answer:
    return answer("greynoise", verdict, strength, facts={"noise_seen": True, **facts})


def scanner(actor: str = "Example Internet Census") -> Answer:
    return noise(BENIGN, Strength.STRONG, actor=actor)


def service(trust_level: int = 1) -> Answer:
    facts = {"noise_seen": False, "business_service": "Example Public DNS", "trust_level": trust_level}
    return answer("greynoise", BENIGN, Strength.WEAK, facts=facts)


def harmless(provider: str, *, artifact: str = SOURCE, **facts: Any) -> Answer:
    return answer(provider, strength=Strength.WEAK, facts=facts, artifact=artifact)


def malicious(provider: str, strength: str = Strength.STRONG, **rest: Any) -> Answer:
    return answer(provider, MALICIOUS, strength, **rest)


def suspicious(provider: str) -> Answer:
    return answer(provider, SUSPICIOUS, Strength.WEAK)


def entry(kind: str, **rest: Any) -> Listed:
    """An entry of our own lists that covers the source."""
    values = {"label": "Partner", "owner": "lea", "reason": "monitoring", "ticket": "CHG-7", **rest}
    return Listed(kind, 5, "203.0.113.0/24", **values)


def our_scanner(state: str = "in_force", **rest: Any) -> Listed:
    return entry("authorised_scanner", state=state, **{"label": "Nightly scan", "reason": "audit", **rest})


def remembered(disposition: str, *, days: int = 12, about: str = "source", **rest: Any) -> Remembered:
    """What a person decided so many days before the decision."""
    moment = datetime.fromisoformat(DECIDED) - timedelta(days=days)
    values = {"source": SOURCE, "network": "203.0.113.0/24", "signature": "ET SCAN SSH"}
    outcome = "escalated" if disposition == "true_positive" else "dismissed"
    return Remembered(
        about, values[about], disposition, outcome, moment.isoformat(), **{"by": "anna", "investigation": 31, **rest}
    )
