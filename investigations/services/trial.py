"""One backtest while it runs: frozen evidence goes in piece by piece, changes and sums come out. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from investigations.policy.backtest import Compared, Judge, Past, compare
from investigations.policy.document import Policy
from investigations.policy.tally import Lookups, Tally
from investigations.queries import stored_evidence
from investigations.queries.stored_evidence import Stored

PIECE = 500  # decisions between two looks at whether somebody wants it to stop


@dataclass(frozen=True, slots=True)
class Change:
    """One stored decision that comes out otherwise, or that a person had judged otherwise than the draft would."""

    stored: Stored
    found: Compared


@dataclass
class Trial:
    """A draft over the decisions from `since` on, before `until`.

    It is compared with the base, the numbered policy that was in force: what that one decided itself stands as it was
    decided; what another version decided is judged by the base, too. Without a base, what was decided then counts.
    """

    draft: Policy
    base: tuple[int, Policy] | None
    since: datetime
    until: datetime
    tally: Tally = field(default_factory=Tally)
    done: int = 0

    @cached_property
    def total(self) -> int:
        return stored_evidence.count(self.since, self.until)

    def steps(self) -> Iterator[list[Change]]:
        """The changes of one piece after the other; `tally` and `done` grow with them."""
        judge, base = Judge(self.draft), Judge(self.base[1]) if self.base else None
        lookups = Lookups(self.since.isoformat(timespec="milliseconds"))
        for rows in stored_evidence.pieces(self.since, self.until, PIECE):
            words = stored_evidence.last_words([row.investigation for row in rows])
            people = {number: word.outcome for number, word in words.items()}
            yield list(self._changes(rows, people, judge, base, lookups))

    def _changes(
        self, rows: Sequence[Stored], people: dict[int, str], judge: Judge, base: Judge | None, lookups: Lookups
    ) -> Iterator[Change]:
        for row in rows:
            self.done += 1
            read = stored_evidence.decoded(row.evidence)
            if read is None:
                self.tally.unreadable += 1
                continue
            evidence, sound = read
            rejudge = base if self.base and row.policy != self.base[0] else None
            draft = judge
            if not sound:  # what was remembered for sound facts need not hold for these
                draft, rejudge = Judge(judge.policy), Judge(rejudge.policy) if rejudge else None
            past = Past(row.outcome, row.rule, people.get(row.investigation, ""))
            found = compare(draft, past, evidence, rejudge)
            self.tally.rejudged += rejudge is not None
            self.tally.add(found, evidence.decided)
            lookups.count(evidence, self.tally)
            if found.changed or found.grave or found.against:
                yield Change(row, found)
