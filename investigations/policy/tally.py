"""The sums of a backtest: they grow with every piece of evidence, can be merged, and are plain JSON when stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from investigations.choices import Outcome, Status
from investigations.policy.backtest import Compared
from investigations.policy.evidence import Answer, Evidence

NOT_ASKED = frozenset({Outcome.SKIPPED, Outcome.PENDING})
MOST_LOOKUPS = 1_000_000  # that are told apart at a time


@dataclass(frozen=True, slots=True)
class RuleShare:
    """How many decisions one rule made before and after."""

    rule: str
    before: int
    after: int


@dataclass(slots=True)
class Tally:
    """Counts of decisions, unless said otherwise. Days are ISO dates in UTC."""

    decisions: int = 0
    unreadable: int = 0  # without evidence that can be read: their run had failed
    changes: int = 0  # another outcome
    rule_changes: int = 0  # the same outcome by another rule
    graves: int = 0  # a person had escalated what the draft would dismiss
    new_graves: int = 0  # those of them that were not dismissed before
    braked_graves: int = 0  # those of them that only a brake of the past would have stopped
    against: int = 0  # a person had dismissed what the draft would escalate
    escalated: int = 0  # a person's last word was to escalate
    dismissed: int = 0  # or to dismiss
    held: int = 0  # a brake was on
    rejudged: int = 0  # decided by another policy than the one that the draft is compared with
    first: str = ""  # when the first and the last of them were decided, ISO 8601
    last: str = ""
    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)  # outcome before and after
    before: Counter[tuple[str, str]] = field(default_factory=Counter)  # rule and outcome
    after: Counter[tuple[str, str]] = field(default_factory=Counter)
    lookups: Counter[tuple[str, str]] = field(default_factory=Counter)  # provider and day

    def add(self, found: Compared, decided: str) -> None:
        before, after = found.before, found.after
        self.decisions += 1
        self.matrix[before.outcome.value, after.outcome.value] += 1
        self.before[before.rule, before.outcome.value] += 1
        self.after[after.rule, after.outcome.value] += 1
        if found.changed:
            self.changes += 1
        elif before.rule != after.rule:
            self.rule_changes += 1
        if found.grave:
            self.graves += 1
            self.new_graves += before.outcome != Status.DISMISSED
            self.braked_graves += after.outcome != Status.DISMISSED
        self.against += found.against
        self.escalated += found.person == Status.ESCALATED
        self.dismissed += found.person == Status.DISMISSED
        self.held += found.held
        self.first = min(self.first or decided, decided)
        self.last = max(self.last, decided)

    def merge(self, other: Tally) -> Tally:
        """Both together."""
        sums = {one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        ends = {"first": min(filter(None, [self.first, other.first]), default=""), "last": max(self.last, other.last)}
        return Tally(**{**sums, **ends})

    def as_json(self) -> dict[str, Any]:
        """Counters become lists of rows: both words and the count."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _rows(value) if isinstance(value, Counter) else value for name, value in data.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        """What `as_json` made; other keys are passed over."""
        known: dict[str, Any] = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        known |= {name: _counter(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**known)

    def rules(self) -> list[RuleShare]:
        """What each rule decided before and after, the busiest first."""
        names = {rule for rule, _ in (*self.before, *self.after)}
        shares = [RuleShare(name, _of_rule(name, self.before), _of_rule(name, self.after)) for name in names]
        return sorted(shares, key=lambda share: (-max(share.before, share.after), share.rule))

    def lookups_by_day(self) -> dict[str, dict[str, int]]:
        """Lookups of each provider on each day, by its name."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for (provider, day), count in sorted(self.lookups.items()):
            found[provider][day] = count
        return dict(found)


class Lookups:
    """Counts lookups in the order of the decisions that rest on them: an answer that was used again is no second one.

    What was asked before `since` belongs to an earlier time. Days that are long past are forgotten, so that memory is
    bounded: whatever else turns up of them counts as used again, since first uses lie close to their lookup.
    """

    def __init__(self, since: str, most: int = MOST_LOOKUPS) -> None:
        self._since = since
        self._most = most
        self._days: dict[str, set[int]] = {}
        self._forgotten = ""  # the last day that was
        self._size = 0

    def count(self, evidence: Evidence, tally: Tally) -> None:
        for answer in evidence.answers:
            if self._is_new(answer):
                tally.lookups[answer.provider, answer.asked[:10]] += 1
        while self._size > self._most and len(self._days) > 1:
            self._forget(min(self._days))

    def _is_new(self, answer: Answer) -> bool:
        asked = answer.asked
        day = asked[:10]
        if asked < self._since or answer.outcome in NOT_ASKED or day <= self._forgotten:
            return False
        seen = self._days.setdefault(day, set())
        size = len(seen)
        seen.add(hash((answer.provider, answer.artifact, asked)))
        if len(seen) == size:
            return False
        self._size += 1
        return True

    def _forget(self, day: str) -> None:
        self._size -= len(self._days.pop(day))
        self._forgotten = day


def expected_reviews(tally: Tally, shares: Mapping[str, float], days: float, most: int) -> float:
    """Blind reviews a day that the draft's dismissals would ask for, by the share of each rule; at most `most`."""
    dismissed = {rule: count for (rule, outcome), count in tally.after.items() if outcome == Status.DISMISSED}
    return min(sum(count * shares.get(rule, 0.0) for rule, count in dismissed.items()) / max(days, 1.0), float(most))


def _of_rule(rule: str, counts: Mapping[tuple[str, str], int]) -> int:
    return sum(count for (name, _), count in counts.items() if name == rule)


def _rows(counter: Counter[tuple[str, str]]) -> list[list[Any]]:
    return [[*key, count] for key, count in sorted(counter.items())]


def _counter(rows: Iterable[Sequence[Any]]) -> Counter[tuple[str, str]]:
    return Counter({(str(one), str(other)): int(count) for one, other, count in rows})
