"""Alerts in: bytes of any known format to AlertRecords. Pure: no database, no network, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from investigations.artifacts import Network
from investigations.ingest import eve, generic
from investigations.ingest.base import MAX_SENSOR, AlertRecord, ParsedBatch, RecordError, Rejected
from investigations.ingest.decode import decode, unwrap
from investigations.ingest.fields import Receipt, clean, text
from investigations.ingest.split import Piece, Splitter

type Parser = Callable[[Mapping[str, Any], str, Receipt], AlertRecord | None]

AUTO = "auto"
FORMATS: dict[str, Parser] = {
    eve.NAME: eve.parse_record,
    generic.NAME: generic.parse_record,
}
BATCH_SIZE = 1000  # records
MAX_REJECTED = 10_000  # unreadable records of one payload; more is not a payload of alerts
MAX_ERROR = 300  # characters of one error
_OBJECT = re.compile(rb'\{\s*["}]')


def parse(
    payload: bytes,
    *,
    received: datetime,
    format: str = AUTO,
    sensor: str = "",
    own_networks: Iterable[Network] = (),
) -> ParsedBatch:
    """Everything in one payload. Raises ValueError for an unknown format, nothing for what the payload holds."""
    reader = Reader(format, Receipt(received, text(sensor, MAX_SENSOR), tuple(own_networks)))
    splitter = Splitter()
    for piece in splitter.feed(payload, last=True):
        reader.read(piece)
        if len(reader.batch.rejected) >= MAX_REJECTED:
            reader.reject(f"too many unreadable records: what follows these {MAX_REJECTED:,} was not read")
            break
    return reader.take()


def parse_stream(
    chunks: Iterable[bytes],
    *,
    received: Callable[[], datetime] | datetime,
    format: str = AUTO,
    sensor: str = "",
    own_networks: Callable[[], Iterable[Network]] | Iterable[Network] = (),
    size: int = BATCH_SIZE,
) -> Iterator[ParsedBatch]:
    """Batches of `size` records or a few more from chunks of any size, in bounded memory.

    An empty chunk means that nothing more is there for now: what has been read so far is handed over at once.
    For an input that goes on for long `received` may be a clock, and `own_networks` a look at what is ours by now.
    `index` of a rejected record counts over the stream.
    """
    now = received if callable(received) else lambda: received
    networks = own_networks if callable(own_networks) else lambda: own_networks
    reader = Reader(format, Receipt(now(), text(sensor, MAX_SENSOR), tuple(networks())))
    splitter = Splitter()
    for chunk in chunks:
        reader.at(now(), tuple(networks()))
        yield from _full_batches(reader, splitter.feed(chunk), size)
        if not chunk and reader.batch.read:
            yield reader.take()
    yield from _full_batches(reader, splitter.feed(b"", last=True), size)
    if reader.batch.read:
        yield reader.take()


def _full_batches(reader: Reader, pieces: Iterable[Piece], size: int) -> Iterator[ParsedBatch]:
    for piece in pieces:
        reader.read(piece)
        if reader.batch.read >= size:
            yield reader.take()


class Reader:
    """Turns pieces into a growing batch and counts the records."""

    def __init__(self, format: str, receipt: Receipt) -> None:
        if format != AUTO and format not in FORMATS:
            raise ValueError(f"unknown format '{format}': one of {', '.join((AUTO, *FORMATS))}")
        self._parser = FORMATS.get(format)
        self._receipt = receipt
        self._index = 0
        self.batch = ParsedBatch()

    def at(self, received: datetime, own_networks: tuple[Network, ...]) -> None:
        """What is read from now on came at `received`, into these networks."""
        if own_networks != self._receipt.own_networks:
            # A new one, because a receipt remembers which addresses are inside
            self._receipt = Receipt(received, self._receipt.sensor, own_networks)
        elif received != self._receipt.received:
            self._receipt = replace(self._receipt, received=received)

    def take(self) -> ParsedBatch:
        """The batch so far; a new one begins."""
        batch, self.batch = self.batch, ParsedBatch()
        return batch

    def read(self, piece: Piece) -> None:
        if piece.error:
            self.reject(f"{piece.unit} {piece.number} is {piece.error}")
            return
        try:
            value, raw = _value(piece.data)
        except RecordError as error:
            self.reject(f"{piece.unit} {piece.number} is {error}")
            return
        for record, own_raw in unwrap(value, raw):
            self._read_record(record, own_raw)

    def _read_record(self, record: Any, raw: str) -> None:
        if not isinstance(record, dict):
            self.reject("not a JSON object")
            return
        try:
            parser = self._parser or _detect(record)
            alert = parser(record, raw, self._receipt)
        except RecordError as error:
            self.reject(str(error))
            return
        self._index += 1
        if alert is None:
            self.batch.skipped += 1
        else:
            self.batch.alerts.append(alert)

    def reject(self, error: str) -> None:
        self.batch.rejected.append(Rejected(self._index, clean(error, MAX_ERROR)))
        self._index += 1


def _value(data: bytes) -> tuple[Any, str]:
    """The JSON value of a piece and its text. A syslog header before the object is passed over."""
    raw = data.decode("utf-8", "replace")
    if data[:1] not in (b"{", b"["):
        start = _OBJECT.search(data)
        if not start:
            raise RecordError("not JSON")
        data = data[start.start() :]
    return decode(data), raw


def _detect(record: Mapping[str, Any]) -> Parser:
    return eve.parse_record if eve.recognises(record) else generic.parse_record
