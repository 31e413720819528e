"""The demo stream: what the sensors of a busy network would write."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Any

import pytest

from investigations.simulator.networks import NETWORKS
from investigations.simulator.personas import NAMED
from investigations.simulator.stream import demo_alerts

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
OWN = [ip_network("10.20.0.0/16"), ip_network("fd00:20::/32")]


def first_seconds(seconds: float) -> Iterator[dict[str, Any]]:
    passed = 0.0
    for wait, record in demo_alerts(NOW, seed=7):
        passed += wait
        if passed > seconds:
            return
        yield record


@pytest.fixture(scope="module")
def script() -> dict[str, list[dict[str, Any]]]:
    """The records of the first twenty seconds by source address."""
    by_source = defaultdict(list)
    for record in first_seconds(20):
        by_source[str(ip_address(record["src_ip"]))].append(record)
    return dict(by_source)


def test_it_shows_every_persona_within_twenty_seconds(script: dict[str, list[dict[str, Any]]]) -> None:
    assert {persona.address for persona in NAMED} <= set(script)


def test_it_is_the_same_stream_for_the_same_seed() -> None:
    first, again = (list(islice(demo_alerts(NOW, seed=7), 300)) for _ in range(2))
    other = list(islice(demo_alerts(NOW, seed=8), 300))
    assert first == again
    assert first != other


def test_it_never_ends_and_never_goes_back_in_time() -> None:
    stream = list(islice(demo_alerts(NOW, seed=7), 2000))
    assert min(wait for wait, _ in stream) >= 0
    due = NOW
    for wait, record in stream:
        due += timedelta(seconds=wait)
        assert abs(datetime.fromisoformat(record["timestamp"]) - due) < timedelta(milliseconds=1)


def test_it_attacks_our_networks_from_documentation_addresses_only() -> None:
    for _, record in islice(demo_alerts(NOW, seed=7), 2000):
        source, target = ip_address(record["src_ip"]), ip_address(record["dest_ip"])
        assert any(target in network for network in OWN)
        assert str(source) == "10.20.4.17" or any(source in network.prefix for network in NETWORKS)
        assert source.version == target.version == record["ip_v"]


def test_it_sweeps_many_ports_of_one_host(script: dict[str, list[dict[str, Any]]]) -> None:
    sweep = script["198.51.100.214"]
    assert len({record["dest_port"] for record in sweep}) >= 40
    assert len({record["dest_ip"] for record in sweep}) == 1


def test_it_has_an_internal_host_that_sweeps_its_neighbours(script: dict[str, list[dict[str, Any]]]) -> None:
    sweep = script["10.20.4.17"]
    assert {record["dest_port"] for record in sweep} == {445, 3389}
    assert len({record["dest_ip"] for record in sweep}) >= 15


def test_it_has_a_probe_that_was_answered(script: dict[str, list[dict[str, Any]]]) -> None:
    ssh = [record for record in script["203.0.113.66"] if record.get("dest_port") == 22]
    assert ssh[0]["flow"]["pkts_toclient"] > 0
    assert script["192.0.2.200"][0]["flow"]["pkts_toclient"] == 0


def test_it_pings_without_ports(script: dict[str, list[dict[str, Any]]]) -> None:
    pings = [record for record in script["203.0.113.77"] if record["proto"] == "ICMP"]
    assert len(pings) >= 10
    assert all("src_port" not in ping and "dest_port" not in ping and ping["icmp_type"] == 8 for ping in pings)


def test_it_asks_web_servers_for_secrets(script: dict[str, list[dict[str, Any]]]) -> None:
    paths = {record["http"]["url"] for record in script["198.51.100.99"]}
    assert "/.env" in paths


def test_it_writes_records_as_suricata_does() -> None:
    flows, sensors = set(), set()
    for _, record in islice(demo_alerts(NOW, seed=7), 1000):
        json.dumps(record)
        assert record["event_type"] == "alert"
        assert record["alert"].keys() >= {"gid", "signature_id", "signature", "category", "severity"}
        assert record["flow"]["src_ip"] == record["src_ip"]
        assert datetime.fromisoformat(record["flow"]["start"]) <= datetime.fromisoformat(record["timestamp"])
        flows.add(record["flow_id"])
        sensors.add(record["host"])
    assert len(flows) == 1000
    assert sensors == {"dmz-1", "dmz-2"}


def test_it_writes_ipv6_in_full(script: dict[str, list[dict[str, Any]]]) -> None:
    assert script["2001:db8:7::99"][0]["src_ip"] == "2001:0db8:0007:0000:0000:0000:0000:0099"
