"""The machine's opinion on two axes: how malicious is the source, and is it aimed at us?

No averages: membership of a known scanner is settled first, then the worst credible signal wins, and a
disagreement between providers is a fact of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from investigations.choices import Outcome, Targeting, Verdict
from investigations.policy import signals
from investigations.policy.evidence import Answer, Evidence
from investigations.policy.mapping import DEFAULT, SignalMapping

_RANK = {Verdict.UNKNOWN: 0, Verdict.BENIGN: 1, Verdict.SUSPICIOUS: 2, Verdict.MALICIOUS: 3}


def artifact_verdicts(evidence: Evidence, mapping: SignalMapping = DEFAULT) -> dict[str, Verdict]:
    """The verdict on every artifact of the evidence, the source first; each from the answers about itself alone."""
    evidence = signals.lowered(evidence, mapping)
    artifacts = dict.fromkeys([evidence.source, *(answer.artifact for answer in evidence.answers)])
    return {artifact: verdict_of(evidence.about(artifact), mapping) for artifact in artifacts}


def verdict_of(answers: Sequence[Answer], mapping: SignalMapping = DEFAULT) -> Verdict:
    """The verdict on one artifact from all answers about it, lowered already."""
    if any(map(signals.is_decisive, answers)):
        return Verdict.MALICIOUS
    if any(map(_is_published_scanner, answers)):
        return Verdict.BENIGN
    malicious = [answer for answer in answers if signals.is_malicious(answer)]
    if signals.independent(malicious, mapping) >= mapping.malicious_quorum or any(map(signals.is_domain, malicious)):
        return Verdict.MALICIOUS
    if any(map(signals.is_suspicious, answers)):
        return Verdict.SUSPICIOUS
    return Verdict.BENIGN if any(map(signals.is_benign, answers)) else Verdict.UNKNOWN


def maliciousness_of(counted: Sequence[Answer], mapping: SignalMapping = DEFAULT) -> Verdict:
    """The same from the answers that count."""
    counted = signals.speaking(counted)
    voices = signals.independent(filter(signals.is_malicious, counted), mapping)
    if voices >= mapping.malicious_quorum and not any(map(_is_published_scanner, counted)):
        return Verdict.MALICIOUS
    by_artifact: dict[str, list[Answer]] = {}
    for answer in counted:
        by_artifact.setdefault(answer.artifact, []).append(answer)
    verdicts = (verdict_of(answers, mapping) for answers in by_artifact.values())
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.UNKNOWN)


def targeting_of(*, noise_seen: bool, never_seen: bool, alerts: int) -> Targeting:
    """Whether the scan is aimed at us; without the word of a noise source this stays unknown, never `targeted`."""
    if noise_seen:
        return Targeting.OPPORTUNISTIC
    return Targeting.TARGETED if never_seen and alerts else Targeting.UNKNOWN


def disagree(answers: Iterable[Answer]) -> bool:
    """Whether one provider vouches for what another calls malicious; shown, never averaged away."""
    answers = tuple(answers)
    return any(map(signals.is_benign, answers)) and any(map(signals.is_malicious, answers))


def _is_published_scanner(answer: Answer) -> bool:
    explicit = answer.answered and answer.outcome == Outcome.OK and answer.verdict == Verdict.BENIGN
    return explicit and signals.fact_flag(answer, "published_range")
