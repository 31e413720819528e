"""The benchmark suite in miniature: every benchmark runs, and both of its sides are figures. No word on how fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from investigations.management.bench.base import Measurement, NotMeasured, Side, percentile
from investigations.management.bench.report import table
from investigations.management.bench.suite import SUITE
from reconsoc.env import BASE_DIR

EXPECTED = {
    "B1": {"B1 p50", "B1 p95", "B1 with domain p50", "B1 with domain p95"},
    "B2": {"B2 p50", "B2 p95"},
    "B3": {"B3"},
    "B6": {"B6 p50", "B6 p95"},
    "BACKTEST": {"backtest"},
}


def bench(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A database that is configured is nobody's playground: one that cannot be reached must not be asked
    environment = {**os.environ, "RECONSOC_DATA_DIR": str(directory), "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    command = [sys.executable, "manage.py", "bench", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=300)


def made(**changes: Any) -> Measurement:
    values: dict[str, Any] = {"ours": Side("ours", 3.0, "s"), "base": Side("base", 2.0, "s"), "target": 1.4}
    return Measurement("B0", "something ÷ something", **(values | changes))


def test_it_has_a_name_for_every_benchmark():
    assert set(SUITE) == set(EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_it_measures_both_sides(name, tmp_path):
    done = bench(tmp_path, name, "--quick", "--json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "bench.json").read_text())
    assert report["quick"]
    assert not report["failed"]
    assert {one["name"] for one in report["measurements"]} == EXPECTED[name]
    for one in report["measurements"]:
        assert one["samples"] > 0
        assert one["ours"]["value"] > 0
        assert one["base"]["value"] > 0
        assert one["value"] == pytest.approx(one["ours"]["value"] / one["base"]["value"], abs=1e-4)
    assert f"{name}:" in done.stderr, "progress is told"


def test_it_says_which_benchmarks_there_are(tmp_path):
    done = bench(tmp_path, "B99")

    assert done.returncode == 1
    assert done.stderr.strip() == "CommandError: there is no benchmark B99; there are B1, B2, B3, B6, BACKTEST"


def test_it_fails_when_a_side_could_not_be_measured(monkeypatch, tmp_path, settings, capsys):
    from django.core.management import CommandError, call_command

    def unmeasured(name: str, *, quick: bool) -> list[dict[str, Any]]:
        raise NotMeasured("the workers did not start")

    monkeypatch.setattr("investigations.management.bench.suite.run", unmeasured)
    settings.DATA_DIR = tmp_path
    with pytest.raises(CommandError, match="B1 was not measured: the workers did not start"):
        call_command("bench", "B1")
    assert json.loads((tmp_path / "bench.json").read_text())["failed"] == {"B1": "the workers did not start"}


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_it_takes_nothing_for_a_figure_that_is_none(value):
    with pytest.raises(NotMeasured):
        made(ours=Side("ours", value, "s"))


@pytest.mark.parametrize(
    "changes, met",
    [({}, False), ({"target": 1.5}, True), ({"at_most": False}, True), ({"target": None}, None)],
)
def test_it_knows_on_which_side_of_its_target_it_is(changes, met):
    measurement = made(**changes)

    assert measurement.value == 1.5
    assert measurement.met is met


def test_it_tells_a_missed_target_in_the_table():
    shown = table([made().as_json(), made(target=None).as_json()])

    assert "≤ 1.40 missed" in shown
    assert "3 s (ours)" in shown
    assert "2 s (base)" in shown


def test_it_takes_the_nearest_rank_as_percentile():
    values = [float(number) for number in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([7.0], 0.95)) == (50.0, 95.0, 7.0)
