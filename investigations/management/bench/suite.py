"""The benchmarks by name, and how one of them is run: in a process of its own, on an installation of its own."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from investigations.management.bench import backtest, early, pages, throughput, verdict
from investigations.management.bench.base import Benchmark, NotMeasured
from investigations.management.bench.installation import installation, manage

SUITE = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark("B1", "time to verdict ÷ slowest provider", verdict.measure),
        Benchmark("B2", "time to escalation ÷ the provider that settles it", early.measure),
        Benchmark("B3", "investigations a second ÷ the bare requests fan-out", throughput.measure),
        Benchmark("B6", "queue page at 100,000 ÷ at 1,000 investigations", pages.measure),
        Benchmark("BACKTEST", "backtest of 100,000 decisions ÷ bare CEL of the same rules", backtest.measure),
    )
}


def run(name: str, *, quick: bool) -> list[dict[str, Any]]:
    """The measurements of one benchmark. Raises NotMeasured."""
    with installation() as (environment, simulator):
        command = manage("bench", name, "--inside", simulator, *(["--quick"] if quick else []))
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise NotMeasured(f"{name} ended with exit code {done.returncode}; see above")
    measurements: list[dict[str, Any]] = json.loads(done.stdout)
    return measurements
