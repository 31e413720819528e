"""Run the simulated providers: HTTP and DNS on loopback, for demo, training and benchmarks."""

from __future__ import annotations

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from investigations.simulator import PortBusyError, Simulator, control
from investigations.simulator.apis import APIS
from investigations.simulator.faults import FaultError, parse_option

LARGEST_PORT = 65535


class Command(BaseCommand):
    help = "Run the simulated providers (HTTP and DNS on loopback) until interrupted."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=9000, help="HTTP port; 0 takes a free one (default: 9000)")
        parser.add_argument("--dns-port", type=int, default=9053, help="DNS port; 0 takes a free one (default: 9053)")
        parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of every answer (default: 0)")
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="NAME=FAULT",
            help="make a provider misbehave, e.g. abuseipdb=rate_limit:30, all=latency:500; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        simulator = _simulator(options)
        stopped = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        try:
            simulator.start()
        except PortBusyError as error:
            raise CommandError(str(error)) from error
        try:
            self._announce(simulator)
            stopped.wait()
        finally:
            simulator.stop()
        self.stdout.write("The simulator has stopped.")

    def _announce(self, simulator: Simulator) -> None:
        self.stdout.write(f"Simulated providers: {simulator.url}, DNS {simulator.dns_server}")
        self.stdout.write('Any key is right unless it starts with "bad". To use them:\n')
        self.stdout.write(f"  export RECONSOC_ALLOW_TEST_NETWORKS=1 RECONSOC_DNS_SERVER={simulator.dns_server}")
        for name in APIS:
            self.stdout.write(f"  python manage.py provider set {name} --url {simulator.http_url(name)}")
        self.stdout.write(f"\nWhat arrived, and switches: {simulator.url}/{control.PATH}. Ctrl-C stops.")
        self.stdout.flush()


def _simulator(options: dict[str, Any]) -> Simulator:
    """A simulator as the options say; raise CommandError if they make no sense."""
    for name in ("port", "dns_port"):
        if not 0 <= options[name] <= LARGEST_PORT:
            raise CommandError(f"A port is a number from 0 to {LARGEST_PORT}, not {options[name]}.")
    if not 0 <= options["latency_ms"] <= control.LARGEST_LATENCY:
        raise CommandError(f"A latency is a number of milliseconds from 0 to {control.LARGEST_LATENCY}.")
    try:
        return Simulator(
            options["port"],
            options["dns_port"],
            latency_ms=options["latency_ms"],
            faults=[parse_option(option) for option in options["fault"]],
            verbose=options["verbosity"] > 1,
        )
    except FaultError as error:
        raise CommandError(str(error)) from error
