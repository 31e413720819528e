"""Scan or more than a scan, and which ATT&CK technique."""

from __future__ import annotations

import pytest

from investigations.ingest.attack import WEB_PROBING, techniques_for
from investigations.ingest.signatures import Kind, kind_of
from tests.ingest.conftest import eve, read

LEAK, WEB, SCAN = "Attempted Information Leak", "Web Application Attack", "Detection of a Network Scan"


@pytest.mark.parametrize(
    ("name", "category", "kind"),
    [
        ("ET SCAN Potential SSH Scan", LEAK, Kind.SCAN),
        ("ET SCAN Behavioral Unusual Port 445 traffic Potential Scan or Infection", "Misc activity", Kind.SCAN),
        ("ET SCAN Possible Nmap User-Agent Observed", WEB, Kind.SCAN),
        ("ET POLICY curl User-Agent Outbound", LEAK, Kind.SCAN),
        ("ET WEB_SERVER Muieblackcat scanner", WEB, Kind.SCAN),
        ("ET WEB_SERVER IIS 8.3 Filename With Wildcard (Possible File/Dir Bruteforce)", SCAN, Kind.SCAN),
        ("Scan::Port_Scan", "", Kind.SCAN),
        ("anything", "reconnaissance", Kind.SCAN),
        ("ET SCAN Range header", "Attempted Denial of Service", Kind.ATTACK),
        ("ET SCAN LibSSH Based Frequent SSH Connections Likely BruteForce Attack", "Misc activity", Kind.ATTACK),
        ("ET WEB_SERVER cmd.exe In URI - Possible Command Execution Attempt", LEAK, Kind.ATTACK),
        ("ET WEB_SPECIFIC_APPS OGNL Expression Injection", "Attempted User Privilege Gain", Kind.ATTACK),
        ("ET EXPLOIT Something odd", "Misc activity", Kind.ATTACK),
        ("local rule", "A Network Trojan was detected", Kind.ATTACK),
        ("login attempt with wrong password", "", Kind.ATTACK),
        ("ET TOR Known Tor Exit Node Traffic group 67", "Misc Attack", Kind.OTHER),
        ("ET CHAT IRC PING command", "Misc activity", Kind.OTHER),
        ("SURICATA HTTP response header invalid", "Generic Protocol Command Decode", Kind.OTHER),
        ("", "", Kind.OTHER),
    ],
)
def test_it_tells_a_scan_from_more(name: str, category: str, kind: Kind) -> None:
    assert kind_of(name, category) is kind
    assert read(eve(alert={"signature": name, "category": category})).is_recon is (kind is not Kind.ATTACK)


@pytest.mark.parametrize(
    ("name", "category", "outside", "inside"),
    [
        ("ET SCAN NETWORK Incoming Masscan detected", SCAN, ("T1595.001",), ("T1046",)),
        ("ET SCAN Potential SSH Scan", LEAK, ("T1595.001",), ("T1046",)),
        ("ET SCAN NMAP -sS window 1024", LEAK, ("T1595",), ("T1046",)),
        ("ICMP ping sweep", LEAK, ("T1595.001",), ("T1018",)),
        ("ET SCAN Nessus User Agent", LEAK, ("T1595.002",), ("T1046",)),
        ("ET SCAN DirBuster Web App Scan in Progress", WEB, ("T1595.003",), ("T1595.003",)),
        ("ET SCAN Sipvicious Scan", LEAK, ("T1595.001",), ("T1046",)),
        ("GPL DNS zone transfer TCP", LEAK, ("T1590.002",), ("T1046",)),
        ("ET SCAN SSH BruteForce Tool", "Misc activity", ("T1110.001",), ("T1110.001",)),
        ("ET EXPLOIT Apache path traversal", "Attempted Administrator Privilege Gain", ("T1190",), ("T1210",)),
        ("GPL WEB_SERVER printenv access", WEB_PROBING, ("T1595.002",), ("T1046",)),
        ("something new", LEAK, ("T1595",), ("T1046",)),
        ("ET TOR Known Tor Exit Node Traffic group 67", "Misc Attack", (), ()),
    ],
)
def test_it_maps_to_techniques(name: str, category: str, outside: tuple[str, ...], inside: tuple[str, ...]) -> None:
    assert techniques_for(name, category, from_inside=False, to_inside=True) == outside
    assert techniques_for(name, category, from_inside=True, to_inside=True) == inside


def test_it_does_not_call_our_own_browsing_discovery() -> None:
    assert techniques_for("ET POLICY curl User-Agent Outbound", LEAK, from_inside=True, to_inside=False) == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"mitre_technique_id": ["T1593"]},
        {"mitre_attack": ["t1593"]},
        {"mitre_technique_id": ["none", "T1593", "T1593"]},
    ],
)
def test_it_prefers_the_techniques_of_the_rule(metadata: dict[str, list[str]]) -> None:
    assert read(eve(alert={"metadata": metadata})).techniques == ("T1593",)


def test_it_ignores_techniques_that_are_none() -> None:
    metadata = {"mitre_technique_id": ["none", "T99", "T1595.1", "T1046\n<b>", 7, None]}
    assert read(eve(alert={"metadata": metadata})).techniques == ("T1595.001",)
