"""One worker process: takes hints from RQ, and finds due work by itself when there is no hint or no Redis."""

from __future__ import annotations

import os
import random
import secrets
import signal
import threading
import time
from typing import Any

import django_rq
import structlog
from django.core.management.base import CommandParser
from django.db import DatabaseError, connections
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from investigations.jobs import QUEUE, STOP, AllowedJob, drain
from investigations.management import base
from investigations.management.backtests import BacktestChild
from investigations.models import Investigation
from investigations.playbooks.growth import follow_dismissals, follow_scans
from investigations.playbooks.late import give_up_abandoned
from investigations.playbooks.watch import EVERY, watch
from investigations.providers import PROVIDERS
from investigations.providers.base import ProviderConfig

SWEEP = 1.0  # seconds between looks for due work that no hint came for

log = structlog.get_logger(__name__)


class HintWorker(SimpleWorker):
    """RQ's worker in this very process: no fork, so connections and threads stay warm between hints."""

    # With Redis away the sweeper does the work; a short wait, so that hints count again soon after it is back
    exponential_backoff_factor = 1
    max_connection_wait_time = 2

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        # Told to stop while it was still registering with Redis: its own handler has not heard of that
        if STOP.is_set():
            self._stop_requested = True

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        STOP.set()


class Command(base.Command):
    help = "Work on due investigations until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--without-redis", action="store_true", help="only look into the database")

    def run(self, **options: Any) -> None:
        # One queue per worker: RQ loses a job that is popped from several at the moment of a kill
        backtests = BacktestChild()
        sweeper = threading.Thread(target=_sweep_until_stopped, args=[backtests], daemon=True)
        sweeper.start()
        _stop_on_signal()
        _warm_up()
        while not STOP.is_set():
            if options["without_redis"]:
                STOP.wait(SWEEP)
                continue
            try:
                _listen()
            except (RedisError, OSError) as error:
                log.warning("redis_away", error=type(error).__name__)
            finally:
                _stop_on_signal()
            STOP.wait(1.0)
        sweeper.join(timeout=5)
        backtests.stop()


def _warm_up() -> None:
    """Load what the first investigation would have to wait for: the lists of the offline providers."""
    for provider in PROVIDERS.values():
        if provider.offline:
            provider(ProviderConfig()).test_connection()


def _stop_on_signal() -> None:
    """What a signal does while RQ's worker, which has handlers of its own, is not running."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: STOP.set())


def _listen() -> None:
    """Wait for hints until told to stop, or until RQ's worker gives up."""
    worker = HintWorker(
        [django_rq.get_queue(QUEUE)],
        name=f"{os.uname().nodename}.{os.getpid()}.{secrets.token_hex(3)}",
        connection=django_rq.get_connection(QUEUE),
        job_class=AllowedJob,
        serializer=JSONSerializer,
        worker_ttl=45,
        maintenance_interval=30,
    )
    worker.work(logging_level="WARNING")
    if worker._stop_requested:
        STOP.set()


def _sweep_until_stopped(backtests: BacktestChild) -> None:
    """Do whatever is due and was not hinted at: after a crash, with Redis away, when a lease has run out."""
    watched = -EVERY
    while not STOP.wait(SWEEP * random.uniform(0.8, 1.2)):
        try:
            if time.monotonic() - watched >= EVERY:
                watched = time.monotonic()
                watch()
                give_up_abandoned()
            if Investigation.objects.overdue(SWEEP).exists():
                drain()
            follow_scans()
            follow_dismissals()
            backtests.tend()
        except DatabaseError as error:
            log.warning("database_away", error=type(error).__name__)
            connections.close_all()
