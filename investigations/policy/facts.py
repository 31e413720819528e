"""From evidence to the flat, typed facts that the rules of a policy are written with.

Every fact is always there: `FACTS` holds its default, and docs/policy.md its meaning. So no rule can fail on a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from investigations.choices import Outcome, Scope, Severity, Targeting, Verdict
from investigations.policy import signals
from investigations.policy.evidence import Answer, Evidence
from investigations.policy.mapping import DEFAULT, SignalMapping
from investigations.policy.own import own_facts
from investigations.policy.verdicts import disagree, maliciousness_of, targeting_of

Value = bool | int | str | list[str]

FACTS: Final[Mapping[str, Value]] = {
    # the source
    "scope": Scope.PUBLIC.value,
    "is_address": True,
    "submitted": False,
    # what happened to us
    "scan_alerts": 0,
    "scan_ports": 0,
    "scan_targets": 0,
    "scan_answered": "unknown",
    "severity": Severity.LOW.value,
    "beyond_recon": False,
    "our_names": 0,
    # how malicious
    "malicious": 0,
    "judged_malicious": 0,
    "decisive": 0,
    "suspicious": 0,
    "benign": 0,
    "domain_malicious": 0,
    "malicious_names": [],
    "suspicious_names": [],
    "bad_domains": [],
    "disagreement": False,
    "verdict": Verdict.UNKNOWN.value,
    # who answered
    "answered": 0,
    "silent": 0,
    "failed": 0,
    "failed_names": [],
    # known scanners and services
    "known_scanner": False,
    "scanner_name": "",
    "published_range": False,
    "actor_confirmed": False,
    "reverse_dns": "unknown",
    "reverse_name": "",
    "claims_scanner": False,
    "business_service": False,
    "service_name": "",
    "trust_level": 0,
    "tor": "no",
    # aimed at us, or noise
    "noise_seen": False,
    "noise_seen_by": 0,
    "heavy_noise": False,
    "never_seen": False,
    "noise_sources_answered": 0,
    "reporters": 0,
    "targeting": Targeting.UNKNOWN.value,
    "malicious_quorum": DEFAULT.malicious_quorum,
    # our own lists
    "deny_listed": False,
    "allow_listed": False,
    "known_service_listed": False,
    "authorised_scan": "no",
    "authorised_detail": "",
    "list_label": "",
    "list_owner": "",
    "list_ticket": "",
    # what people decided before
    "remembered_malicious": 0,
    "remembered_benign": 0,
    "remembered_source": "none",
    "remembered_by": "",
    # what of ours is open
    "exposure_known": False,
    "exposed": 0,
    "exposed_port_list": [],
}

# They tell facts and have no opinion: their answer vouches for nobody
WITHOUT_OPINION: Final = frozenset({"dns", "cymru", "rdap", "maxmind", "ipinfo", "internetdb", "tor"})
CONTEXT_PROVIDERS: Final = WITHOUT_OPINION | {"warninglists"}  # their silence hides nothing


def supplied_by(mapping: SignalMapping = DEFAULT) -> dict[str, frozenset[str]]:
    """Which providers' answers can change a fact.

    One that is not here comes from the alerts or from ourselves, or from every provider that has an opinion.
    """
    greynoise, warninglists, resolver = (
        frozenset({name}) for name in ("greynoise", "warninglists", signals.REVERSE_DNS)
    )
    noise = mapping.noise_sources
    return {
        **dict.fromkeys(("known_scanner", "scanner_name"), warninglists | greynoise),
        "published_range": warninglists,
        **dict.fromkeys(("actor_confirmed", "business_service", "service_name", "trust_level"), greynoise),
        **dict.fromkeys(("reverse_dns", "reverse_name", "claims_scanner"), resolver),
        "tor": frozenset({"tor", "greynoise", "abuseipdb"}),
        **dict.fromkeys(("noise_seen", "noise_seen_by", "heavy_noise", "noise_sources_answered", "targeting"), noise),
        "never_seen": mapping.leading_noise_sources,
        "reporters": frozenset({"abuseipdb"}),
    }


SUPPLIED_BY: Final[Mapping[str, frozenset[str]]] = supplied_by()


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence, read once: the answers that count against the source and those about the source itself."""

    evidence: Evidence
    name: signals.ReverseName
    counted: tuple[Answer, ...]
    own: tuple[Answer, ...]
    mapping: SignalMapping = DEFAULT


def read(evidence: Evidence, mapping: SignalMapping = DEFAULT) -> Reading:
    evidence = signals.lowered(evidence, mapping)
    name = signals.reverse_name(evidence)
    counted = signals.counted_answers(evidence, name)
    return Reading(evidence, name, counted, evidence.about(evidence.source), mapping)


def facts_of(evidence: Evidence, mapping: SignalMapping = DEFAULT) -> dict[str, Value]:
    """All facts, by name; exactly the names and types of `FACTS`."""
    return facts_from(read(evidence, mapping))


def facts_from(reading: Reading) -> dict[str, Value]:
    facts = dict(FACTS)
    for part in (_source, _scan, _opinions, _answers, _identity, _noise):
        facts.update(part(reading))
    facts.update(own_facts(reading.evidence))
    facts["malicious_quorum"] = reading.mapping.malicious_quorum
    facts["verdict"] = maliciousness_of(reading.counted, reading.mapping).value
    facts["targeting"] = targeting_of(
        noise_seen=bool(facts["noise_seen"]), never_seen=bool(facts["never_seen"]), alerts=reading.evidence.scan.alerts
    ).value
    return facts


def _source(reading: Reading) -> dict[str, Value]:
    evidence = reading.evidence
    return {"scope": str(evidence.scope), "is_address": evidence.is_address, "submitted": evidence.submitted}


