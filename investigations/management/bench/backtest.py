"""A backtest of stored investigations, compared with nothing but the evaluation of the same conditions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median
from typing import Any

import cel
from django.db import connection
from django.utils.timezone import now

from investigations.management.bench.base import Measurement, NotMeasured, Place, Side
from investigations.management.bench.evidence import fill
from investigations.models import PolicyVersion
from investigations.policy.decide import ruling_of
from investigations.policy.document import Policy, parse_policy
from investigations.policy.facts import facts_of
from investigations.queries import stored_evidence
from investigations.services.trial import PIECE, Trial

NAME = "BACKTEST"
DAYS = 30
TARGET = 3.0
SELDOM = 10  # of so many pieces, one is also measured with all facts
CHANGED = ("malicious >= malicious_quorum", "malicious >= 1")  # the draft: one strong voice is enough


def measure(place: Place) -> list[Measurement]:
    amount, rounds = place.size(100_000, 300), place.size(3, 1)
    place.say(f"{NAME}: making {amount:,} decisions")
    version = fill(amount, days=DAYS, until=now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    draft = parse_policy(version.document.replace(*CHANGED))
    _check(draft, version, place.size(2000, 100))
    times = []
    for number in range(rounds):
        times.append(_round(draft, version))
        ours, bare, _ = times[-1]
        place.say(f"{NAME} round {number + 1} of {rounds}: {ours:.1f} s, bare {bare:.1f} s")
    ours, bare, whole = (median(side) for side in zip(*times, strict=True))
    details = {
        "rounds_s": [[round(one, 2) for one in both] for both in times],
        "bare_with_all_facts_s": round(whole, 2),
        "processes": {"ours": 1, "base": 1},
        "rules": len(draft.rules),
    }
    return [
        Measurement(
            "backtest",
            f"backtest of {amount:,} decisions ÷ bare CEL of the same rules",
            Side("read, judged, counted", ours, "s"),
            Side("conditions alone, facts in memory", bare, "s"),
            TARGET,
            samples=amount * rounds,
            details=details,
        )
    ]


def _trial(draft: Policy, version: PolicyVersion) -> Trial:
    moment = now() + timedelta(minutes=1)
    return Trial(draft, (version.pk, parse_policy(version.document)), moment - timedelta(days=DAYS + 1), moment)


def _round(draft: Policy, version: PolicyVersion) -> tuple[float, float, float]:
    """Seconds of the backtest, of the bare conditions, and of these with all facts instead of just what each names.

    Piece by piece in turns, so that whatever else the machine does meets all of them. CEL needs many times as long when
    it is handed all facts, so that would be no fair base.
    """
    trial = _trial(draft, version)
    steps, seconds = trial.steps(), [0.0, 0.0, 0.0]
    for number, facts in enumerate(_facts(trial)):
        began = time.perf_counter()
        next(steps)
        seconds[0] += time.perf_counter() - began
        exact = [
            [(rule.program, {name: one[name] for name in rule.variables}) for rule in draft.rules] for one in facts
        ]
        seconds[1] += _evaluate(exact)
        if number % SELDOM == 0:
            seconds[2] += SELDOM * _evaluate([[(rule.program, one) for rule in draft.rules] for one in facts])
    began = time.perf_counter()
    rest = sum(map(len, steps))
    seconds[0] += time.perf_counter() - began
    if rest or trial.tally.decisions != trial.total or not trial.tally.changes:
        raise NotMeasured(f"{NAME}: {trial.tally.decisions} of {trial.total} judged, {trial.tally.changes} changes")
    return seconds[0], seconds[1], seconds[2]


def _evaluate(chains: Sequence[Sequence[tuple[cel.Program, dict[str, Any]]]]) -> float:
    """Seconds for `execute` until one holds."""
    began = time.perf_counter()
    for chain in chains:
        for program, facts in chain:
            if program.execute(facts):
                break
    return time.perf_counter() - began


def _facts(trial: Trial) -> Iterator[list[dict[str, Any]]]:
    """The facts of the same pieces, ready in memory."""
    for rows in stored_evidence.pieces(trial.since, trial.until, PIECE):
        read = [stored_evidence.decoded(row.evidence) for row in rows]
        yield [dict(facts_of(one[0])) for one in read if one]


def _check(draft: Policy, version: PolicyVersion, amount: int) -> None:
    """NotMeasured unless the backtest of the first decisions finds what each of them alone comes to."""
    trial = _trial(draft, version)
    rows = next(stored_evidence.pieces(trial.since, trial.until, amount))
    read = [(row, stored_evidence.decoded(row.evidence)) for row in rows]
    alone = sum(ruling_of(draft, one[0]).outcome != row.outcome for row, one in read if one)
    trial.until = rows[-1].decided + timedelta(microseconds=1)
    for _ in trial.steps():
        pass
    if trial.tally.changes != alone:
        raise NotMeasured(f"{NAME}: {trial.tally.changes} changes, but {alone} one by one")
