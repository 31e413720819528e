"""What single answers mean: which artifacts count, who is independent of whom, what a noise source has seen.

The one rule of this module: what speaks against a source counts from every artifact that provably belongs to it;
what speaks for it counts from answers about the source itself, since an attacker chooses his own domain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from investigations.choices import ADDRESS_KINDS, ArtifactKind, Outcome, Strength, Verdict
from investigations.policy.evidence import Answer, Evidence
from investigations.policy.mapping import DEFAULT, SignalMapping

REVERSE_DNS = "dns"  # the provider that finds and confirms reverse names

# Labels in a host name with which the operators of research scanners and crawlers present themselves.
_SCANNER_NAME = re.compile(
    r"(?:^|[.-])(?:scan(?:s|ner|ners|ning)?|census|cens(?:ys|ysscan|ys-scanner)|probe|research(?:scan)?|survey|crawl(?:er)?"
    r"|internet-(?:census|measurement)|shodan|shadowserver|binaryedge|stretchoid|rapid7|onyphe|leakix|criminalip"
    r"|googlebot|search\.msn|applebot|yandex|baiduspider|alphastrike|recyber|driftnet|modat|netsystemsresearch"
    r"|cyberresilience|ipip|security-?research)(?:[0-9]*)(?=$|[.-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ReverseName:
    """What reverse DNS says about an address; `state` is confirmed, unconfirmed, none or unknown (no sure answer).

    `name` is the one that matters, `proven` are all that lead back to the address.
    """

    state: str = "unknown"
    name: str = ""
    proven: frozenset[str] = frozenset()


def reverse_name(evidence: Evidence) -> ReverseName:
    """The name of the source, from an explicit answer of the resolver.

    A false claim to be a scanner is what matters, even beside a name that is true.
    """
    answer = next((one for one in evidence.about(evidence.source) if one.provider == REVERSE_DNS), None)
    if answer is None or not answer.answered or not evidence.is_address:
        return ReverseName()
    if answer.outcome == Outcome.NOT_FOUND:
        return ReverseName("none")
    shown, leads_back = _host(fact_text(answer, "rdns")), answer.facts.get("rdns_confirmed")
    if not shown or not isinstance(leads_back, bool):
        return ReverseName()
    proven = frozenset({*map(_host, fact_texts(answer, "confirmed")), *([shown] if leads_back else [])})
    claimed = [shown, *map(_host, fact_texts(answer, "names"))]
    false_claim = next((name for name in claimed if name not in proven and claims_to_be_scanner(name)), "")
    return ReverseName("confirmed" if leads_back and not false_claim else "unconfirmed", false_claim or shown, proven)


def lowered(evidence: Evidence, mapping: SignalMapping) -> Evidence:
    """The evidence with every answer at most as strong as the mapping lets it be."""
    if not mapping.ceiling:
        return evidence
    strengths = ((answer, mapping.lowers(answer.provider, answer.strength)) for answer in evidence.answers)
    answers = tuple(replace(answer, strength=most) if most else answer for answer, most in strengths)
    return replace(evidence, answers=answers)


def counted_artifacts(evidence: Evidence, name: ReverseName) -> frozenset[str]:
    """The artifacts whose bad reputation is the source's own: itself, its proven names, a submitted domain's addresses.

    A name that reverse DNS only claims proves nothing: whoever runs the address may write any name there.
    """
    if evidence.is_address:
        return frozenset({evidence.source, *name.proven})
    addresses = {answer.artifact for answer in evidence.answers if answer.kind in ADDRESS_KINDS}
    return frozenset({_host(evidence.source), *addresses})


def counted_answers(evidence: Evidence, name: ReverseName) -> tuple[Answer, ...]:
    """Every answer about an artifact that counts, whatever its outcome."""
    counted = counted_artifacts(evidence, name)
    return tuple(answer for answer in evidence.answers if _artifact(answer) in counted)


def gaps(answers: Iterable[Answer], source: str, name: ReverseName) -> tuple[Answer, ...]:
    """Lookups that may hide something: of providers with an opinion that failed, and of the resolver.

    Without a sure answer of the resolver nobody knows what else belongs to the source, so its reputation stays hidden.
    """

    def hides(answer: Answer) -> bool:
        if answer.provider == REVERSE_DNS and answer.artifact == source:
            return answer.failed or (answer.kind in ADDRESS_KINDS and name.state == "unknown")
        return answer.failed and answer.reputation

    return tuple(filter(hides, answers))


def speaking(answers: Iterable[Answer]) -> list[Answer]:
    """Those that say anything at all; most do not, and nobody needs to look at these again and again."""
    return [answer for answer in answers if answer.verdict != Verdict.UNKNOWN]


def is_malicious(answer: Answer) -> bool:
    """An explicit fresh answer that is strong enough to be one voice of a quorum."""
    return _says(answer, Verdict.MALICIOUS) and answer.strength in (Strength.STRONG, Strength.DECISIVE)


def is_decisive(answer: Answer) -> bool:
    """A malicious answer that needs no second voice."""
    return _says(answer, Verdict.MALICIOUS) and answer.strength == Strength.DECISIVE


def is_suspicious(answer: Answer) -> bool:
    """At least suspicious: a malicious answer counts here too, whatever its strength."""
    return _says(answer, Verdict.SUSPICIOUS) or _says(answer, Verdict.MALICIOUS)


def is_benign(answer: Answer) -> bool:
    """An explicit fresh benign answer; mere context is no opinion."""
    return _says(answer, Verdict.BENIGN) and answer.strength != Strength.CONTEXT


def independent(answers: Iterable[Answer], mapping: SignalMapping = DEFAULT) -> int:
    """How many independent voices there are: one per owner, however many artifacts it was asked about."""
    return len({mapping.owners.get(answer.provider, answer.provider) for answer in answers})


def has_seen(answer: Answer, mapping: SignalMapping = DEFAULT) -> bool | None:
    """Whether a noise source has met this address elsewhere; None where it does not tell, as with a few reports."""
    if not answer.answered or answer.provider not in mapping.noise_sources:
        return None
    if answer.outcome == Outcome.NOT_FOUND:
        return False
    seen = answer.facts.get("noise_seen")
    return seen if isinstance(seen, bool) else None


def claims_to_be_scanner(name: str) -> bool:
    """Whether a host name is one that the operator of a research scanner or a crawler might have given."""
    return _SCANNER_NAME.search(name) is not None


def is_domain(answer: Answer) -> bool:
    return answer.kind == ArtifactKind.DOMAIN


def fact_flag(answer: Answer, name: str) -> bool:
    return answer.facts.get(name) is True


def fact_number(answer: Answer, name: str) -> int:
    """A count; 0 for anything that is not a sane number, as answers are hostile."""
    value: Any = answer.facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return 0
    return int(value)


def fact_text(answer: Answer, name: str) -> str:
    value: Any = answer.facts.get(name)
    return value if isinstance(value, str) else ""


def fact_texts(answer: Answer, name: str) -> list[str]:
    value: Any = answer.facts.get(name)
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list | tuple) else []


def _says(answer: Answer, verdict: Verdict) -> bool:
    return answer.verdict == verdict and answer.answered  # in this order, since most answers say nothing


def _artifact(answer: Answer) -> str:
    return _host(answer.artifact) if is_domain(answer) else answer.artifact


def _host(name: str) -> str:
    return name.rstrip(".").lower()