def _scan(reading: Reading) -> dict[str, Value]:
    scan = reading.evidence.scan
    return {
        "scan_alerts": scan.alerts,
        "scan_ports": scan.ports,
        "scan_targets": scan.targets,
        "scan_answered": {True: "yes", False: "no", None: "unknown"}[scan.answered],
        "severity": str(scan.severity),
        "beyond_recon": scan.beyond_recon,
        "our_names": len(scan.domains),
    }


def _opinions(reading: Reading) -> dict[str, Value]:
    speaking = signals.speaking(reading.counted)
    malicious = [answer for answer in speaking if signals.is_malicious(answer)]
    suspicious = [answer for answer in speaking if signals.is_suspicious(answer)]
    domains = [answer for answer in malicious if signals.is_domain(answer)]
    mapping = reading.mapping

    def voices(answers: Iterable[Answer]) -> int:
        return signals.independent(answers, mapping)

    return {
        "malicious": voices(malicious),
        "judged_malicious": voices(one for one in malicious if one.provider not in mapping.volume_sources),
        "decisive": voices(filter(signals.is_decisive, malicious)),
        "suspicious": voices(suspicious),
        "benign": voices(filter(signals.is_benign, signals.speaking(reading.own))),
        "domain_malicious": voices(domains),
        "malicious_names": _labels(malicious),
        "suspicious_names": _labels(suspicious),
        "bad_domains": list(dict.fromkeys(answer.artifact for answer in domains)),
        "disagreement": disagree(speaking),
    }


def _answers(reading: Reading) -> dict[str, Value]:
    with_opinion = [answer for answer in reading.counted if answer.reputation]
    answered = [answer for answer in with_opinion if answer.answered]
    failed = signals.gaps(reading.counted, reading.evidence.source, reading.name)
    return {
        "answered": len({answer.provider for answer in answered}),
        "silent": len({answer.provider for answer in answered if answer.verdict == Verdict.UNKNOWN}),
        "failed": len({answer.provider for answer in failed}),
        "failed_names": _labels(failed),
    }


def _identity(reading: Reading) -> dict[str, Value]:
    """Who the source says it is, and who says so; only from explicit answers about the source itself."""
    explicit = [answer for answer in reading.own if answer.answered and answer.outcome == Outcome.OK]
    scanners = [answer for answer in explicit if scanner_name(answer)]
    services = [answer for answer in explicit if signals.fact_text(answer, "business_service")]
    return {
        "known_scanner": bool(scanners),
        "scanner_name": next(map(scanner_name, scanners), ""),
        "published_range": any(_is_listed(answer) for answer in scanners),
        "actor_confirmed": any(_is_benign_actor(answer) for answer in explicit),
        "reverse_dns": reading.name.state,
        "reverse_name": reading.name.name,
        "claims_scanner": signals.claims_to_be_scanner(reading.name.name),
        "business_service": bool(services),
        "service_name": next((signals.fact_text(answer, "business_service") for answer in services), ""),
        "trust_level": max((signals.fact_number(answer, "trust_level") for answer in services), default=0),
        "tor": _tor(reading),
    }


def _noise(reading: Reading) -> dict[str, Value]:
    mapping = reading.mapping
    sources = [answer for answer in reading.own if answer.provider in mapping.noise_sources]
    asked = [answer for answer in sources if answer.outcome != Outcome.SKIPPED]
    seen = {answer.provider: signals.has_seen(answer, mapping) for answer in asked}
    reporters = max((signals.fact_number(answer, "reporters") for answer in asked if answer.answered), default=0)
    seen_by = sum(1 for sighting in seen.values() if sighting)
    leading = mapping.leading_noise_sources & seen.keys()
    return {
        "noise_seen": seen_by > 0,
        "noise_seen_by": seen_by,
        "heavy_noise": seen_by >= mapping.heavy_noise_seen_by or any(_is_loud(one, mapping) for one in asked),
        "never_seen": bool(leading) and all(sighting is False for sighting in seen.values()),
        "noise_sources_answered": sum(1 for answer in asked if answer.answered),
        "reporters": reporters,
    }


def scanner_name(answer: Answer) -> str:
    """The operator whose scanner a provider recognises in the source, whatever it thinks of him; or nothing."""
    return signals.fact_text(answer, "known_scanner") or signals.fact_text(answer, "actor")


def _is_listed(answer: Answer) -> bool:
    """In an address range that the operator publishes; a list that calls the source bad vouches for nothing."""
    return signals.fact_flag(answer, "published_range") and answer.verdict == Verdict.BENIGN


def _is_benign_actor(answer: Answer) -> bool:
    return bool(signals.fact_text(answer, "actor")) and answer.verdict == Verdict.BENIGN


def _is_loud(answer: Answer, mapping: SignalMapping) -> bool:
    """Whether so many have met the source that nobody needs to feel singled out."""
    counts = {"reporters": mapping.heavy_noise_reporters, "sensors": mapping.heavy_noise_sensors}
    loud = any(signals.fact_number(answer, name) >= enough for name, enough in counts.items())
    return answer.answered and (loud or signals.fact_text(answer, "background_noise") == "high")


def _tor(reading: Reading) -> str:
    """`yes` if anybody says so, `unknown` if the list of exits did not answer, `no` otherwise."""
    if any(answer.answered and signals.fact_flag(answer, "tor") for answer in reading.own):
        return "yes"
    return "unknown" if any(answer.failed for answer in reading.own if answer.provider == "tor") else "no"


def _labels(answers: Iterable[Answer]) -> list[str]:
    """The providers' names for people, each once, in the order of the evidence."""
    return list(dict.fromkeys(answer.label for answer in answers))
