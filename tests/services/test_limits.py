"""Limits of lookups: shared by all workers, never over-granted, and what waits for its turn is done."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from investigations.choices import Outcome, Status
from investigations.models import Enrichment, Investigation, ProviderSettings
from investigations.playbooks import limits
from investigations.playbooks.engine import Engine
from investigations.services.ingest import store
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
NAME = "abuseipdb"


def limit(**changes: Any) -> None:
    ProviderSettings.objects.filter(name=NAME).update(**changes)


def row() -> ProviderSettings:
    return ProviderSettings.objects.get(name=NAME)


def test_it_grants_what_is_left_of_the_minute() -> None:
    limit(per_minute=5, per_day=0)
    before = now()
    counts = [limits.take(NAME, 3).count, limits.take(NAME, 3).count]
    late = limits.take(NAME, 1)

    assert (counts, late.count) == ([3, 2], 0)
    assert before + timedelta(minutes=1) <= late.again <= now() + timedelta(minutes=1)
    assert late.reason == "our limit of 5 a minute"


def test_it_grants_what_is_left_of_the_day() -> None:
    limit(per_minute=100, per_day=4)
    assert limits.take(NAME, 10).count == 4
    late = limits.take(NAME, 1)

    assert (late.count, late.reason) == (0, "our limit of 4 a day")
    assert late.again > now() + timedelta(hours=23)


def test_it_begins_anew_when_a_window_is_over() -> None:
    limit(per_minute=2, per_day=5)
    assert limits.take(NAME, 9).count == 2
    limit(minute_start=now() - timedelta(seconds=61))
    assert limits.take(NAME, 9).count == 2
    limit(minute_start=now() - timedelta(seconds=61))
    assert limits.take(NAME, 9).count == 1
    limit(minute_start=now() - timedelta(days=2), day_start=now() - timedelta(days=1, seconds=1))
    assert limits.take(NAME, 9).count == 2


def test_it_has_no_limit_where_none_is_set() -> None:
    limit(per_minute=0, per_day=0)

    assert limits.take(NAME, 100_000).count == 100_000


def test_it_takes_back_nothing_when_a_limit_is_lowered() -> None:
    limit(per_minute=10)
    limits.take(NAME, 8)
    limit(per_minute=5)

    assert limits.take(NAME, 1).count == 0


def test_it_waits_as_long_as_the_provider_says() -> None:
    limits.block(NAME, 30)
    grant = limits.take(NAME, 1)
    assert (grant.count, grant.reason) == (0, "the provider asked us to wait")
    assert now() + timedelta(seconds=28) < grant.again < now() + timedelta(seconds=31)
    assert row().minute_used == 0

    limit(blocked_until=now() - timedelta(seconds=1))
    assert limits.take(NAME, 1).count == 1


def test_it_does_not_end_a_long_wait_by_a_shorter_one() -> None:
    limits.block(NAME, 600)
    limits.block(NAME, 5)

    assert limits.take(NAME, 1).again > now() + timedelta(seconds=500)


@pytest.mark.parametrize(("asked", "seconds"), [(-5, 1), (0, 1), (10**9, 86_400), (float("inf"), 86_400)])
def test_it_waits_no_absurd_time(asked: float, seconds: int) -> None:
    limits.block(NAME, asked)
    until = row().blocked_until

    assert until is not None
    assert abs((until - now()).total_seconds() - seconds) < 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("window", ["per_minute", "per_day"])
def test_it_never_grants_too_much_to_many_workers_at_once(window: str) -> None:
    limit(**{"per_minute": 0, "per_day": 0, window: 50})
    start = threading.Barrier(6)
    granted: list[int] = []

    def work() -> None:
        try:
            start.wait()
            granted.extend(limits.take(NAME, 3).count for _ in range(10))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(granted), sum(granted)) == (60, 50)


def lookups() -> dict[str, tuple[str, str]]:
    rows = Enrichment.objects.filter(provider=NAME)
    return {row.artifact.value: (row.outcome, row.summary) for row in rows.select_related("artifact")}


def drain() -> None:
    with Engine() as engine:
        engine.run(60)


def test_it_does_what_waited_when_its_turn_comes(simulator: Any) -> None:
    """Two a minute, and a minute that is over in a moment: three sources are all asked about."""
    limit(per_minute=2, minute_start=now() - timedelta(seconds=57), minute_used=2)
    addresses = ("203.0.113.66", "203.0.113.77")
    store([make_alert(address) for address in addresses])
    drain()

    assert {address: outcome for address, (outcome, _) in lookups().items()} == dict.fromkeys(addresses, Outcome.OK)
    assert sum(provider == NAME for provider, _ in simulator.requests) == row().minute_used == 2


def test_it_says_until_when_a_lookup_is_throttled(simulator: Any, settings: Any) -> None:
    settings.INVESTIGATION_DEADLINE = 20
    limit(per_minute=1)
    addresses = ("203.0.113.66", "203.0.113.77", "198.51.100.10")
    store([make_alert(address) for address in addresses])
    drain()

    outcomes = lookups()
    throttled = [summary for outcome, summary in outcomes.values() if outcome == Outcome.THROTTLED]
    assert len(outcomes) == 3 and len(throttled) == 2
    assert all("throttled until" in text and "our limit of 1 a minute" in text for text in throttled)
    assert sum(provider == NAME for provider, _ in simulator.requests) == 1
    assert not Investigation.objects.filter(status=Status.ENRICHING).exists()


def test_it_asks_nobody_again_who_asked_us_to_wait(simulator: Any) -> None:
    simulator.set_fault(NAME, "rate_limit:600")
    store([make_alert("203.0.113.66")])
    drain()
    until = row().blocked_until
    assert until is not None and until > now() + timedelta(seconds=500)
    asked = sum(provider == NAME for provider, _ in simulator.requests)
    store([make_alert("203.0.113.77")])
    drain()

    assert sum(provider == NAME for provider, _ in simulator.requests) == asked
    assert lookups()["203.0.113.77"][0] == Outcome.THROTTLED
    assert "asked us to wait" in lookups()["203.0.113.77"][1]
