"""Read alerts from files or standard input; every accepted alert is durable when the command says so."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.timezone import now

from investigations.ingest import FORMATS, parse_stream
from investigations.ingest.base import ParsedBatch
from investigations.ingest.fields import clean
from investigations.management import base
from investigations.queries.networks import own_networks
from investigations.services.ingest import store
from investigations.services.waiting import wait_until_settled

SHOWN_ERRORS = 20
CHUNK = 1 << 18
MAX_SENSOR = 100


class Command(base.Command):
    help = "Ingest alerts from FILE… (- is standard input)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--format", default="auto", choices=["auto", *FORMATS])
        parser.add_argument("--sensor", default="", help="name of the sensor, for alerts that do not tell")
        parser.add_argument("--follow", action="store_true", help="go on with what is appended to the (one) file")
        parser.add_argument("--wait", action="store_true", help="until every investigation has its outcome")

    def run(self, **options: Any) -> None:
        files = options["files"]
        if options["follow"] and (len(files) != 1 or files[0] == "-"):
            raise ValueError("--follow takes one file")
        for name in files:
            if name != "-" and not Path(name).exists():
                raise ValueError(f"no such file: {name}")
            if Path(name).is_dir():
                raise ValueError(f"{name} is a directory: name the files in it")
        self._counts: Counter[str] = Counter()
        self._investigations: set[int] = set()
        self._shown = 0
        self._started = self._reported = time.monotonic()
        try:
            for name in files:
                self._ingest(name, options)
        except KeyboardInterrupt:
            self.stderr.write("stopped; what was accepted is stored")
        if options["wait"]:
            wait_until_settled(self._investigations, progress=self._progress)
        self._summary(options["json"])
        if self._counts["rejected"] == self._counts["read"] > 0:
            raise ValueError("nothing in it could be read as an alert")

    def _ingest(self, name: str, options: dict[str, Any]) -> None:
        # Standard input by its number: a stream like any other, and closing it is ours to do
        with open(0 if name == "-" else name, "rb") as stream:
            chunks = _follow(stream, Path(name)) if options["follow"] else _read(stream)
            batches = parse_stream(
                chunks,
                received=now,
                format=options["format"],
                sensor=clean(options["sensor"], MAX_SENSOR),
                own_networks=own_networks,
            )
            for batch in batches:
                with _to_the_end():
                    self._store(name, batch)

    def _store(self, name: str, batch: ParsedBatch) -> None:
        stored = store(batch)
        self._counts.update(
            read=batch.read,
            alerts=len(batch.alerts),
            accepted=stored.accepted,
            duplicates=stored.duplicates,
            skipped=batch.skipped,
            rejected=len(batch.rejected),
        )
        self._investigations.update(stored.investigations)
        for rejected in batch.rejected:
            if self._shown < SHOWN_ERRORS:
                self.stderr.write(base.printable(f"{name}: record {rejected.index}: {rejected.error}"))
            self._shown += 1
        self._progress("")

    def _progress(self, text: str) -> None:
        if time.monotonic() - self._reported < 1.0 or not sys.stderr.isatty():
            return
        self._reported = time.monotonic()
        rate = self._counts["read"] / (self._reported - self._started)
        self.stderr.write(f"\r{self._counts['read']:,} read, {rate:,.0f}/s {text}   ", ending="")

    def _summary(self, as_json: bool) -> None:
        if self._shown > SHOWN_ERRORS:
            self.stderr.write(f"… and {self._shown - SHOWN_ERRORS:,} more rejected records")
        names = ("read", "alerts", "accepted", "duplicates", "skipped", "rejected")
        counts = {name: self._counts[name] for name in names} | {"investigations": len(self._investigations)}
        text = (
            f"{counts['read']:,} records read: {counts['alerts']:,} alerts ({counts['accepted']:,} new, "
            f"{counts['duplicates']:,} known already), {counts['skipped']:,} other records skipped, "
            f"{counts['rejected']:,} rejected; {counts['investigations']:,} investigations"
        )
        self.emit(counts, as_json=as_json, text=text)


@contextlib.contextmanager
def _to_the_end() -> Iterator[None]:
    """An interrupt waits until what is stored is counted, too."""
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        raise KeyboardInterrupt


def _read(stream: BufferedReader) -> Iterator[bytes]:
    # read1: a slow pipe is read as it comes, not chunk by full chunk
    while chunk := stream.read1(CHUNK):
        yield chunk


def _follow(stream: BufferedReader, path: Path) -> Iterator[bytes]:
    """What is in the file and what is appended; a file that was rotated away is read to its end, then the new one."""
    while True:
        chunk = stream.read(CHUNK)
        if chunk:
            yield chunk
            continue
        yield b""
        time.sleep(0.5)
        try:
            rotated = path.stat().st_ino != _inode(stream) or path.stat().st_size < stream.tell()
        except FileNotFoundError:
            continue
        if rotated:
            yield from _read(stream)
            # A line that was cut off in the old file must not swallow the first one of the new file
            yield b"\n"
            stream.close()
            stream = path.open("rb")


def _inode(stream: BufferedReader) -> int:
    return os.fstat(stream.fileno()).st_ino
