"""B3: investigations a second, compared with asking the same questions without any application around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from statistics import median

from django.conf import settings

from investigations.choices import ANSWERED
from investigations.management.bench.base import Measurement, NotMeasured, Place, Side
from investigations.management.bench.engine_room import Decisions, alert, named_sources, send, set_latency, workers
from investigations.management.bench.fanout import Crowd, Target
from investigations.models import Enrichment, Investigation

LATENCY, SLOWEST = 200, 500  # milliseconds: of every question, and of the slowest provider
WORKERS = 2
TARGET = 0.50


def measure(place: Place) -> list[Measurement]:
    amount, rounds = place.size(300, 6), place.size(3, 1)
    set_latency(place.simulator, LATENCY, virustotal=SLOWEST)
    target = Target(place.simulator, settings.DNS_SERVER, settings.MAX_LOOKUPS)
    sources = named_sources()
    with workers(WORKERS, place.simulator), Decisions() as decisions, Crowd(WORKERS, target) as crowd:
        # Once unmeasured: connections, compiled rules, loaded lists
        _investigate(sources, place.size(50, 2), decisions)
        crowd.ask_about(list(islice(sources, place.size(50, 2))))
        ours, bare = [], []
        for number in range(rounds):
            ours.append(amount / _investigate(sources, amount, decisions))
            bare.append(amount / crowd.ask_about(list(islice(sources, amount))))
            place.say(f"B3 round {number + 1} of {rounds}: {ours[-1]:.1f}/s, bare {bare[-1]:.1f}/s")
    details = {"rounds_ours": [round(rate, 2) for rate in ours], "rounds_bare": [round(rate, 2) for rate in bare]}
    return [
        Measurement(
            "B3",
            f"investigations a second with {WORKERS} workers ÷ bare requests",
            Side("decided", median(ours), "/s"),
            Side("the same lookups, no database", median(bare), "/s"),
            TARGET,
            at_most=False,
            samples=amount * rounds,
            details=details | _check(),
        )
    ]


def _investigate(sources: Iterator[str], amount: int, decisions: Decisions) -> float:
    """Seconds from the commit of one batch of alerts to the commit of its last decision."""
    committed, stored = send(alert(source) for source in islice(sources, amount))
    return decisions.wait(stored.investigations) - committed


def _check() -> dict[str, float]:
    """What was really asked; NotMeasured if lookups failed, for then the work was not done."""
    lookups = Enrichment.objects.exclude(provider="warninglists")
    failed = lookups.exclude(outcome__in=ANSWERED).values_list("provider", "outcome", "summary")
    if failed:
        kind, times = Counter(failed).most_common(1)[0]
        raise NotMeasured(f"B3: {len(failed)} of {lookups.count()} lookups failed; {times} times {' '.join(kind)}")
    return {"lookups_per_investigation": round(lookups.count() / Investigation.objects.count(), 2)}
