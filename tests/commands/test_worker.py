"""`manage.py worker`, as the supervisor runs it: a process of its own on the real database."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import django_rq
import pytest
from django.utils.timezone import now

from investigations.choices import Status
from investigations.jobs import QUEUE, STOP
from investigations.management.commands.worker import HintWorker
from investigations.models import AuditEvent, Investigation
from investigations.services.ingest import store
from tests.makers import make_alert
from tests.processes import start

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = "redis://127.0.0.1:1"
STOP_SECONDS = 30
type Start = Callable[..., subprocess.Popen[str]]


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def worker(simulator: Any) -> Iterator[Start]:
    """Starts workers whose providers ask the simulator; ends those that still run."""
    django_rq.get_connection(QUEUE).flushdb()
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **changes: str) -> subprocess.Popen[str]:
        asked = {
            "RECONSOC_ALLOW_TEST_NETWORKS": "1",
            "RECONSOC_SIMULATED": "1",
            "RECONSOC_DNS_SERVER": simulator.dns_server,
        }
        started.append(start("worker", *arguments, **asked, **changes))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def settled() -> bool:
    return Investigation.objects.exists() and not Investigation.objects.filter(status=Status.ENRICHING).exists()


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    process.send_signal(number)
    _, errors = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    return errors


def ready(process: subprocess.Popen[str]) -> None:
    """Wait until it has done a first piece of work."""
    store([make_alert("10.20.4.17", victim="10.20.0.9")])
    eventually(settled)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_does_due_work_and_stops(worker: Start, number: signal.Signals) -> None:
    process = worker()
    store([make_alert("203.0.113.66"), make_alert("198.51.100.10", answered=False)])
    eventually(settled)
    end(process, number)

    statuses = dict(Investigation.objects.values_list("subject", "status"))
    assert statuses == {"203.0.113.66": Status.ESCALATED, "198.51.100.10": Status.DISMISSED}


def settlements() -> int:
    """How often an investigation left the queue; one that was escalated early may be decided on once more."""
    return AuditEvent.objects.filter(action="investigation.decided").count()


@pytest.mark.parametrize("arguments", [[], ["--without-redis"]])
def test_it_works_and_stops_without_redis(worker: Start, arguments: list[str]) -> None:
    process = worker(*arguments, REDIS_URL=NOWHERE)
    store([make_alert("203.0.113.66")])
    eventually(settled)
    errors = end(process)

    assert settlements() == 1
    assert ("redis_away" in errors) is (not arguments)


def test_it_finds_work_that_no_hint_came_for(worker: Start) -> None:
    process = worker()
    ready(process)
    Investigation.objects.create(kind="ipv4-addr", subject="10.1.1.1", source="10.1.1.1", due=now())
    assert django_rq.get_queue(QUEUE).count == 0
    eventually(settled)
    end(process)


@pytest.mark.parametrize("redis", [True, False])
def test_it_gives_its_work_back_when_it_is_stopped(worker: Start, simulator: Any, redis: bool) -> None:
    """Another worker need not wait until the lease has run out."""
    process = worker(**({} if redis else {"REDIS_URL": NOWHERE}))
    ready(process)
    simulator.set_fault("all", "latency:6000")
    store([make_alert("203.0.113.66")])
    waiting = Investigation.objects.filter(subject="203.0.113.66")
    eventually(lambda: waiting.filter(fence=1, due__gt=now()).exists())
    end(process)

    row = waiting.get()
    assert (row.status, row.fence) == (Status.ENRICHING, 1)
    assert row.due is not None and row.due <= now()
    simulator.clear()
    second = worker()
    eventually(settled)
    end(second)
    assert waiting.get().status == Status.ESCALATED


def test_it_takes_over_what_a_killed_worker_had(worker: Start, simulator: Any) -> None:
    process = worker()
    ready(process)
    simulator.set_fault("all", "latency:6000")
    store([make_alert("203.0.113.66")])
    waiting = Investigation.objects.filter(subject="203.0.113.66")
    eventually(lambda: waiting.filter(fence=1).exists())
    process.kill()
    process.communicate()
    simulator.clear()
    # Its lease runs out; nobody has to wait for that in a test
    waiting.update(due=now())
    second = worker()
    eventually(settled)
    end(second)

    row = waiting.get()
    assert (row.status, row.fence) == (Status.ESCALATED, 2)
    told = AuditEvent.objects.filter(subject=f"investigation {row.pk}", action="investigation.decided")
    assert told.count() == 1, list(AuditEvent.objects.values_list("at", "subject", "action", "after"))


def test_it_stops_although_it_was_told_while_it_registered() -> None:
    """The signal came before RQ's own handler was there: then it would wait for a hint as if nothing had been said."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    waiting = HintWorker([django_rq.get_queue(QUEUE)], connection=django_rq.get_connection(QUEUE))
    try:
        waiting._install_signal_handlers()
        assert not waiting._stop_requested
        STOP.set()
        waiting._install_signal_handlers()
        assert waiting._stop_requested
    finally:
        STOP.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def test_it_shares_the_work_with_others(worker: Start) -> None:
    processes = [worker(), worker()]
    store([make_alert(f"203.0.113.{number}", answered=False) for number in range(1, 121)])
    eventually(settled)
    for process in processes:
        end(process)

    assert settlements() == Investigation.objects.count() == 120
    assert set(Investigation.objects.values_list("fence", flat=True)) == {1}
