"""Nothing that an attacker can write into an alert stops a parser."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.ingest import FORMATS, parse, parse_stream
from investigations.ingest.base import MAX_ID, MAX_PROTOCOL, MAX_RAW, MAX_SENSOR, MAX_TEXT, AlertRecord, ParsedBatch
from tests.ingest.conftest import RECEIVED, eve, lines

FULL = eve(
    tx_id=0,
    host="probe",
    icmp_type=8,
    icmp_code=0,
    direction="to_client",
    flow={"pkts_toserver": 1, "pkts_toclient": 1, "bytes_toclient": 60, "src_ip": "203.0.113.7"},
    http={"hostname": "www.example.com", "status": 200},
    tls={"sni": "www.example.com"},
    dns={"rrname": "a.example", "query": [{"rrname": "b.example"}], "queries": [{"rrname": "c.example"}]},
    quic={"sni": "www.example.com"},
    alert={
        "source": {"ip": "203.0.113.7", "port": 1},
        "target": {"ip": "10.0.0.5", "port": 2},
        "metadata": {"hostile": ["src_ip"], "signature_severity": ["Major"], "mitre_technique_id": ["T1595"]},
    },
)
GENERIC = {
    "src": "203.0.113.7", "dst": "10.0.0.5", "sport": 1, "port": 22, "proto": "tcp", "name": "scan", "sid": 1,
    "category": "recon", "severity": "low", "time": 1777633200, "id": 1, "domain": "a.example", "answered": True,
    "techniques": ["T1046"], "sensor": "fw",
}  # fmt: skip
INTEGERS = st.integers(-(10**40), 10**40)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats() | st.text(max_size=30)
SPECIAL = st.sampled_from(
    [
        "\x00",
        "\ud800",
        "\u202e",
        "\x1b[2J",
        "9" * 5000,
        "[::1",
        "::ffff:1.2.3.4",
        "fe80::1%" + "z" * 99,
        "..",
        "xn--",
        "İ" * 700,
        "1e999",
    ]
)
VALUES = st.recursive(SCALARS | SPECIAL, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record where a value stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, child in inner for deeper in paths(child, (*path, key)))]


def replaced(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = record.copy()
    copy[path[0]] = replaced(record[path[0]], path[1:], value)
    return copy


def check(batch: ParsedBatch) -> None:
    assert batch.read == len(batch.alerts) + batch.skipped + len(batch.rejected)
    for alert in batch.alerts:
        check_alert(alert)
    for rejected in batch.rejected:
        assert len(rejected.error) <= 300
        rejected.error.encode()


def check_alert(alert: AlertRecord) -> None:
    """What a table, a page and a terminal rely on."""
    shown = (alert.signature, alert.category, alert.sensor, alert.domain, alert.raw_severity, alert.attacker_reason)
    for text in (*shown, alert.signature_id, alert.protocol):
        assert len(text) <= MAX_TEXT
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
        text.encode()
    alert.raw.encode()
    assert len(alert.raw) <= MAX_RAW
    assert "\0" not in alert.raw
    assert len(alert.sensor) <= MAX_SENSOR
    assert len(alert.protocol) <= MAX_PROTOCOL
    assert max(len(alert.signature_id), len(alert.raw_severity)) <= MAX_ID
    assert all(len(technique) <= 9 for technique in alert.techniques)
    assert alert.attacker
    assert len(alert.dedup_key) == 64
    assert alert.happened.utcoffset() is not None
    assert all(port is None or 0 <= port <= 65535 for port in (alert.source_port, alert.victim_port))


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from([(base, path) for base in (FULL, GENERIC) for path in paths(base)[1:]]), VALUES)
def test_it_survives_any_value_in_any_field(place: tuple[Any, tuple[Any, ...]], value: Any) -> None:
    record = replaced(*place, value)
    for format in ("auto", *FORMATS):
        batch = parse(lines(record), received=RECEIVED, format=format)
        check(batch)
        assert batch.read == 1


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400))
def test_it_survives_any_bytes(payload: bytes) -> None:
    check(parse(payload, received=RECEIVED))


STRUCTURE = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"\\",
    b",",
    b":",
    b"\n",
    b"1",
    b" ",
    b'"events"',
    b'"src":"203.0.113.7"',
    b"\xff",
]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(STRUCTURE), max_size=40).map(b"".join), st.integers(1, 9))
def test_it_survives_any_structure_in_any_chunks(payload: bytes, size: int) -> None:
    check(parse(payload, received=RECEIVED))
    chunks = [payload[start : start + size] for start in range(0, len(payload), size)]
    for batch in parse_stream(chunks, received=RECEIVED):
        check(batch)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 4000), st.integers(0, 4000), st.binary(max_size=5))
def test_it_survives_a_document_with_a_hole(start: int, length: int, filling: bytes) -> None:
    payload = json.dumps([FULL, GENERIC, FULL]).encode()
    check(parse(payload[:start] + filling + payload[start + length :], received=RECEIVED))


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"a":[', b'[{"events":'])
@pytest.mark.parametrize("depth", [65, 1000, 100_000])
def test_it_rejects_what_is_nested_too_deeply(opening: bytes, depth: int) -> None:
    batch = parse(lines(FULL) + opening * depth + b"\n" + lines(FULL), received=RECEIVED)
    check(batch)
    assert batch.alerts
    closing = {b"[": b"]", b'{"a":': b"}", b'{"a":[': b"]}", b'[{"events":': b"}]"}[opening]
    if depth * len(opening + closing) < 2**20:
        deep = b'{"src":"203.0.113.7","x":' + opening * depth + b"1" + closing * depth + b"}"
        [rejected] = parse(deep, received=RECEIVED).rejected
        assert rejected.error == "line 1 is nested too deeply"


def test_it_accepts_what_is_nested_a_little() -> None:
    assert len(parse(b'{"src":"203.0.113.7","x":' + b"[" * 60 + b"]" * 60 + b"}", received=RECEIVED).alerts) == 1


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-0",
        b"1" * 30,
        b'"\\ud800"',
        b'"\\u0000"',
        b'"\x00"',
        b'"\xff"',
    ],
)
def test_it_reads_a_record_with_a_value_outside_of_the_standard(value: bytes) -> None:
    batch = parse(b'{"src":"203.0.113.7","name":"scan","id":' + value + b"}", received=RECEIVED)
    check(batch)
    assert len(batch.alerts) == 1


def test_it_rejects_a_number_without_end() -> None:
    digits = b"9" * (sys.get_int_max_str_digits() + 1)
    [rejected] = parse(b'{"src":"203.0.113.7","id":' + digits + b"}", received=RECEIVED).rejected
    assert rejected.error == "line 1 is not readable: a number has too many digits"


def test_it_takes_the_last_of_duplicate_keys() -> None:
    [alert] = parse(b'{"src":"10.0.0.1","src":"203.0.113.7"}', received=RECEIVED).alerts
    assert alert.attacker == "203.0.113.7"
