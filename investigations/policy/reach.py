"""Can a rule ever decide? A search over the facts that its condition and those before it name.

Conditions compare facts with constants, so only the values around those constants can make a difference. Where there
are few enough combinations all of them are tried, which is a proof; otherwise a seeded search looks for one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import product
from math import prod
from typing import Any

import cel

from investigations.policy.conditions import ConditionError, compile_condition, holds
from investigations.policy.document import Policy, Rule
from investigations.policy.facts import FACTS

EXHAUSTIVE = 20_000  # combinations that are all tried
TRIES = 3_000  # of a search
MATCHES = 400  # combinations that fulfil a condition, which are held against the earlier rules

_TEXT = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w.])")
# Words that a fact can have besides those that conditions compare it with
_WORDS: Mapping[str, tuple[str, ...]] = {
    "scope": ("public", "internal", "reserved"),
    "scan_answered": ("yes", "no", "unknown"),
    "severity": ("informational", "low", "medium", "high", "critical"),
    "verdict": ("malicious", "suspicious", "benign", "unknown"),
    "targeting": ("targeted", "opportunistic", "unknown"),
    "reverse_dns": ("confirmed", "unconfirmed", "none", "unknown"),
    "tor": ("yes", "no", "unknown"),
    "authorised_scan": ("no", "in_force", "outside_window", "outside_scope", "expired"),
    "remembered_source": ("none", "malicious", "benign"),
}
# The first never exceeds the second
_AT_MOST = (
    ("decisive", "malicious"), ("judged_malicious", "malicious"), ("domain_malicious", "malicious"),
    ("malicious", "suspicious"), ("silent", "answered"), ("exposed", "scan_ports"),
)  # fmt: skip


class Reach(StrEnum):
    """What is known about a rule; NEVER and SHADOWED are proofs."""

    DECIDES = "decides"
    NEVER = "never"
    SHADOWED = "shadowed"
    NOT_FOUND = "not found"


def reaches(policy: Policy) -> Iterator[tuple[Rule, Reach]]:
    """Each rule with what is known about it."""
    for place, rule in enumerate(policy.rules):
        earlier = [one for one in policy.rules[:place] if not one.proposes and not one.dismisses]
        yield rule, reach_of(rule, earlier)


def reach_of(rule: Rule, earlier: Sequence[Rule]) -> Reach:
    """Whether it can decide after these rules; rules that dismiss may always be held back, so they take nothing."""
    named = list(dict.fromkeys(rule.variables))
    values = _narrowed(rule, _values([*earlier, rule]))
    space = prod(len(values[name]) for name in named)
    if not space:
        return Reach.NEVER
    complete = space <= EXHAUSTIVE
    chosen = product(*(values[name] for name in named)) if complete else _random(named, values, TRIES * 4)
    matching = []
    for combination in chosen:
        facts = dict(zip(named, combination, strict=True))
        if _possible(facts) and _true(rule, {**FACTS, **facts}):
            matching.append(facts)
            if not any(_true(one, {**FACTS, **facts}) for one in earlier):
                return Reach.DECIDES
    if not matching:
        return Reach.NEVER if complete else Reach.NOT_FOUND
    found = _among_earlier(matching, named, values, earlier)
    return found if complete or found == Reach.DECIDES else Reach.NOT_FOUND


def _among_earlier(
    matching: list[dict[str, Any]], named: Sequence[str], values: Mapping[str, Sequence[Any]], earlier: Sequence[Rule]
) -> Reach:
    """The condition can hold: is there anything else in the facts that keeps every earlier rule from taking it?"""
    others = [name for name in values if name not in named]
    if not others or not any(set(one.variables) & set(others) for one in earlier):
        return Reach.SHADOWED
    source = random.Random(0)
    for facts in source.sample(matching, min(len(matching), MATCHES)):
        # A rule that takes it whatever the other facts are says enough for this combination
        for attempt in range(max(2, TRIES // MATCHES)):
            chosen = {name: source.choice(values[name]) for name in others} if attempt else {}
            whole = {**FACTS, **chosen, **facts}
            if _possible(whole) and not any(_true(one, whole) for one in earlier):
                return Reach.DECIDES
    return Reach.SHADOWED if all(_taken(facts, named, earlier) for facts in matching) else Reach.NOT_FOUND


def _taken(facts: Mapping[str, Any], named: Sequence[str], earlier: Sequence[Rule]) -> bool:
    """Whether an earlier rule that looks at nothing else takes it, too."""
    whole = {**FACTS, **facts}
    return any(set(one.variables) <= set(named) and _true(one, whole) for one in earlier)


def _narrowed(rule: Rule, values: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Without the values that a part of the condition alone rules out: `a && b` needs both."""
    for part in _conjuncts(rule.when):
        try:
            program = compile_condition(part)
        except ConditionError:
            continue
        if len(names := program.variables()) == 1:
            values[names[0]] = [one for one in values[names[0]] if _fulfils(program, {**FACTS, names[0]: one})]
    return values


def _conjuncts(text: str) -> list[str]:
    """The parts that `&&` joins at the top; the whole if an `||` or a choice joins them."""
    depth, parts, start = 0, [], 0
    masked = _TEXT.sub(lambda found: " " * len(found[0]), text)
    for at, char in enumerate(masked):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and (masked.startswith("||", at) or char == "?"):
            return [text]
        if depth == 0 and masked.startswith("&&", at):
            parts.append(text[start:at])
            start = at + 2
    return [*parts, text[start:]]


def _fulfils(program: cel.Program, facts: Mapping[str, Any]) -> bool:
    try:
        return holds(program, facts)
    except ConditionError:
        return True


def _random(named: Sequence[str], values: Mapping[str, Sequence[Any]], count: int) -> Iterator[tuple[Any, ...]]:
    source = random.Random(0)
    for _ in range(count):
        yield tuple(source.choice(values[name]) for name in named)


def _values(rules: Sequence[Rule]) -> dict[str, list[Any]]:
    """For every fact that is named, the values that can make a difference."""
    texts = list(dict.fromkeys(one or two for rule in rules for one, two in _TEXT.findall(rule.when)))
    numbers = {int(one) for rule in rules for one in _NUMBER.findall(_TEXT.sub("", rule.when))}
    around = sorted({0, *(value for number in numbers for value in (number - 1, number, number + 1) if value >= 0)})
    return {name: _values_of(name, texts, around) for rule in rules for name in rule.variables}


def _values_of(name: str, texts: Sequence[str], around: Sequence[int]) -> list[Any]:
    default = FACTS[name]
    if isinstance(default, bool):
        return [False, True]
    if isinstance(default, int):
        return list(around)
    if isinstance(default, list):
        return [[], *([text] for text in texts), ["something else"]]
    if name in _WORDS:
        return list(_WORDS[name])
    return ["", *texts, "something else"]


def _possible(facts: Mapping[str, Any]) -> bool:
    """Whether facts can be so together; what is not named can be anything."""
    return all(facts[low] <= facts[high] for low, high in _AT_MOST if low in facts and high in facts)


def _true(rule: Rule, facts: Mapping[str, Any]) -> bool:
    try:
        return holds(rule.program, {name: facts[name] for name in rule.variables})
    except ConditionError:
        return True  # it would decide: for a person
