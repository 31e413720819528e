"""Why a decision fell as it did, in words an analyst would say; one reason per answer, the weightiest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from investigations.choices import ANSWERED, Outcome, Status, Strength, Targeting, Verdict
from investigations.policy import signals
from investigations.policy.evidence import Answer
from investigations.policy.facts import Reading
from investigations.policy.mapping import SignalMapping
from investigations.policy.own_words import exposure_texts, list_texts, memory_texts
from investigations.policy.wording import counted, listed, plain
from investigations.ports import port_label

_WEIGHT = {Strength.DECISIVE: 0, Strength.STRONG: 1, Strength.WEAK: 2, Strength.CONTEXT: 3}
NAMES_BOTH_SIDES = 2  # the schema of evidence from which on; older decisions keep their words when they are replayed
_FAILURES = {
    Outcome.PENDING: "still waiting",
    Outcome.THROTTLED: "throttled",
    Outcome.AUTH_ERROR: "key refused",
    Outcome.ERROR: "error",
    Outcome.TIMEOUT: "no answer in time",
}


class Kind(StrEnum):
    """What a reason does for the decision: `for` and `against` are relative to the outcome, not to the source."""

    RULE = "rule"
    LIST = "list"
    FOR = "for"
    MEMORY = "memory"
    SCAN = "scan"
    AGAINST = "against"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence. `provider` and `asked` (ISO 8601 UTC) are empty where no single answer stands behind it."""

    text: str
    kind: str
    verdict: str = Verdict.UNKNOWN.value
    provider: str = ""
    asked: str = ""
    artifact: str = ""


def reasons_of(reading: Reading, facts: Mapping[str, Any], outcome: Status) -> list[Reason]:
    """Everything that speaks for the outcome, what was seen, what speaks against it, and who is silent."""
    opinions = sorted(_opinions(reading, facts, outcome), key=lambda pair: _WEIGHT.get(Strength(pair[0].strength), 3))
    by_kind: dict[str, list[Reason]] = {kind: [] for kind in Kind}
    for answer, kind in opinions:
        by_kind[kind].append(_of_answer(answer, kind, reading.evidence.source))
    by_kind[Kind.LIST] = [Reason(text, Kind.LIST) for text in list_texts(reading.evidence)]
    by_kind[Kind.MEMORY] = [Reason(text, Kind.MEMORY) for text in memory_texts(reading.evidence)]
    by_kind[Kind.SCAN] = scan_reasons(reading)
    by_kind[Kind.AGAINST] += _disagreement(reading, facts)
    by_kind[Kind.SILENT] += [*_without_proof(reading), *_failures(reading)]
    return [reason for kind in Kind for reason in by_kind[kind]]


def did_not_answer(answers: Iterable[Answer]) -> str:
    """`VirusTotal (throttled until 14:06) and Spamhaus (no answer in time)`; each provider once."""
    causes = {answer.label: _cause(answer) for answer in answers}
    return listed([f"{plain(label)} ({cause})" for label, cause in causes.items()], limit=8)


def scan_reasons(reading: Reading) -> list[Reason]:
    """What our own sensors saw."""
    scan = reading.evidence.scan
    if not scan.alerts:
        return [Reason("No alert of ours mentions it", Kind.SCAN)]
    texts = [_answered_text(scan.answered, scan.answered_ports), *exposure_texts(scan)]
    if scan.beyond_recon:
        signature = f": {plain(scan.signatures[0])}" if scan.signatures else ""
        texts.append(f"An alert goes beyond reconnaissance{signature}")
    if scan.domains:
        texts.append(f"It asked for names of ours: {listed([plain(name) for name in scan.domains])}")
    mostly = f", most of all {listed([port_label(port) for port in scan.top_ports], 4)}" if scan.top_ports else ""
    volume = f"{counted(scan.alerts, 'alert')}: {counted(scan.ports, 'port')} on {counted(scan.targets, 'address')}"
    return [Reason(text, Kind.SCAN) for text in (*texts, volume + mostly)]


def _answered_text(answered: bool | None, ports: tuple[int, ...]) -> str:
    if answered is None:
        return "The alerts do not tell whether anything of ours answered"
    if not answered:
        return "Nothing of ours answered"
    return "Something of ours answered" + (f": {listed([port_label(port) for port in ports])}" if ports else "")


