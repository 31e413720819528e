"""Who is the attacker: the order of evidence, each with what an analyst reads."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from tests.ingest.conftest import eve, read

OUTSIDE, OURS, OURS_TOO = "203.0.113.7", "10.0.0.5", "10.0.0.9"
HEARTBEAT = {"signature": "ET CURRENT_EVENTS Malformed HeartBeat Response", "category": "Potentially Bad Traffic"}
TROJAN = {"signature": "ET TROJAN Executable sent to a client", "category": "A Network Trojan was detected"}
POLICY = {"signature": "ET POLICY Router in Config Mode", "category": "Not Suspicious Traffic"}
SHELL = {"signature": "GPL ATTACK_RESPONSE id check returned root", "category": "Potentially Bad Traffic"}
LEAK = {"signature": "GPL WEB_SERVER 403 Forbidden", "category": "Attempted Information Leak"}


def packet(source: str, source_port: int, destination: str, destination_port: int, **changes: Any) -> dict[str, Any]:
    return eve(src_ip=source, src_port=source_port, dest_ip=destination, dest_port=destination_port, **changes)


def test_it_takes_the_source_without_other_evidence() -> None:
    alert = read(packet(OUTSIDE, 40000, OURS, 22))
    assert (alert.attacker, alert.victim, alert.attacker_reason) == (OUTSIDE, OURS, "source address")


def test_it_says_that_the_source_is_one_of_ours() -> None:
    alert = read(packet("198.51.100.9", 40000, OUTSIDE, 22), own_networks=[ip_network("198.51.100.0/24")])
    assert (alert.attacker, alert.attacker_reason) == ("198.51.100.9", "source address (one of our own)")


@pytest.mark.parametrize(
    "alert",
    [
        {"source": {"ip": OURS, "port": 22}, "target": {"ip": OUTSIDE, "port": 40000}},
        {"target": {"ip": OUTSIDE}},
        {"source": {"ip": OURS}},
    ],
)
def test_it_believes_a_rule_that_names_its_target(alert: dict[str, Any]) -> None:
    found = read(packet(OUTSIDE, 40000, OURS, 22, alert=alert))
    assert (found.attacker, found.victim, found.attacker_reason) == (OURS, OUTSIDE, "rule names its target")


def test_it_ignores_a_target_that_is_neither_end() -> None:
    assert read(packet(OUTSIDE, 40000, OURS, 22, alert={"source": {"ip": "192.0.2.1"}})).attacker == OUTSIDE


def test_it_believes_the_rules_hostile_side() -> None:
    hostile = {"metadata": {"hostile": ["dest_ip"]}}
    found = read(packet(OURS, 40000, OUTSIDE, 4444, alert=hostile))
    assert (found.attacker, found.attacker_reason) == (OUTSIDE, "rule names the hostile side")
    answer = read(packet(OUTSIDE, 80, OURS, 47592, alert={**SHELL, "metadata": {"hostile": ["src_ip"]}}))
    assert answer.attacker == OUTSIDE


def test_it_knows_rules_that_fire_on_the_servers_answer() -> None:
    mysql = {"signature_id": 2010493, "signature": "ET SCAN Non-Allowed Host Tried to Connect to MySQL Server"}
    found = read(packet(OURS, 3306, OURS_TOO, 55894, alert=mysql))
    assert (found.attacker, found.victim, found.victim_port) == (OURS_TOO, OURS, 3306)
    assert found.attacker_reason == "rule fires on the server's answer (known rule)"
    assert found.answered is True


@pytest.mark.parametrize(
    "evidence",
    [{"direction": "to_client"}, {"flow": {"src_ip": OUTSIDE, "dest_ip": OURS}}],
)
def test_it_swaps_a_scan_whose_packet_flows_towards_the_client(evidence: dict[str, Any]) -> None:
    found = read(packet(OURS, 8080, OUTSIDE, 50000, **evidence))
    assert (found.attacker, found.victim, found.victim_port) == (OUTSIDE, OURS, 8080)
    assert found.attacker_reason == "fires on the server's answer (flow towards the client)"


def test_it_gives_a_ping_and_its_reply_one_attacker() -> None:
    ping = {"signature": "ICMP ping sweep", "category": "Attempted Information Leak"}
    request = eve(src_ip=OUTSIDE, dest_ip=OURS, src_port=None, dest_port=None, proto="ICMP", icmp_type=8, alert=ping)
    reply = eve(src_ip=OURS, dest_ip=OUTSIDE, src_port=None, dest_port=None, proto="ICMP", icmp_type=0, alert=ping)
    assert {read(request).attacker, read(reply).attacker} == {OUTSIDE}


def test_it_keeps_a_malicious_server_that_answers_our_client() -> None:
    found = read(packet(OUTSIDE, 80, OURS, 50000, direction="to_client", alert=TROJAN))
    assert (found.attacker, found.victim, found.victim_port) == (OUTSIDE, OURS, None)
    assert "flow towards the client" in found.attacker_reason


def test_it_keeps_an_infected_host_of_ours_that_calls_out() -> None:
    found = read(packet(OURS, 50000, OUTSIDE, 443, direction="to_server", alert=TROJAN))
    assert (found.attacker, found.attacker_reason) == (OURS, "source address (one of our own)")


@pytest.mark.parametrize(("source_port", "destination_port"), [(31337, 59348), (35014, 63122), (80, 56040)])
def test_it_swaps_where_our_host_sends_out_a_shells_output(source_port: int, destination_port: int) -> None:
    found = read(packet(OURS, source_port, OUTSIDE, destination_port, alert=SHELL))
    assert (found.attacker, found.attacker_reason) == (OUTSIDE, "fires on what the attacked host sends out")


def test_it_keeps_an_outside_server_whose_answer_looks_like_a_shell() -> None:
    found = read(packet(OUTSIDE, 40080, OURS, 47592, alert=SHELL))
    assert (found.attacker, found.victim) == (OUTSIDE, OURS)


def test_it_finds_our_own_scanner_in_the_answer_that_it_got() -> None:
    found = read(packet(OUTSIDE, 22, OURS, 50000, direction="to_client"))
    assert (found.attacker, found.victim, found.answered) == (OURS, OUTSIDE, None)


def test_it_swaps_where_our_server_answers_somebody_outside() -> None:
    found = read(packet(OURS, 80, OUTSIDE, 60384, alert=LEAK))
    assert (found.attacker, found.victim, found.victim_port) == (OUTSIDE, OURS, 80)
    assert found.attacker_reason == "our side answered from port 80, so the other side began"


@pytest.mark.parametrize("alert", [HEARTBEAT, POLICY])
def test_it_swaps_among_our_own_hosts_and_calls_it_probable(alert: dict[str, Any]) -> None:
    found = read(packet(OURS, 443, OURS_TOO, 60530, alert=alert, flow={"pkts_toserver": 5, "pkts_toclient": 4}))
    assert (found.attacker, found.victim) == (OURS_TOO, OURS)
    assert found.attacker_reason == "probable: the source answers from port 443, so the destination began"


@pytest.mark.parametrize(("alert", "probed"), [({}, 50000), (TROJAN, None), (POLICY, None)])
def test_it_never_swaps_an_outside_source_by_its_port(alert: dict[str, Any], probed: int | None) -> None:
    found = read(packet(OUTSIDE, 53, OURS, 50000, alert=alert))
    assert (found.attacker, found.victim, found.victim_port) == (OUTSIDE, OURS, probed)
    assert found.attacker_reason == "probable: answer side by ports (53 to 50000); not swapped"


def test_it_says_nothing_of_an_answer_where_the_source_is_probably_the_server() -> None:
    flow = {"pkts_toserver": 5, "pkts_toclient": 4}
    assert read(packet(OUTSIDE, 443, OURS, 50000, alert=POLICY, flow=flow)).answered is None
    assert read(packet(OUTSIDE, 443, OURS, 50000, flow=flow)).answered is True


def test_it_does_not_take_a_first_packet_for_an_answer() -> None:
    found = read(packet(OURS, 53, OURS_TOO, 50000, alert=HEARTBEAT, flow={"pkts_toserver": 1, "pkts_toclient": 0}))
    assert (found.attacker, found.attacker_reason) == (OURS, "source address (one of our own)")


def test_it_does_not_swap_between_two_services() -> None:
    assert read(packet(OURS, 53, OUTSIDE, 8080)).attacker == OURS


@pytest.mark.parametrize("broken", [{"alert": {"source": 7, "target": []}}, {"flow": "x"}, {"direction": []}])
def test_it_falls_back_to_the_source_on_nonsense(broken: dict[str, Any]) -> None:
    assert read(packet(OUTSIDE, 40000, OURS, 22, **broken)).attacker == OUTSIDE
