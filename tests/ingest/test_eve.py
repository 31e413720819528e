"""Suricata EVE: what an alert says, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from investigations.choices import Severity
from investigations.ingest import parse
from tests.ingest.conftest import RECEIVED, error_of, eve, lines, read


def test_it_reads_an_alert() -> None:
    alert = read(eve(), sensor="dmz-1")
    assert (alert.format, alert.sensor, alert.protocol) == ("suricata", "dmz-1", "tcp")
    assert (alert.source, alert.source_port) == ("203.0.113.7", 40123)
    assert (alert.destination, alert.destination_port) == ("10.0.0.5", 22)
    assert (alert.attacker, alert.victim, alert.victim_port) == ("203.0.113.7", "10.0.0.5", 22)
    assert (alert.signature, alert.signature_id) == ("ET SCAN Potential SSH Scan", "2001219")
    assert (alert.category, alert.severity, alert.raw_severity) == ("Attempted Information Leak", Severity.MEDIUM, "2")
    assert (alert.happened, alert.time_guessed) == (datetime(2026, 5, 1, 11, 58, 30, 250000, tzinfo=UTC), False)
    assert alert.is_recon
    assert '"flow_id": 1805461738637437' in alert.raw


@pytest.mark.parametrize("event_type", ["flow", "stats", "dns", "anomaly", "drop", "fileinfo", "something_new"])
def test_it_passes_over_what_is_no_alert(event_type: str) -> None:
    batch = parse(lines(eve(event_type=event_type), eve()), received=RECEIVED)
    assert (len(batch.alerts), batch.skipped, batch.rejected, batch.read) == (1, 1, [], 2)


def test_it_passes_over_statistics_without_addresses() -> None:
    batch = parse(
        lines({"timestamp": "2026-05-01T11:00:00+0000", "event_type": "stats", "stats": {}}), received=RECEIVED
    )
    assert (batch.alerts, batch.skipped, batch.rejected) == ([], 1, [])


def test_it_reads_a_time_without_zone_as_utc_and_says_so() -> None:
    alert = read(eve(timestamp="2026-05-01T03:50:11.315110"))
    assert (alert.happened, alert.time_guessed) == (datetime(2026, 5, 1, 3, 50, 11, 315110, tzinfo=UTC), True)


def test_it_reads_a_zone_without_colon() -> None:
    assert read(eve(timestamp="2026-05-01T03:50:11.5-0600")).happened == datetime(2026, 5, 1, 9, 50, 11, 500000, UTC)


@pytest.mark.parametrize(
    "stamp",
    [None, "", "yesterday", "1970-01-01T00:00:00+0000", "1999-12-31T23:59:59+0000", "2026-05-02T12:00:01+0000",
     "0001-01-01T00:00:00+2300", "9999-12-31T23:59:59-2300", 1e300, -1, True, [], {}],
)  # fmt: skip
def test_it_uses_the_time_of_receipt_where_the_time_is_unusable(stamp: Any) -> None:
    alert = read(eve(timestamp=stamp))
    assert (alert.happened, alert.time_guessed) == (RECEIVED, True)


def test_it_accepts_a_clock_that_is_up_to_a_day_ahead() -> None:
    assert not read(eve(timestamp="2026-05-02T11:59:59+0000")).time_guessed


def test_it_reads_icmp_without_ports() -> None:
    alert = read(eve(src_port=None, dest_port=None, proto="ICMP", icmp_type=8, icmp_code=0))
    assert (alert.source_port, alert.destination_port, alert.victim_port, alert.protocol) == (None, None, None, "icmp")


def test_it_writes_addresses_in_one_way() -> None:
    alert = read(eve(src_ip="2001:0DB8:0000:0000:0000:0000:0000:0001", dest_ip="::ffff:10.0.0.5"))
    assert (alert.source, alert.destination) == ("2001:db8::1", "10.0.0.5")


def test_it_strips_a_zone_id() -> None:
    assert read(eve(src_ip="fe80::1%eth0")).attacker == "fe80::1"


def test_it_keeps_an_alert_with_one_address() -> None:
    alert = read(eve(dest_ip=None))
    assert (alert.attacker, alert.victim, alert.destination) == ("203.0.113.7", None, None)
    alert = read(eve(src_ip="banana"))
    assert (alert.attacker, alert.attacker_reason) == ("10.0.0.5", "the only address in the alert")


def test_it_rejects_an_alert_without_addresses() -> None:
    assert error_of(eve(src_ip=None, dest_ip="00:00:5e:00:53:01")) == "neither src_ip nor dest_ip is an address"


def test_it_rejects_an_alert_event_without_the_alert() -> None:
    record = {**eve(), "alert": "yes"}
    assert error_of(record) == "event_type is alert, but there is no alert object"


def test_it_rejects_what_is_not_eve_when_told_that_it_is() -> None:
    assert error_of({"src": "203.0.113.7"}, format="suricata") == "no event_type: not a Suricata EVE record"


def test_it_names_a_rule_without_name_by_its_id() -> None:
    assert read(eve(alert={"signature": ""})).signature == "rule 2001219"
    assert read(eve(alert={"signature": None, "signature_id": None})).signature == "unnamed rule"


@pytest.mark.parametrize(
    ("alert", "severity", "raw"),
    [
        ({"severity": 1}, Severity.HIGH, "1"),
        ({"severity": 2}, Severity.MEDIUM, "2"),
        ({"severity": 3}, Severity.LOW, "3"),
        ({"severity": 4}, Severity.INFORMATIONAL, "4"),
        ({"severity": 255}, Severity.INFORMATIONAL, "255"),
        ({"severity": 0}, Severity.LOW, "0"),
        ({"severity": None}, Severity.LOW, ""),
        ({"severity": "1"}, Severity.HIGH, "1"),
        (
            {"severity": 1, "metadata": {"signature_severity": ["Informational"]}},
            Severity.INFORMATIONAL,
            "Informational (1)",
        ),
        ({"severity": 3, "metadata": {"signature_severity": ["Critical"]}}, Severity.CRITICAL, "Critical (3)"),
        ({"severity": 3, "metadata": {"signature_severity": ["Major"]}}, Severity.HIGH, "Major (3)"),
        ({"severity": 1, "metadata": {"signature_severity": ["Minor"]}}, Severity.LOW, "Minor (1)"),
        ({"severity": 2, "metadata": {"signature_severity": ["Unheard_of"]}}, Severity.MEDIUM, "2"),
        ({"severity": 2, "metadata": "none"}, Severity.MEDIUM, "2"),
    ],
)
def test_it_grades_by_the_rules_own_word_then_by_priority(alert: dict[str, Any], severity: Severity, raw: str) -> None:
    found = read(eve(alert=alert))
    assert (found.severity, found.raw_severity) == (severity, raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"http": {"hostname": "WWW.Example.COM."}},
        {"http": {"hostname": "www.example.com:8080"}},
        {"http": {"hostname": "10.0.0.5"}, "tls": {"sni": "www.example.com"}},
        {"dns": {"rrname": "www.example.com"}},
        {"dns": {"version": 2, "query": [{"type": "query", "rrname": "www.example.com"}]}},
        {"dns": {"version": 3, "queries": [{"rrname": "www.example.com"}]}},
        {"quic": {"sni": "www.example.com"}},
    ],
)
def test_it_finds_the_name_that_was_asked_for(changes: dict[str, Any]) -> None:
    assert read(eve(**changes)).domain == "www.example.com"


def test_it_has_no_domain_where_the_host_is_an_address() -> None:
    assert read(eve(http={"hostname": "10.0.0.5"})).domain == ""


OUR_ANSWER = {"src_ip": "10.0.0.5", "src_port": 22, "dest_ip": "203.0.113.7", "dest_port": 40123}


@pytest.mark.parametrize(
    ("changes", "answered"),
    [
        ({}, None),
        ({"flow": {"pkts_toserver": 1, "pkts_toclient": 0}}, False),
        ({"flow": {"pkts_toserver": 4, "pkts_toclient": 3, "bytes_toclient": 900}}, True),
        ({"flow": {"pkts_toserver": 1, "pkts_toclient": 1}}, True),
        ({"flow": {"pkts_toserver": 1, "pkts_toclient": 1, "bytes_toclient": 74}}, True),
        ({"flow": {"pkts_toserver": 1, "pkts_toclient": 1, "bytes_toclient": 54}}, None),
        ({"http": {"hostname": "www.example.com", "status": 404}}, True),
        ({"http": {"hostname": "www.example.com"}}, None),
        ({**OUR_ANSWER, "direction": "to_client"}, True),
        ({"direction": "to_server"}, None),
        ({"alert": {"action": "blocked"}}, False),
        ({"alert": {"action": "blocked"}, "flow": {"pkts_toclient": 0}}, False),
        ({"alert": {"action": "blocked"}, "flow": {"pkts_toclient": 2}}, None),
        ({"flow": {"pkts_toclient": "many"}}, None),
        ({"flow": {"pkts_toclient": -1}}, None),
    ],
)
def test_it_says_whether_something_of_ours_answered(changes: dict[str, Any], answered: bool | None) -> None:
    assert read(eve(**changes)).answered is answered


def test_it_does_not_call_an_outside_servers_answer_ours() -> None:
    outgoing = eve(src_ip="10.0.0.5", dest_ip="198.51.100.9", flow={"pkts_toserver": 3, "pkts_toclient": 5})
    assert read(outgoing).answered is None
    assert read({**outgoing, "dest_ip": "10.0.0.9"}).answered is True


def keys(*records: dict[str, Any]) -> int:
    return len({read(record).dedup_key for record in records})


def test_it_knows_two_deliveries_of_one_alert() -> None:
    again = {"sensor_note": "seen again", **eve(src_ip="::ffff:203.0.113.7", flow_id="1805461738637437")}
    assert keys(eve(), again) == 1
    assert read(eve(), sensor="a").dedup_key == read(eve(), sensor="b").dedup_key


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": "2026-05-01T11:58:30.250001+0000"},
        {"flow_id": 7},
        {"tx_id": 1},
        {"alert": {"signature_id": 2001220}},
        {"alert": {"gid": 3}},
        {"src_ip": "203.0.113.8"},
        {"dest_ip": "10.0.0.6"},
        {"dest_port": 23},
        {"icmp_type": 0},
    ],
)
def test_it_tells_different_alerts_apart(changes: dict[str, Any]) -> None:
    assert keys(eve(), eve(**changes)) == 2


def test_it_compares_whole_records_where_no_flow_identifies_them() -> None:
    one, other = ({**eve(), "flow_id": None, "payload": payload} for payload in ("AA==", "AQ=="))
    assert keys(one, dict(reversed(one.items()))) == 1
    assert keys(one, other) == 2


def test_it_makes_text_harmless() -> None:
    alert = read(eve(alert={"signature": "a\x00b\x1b[31m\tc\ud800d\x9be", "category": "x" * 900}))
    assert alert.signature == "ab[31m c\ufffdde"
    assert len(alert.category) == 500


def test_it_cuts_the_original() -> None:
    alert = read(eve(payload="A" * 40_000))
    assert len(alert.raw) == 16 * 1024
    assert "\0" not in alert.raw


def test_it_makes_the_senders_name_harmless() -> None:
    assert read(eve(), sensor="dmz\x00-\x1b1\ud800").sensor == "dmz-1\ufffd"


def test_it_takes_the_sensors_name_from_the_record() -> None:
    assert read(eve(host="probe-3")).sensor == "probe-3"
    assert read(eve(host="probe-3"), sensor="dmz-1").sensor == "dmz-1"
