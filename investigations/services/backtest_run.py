"""Run one backtest that this process holds: progress twice a second, every grave, and as many changes as one reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db import DatabaseError

from investigations.models import Backtest, BacktestChange
from investigations.policy.document import Policy, PolicyError
from investigations.queries.policies import parsed
from investigations.services.backtests import Lease, Lost, fail, finish, give_back, renew
from investigations.services.trial import Change, Trial

EVERY = 0.5  # seconds between two notes of the progress; a cancellation is seen there, too
LISTED = 10_000  # changes that are stored beside the graves, of which all are


def run(lease: Lease, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Run it to its end; False if it was cancelled, taken by another process, or given back because we shall stop.

    With the database away, the lease runs out, and another process begins it anew.
    """
    work = _Run(lease, stopping)
    try:
        work.run()
    except Lost:
        return False
    except DatabaseError:
        raise
    except Exception as error:
        fail(work.lease, f"It broke: {type(error).__name__}. The log of the machine that ran it has the details.")
        raise
    return True


def trial_of(draft: Policy, row: Backtest) -> Trial:
    """What a stored backtest looks at. Decisions that are made from now on are none of its business."""
    base = None
    if row.base is not None:
        try:
            base = row.base.pk, parsed(row.base.document)
        except PolicyError:
            base = None  # a text that this release cannot read any more: what was decided then stands
    return Trial(draft, base, since=row.asked - timedelta(days=row.days), until=row.asked)


class _Run:
    """The state of one run."""

    def __init__(self, lease: Lease, stopping: Callable[[], bool]) -> None:
        self.lease = lease
        self.stopping = stopping
        self.row = Backtest.objects.select_related("base").get(pk=lease.backtest)
        self.pending: list[Change] = []
        self.listed = 0
        self.unlisted = 0
        self.began = self.noted = time.monotonic()

    def run(self) -> None:
        try:
            trial = trial_of(parsed(self.row.document), self.row)
        except PolicyError as error:
            return fail(self.lease, f"This text is no policy for this release any more: {error}")
        self._note(trial)
        for changes in trial.steps():
            self.pending += changes
            if self.stopping():
                give_back(self.lease)
                raise Lost
            if time.monotonic() - self.noted >= EVERY:
                self._note(trial)
        self._note(trial)
        finish(self.lease)

    def _note(self, trial: Trial) -> None:
        rows = list(self._rows())
        seconds = {"seconds": round(time.monotonic() - self.began, 1), "unlisted": self.unlisted}
        total = max(trial.total, trial.done)
        summary: dict[str, Any] = {**trial.tally.as_json(), **seconds}
        self.lease = renew(self.lease, done=trial.done, total=total, summary=summary, changes=rows)
        self.noted = time.monotonic()

    def _rows(self) -> Iterator[BacktestChange]:
        for change in self.pending:
            if change.found.grave:
                yield self._row(change)
            elif self.listed < LISTED:
                self.listed += 1
                yield self._row(change)
            else:
                self.unlisted += 1
        self.pending = []

    def _row(self, change: Change) -> BacktestChange:
        stored, found = change.stored, change.found
        return BacktestChange(
            backtest_id=self.lease.backtest,
            investigation_id=stored.investigation,
            decision_id=stored.decision,
            before=found.before.outcome,
            before_rule=found.before.rule,
            after=found.shown.outcome,
            after_rule=found.shown.rule,
            person=found.person,
            grave=found.grave,
        )
