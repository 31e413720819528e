"""One backtest in a process of its own, which a worker starts: decisions never wait for it."""

from __future__ import annotations

import os
import signal
import threading
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from investigations.management import base
from investigations.services.backtest_run import run
from investigations.services.backtests import Lease, take

NICENESS = 10  # everything else on this machine goes first


class Command(base.Command):
    help = "Run one waiting backtest to its end; workers start this by themselves."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lease", nargs=2, metavar=("BACKTEST", "UNTIL"), help="one that was taken already")

    def run(self, **options: Any) -> None:
        lease = _lease(options["lease"]) if options["lease"] else take()
        if lease is None:
            return self.say("no backtest waits")
        stop, parent = threading.Event(), os.getppid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        os.nice(NICENESS)
        # Whoever started us may have been killed: then nobody would end us
        ended = run(lease, lambda: stop.is_set() or os.getppid() != parent)
        self.say(f"backtest {lease.backtest} {'has ended' if ended else 'was left'}")


def _lease(words: list[str]) -> Lease:
    return Lease(int(words[0]), datetime.fromisoformat(words[1]))
