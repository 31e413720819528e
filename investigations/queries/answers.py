"""How an answer of a provider is shown: one shape for what it says, and one for each way of being silent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from investigations.choices import FAILED, Outcome, Verdict
from investigations.providers import PROVIDERS

ORDER = {name: position for position, name in enumerate(PROVIDERS)}
RANK = {Verdict.MALICIOUS: 4, Verdict.SUSPICIOUS: 3, Verdict.BENIGN: 2, Verdict.UNKNOWN: 1}
WAITING, SILENT = "waiting", "silent"


@dataclass(frozen=True, slots=True)
class Mark:
    """One shape of a strip: a Verdict value, "waiting" or "silent"; `words` say the same."""

    shape: str
    words: str


def label_of(provider: str) -> str:
    """The provider's name for people; its plain name if it is no longer registered."""
    known = PROVIDERS.get(provider)
    return known.label if known else provider


def shape_of(outcome: str, verdict: str) -> str:
    if outcome == Outcome.PENDING:
        return WAITING
    return SILENT if outcome in FAILED or outcome == Outcome.SKIPPED else verdict


def says(outcome: str, verdict: str) -> str:
    """The answer in a word: `malicious`, `not found`, `no answer in time`."""
    if outcome == Outcome.OK:
        return Verdict(verdict).label.lower()
    return Outcome(outcome).label.lower()


def marks_of(answers: Iterable[tuple[str, str, str]]) -> list[Mark]:
    """One mark for each provider, in the order of the registry, from (provider, outcome, verdict).

    A provider that was asked about several artifacts shows the worst of what it said.
    """
    worst: dict[str, tuple[str, str]] = {}
    for provider, outcome, verdict in answers:
        if provider not in worst or _weight(outcome, verdict) > _weight(*worst[provider]):
            worst[provider] = (outcome, verdict)
    ordered = sorted(worst.items(), key=lambda item: place_of(item[0]))
    return [Mark(shape_of(*answer), f"{label_of(name)}: {says(*answer)}") for name, answer in ordered]


def place_of(provider: str) -> tuple[int, str]:
    """The provider's place in lists; those that are no longer registered come last."""
    return ORDER.get(provider, len(ORDER)), provider


def _weight(outcome: str, verdict: str) -> int:
    return RANK[Verdict(verdict)] if shape_of(outcome, verdict) == verdict else 0


def fact(facts: Iterable[dict[str, Any]], name: str) -> Any:
    """The first value that any answer has for a fact."""
    return next((one[name] for one in facts if one.get(name) not in (None, "")), None)
