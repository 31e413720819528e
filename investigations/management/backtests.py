"""Backtests outside the engine's process: the child that a worker tends, and the one that runs inside a command."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils.timezone import now

from investigations.choices import Status
from investigations.management.policies import read
from investigations.policy.document import Policy
from investigations.policy.tally import Tally
from investigations.queries.drafts import check
from investigations.queries.policies import active_policy
from investigations.services.backtests import MAX_DAYS, take, waiting
from investigations.services.trial import Change, Trial
from reconsoc import processes
from reconsoc.env import BASE_DIR

SHOWN = 20  # graves that the command names
STEP = 1.0  # seconds between two lines of progress
FROZEN = "Only frozen evidence was used: what the providers knew then, not what they would say today."
WORDS = {Status.ESCALATED: "escalated", Status.DISMISSED: "dismissed", Status.NEEDS_REVIEW: "needs review"}

log = structlog.get_logger(__name__)


class BacktestChild:
    """At most one backtest at a time in a process of its own, which ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def tend(self) -> None:
        """Start the next one if nothing runs; call it often. The row is taken here, so that one child is enough."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = None
        if not waiting() or (lease := take()) is None:
            return
        command = [sys.executable, "manage.py", "run_backtest"]
        command += ["--lease", str(lease.backtest), lease.until.isoformat()]
        try:
            # It looks itself whether we are still there: this process has threads, and must not fork by halves
            self._process = subprocess.Popen(command, cwd=BASE_DIR, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            log.warning("backtest_not_started", error=type(error).__name__)  # its lease runs out: somebody tries again

    def stop(self) -> None:
        """It gives back what it has not finished, and another worker begins that anew."""
        if self._process is not None:
            processes.stop(self._process, seconds=5)


def policy_in(file: str) -> Policy:
    """The policy in a file; ValueError with the first thing that is wrong with it."""
    checked = check(read(file))
    if checked.policy is None:
        raise ValueError(f"{file} is no policy: {checked.problems[0]}")
    return checked.policy


def try_out(policy: Policy, *, days: int, say: Callable[[str], None]) -> tuple[Trial, list[Change]]:
    """A policy over the decisions of the last days, here and now; nothing is stored. Its graves, the latest last."""
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"the days must be from 1 to {MAX_DAYS}")
    moment = now()
    trial = Trial(policy, active_policy(), since=moment - timedelta(days=days), until=moment)
    graves: list[Change] = []
    told = time.monotonic()
    for changes in trial.steps():
        graves += [change for change in changes if change.found.grave]
        if time.monotonic() - told >= STEP:
            told = time.monotonic()
            say(f"{trial.done:,} of {trial.total:,} decisions")
    return trial, graves


def shape(trial: Trial, graves: list[Change]) -> dict[str, Any]:
    """What `policy backtest --json` prints."""
    listed = [
        {
            "investigation": one.stored.investigation,
            "decision": one.stored.decision,
            "before": one.found.before.outcome.value,
            "before_rule": one.found.before.rule,
            "rule": one.found.shown.rule,
        }
        for one in graves
    ]
    return {"since": _iso(trial.since), "until": _iso(trial.until), **trial.tally.as_json(), "grave_list": listed}


def summary(trial: Trial, graves: list[Change]) -> str:
    """The same for people, the graves first."""
    tally = trial.tally
    lines = [f"people had escalated {tally.graves:,} that it would dismiss", *map(_grave, graves[-SHOWN:])]
    lines += [f"  and {len(graves) - SHOWN:,} before them"] if len(graves) > SHOWN else []
    lines += [f"people had dismissed {tally.against:,} that it would escalate"]
    lines += [f"{tally.changes:,} of {tally.decisions:,} decisions would come out otherwise", *_moves(tally)]
    return "\n".join([*lines, *_rules(tally), FROZEN])


def _grave(one: Change) -> str:
    before, after = one.found.before, one.found.shown
    return f"  INV-{one.stored.investigation} by rule {after.rule}; now {WORDS[before.outcome]} by rule {before.rule}"


def _moves(tally: Tally) -> Iterator[str]:
    for (before, after), count in sorted(tally.matrix.items()):
        if before != after:
            yield f"  {WORDS[Status(before)]} -> {WORDS[Status(after)]}: {count:,}"


def _rules(tally: Tally) -> Iterator[str]:
    for share in tally.rules():
        if share.before != share.after:
            yield f"  rule {share.rule}: {share.before:,} -> {share.after:,}"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
