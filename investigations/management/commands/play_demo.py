"""Feed the demonstration: point the providers at the simulator, then play its stream of alerts until stopped."""

from __future__ import annotations

import json
import signal
import socket
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.timezone import now

from investigations.ingest import parse
from investigations.management import base
from investigations.management.demo import DEMO_KEY
from investigations.management.demo_lists import furnish
from investigations.models import Actor
from investigations.providers import PROVIDERS
from investigations.queries.networks import own_networks
from investigations.services.ingest import store
from investigations.services.providers import configure, test
from investigations.simulator.stream import demo_alerts

DEMO = Actor("demonstration", automatic=True)


class Command(base.Command):
    help = "Play the scripted stream of alerts into this database (for make demo)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--simulator", required=True, help="base URL of the simulator")
        parser.add_argument("--seed", type=int, default=7)

    def run(self, **options: Any) -> None:
        if not settings.SIMULATED:
            raise ValueError("this is not a demonstration (RECONSOC_SIMULATED is not set): nothing was changed")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        point_at(options["simulator"])
        furnish(DEMO)
        wait_for(options["simulator"], stop)
        for name in PROVIDERS:
            test(name, actor=DEMO)
        for delay, record in demo_alerts(now(), options["seed"]):
            if stop.wait(delay):
                return
            # The stream was written ahead; an alert happens when it is played
            record["timestamp"] = now().isoformat(timespec="microseconds")
            batch = parse(
                json.dumps(record).encode(), received=now() + timedelta(seconds=1), own_networks=own_networks()
            )
            store(batch)


def wait_for(simulator: str, stop: threading.Event) -> None:
    """It is started at the same time as we are."""
    address = urlsplit(simulator)
    while not stop.is_set():
        try:
            socket.create_connection((address.hostname, address.port), timeout=1).close()
            return
        except OSError:
            stop.wait(0.1)


def point_at(simulator: str) -> None:
    """Every provider of the network asks the simulator: no key, no limit of the real one is used."""
    for name, provider in PROVIDERS.items():
        if provider.offline or not provider.base_url:
            continue
        configure(
            name,
            actor=DEMO,
            url=f"{simulator}/{name}",
            key=DEMO_KEY if provider.needs_key else None,
            enabled=True,
            per_minute=0,
            per_day=0,
        )
