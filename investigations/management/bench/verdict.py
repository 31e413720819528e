"""B1: how long a decision takes, compared with the slowest provider that had to be waited for."""

from __future__ import annotations

from collections.abc import Iterator

from investigations.management.bench.base import Measurement, Place, Side, percentile
from investigations.management.bench.engine_room import (
    Decisions,
    alert,
    named_sources,
    nameless_sources,
    send,
    set_latency,
    workers,
)

QUESTION, SLOWEST = 200, 500  # milliseconds: of every question, and of the slowest provider
QUESTIONS_IN_A_ROW = 2  # that reverse DNS asks before a name can be followed: the name, and whether it leads back
WARM_UP = 5
TARGETS = {0.5: 1.10, 0.95: 1.25}


def measure(place: Place) -> list[Measurement]:
    amount = place.size(100, 3)
    set_latency(place.simulator, QUESTION, virustotal=SLOWEST)
    with workers(2, place.simulator), Decisions() as decisions:
        one = _times("one wave", nameless_sources(), amount, decisions, place)
        two = _times("two waves", named_sources(), amount, decisions, place)
    slowest = Side("slowest provider", SLOWEST / 1000, "s")
    chain = Side("reverse DNS, then the slowest provider", (QUESTIONS_IN_A_ROW * QUESTION + SLOWEST) / 1000, "s")
    return [
        *_measurements("B1", "time to verdict ÷ slowest provider", one, slowest),
        *_measurements("B1 with domain", "the same where a domain is followed ÷ both waves", two, chain),
    ]


def _times(name: str, sources: Iterator[str], amount: int, decisions: Decisions, place: Place) -> list[float]:
    """Seconds from the commit of an alert to the commit of its decision, one after the other."""
    times = []
    warm_up = place.size(WARM_UP, 1)
    for number in range(warm_up + amount):
        committed, stored = send([alert(next(sources))])
        times.append(decisions.wait(stored.investigations) - committed)
        if number % 20 == 0:
            place.say(f"B1 {name}: {number} of {warm_up + amount}, last {times[-1]:.3f} s")
    return times[warm_up:]


def _measurements(name: str, what: str, times: list[float], base: Side) -> Iterator[Measurement]:
    spread = {"fastest_s": round(min(times), 4), "slowest_s": round(max(times), 4)}
    for share, target in TARGETS.items():
        ours = Side("alert committed to decision committed", percentile(times, share), "s")
        yield Measurement(
            f"{name} p{share * 100:.0f}", what, ours, base, target, samples=len(times), details=dict(spread)
        )
