"""Can a rule ever decide? A search over the facts that its condition and those before it name.

Conditions compare facts with constants, so only the values around those constants can make a difference. Where there
are few enough combinations all of them are tried, which is a proof; otherwise a seeded search looks for one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import prod
from typing import Any

import cel

from investigations.policy.boundaries import is_plain, values_of
from investigations.policy.conditions import ConditionError, compile_condition, conjuncts, holds
from investigations.policy.dependent import possible, settled
from investigations.policy.document import Policy, Rule
from investigations.policy.facts import FACTS

EXHAUSTIVE = 8_000  # combinations that are all tried
TRIES = 8_000  # of a search
MATCHES = 200  # combinations that fulfil a condition, which are held against the earlier rules
OTHERS = 8  # values of the other facts that are tried with each of them


class Reach(StrEnum):
    """What is known about a rule; NEVER and SHADOWED are proofs."""

    DECIDES = "decides"
    NEVER = "never"
    SHADOWED = "shadowed"
    NOT_FOUND = "not found"


@dataclass(frozen=True, slots=True)
class Search:
    """What came out, how many combinations of facts were tried, and which rule takes everything, if one does."""

    reach: Reach
    tried: int
    by: str = ""


def reaches(policy: Policy) -> Iterator[tuple[Rule, Search]]:
    """Each rule with what is known about it."""
    for place, rule in enumerate(policy.rules):
        # Rules that dismiss may always be held back, so they take nothing from the rules below
        earlier = [one for one in policy.rules[:place] if not one.proposes and not one.dismisses]
        yield rule, search_for(rule, earlier, policy.signals.malicious_quorum)


def search_for(rule: Rule, earlier: Sequence[Rule], quorum: int) -> Search:
    """Whether a rule can decide after these rules, which decide before it."""
    return _Search(rule, earlier, quorum).run()


class _Search:
    def __init__(self, rule: Rule, earlier: Sequence[Rule], quorum: int) -> None:
        self.rule = rule
        self.earlier = earlier
        self.named = list(dict.fromkeys(rule.variables))
        self.values = _narrowed(rule, values_of([*earlier, rule], quorum), quorum)
        self.others = {name: values for name, values in self.values.items() if name not in self.named}
        self.base = {name: quorum if name == "malicious_quorum" else FACTS[name] for name in self.values}
        self.source = random.Random(0)
        self.tried = 0

    def run(self) -> Search:
        matching = []
        for facts in self._combinations():
            self.tried += 1
            if possible(facts) and _true(self.rule, facts):
                matching.append(facts)
                if self._decides(self.base | facts):
                    return Search(Reach.DECIDES, self.tried)
        if not matching:
            proved = self._space(self.named) <= EXHAUSTIVE and is_plain(self.rule)
            return Search(Reach.NEVER if proved else Reach.NOT_FOUND, self.tried)
        if self._with_other_facts(matching):
            return Search(Reach.DECIDES, self.tried)
        by = next((one.name for one in self.earlier if self._takes_everything(one)), "")
        return Search(Reach.SHADOWED if by else Reach.NOT_FOUND, self.tried, by)

    def _space(self, names: Iterable[str]) -> int:
        return prod(len(self.values[name]) for name in names)

    def _combinations(self) -> Iterator[dict[str, Any]]:
        if self._space(self.named) <= EXHAUSTIVE:
            yield from self._all(self.named)
        else:
            yield from ({name: self.source.choice(self.values[name]) for name in self.named} for _ in range(TRIES))

    def _all(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        combinations = product(*(self.values[name] for name in names))
        return (dict(zip(names, one, strict=True)) for one in combinations)

    def _decides(self, facts: dict[str, Any]) -> bool:
        """With the facts that the condition does not name changed to go with those that it does."""
        whole = settled(facts, self.others)
        return whole is not None and not any(_true(one, whole) for one in self.earlier)

    def _with_other_facts(self, matching: Sequence[dict[str, Any]]) -> bool:
        """The condition can hold: is there anything in the other facts that keeps every earlier rule from taking it?"""
        for facts in self.source.sample(matching, min(len(matching), MATCHES)):
            for _ in range(OTHERS if self.others else 0):
                self.tried += 1
                # A few of them only: most rules are about what stands out
                changed = self.source.sample(list(self.others), min(len(self.others), self.source.randint(1, 4)))
                if self._decides(self.base | {name: self.source.choice(self.others[name]) for name in changed} | facts):
                    return True
        return False

    def _takes_everything(self, earlier: Rule) -> bool:
        """Whether this rule holds wherever the other one does; a proof, or no."""
        names = list(dict.fromkeys([*self.named, *earlier.variables]))
        if self._space(names) > EXHAUSTIVE or not (is_plain(self.rule) and is_plain(earlier)):
            return False
        return all(_true(earlier, facts) for facts in self._all(names) if possible(facts) and _true(self.rule, facts))


def _narrowed(rule: Rule, values: dict[str, list[Any]], quorum: int) -> dict[str, list[Any]]:
    """Without the values that a part of the condition alone rules out: `a && b` needs both."""
    for part in conjuncts(rule.when):
        try:
            program = compile_condition(part)
        except ConditionError:
            continue
        names = [name for name in program.variables() if name != "malicious_quorum"]
        if len(names) == 1:
            values[names[0]] = [one for one in values[names[0]] if _fulfils(program, names[0], one, quorum)]
    return values


def _fulfils(program: cel.Program, name: str, value: Any, quorum: int) -> bool:
    try:
        return holds(program, {name: value, "malicious_quorum": quorum})
    except ConditionError:
        return True


def _true(rule: Rule, facts: Mapping[str, Any]) -> bool:
    try:
        return holds(rule.program, {name: facts[name] for name in rule.variables})
    except ConditionError:
        return True  # it would decide: for a person
