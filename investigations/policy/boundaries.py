"""The values of facts at which a condition can change: those it compares with, and those beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from investigations.policy.document import Rule
from investigations.policy.facts import FACTS

_TEXT = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_NAME = r"[a-z_]+"
_BETWEEN_FACTS = re.compile(rf"\b({_NAME})\s*(?:[<>]=?|[!=]=|\bin\b)\s*({_NAME})\b")
# Functions whose result changes only at the constants that a fact is compared with
_PLAIN = frozenset({"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_?_:_"})
_FEW = 4  # texts that are also tried one after the other, for conditions on beginnings and ends
_LONGEST = 12  # names in a list that is tried
_OTHER = "something else"

# Every word that a fact can be
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "scope": ("public", "internal", "reserved"),
    "scan_answered": ("unknown", "yes", "no"),
    "severity": ("low", "informational", "medium", "high", "critical"),
    "verdict": ("unknown", "malicious", "suspicious", "benign"),
    "targeting": ("unknown", "targeted", "opportunistic"),
    "reverse_dns": ("unknown", "confirmed", "unconfirmed", "none"),
    "tor": ("no", "yes", "unknown"),
    "authorised_scan": ("no", "in_force", "outside_window", "outside_scope", "expired"),
    "remembered_source": ("none", "malicious", "benign"),
}
_AT_MOST: Final[Mapping[str, int]] = {"remembered_malicious": 100, "remembered_benign": 100}


def values_of(rules: Sequence[Rule], quorum: int) -> dict[str, list[Any]]:
    """For every fact that these rules name, the values that can make a difference, the default first."""
    texts = list(dict.fromkeys(one or two for rule in rules for one, two in _TEXT.findall(rule.when)))
    numbers = {quorum, *(int(one) for rule in rules for one in _NUMBER.findall(_TEXT.sub("", rule.when)))}
    # Two beyond the largest, so that one fact can exceed another there, too
    around = {0, *(number + step for number in numbers for step in (-1, 0, 1)), max(numbers) + 2}
    counts = sorted(number for number in around if number >= 0)
    named = dict.fromkeys(name for rule in rules for name in rule.variables)
    return {name: [quorum] if name == "malicious_quorum" else _values(name, texts, counts) for name in named}


def is_plain(rule: Rule) -> bool:
    """Whether the values of `values_of` are enough to tell whether its condition can ever hold."""
    bare = _TEXT.sub(" ", rule.when)
    compared = [pair for pair in _BETWEEN_FACTS.findall(bare) if all(name in FACTS for name in pair)]
    return (
        set(rule.program.functions()) <= _PLAIN
        and "\\" not in rule.when
        and not any(char.isdigit() for char in _NUMBER.sub("", bare))
        and all("malicious_quorum" in pair for pair in compared)
    )


def _values(name: str, texts: Sequence[str], counts: Sequence[int]) -> list[Any]:
    default = FACTS[name]
    if isinstance(default, bool):
        return [default, not default]
    if isinstance(default, int):
        most = _AT_MOST.get(name, counts[-1])
        return [number for number in counts if number <= most]
    if isinstance(default, list):
        return [[], *_lists(texts, counts)]
    if name in WORDS:
        return list(WORDS[name])
    pairs = [one + other for one in texts[:_FEW] for other in texts[:_FEW] if one != other]
    return ["", *texts, *pairs, _OTHER]


def _lists(texts: Sequence[str], counts: Iterable[int]) -> list[list[str]]:
    lengths = [count for count in counts if 1 < count <= _LONGEST]
    several = [list(texts[:_LONGEST])] if len(texts) > 1 else []
    return [*([text] for text in texts), [_OTHER], *several, *([_OTHER] * length for length in lengths)]
