"""B2: how long an escalation takes when one answer settles it, compared with the provider that gave this answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_address

from investigations.choices import RunStatus, Status
from investigations.management.bench.base import Measurement, NotMeasured, Place, Side, percentile
from investigations.management.bench.engine_room import (
    PATIENCE,
    Decisions,
    alert,
    nameless_sources,
    send,
    set_latency,
    workers,
)
from investigations.models import Decision, Investigation, PlaybookRun
from investigations.simulator.personas import persona_of

DECISIVE, OTHERS = 50, 500  # milliseconds: of the provider whose answer settles it, and of every other question
WARM_UP = 5
TARGETS = {0.5: 1.6}


def measure(place: Place) -> list[Measurement]:
    amount = place.size(60, 3)
    set_latency(place.simulator, OTHERS, greynoise=DECISIVE)
    with workers(2, place.simulator), Decisions() as decisions:
        times = _times(malicious_sources(), amount, decisions, place)
    base = Side("the decisive provider", DECISIVE / 1000, "s")
    spread = {"fastest_s": round(min(times), 4), "slowest_s": round(max(times), 4)}
    return [
        Measurement(
            f"B2 p{share * 100:.0f}",
            "time to escalation ÷ decisive provider",
            Side("alert committed to escalation committed", percentile(times, share), "s"),
            base,
            TARGETS.get(share),
            samples=len(times),
            details=dict(spread),
        )
        for share in (0.5, 0.95)
    ]


def malicious_sources() -> Iterator[str]:
    """Addresses that GreyNoise calls malicious, each of them once."""
    for address in nameless_sources():
        noise = persona_of(ip_address(address)).noise
        if noise and noise.classification == "malicious":
            yield address


def _times(sources: Iterator[str], amount: int, decisions: Decisions, place: Place) -> list[float]:
    """Seconds from the commit of an alert to the commit of its first decision, one after the other."""
    times = []
    warm_up = place.size(WARM_UP, 1)
    for number in range(warm_up + amount):
        committed, stored = send([alert(next(sources))])
        times.append(decisions.wait(stored.investigations) - committed)
        _check(stored.investigations[0])
        _wait_for_late_answers(stored.investigations[0])
        if number % 20 == 0:
            place.say(f"B2: {number} of {warm_up + amount}, last {times[-1]:.3f} s")
    return times[warm_up:]


def _wait_for_late_answers(investigation: int) -> None:
    """One case is measured at a time."""
    runs = PlaybookRun.objects.filter(investigation=investigation, status=RunStatus.RUNNING)
    deadline = time.monotonic() + PATIENCE
    while runs.exists():
        if time.monotonic() > deadline:
            raise NotMeasured(f"B2: INV-{investigation} still waits for answers after {PATIENCE:g} s")
        time.sleep(0.05)


def _check(investigation: int) -> None:
    """It must be an escalation that is made while others still think."""
    first = Decision.objects.filter(investigation=investigation).earliest("pk")
    waiting = [answer for answer in first.evidence["answers"] if answer["outcome"] == "pending"]
    status = Investigation.objects.get(pk=investigation).status
    if not waiting or status != Status.ESCALATED:
        raise NotMeasured(f"B2: INV-{investigation} is {status} with {len(waiting)} answers to come: it was not early")