def _opinions(reading: Reading, facts: Mapping[str, Any], outcome: Status) -> Iterable[tuple[Answer, Kind]]:
    for answer in reading.counted:
        if not answer.answered:
            continue
        if answer.provider == signals.REVERSE_DNS and answer.artifact == reading.evidence.source:
            kind = _kind_of_names(facts, outcome)
        else:
            kind = _kind_of(answer, facts, outcome, reading.mapping)
        if kind:
            yield answer, kind


def _kind_of(answer: Answer, facts: Mapping[str, Any], outcome: Status, mapping: SignalMapping) -> Kind | None:
    """Whether an answer speaks for the outcome; None for mere context, which the evidence table shows."""
    if answer.verdict == Verdict.UNKNOWN:
        seen = signals.has_seen(answer, mapping)
        aimed = facts["targeting"] == Targeting.TARGETED and outcome == Status.ESCALATED
        if (seen and outcome == Status.DISMISSED) or (seen is False and aimed):
            return Kind.FOR
        return Kind.SILENT if answer.reputation else None
    calming = answer.verdict == Verdict.BENIGN
    return Kind.FOR if calming == (outcome == Status.DISMISSED) else Kind.AGAINST


def _kind_of_names(facts: Mapping[str, Any], outcome: Status) -> Kind | None:
    if facts["claims_scanner"] and facts["reverse_dns"] == "unconfirmed":
        return Kind.AGAINST if outcome == Status.DISMISSED else Kind.FOR
    vouches = facts["reverse_dns"] == "confirmed" and facts["known_scanner"]
    return Kind.FOR if vouches and outcome == Status.DISMISSED else None


def _of_answer(answer: Answer, kind: Kind, source: str) -> Reason:
    about = "" if answer.artifact == source else f" on {plain(answer.artifact)}"
    said = plain(answer.summary) or _nothing_said(answer)
    return Reason(
        f"{plain(answer.label)}{about}: {said}", kind, answer.verdict, answer.provider, answer.asked, answer.artifact
    )


def _nothing_said(answer: Answer) -> str:
    if answer.verdict == Verdict.UNKNOWN:
        return "has not seen it" if answer.outcome == Outcome.NOT_FOUND else "has no opinion"
    return str(answer.verdict)


def _disagreement(reading: Reading, facts: Mapping[str, Any]) -> list[Reason]:
    """Both sides by name; each of them has a line of its own besides."""
    if not facts["disagreement"]:
        return []
    accusers = [plain(name) for name in facts["malicious_names"]]
    friends = list(dict.fromkeys(plain(answer.label) for answer in reading.counted if signals.is_benign(answer)))
    calls = "calls" if len(accusers) == 1 else "call"
    vouch = f"{listed(friends)} {'vouches' if len(friends) == 1 else 'vouch'}"
    if reading.evidence.schema < NAMES_BOTH_SIDES:
        vouch = "others vouch"
    text = f"The providers disagree: {listed(accusers)} {calls} it malicious, {vouch} for it"
    return [Reason(text, Kind.AGAINST)]


def _without_proof(reading: Reading) -> list[Reason]:
    """Bad answers about names that the source only claims: never hidden, but not counted."""
    bad = [answer for answer in reading.evidence.answers if answer not in reading.counted]
    return [
        Reason(
            f"{plain(answer.label)} on {plain(answer.artifact)}: {plain(answer.summary) or answer.verdict};"
            " does not count, since nothing proves that the name belongs to the source",
            Kind.SILENT,
            answer.verdict,
            answer.provider,
            answer.asked,
            answer.artifact,
        )
        for answer in bad
        if signals.is_suspicious(answer)
    ]


def _failures(reading: Reading) -> list[Reason]:
    failed = signals.gaps(reading.counted, reading.evidence.source, reading.name)
    if not reading.evidence.is_public:
        # Nobody may be asked about it: being silent is no failure
        failed = tuple(answer for answer in failed if answer.outcome != Outcome.SKIPPED)
    if not failed:
        return []
    silent = len({answer.provider for answer in failed})
    asked = {answer.provider for answer in reading.counted if answer.answered and answer.reputation}
    total = len(asked | {answer.provider for answer in failed})
    return [Reason(f"{silent} of {counted(total, 'provider')} did not answer: {did_not_answer(failed)}", Kind.SILENT)]


def _cause(answer: Answer) -> str:
    if answer.outcome in ANSWERED:
        return f"its answer of {plain(answer.asked[:10])} is too old" if answer.asked else "its answer is too old"
    return plain(answer.summary, 80) or _FAILURES.get(Outcome(answer.outcome), "no answer")
