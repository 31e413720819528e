"""Who speaks for a decision, who against it, who is silent: one cell for each provider, from the frozen evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from investigations.choices import ANSWERED, Outcome, Status, Strength, Verdict
from investigations.models import Decision
from investigations.queries.answers import RANK, SILENT, WAITING, label_of, place_of

FOR, AGAINST = "for", "against"
# What both sides are called; a decision that leaves it to a person takes no side
SIDES = {
    Status.ESCALATED: ("For escalating", "Against escalating"),
    Status.DISMISSED: ("For dismissing", "Against dismissing"),
    Status.NEEDS_REVIEW: ("Against the source", "For the source"),
}
BAD = (Verdict.MALICIOUS, Verdict.SUSPICIOUS)


@dataclass(frozen=True, slots=True)
class Voice:
    """One provider; `shape` is of queries.answers, `says` tells what it said about what."""

    label: str
    shape: str
    says: str


@dataclass(frozen=True, slots=True)
class Group:
    """Everybody on one side."""

    name: str
    voices: list[Voice]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Those who call it bad, and those who vouch for it, each with a word; neither is averaged away."""

    bad: list[Voice]
    good: list[Voice]


@dataclass(frozen=True, slots=True)
class Voices:
    """`context` are providers that brought facts and have no opinion."""

    groups: list[Group] = field(default_factory=list)
    context: list[str] = field(default_factory=list)
    disagreement: Disagreement | None = None


def voices_of(decision: Decision | None) -> Voices:
    """Nothing for a decision without readable evidence."""
    answers = list(_answers(decision)) if decision else []
    if decision is None or not answers:
        return Voices()
    kinds = _kinds(decision.reasons)
    sides: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for answer in answers:
        sides[_side(answer, kinds)].append(answer)
    pro, contra = SIDES.get(Status(decision.outcome), SIDES[Status.NEEDS_REVIEW])
    spoken = {str(answer["provider"]) for side in (FOR, AGAINST) for answer in sides[side]}
    silent = [answer for answer in sides[SILENT] if answer["provider"] not in spoken]
    quiet = spoken | {answer["provider"] for answer in silent}
    groups = [Group(pro, _cells(sides[FOR])), Group(contra, _cells(sides[AGAINST])), Group("Silent", _cells(silent))]
    return Voices(
        [group for group in groups if group.voices],
        _names(answer for answer in sides[""] if answer["provider"] not in quiet),
        _disagreement([*sides[FOR], *sides[AGAINST]]),
    )


def _answers(decision: Decision) -> Iterator[Mapping[str, Any]]:
    """The answers of the frozen evidence that can be read."""
    evidence = decision.evidence if isinstance(decision.evidence, dict) else {}
    for answer in evidence.get("answers") or ():
        if isinstance(answer, dict) and {"provider", "artifact", "outcome"} <= answer.keys():
            yield answer


def _kinds(reasons: Iterable[Any]) -> dict[tuple[str, str], str]:
    """What the decision made of each answer, by provider and artifact; what was not counted is silent."""
    named = [reason for reason in reasons if isinstance(reason, dict) and reason.get("provider")]
    return {(str(one["provider"]), str(one.get("artifact", ""))): str(one.get("kind", "")) for one in named}


def _side(answer: Mapping[str, Any], kinds: Mapping[tuple[str, str], str]) -> str:
    kind = kinds.get((str(answer["provider"]), str(answer["artifact"])), "")
    if kind in (FOR, AGAINST, SILENT):
        return kind
    return "" if _has_answered(answer) else SILENT


def _has_answered(answer: Mapping[str, Any]) -> bool:
    return answer["outcome"] in ANSWERED and bool(answer.get("fresh", True))


def _cells(answers: Sequence[Mapping[str, Any]]) -> list[Voice]:
    """One for each provider, in the order of the registry, with the worst of what it said first."""
    by_provider: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for answer in answers:
        by_provider[str(answer["provider"])].append(answer)
    return [_voice(provider, by_provider[provider]) for provider in sorted(by_provider, key=place_of)]


def _voice(provider: str, answers: list[Mapping[str, Any]]) -> Voice:
    worst_first = sorted(answers, key=lambda answer: -RANK.get(_verdict(answer), 0))
    return Voice(label_of(provider), _shape(worst_first[0]), "; ".join(map(_said, worst_first)))


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    value = answer.get("verdict")
    return Verdict(value) if value in Verdict.values else Verdict.UNKNOWN


def _shape(answer: Mapping[str, Any]) -> str:
    if answer["outcome"] == Outcome.PENDING:
        return WAITING
    return _verdict(answer).value if _has_answered(answer) else SILENT


def _said(answer: Mapping[str, Any]) -> str:
    """For example: `malicious on 203.0.113.7: Mirai`."""
    outcome = str(answer["outcome"])
    if outcome in ANSWERED:
        word = _verdict(answer).label.lower() if outcome == Outcome.OK else Outcome.NOT_FOUND.label.lower()
        word = word if answer.get("fresh", True) else f"{word}, but too old"
    else:
        word = Outcome(outcome).label.lower() if outcome in Outcome.values else "silent"
    summary = answer.get("summary")
    return f"{word} on {answer['artifact']}" + (f": {summary}" if summary else "")


def _disagreement(counted: Sequence[Mapping[str, Any]]) -> Disagreement | None:
    bad = [answer for answer in counted if _verdict(answer) in BAD]
    good = [
        answer
        for answer in counted
        if _verdict(answer) == Verdict.BENIGN and answer.get("strength") != Strength.CONTEXT
    ]
    return Disagreement(_words(bad), _words(good)) if bad and good else None


def _words(answers: Sequence[Mapping[str, Any]]) -> list[Voice]:
    return [Voice(voice.label, voice.shape, Verdict(voice.shape).label.lower()) for voice in _cells(answers)]


def _names(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    return [label_of(name) for name in sorted({str(answer["provider"]) for answer in answers}, key=place_of)]
