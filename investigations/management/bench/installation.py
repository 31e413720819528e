"""A fresh installation for one benchmark: its own data directory, embedded servers, tables and simulator."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from investigations.management.bench.base import NotMeasured
from reconsoc import embedded, processes
from reconsoc.env import BASE_DIR

PATIENCE = 60.0  # seconds until a process has started
ANNOUNCED = re.compile(r"^Simulated providers: (?P<url>\S+), DNS (?P<dns>\S+)$", re.MULTILINE)
OURS = ("DATABASE_URL", "REDIS_URL")  # what would lead to another installation


@contextlib.contextmanager
def installation() -> Iterator[tuple[dict[str, str], str]]:
    """The environment in which the commands of a fresh installation run, and the URL of its simulator."""
    with tempfile.TemporaryDirectory(prefix="reconsoc-bench-") as folder, _without(OURS):
        directory = Path(folder)
        with embedded.serve(directory) as addresses, simulator(directory) as (url, dns_server):
            environment = {name: value for name, value in os.environ.items() if not name.startswith("RECONSOC_")} | {
                "RECONSOC_DATA_DIR": folder,
                "DATABASE_URL": addresses.database_url,
                "REDIS_URL": addresses.redis_url,
                "RECONSOC_SIMULATED": "1",
                "RECONSOC_ALLOW_TEST_NETWORKS": "1",
                "RECONSOC_DNS_SERVER": dns_server,
            }
            _prepare(environment)
            yield environment, url


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(BASE_DIR / "manage.py"), *arguments]


@contextlib.contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the benchmark's own for the length of a block; what it prints goes to `log`."""
    process = processes.start(command, log=log, folder=BASE_DIR)
    try:
        yield process
    finally:
        processes.stop(process)


@contextlib.contextmanager
def simulator(directory: Path) -> Iterator[tuple[str, str]]:
    """The simulator in a process of its own: its URL, and where it answers DNS."""
    log = directory / "simulator.log"
    with running(manage("simulator", "--port", "0", "--dns-port", "0"), log) as process:
        processes.wait_until(lambda: bool(ANNOUNCED.search(log.read_text())) or process.poll() is not None, PATIENCE)
        found = ANNOUNCED.search(log.read_text())
        if not found:
            raise NotMeasured(f"the simulator did not start: {processes.last_line_of(log)}")
        yield found["url"], found["dns"]


def _prepare(environment: Mapping[str, str]) -> None:
    done = subprocess.run(manage("prepare"), env=environment, capture_output=True, text=True)
    if done.returncode:
        raise NotMeasured(f"the database could not be prepared: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
