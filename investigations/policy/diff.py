"""What differs between two policies: in rules first, then in lines of text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from investigations.policy.document import Policy, Rule
from investigations.policy.mapping import KEYS, SignalMapping

FIELDS = ("when", "outcome", "severity", "disposition", "quorum", "complete", "mode", "reason")


class Change(StrEnum):
    """What happened to a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class FieldChange:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule; `before` and `after` are its places from 1, None where it is not there."""

    rule: str
    change: Change
    before: int | None
    after: int | None
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the text below: `sign` is a space, `+`, `-` or `@` for the head of a part."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs; empty where nothing does."""

    rules: tuple[RuleChange, ...]
    signals: tuple[FieldChange, ...]
    lines: tuple[Line, ...]

    def __bool__(self) -> bool:
        return bool(self.lines)


def compare(old: Policy, new: Policy) -> Comparison:
    """From `old` to `new`. A rule is the same rule when it has the same name."""
    rules = sorted(_rules(old, new), key=lambda one: one.after or one.before or 0)
    return Comparison(tuple(rules), tuple(_mapping(old.signals, new.signals)), tuple(text_lines(old.text, new.text)))


def text_lines(old: str, new: str, context: int = 3) -> Iterator[Line]:
    """The unified difference of two texts, without its two lines of file names."""
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), n=context, lineterm="")
    for number, line in enumerate(found):
        if number >= 2:
            yield Line("@", line) if line.startswith("@@") else Line(line[0], line[1:])


def _rules(old: Policy, new: Policy) -> Iterator[RuleChange]:
    before = {rule.name: place for place, rule in enumerate(old.rules, 1)}
    after = {rule.name: place for place, rule in enumerate(new.rules, 1)}
    moved = _moved([name for name in before if name in after], [name for name in after if name in before])
    for name in {**before, **after}:
        if name not in after:
            yield RuleChange(name, Change.REMOVED, before[name], None, tuple(_content(old.rules[before[name] - 1])))
        elif name not in before:
            yield RuleChange(name, Change.ADDED, None, after[name], tuple(_content(new.rules[after[name] - 1])))
        elif changed := tuple(_changed(old.rules[before[name] - 1], new.rules[after[name] - 1])):
            yield RuleChange(name, Change.CHANGED, before[name], after[name], changed)
        elif name in moved:
            yield RuleChange(name, Change.MOVED, before[name], after[name])


def _moved(before: list[str], after: list[str]) -> set[str]:
    """The fewest names that have to be taken out for the rest to be in the same order."""
    places = {name: place for place, name in enumerate(before)}
    longest: list[list[str]] = []  # for each name, the longest run in the old order that ends with it
    for number, name in enumerate(after):
        ahead = [run for run in longest[:number] if places[run[-1]] < places[name]]
        longest.append([*max(ahead, key=len, default=[]), name])
    kept = max(longest, key=len, default=[])
    return set(before) - set(kept)


def _changed(old: Rule, new: Rule) -> Iterator[FieldChange]:
    for name in FIELDS:
        before, after = _words(getattr(old, name)), _words(getattr(new, name))
        if before != after:
            yield FieldChange(name, before, after)


def _content(rule: Rule) -> Iterator[FieldChange]:
    for name in FIELDS:
        if words := _words(getattr(rule, name)):
            yield FieldChange(name, "", words)


def _mapping(old: SignalMapping, new: SignalMapping) -> Iterator[FieldChange]:
    for name in KEYS:
        before, after = _words(getattr(old, name)), _words(getattr(new, name))
        if before != after:
            yield FieldChange(name, before, after)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(value) if isinstance(value, frozenset) else value)
    if hasattr(value, "items"):
        return ", ".join(f"{name}: {one}" for name, one in sorted(value.items()))
    return str(value)
