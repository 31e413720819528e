"""Run the benchmark suite and print the ratios; missed targets are told, a side without a figure is a failure."""

from __future__ import annotations

import json
import os
import platform
import time
from argparse import SUPPRESS
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.timezone import now

from investigations.management import base
from investigations.management.bench import suite
from investigations.management.bench.base import NotMeasured, Place
from investigations.management.bench.report import table
from reconsoc import __version__
from reconsoc.embedded import EmbeddedError


class Command(base.Command):
    help = "Measure the ratios of docs/benchmarks.md on temporary installations; write bench.json."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(suite.SUITE)} (default: all)")
        parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
        parser.add_argument("--inside", metavar="URL", help=SUPPRESS)  # we are the measuring process; the simulator

    def run(self, **options: Any) -> None:
        names = [name.upper() for name in options["names"]] or list(suite.SUITE)
        if unknown := [name for name in names if name not in suite.SUITE]:
            raise ValueError(f"there is no benchmark {unknown[0]}; there are {', '.join(suite.SUITE)}")
        if options["inside"]:
            self._measure(names, Place(options["inside"], options["quick"], self._say))
        else:
            self._report(names, quick=options["quick"], as_json=options["json"])

    def _measure(self, names: list[str], place: Place) -> None:
        try:
            found = [one.as_json() for name in names for one in suite.SUITE[name].measure(place)]
        except NotMeasured as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(found))

    def _report(self, names: list[str], *, quick: bool, as_json: bool) -> None:
        report: dict[str, Any] = {"started": now().isoformat(timespec="seconds"), "quick": quick, **_machine()}
        report |= {"measurements": [], "failed": {}}
        for name in names:
            self._say(f"{name}: {suite.SUITE[name].what}")
            began = time.monotonic()
            try:
                report["measurements"] += suite.run(name, quick=quick)
            except (NotMeasured, EmbeddedError) as error:
                report["failed"][name] = str(error)
            self._say(f"{name}: {time.monotonic() - began:.0f} s")
        self._write(Path(settings.DATA_DIR) / "bench.json", report)
        self.emit(report, as_json=as_json, text=table(report["measurements"]))
        if report["failed"]:
            raise CommandError("; ".join(f"{name} was not measured: {why}" for name, why in report["failed"].items()))

    def _write(self, path: Path, report: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        self._say(f"written to {path}")

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()


def _machine() -> dict[str, Any]:
    return {
        "version": __version__,
        "machine": {
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }
