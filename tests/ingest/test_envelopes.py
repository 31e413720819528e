"""How records come: one, many, wrapped, broken. The good ones beside a bad one are always kept."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.ingest import MAX_REJECTED, parse, parse_stream
from investigations.ingest.base import ParsedBatch
from investigations.ingest.split import MAX_RECORD
from tests.ingest.conftest import RECEIVED, eve, lines

ONE, TWO, THREE = (eve(flow_id=number) for number in (1, 2, 3))
STATS = {"timestamp": "2026-05-01T11:58:30.250000+0000", "event_type": "stats", "stats": {"text": '}{[]"\\'}}


def counts(batch: ParsedBatch) -> tuple[int, int, int]:
    assert batch.read == len(batch.alerts) + batch.skipped + len(batch.rejected)
    return len(batch.alerts), batch.skipped, len(batch.rejected)


def dumps(value: Any, **options: Any) -> bytes:
    return json.dumps(value, **options).encode()


ENVELOPES = {
    "object": dumps(ONE),
    "pretty object": dumps(ONE, indent=2),
    "pretty object, CRLF": dumps(ONE, indent="\t").replace(b"\n", b"\r\n"),
    "BOM": b"\xef\xbb\xbf" + dumps(ONE),
    "array": dumps([ONE, TWO, STATS]),
    "BOM, array": b"\xef\xbb\xbf" + dumps([ONE, TWO, STATS]),
    "pretty array": dumps([ONE, TWO, STATS], indent=4),
    "empty array": b"[]",
    "empty array, spaced": b" [ \r\n ] \n",
    "NDJSON": lines(ONE, TWO, STATS),
    "NDJSON, CRLF and blank lines": lines(ONE, TWO, STATS).replace(b"\n", b"\r\n\r\n"),
    "NDJSON without the last newline": lines(ONE, TWO, STATS).rstrip(),
    "objects one after the other, pretty": b"\n".join(dumps(record, indent=1) for record in (ONE, TWO, STATS)),
    "arrays, one a line": lines([ONE, TWO], [STATS]),
    "events": dumps({"events": [ONE, TWO, STATS]}),
    "alerts, pretty": dumps({"alerts": [ONE, TWO, STATS], "next": [{"x": "]}"}]}, indent=2),
    "events after other fields": dumps({"version": 1, "events": [ONE, TWO, STATS]}),
    "events, one batch a line": lines({"events": [ONE, TWO]}, {"events": [STATS]}),
    "events, none": b'{"events": []}',
    "syslog": b"<135>May  1 10:20:33 sensor suricata[5885]: " + dumps(ONE) + b"\n",
    "nothing": b"",
    "blank": b" \r\n\n\t ",
}
SINGLE = ("object", "pretty object", "pretty object, CRLF", "BOM", "syslog")
EMPTY = ("empty array", "empty array, spaced", "events, none", "nothing", "blank")
EXPECTED = {name: (1, 0, 0) if name in SINGLE else (0, 0, 0) if name in EMPTY else (2, 1, 0) for name in ENVELOPES}


@pytest.mark.parametrize("name", ENVELOPES)
def test_it_reads_every_envelope(name: str) -> None:
    assert counts(parse(ENVELOPES[name], received=RECEIVED)) == EXPECTED[name]


@pytest.mark.parametrize("name", ENVELOPES)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_it_reads_the_same_from_chunks_of_any_size(name: str, size: int) -> None:
    payload = ENVELOPES[name]
    whole = parse(payload, received=RECEIVED)
    batches = list(parse_stream(pieces(payload, size), received=RECEIVED))
    assert [alert for batch in batches for alert in batch.alerts] == whole.alerts
    assert sum(batch.skipped for batch in batches) == whole.skipped


def test_it_learns_of_an_own_network_while_it_is_still_reading() -> None:
    record = lines(eve(src_ip="198.51.100.9", src_port=40000, dest_ip="203.0.113.7"))
    ours: list[Any] = []

    def chunks() -> Iterator[bytes]:
        yield record
        yield b""
        ours.append(ip_network("198.51.100.0/24"))
        yield record
        yield b""

    first, second = parse_stream(chunks(), received=RECEIVED, own_networks=lambda: ours)
    assert [batch.alerts[0].attacker_reason for batch in (first, second)] == [
        "source address",
        "source address (one of our own)",
    ]


def pieces(payload: bytes, size: int) -> Iterator[bytes]:
    return (payload[start : start + size] for start in range(0, len(payload), size))


def errors(payload: bytes) -> list[str]:
    return [rejected.error for rejected in parse(payload, received=RECEIVED).rejected]


def test_it_keeps_the_lines_around_one_that_was_cut() -> None:
    payload = lines(ONE) + dumps(TWO)[:40] + b"\n" + lines(THREE)
    batch = parse(payload, received=RECEIVED)
    assert counts(batch) == (2, 0, 1)
    assert batch.rejected[0].index == 1
    assert batch.rejected[0].error.startswith("line 2 is cut off or not JSON: ")


@pytest.mark.parametrize("end", range(1, len(dumps(TWO)), 11))
def test_it_keeps_what_comes_before_a_last_line_that_was_cut(end: int) -> None:
    batch = parse(lines(ONE) + dumps(TWO)[:end], received=RECEIVED)
    assert counts(batch) == (1, 0, 1)
    assert batch.rejected[0].error.startswith("line 2 is cut off or not JSON")


def test_it_keeps_what_comes_before_the_end_of_an_array_that_was_cut() -> None:
    whole = dumps([ONE, TWO])
    batch = parse(whole[:-30], received=RECEIVED)
    assert counts(batch) == (1, 0, 1)
    assert batch.rejected[0].error.startswith("record 2 is cut off or not JSON: ")
    assert errors(whole[:-1]) == ["record 3 is missing: the array is cut off here"]


def test_it_keeps_the_items_around_a_broken_one() -> None:
    payload = b"[" + dumps(ONE) + b', {"a": tru}, 17, "x", null, [1], ' + dumps(TWO) + b"]"
    batch = parse(payload, received=RECEIVED)
    assert len(batch.alerts) == 2
    assert batch.rejected[0].error.startswith("record 2 is cut off or not JSON")
    assert {rejected.error for rejected in batch.rejected[1:]} == {"record 3 is not a JSON object", "not a JSON object"}


@pytest.mark.parametrize("line", [b"hello", b"17", b'"text"', b"null", b"\xff\xfe", b"}", b"]", b"[1:2008578:4] {UDP}"])
def test_it_rejects_a_line_that_is_no_record(line: bytes) -> None:
    batch = parse(lines(ONE) + line + b"\n" + lines(TWO), received=RECEIVED)
    assert counts(batch) == (2, 0, 1)
    assert batch.rejected[0].error.startswith("line 2 is ")


@pytest.mark.parametrize("envelope", ["lines", "array", "events", "pretty"])
@pytest.mark.parametrize("size", [10_000, 10_000_000])
def test_it_passes_over_a_record_that_is_too_large(envelope: str, size: int) -> None:
    large = {**TWO, "payload": 'A\\"{[' * (MAX_RECORD // 4)}
    payload = {
        "lines": lines(ONE, large, THREE),
        "array": dumps([ONE, large, THREE]),
        "events": dumps({"events": [ONE, large, THREE]}),
        "pretty": b"\n".join(dumps(record, indent=1) for record in (ONE, large, THREE)),
    }[envelope]
    batches = list(parse_stream(pieces(payload, size), received=RECEIVED))
    assert sum(len(batch.alerts) for batch in batches) == 2
    [rejected] = [rejected for batch in batches for rejected in batch.rejected]
    assert "is larger than the limit of 1,048,576 bytes" in rejected.error
    assert rejected.index == 1


def test_it_holds_no_more_than_it_needs() -> None:
    record = dumps({**ONE, "payload": "A" * 2000})

    def endless_line() -> Iterator[bytes]:
        yield b"[" + record
        for _ in range(400):
            yield b"," + b",".join([record] * 20)
        yield b',{"payload": "'
        for _ in range(400):
            yield b"B" * 65536
        yield b'"}]'

    tracemalloc.start()
    read = sum(batch.read for batch in parse_stream(endless_line(), received=RECEIVED, size=100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 8002
    assert peak < 12 * MAX_RECORD


def test_it_hands_over_batches() -> None:
    batches = list(parse_stream(pieces(lines(*[ONE] * 25), 1000), received=RECEIVED, size=10))
    assert [batch.read for batch in batches] == [10, 10, 5]


def test_it_hands_over_what_is_there_when_nothing_more_comes() -> None:
    stream = iter([lines(ONE) + dumps(TWO)[:50], b"", dumps(TWO)[50:] + b"\n", b""])
    batches = parse_stream(stream, received=RECEIVED)
    assert counts(next(batches)) == (1, 0, 0)
    assert counts(next(batches)) == (1, 0, 0)
    assert list(batches) == []


def test_it_asks_the_clock_for_every_chunk() -> None:
    clock = iter([RECEIVED, RECEIVED, RECEIVED.replace(hour=13)])
    batches = parse_stream([lines(eve(timestamp="?")), lines(eve(timestamp="?"))], received=lambda: next(clock))
    assert [alert.happened.hour for batch in batches for alert in batch.alerts] == [12, 13]


def test_it_counts_rejected_records_over_the_whole_stream() -> None:
    batches = parse_stream([lines(ONE, TWO, {}, THREE, {})], received=RECEIVED, size=2)
    assert [rejected.index for batch in batches for rejected in batch.rejected] == [2, 4]


def test_it_gives_up_on_a_payload_of_rubbish_and_says_so() -> None:
    batch = parse(b"{}\n" * (MAX_REJECTED + 500) + lines(ONE), received=RECEIVED)
    assert len(batch.rejected) == MAX_REJECTED + 1
    assert batch.rejected[-1].error.endswith("was not read")


def test_it_refuses_an_unknown_format() -> None:
    with pytest.raises(ValueError, match="unknown format 'csv': one of auto, suricata, generic"):
        parse(b"", received=RECEIVED, format="csv")


def test_it_detects_the_format_of_every_record() -> None:
    batch = parse(lines(ONE, {"src": "203.0.113.9"}, STATS), received=RECEIVED)
    assert [alert.format for alert in batch.alerts] == ["suricata", "generic"]
    assert batch.skipped == 1


@given(st.lists(st.sampled_from([ONE, STATS, {}, 7, [ONE], "]"]), max_size=8), st.integers(1, 60), st.booleans())
def test_it_splits_the_same_for_any_chunks(records: list[Any], size: int, pretty: bool) -> None:
    payload = dumps(records, indent=1 if pretty else None)
    whole = parse(payload, received=RECEIVED)
    batches = list(parse_stream(pieces(payload, size), received=RECEIVED))
    assert sum(len(batch.alerts) for batch in batches) == len(whole.alerts)
    assert sum(batch.skipped for batch in batches) == whole.skipped
