"""A fresh installation for one benchmark: its own data directory, embedded servers, tables and simulator."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from investigations.management.bench.base import NotMeasured
from reconsoc import embedded
from reconsoc.env import BASE_DIR

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
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process of the benchmark's own for the length of a block; what it prints on stderr goes to `log`."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
    try:
        yield process
    finally:
        embedded.stop(process)
        if process.stdout:
            process.stdout.close()


@contextlib.contextmanager
def simulator(directory: Path) -> Iterator[tuple[str, str]]:
    """The simulator in a process of its own: its URL, and where it answers DNS."""
    with running(manage("simulator", "--port", "0", "--dns-port", "0"), directory / "simulator.log") as process:
        line = process.stdout.readline() if process.stdout else ""
        # "Simulated providers: http://127.0.0.1:9000, DNS 127.0.0.1:9053"
        url, found, dns_server = line.strip().partition(": ")[2].partition(", DNS ")
        if not found:
            raise NotMeasured("the simulator did not start")
        yield url, dns_server


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
