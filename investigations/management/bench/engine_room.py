"""What the benchmarks of the engine share: workers, alerts of fresh sources, and the moments of the commits."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import time
from collections.abc import Iterable, Iterator
from itertools import count
from types import TracebackType
from typing import Any

import django_rq
import psycopg
import requests
from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import now
from rq import Worker

from investigations.ingest import parse
from investigations.jobs import QUEUE
from investigations.management.bench.base import NotMeasured
from investigations.management.bench.installation import manage, running
from investigations.management.commands.play_demo import point_at
from investigations.services.ingest import Stored, store
from investigations.simulator.personas import NAMED

PATIENCE = 120.0  # seconds after which a side counts as not measurable
TELL = """
CREATE OR REPLACE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('decided', NEW.investigation_id::text); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER bench_tell AFTER INSERT ON investigations_decision
    FOR EACH ROW EXECUTE FUNCTION bench_tell()"""

_numbers = count(1)


class Decisions:
    """Learns of decisions when they are committed: PostgreSQL delivers a notification at the commit, never before."""

    def __enter__(self) -> Decisions:
        with connection.cursor() as cursor:
            cursor.execute(TELL)
        self._link = psycopg.connect(settings.DATABASE_URL, autocommit=True)
        self._link.execute("LISTEN decided")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    def wait(self, investigations: Iterable[int]) -> float:
        """Until all of them are decided; the moment at which the last one was."""
        left = set(investigations)
        deadline = time.monotonic() + PATIENCE
        moment = 0.0
        while left:
            for notice in self._link.notifies(timeout=max(deadline - time.monotonic(), 0.0), stop_after=1):
                moment = time.monotonic()
                left.discard(int(notice.payload))
            if left and time.monotonic() >= deadline:
                raise NotMeasured(f"{len(left)} investigations were not decided within {PATIENCE:g} s")
        return moment


def send(records: Iterable[dict[str, Any]]) -> tuple[float, Stored]:
    """Store alerts as the API does; the moment at which they were committed, before the hint is given."""
    batch = parse("\n".join(map(json.dumps, records)).encode(), received=now())
    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.monotonic()))
        stored = store(batch)
    return committed[0], stored


def alert(source: str) -> dict[str, Any]:
    """One alert as Suricata writes it, different from every other."""
    number = next(_numbers)
    return {
        "timestamp": now().isoformat(timespec="microseconds"),
        "event_type": "alert",
        "flow_id": number,
        "in_iface": "eth0",
        "src_ip": source,
        "src_port": 40_000 + number % 20_000,
        "dest_ip": "2001:db8:ffff::10" if ":" in source else "10.20.0.10",
        "dest_port": 22,
        "proto": "TCP",
        "alert": {
            "signature_id": 2001219,
            "signature": "ET SCAN Potential SSH Scan",
            "category": "Attempted Information Leak",
            "severity": 2,
        },
    }


def nameless_sources() -> Iterator[str]:
    """Addresses whose reverse name only spells them out, so that no domain is followed: one wave of lookups."""
    named = {persona.address for persona in NAMED}
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"):
        yield from (text for host in ipaddress.ip_network(network).hosts() if (text := str(host)) not in named)


def named_sources() -> Iterator[str]:
    """Addresses whose reverse name is worth an investigation of its own: a second wave of lookups follows."""
    yield from (f"2001:db8:1::{number:x}" for number in count(1))


def set_latency(simulator: str, milliseconds: float, **slower: float) -> None:
    """How long each question takes (a lookup may ask two), and how long those of single providers do."""
    faults = {name: f"latency:{value:g}" for name, value in slower.items()}
    order = {"clear": True, "latency_ms": milliseconds, "fault": faults}
    requests.post(f"{simulator}/_control", json=order, timeout=10).raise_for_status()


@contextlib.contextmanager
def workers(amount: int, simulator: str) -> Iterator[list[int]]:
    """Real worker processes that ask the simulator, idle when the block begins; their process ids."""
    point_at(simulator)
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(running(manage("worker"), settings.DATA_DIR / "worker.log")) for _ in range(amount)
        ]
        _wait_for_workers(amount)
        yield [process.pid for process in started]


def _wait_for_workers(amount: int) -> None:
    queue = django_rq.get_queue(QUEUE)
    deadline = time.monotonic() + PATIENCE
    while Worker.count(queue=queue) < amount:
        if time.monotonic() > deadline:
            raise NotMeasured("the workers did not start")
        time.sleep(0.1)
