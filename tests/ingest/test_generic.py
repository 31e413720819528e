"""Generic JSON: every documented name, and an error that says what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from investigations.choices import Severity
from investigations.ingest import parse
from investigations.ingest.generic import NAMES
from tests.ingest.conftest import RECEIVED, error_of, lines, read

SOURCE = {"src": "203.0.113.7"}


def test_it_reads_a_full_record() -> None:
    alert = read(
        {
            "id": "a-1",
            "time": "2026-05-01T11:00:00Z",
            "src_ip": "203.0.113.7",
            "src_port": "40123",
            "dst_ip": "10.0.0.5",
            "dst_port": 22,
            "protocol": "TCP",
            "signature": "Port scan",
            "category": "recon",
            "severity": "high",
            "domain": "www.example.com",
            "answered": False,
            "sensor": "fw-1",
            "vendor_field": {"kept": "in raw"},
        }
    )
    assert (alert.format, alert.attacker, alert.victim, alert.victim_port) == ("generic", "203.0.113.7", "10.0.0.5", 22)
    assert (alert.source_port, alert.protocol, alert.severity) == (40123, "tcp", Severity.HIGH)
    assert (alert.domain, alert.answered, alert.sensor) == ("www.example.com", False, "fw-1")
    assert (alert.happened, alert.time_guessed) == (datetime(2026, 5, 1, 11, tzinfo=UTC), False)
    assert (alert.is_recon, alert.techniques) == (True, ("T1595",))
    assert "vendor_field" in alert.raw


def test_it_needs_only_a_source() -> None:
    alert = read(SOURCE)
    assert (alert.signature, alert.severity, alert.answered) == ("unnamed alert", Severity.LOW, None)
    assert (alert.happened, alert.time_guessed) == (RECEIVED, True)


VALUES: dict[str, tuple[Any, str, Any]] = {
    "source": ("203.0.113.7", "attacker", "203.0.113.7"),
    "destination": ("10.0.0.5", "victim", "10.0.0.5"),
    "source port": (40123, "source_port", 40123),
    "destination port": (23, "victim_port", 23),
    "protocol": ("udp", "protocol", "udp"),
    "name": ("Port scan", "signature", "Port scan"),
    "rule id": (2001219, "signature_id", "2001219"),
    "category": ("recon", "category", "recon"),
    "severity": ("critical", "severity", Severity.CRITICAL),
    "time": (1777633200, "happened", datetime(2026, 5, 1, 11, tzinfo=UTC)),
    "domain": ("www.example.com", "domain", "www.example.com"),
    "answered": (True, "answered", True),
    "techniques": (["T1046"], "techniques", ("T1046",)),
    "sensor": ("fw-1", "sensor", "fw-1"),
}


@pytest.mark.parametrize(
    ("meaning", "name"), [(meaning, name) for meaning in VALUES for name in NAMES[meaning]]
)  # fmt: skip
def test_it_knows_every_name(meaning: str, name: str) -> None:
    value, attribute, expected = VALUES[meaning]
    base = {} if meaning == "source" else SOURCE
    assert getattr(read({**base, name.upper(): value}), attribute) == expected


def test_it_reads_ecs_objects() -> None:
    alert = read({"source": {"ip": "203.0.113.7", "port": 1}, "destination": {"address": "10.0.0.5", "port": 22}})
    assert (alert.attacker, alert.source_port, alert.victim, alert.victim_port) == ("203.0.113.7", 1, "10.0.0.5", 22)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({}, "no source address"),
        ({"dst": "10.0.0.5"}, "no source address"),
        ({"src": ""}, "no source address"),
        ({"src": "banana"}, "source 'banana' is not an address"),
        ({"src": "203.0.113.0/24"}, "source '203.0.113.0/24' is not an address"),
        ({"src": 3405803783}, "source must be text, not a number"),
        ({"src": ["203.0.113.7"]}, "source must be text, not a list"),
        ({**SOURCE, "dst": "nowhere"}, "destination 'nowhere' is not an address"),
        ({**SOURCE, "port": 65536}, "destination port 65536 is not a number from 0 to 65535"),
        ({**SOURCE, "sport": -1}, "source port -1 is not a number from 0 to 65535"),
        ({**SOURCE, "port": "ssh"}, "destination port 'ssh' is not a number from 0 to 65535"),
        ({**SOURCE, "port": True}, "destination port true or false is not a number from 0 to 65535"),
        ({**SOURCE, "name": {}}, "name must be text, not an object"),
        ({**SOURCE, "severity": "banana"}, "severity 'banana' is not a known word or a number from 0 to 5"),
        ({**SOURCE, "severity": 99}, "severity 99 is not a known word or a number from 0 to 5"),
        ({**SOURCE, "answered": "maybe"}, "answered 'maybe' is not true or false"),
        ({"src": "\x1b[31m" + "x" * 500}, "source '[31m" + "x" * 56 + "' is not an address"),
    ],
)
def test_it_says_what_is_wrong(record: dict[str, Any], error: str) -> None:
    assert error_of(record) == error


@pytest.mark.parametrize("stamp", [1777633200, 1777633200.0, "1777633200", 1777633200000, 1777633200000000,
                                   1777633200000000000, "2026-05-01T13:00:00+02:00"])  # fmt: skip
def test_it_tells_epochs_apart_by_their_size(stamp: Any) -> None:
    assert read({**SOURCE, "time": stamp}).happened == datetime(2026, 5, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize("stamp", ["yesterday", 7, -1, 1e30, "nan", "inf", True, {"x": 1}])
def test_it_guesses_a_time_that_is_none(stamp: Any) -> None:
    alert = read({**SOURCE, "time": stamp})
    assert (alert.happened, alert.time_guessed) == (RECEIVED, True)


@pytest.mark.parametrize(("value", "severity"), [(0, "informational"), ("5", "critical"), ("Warning", "medium")])
def test_it_grades_words_and_numbers(value: Any, severity: str) -> None:
    assert read({**SOURCE, "severity": value}).severity == severity


def test_it_trusts_the_senders_id_to_find_duplicates() -> None:
    first = read({**SOURCE, "id": 7, "time": "2026-05-01T11:00:00Z"})
    assert first.dedup_key == read({**SOURCE, "id": "7", "note": "sent again"}).dedup_key
    assert first.dedup_key != read({**SOURCE, "id": 8}).dedup_key
    assert first.dedup_key != read({"src": "203.0.113.8", "id": 7}).dedup_key


def test_it_compares_whole_records_without_an_id() -> None:
    one, same, other = {**SOURCE, "port": 22}, {"port": 22, **SOURCE}, {**SOURCE, "port": 23}
    assert read(one).dedup_key == read(same).dedup_key != read(other).dedup_key


def test_it_keeps_good_records_beside_bad_ones() -> None:
    batch = parse(lines({"src": "banana"}, SOURCE, {}), received=RECEIVED)
    assert [rejected.index for rejected in batch.rejected] == [0, 2]
    assert len(batch.alerts) == 1
