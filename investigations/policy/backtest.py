"""What a policy would have made of stored evidence: judged one by one, counted, compared with what people did.

Everything here is a function of frozen evidence. The brakes that were on are part of it and hold here, too: so the
policy that decided changes nothing. Only a grave looks behind them, because a brake of the past must not hide one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from investigations.choices import Status
from investigations.policy.decide import matches, rule_on
from investigations.policy.document import Policy, Rule
from investigations.policy.evidence import Evidence
from investigations.policy.facts import FACTS, facts_from, read

# They take so many values that what was found for one of them seldom serves for another
WIDE = frozenset(
    {"scan_alerts", "scan_ports", "scan_targets", "our_names", "reporters", "exposed", "scanner_name", "reverse_name"}
    | {"service_name", "authorised_detail", "list_label", "list_owner", "list_ticket", "remembered_by"}
    | {"remembered_malicious", "remembered_benign"}
    | {name for name, value in FACTS.items() if isinstance(value, list)}
)
REMEMBERED = 50_000  # results that a judge keeps


class Judgement(NamedTuple):
    """The outcome and its rule, without words."""

    outcome: Status
    rule: str


class Judge:
    """Judges much evidence by one policy, and remembers which conditions hold for which facts.

    A condition is a function of the facts that it names, so this changes nothing but the time it takes.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._narrow = tuple(sorted({name for rule in policy.rules for name in rule.variables} - WIDE))
        self._alone = {rule.name: WIDE.isdisjoint(rule.variables) for rule in policy.rules}
        self._remembered: dict[tuple[Any, ...], dict[str, bool]] = {}
        self._known: dict[str, bool] = {}
        self._size = 0

    def __call__(self, evidence: Evidence) -> Judgement:
        reading = read(evidence, self.policy.signals)
        facts = facts_from(reading)
        key = tuple(map(facts.__getitem__, self._narrow))
        self._known = self._remembered.setdefault(key, {})
        ruling = rule_on(self.policy, reading, facts, self._matches)
        return Judgement(ruling.outcome, ruling.rule)

    def _matches(self, rule: Rule, facts: Mapping[str, Any]) -> bool:
        if not self._alone[rule.name]:
            return matches(rule, facts)
        found = self._known.get(rule.name)
        if found is None:
            found = self._known[rule.name] = matches(rule, facts)
            self._count()
        return found

    def _count(self) -> None:
        """Begin anew when there is too much to remember; what is being judged keeps what it knows."""
        self._size += 1
        if self._size > REMEMBERED:
            self._remembered, self._size = {}, 0


def judge(policy: Policy, evidence: Evidence) -> Judgement:
    """The outcome and rule that `decide` comes to on the same evidence."""
    return Judge(policy)(evidence)


@dataclass(frozen=True, slots=True)
class Past:
    """What became of stored evidence: what was decided then, and what a person decided in the end (Status or empty)."""

    outcome: str
    rule: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """One piece of evidence under two policies. `unbraked` is what the draft wants where a brake was on."""

    before: Judgement
    after: Judgement
    unbraked: Judgement
    person: str = ""
    held: bool = False

    @property
    def changed(self) -> bool:
        return self.before.outcome != self.after.outcome

    @property
    def grave(self) -> bool:
        """A person had escalated what the draft would dismiss."""
        return self.person == Status.ESCALATED and self.unbraked.outcome == Status.DISMISSED

    @property
    def against(self) -> bool:
        """A person had dismissed what the draft would escalate."""
        return self.person == Status.DISMISSED and self.after.outcome == Status.ESCALATED

    @property
    def shown(self) -> Judgement:
        """What the list of changes says about the draft."""
        return self.unbraked if self.grave else self.after


def compare(draft: Judge, past: Past, evidence: Evidence, base: Judge | None = None) -> Compared:
    """The draft beside what was decided; or beside `base`, where another policy than the base decided then."""
    before = base(evidence) if base else Judgement(Status(past.outcome), past.rule)
    after = unbraked = draft(evidence)
    if evidence.held and past.person == Status.ESCALATED:
        unbraked = draft(replace(evidence, held=()))
    return Compared(before, after, unbraked, past.person, bool(evidence.held))
