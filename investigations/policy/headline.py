"""One sentence about a decision, as an analyst would say it: who it was, what it did to us, whether we answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from investigations.choices import ListState, Scope, Verdict
from investigations.policy.evidence import Evidence, ScanFacts
from investigations.policy.wording import counted, listed, plain, sentence
from investigations.ports import port_name

SWEEP = 16  # so many probed addresses are a sweep, not a probe
FEW_PORTS = 3  # so many ports are named, more are counted
MAX_NAME = 60  # characters of an operator's or service's name


def headline(evidence: Evidence, facts: Mapping[str, Any]) -> str:
    """The sentence for the top of the page; plain text, without any name that a browser could turn into a link."""
    ours = _ours(facts)
    if facts["scope"] == Scope.INTERNAL:
        return sentence(_internal(evidence.scan, ours))
    if facts["scope"] == Scope.RESERVED:
        return "The source address is reserved: it cannot be a real sender"
    if ours and evidence.scan.alerts:
        return sentence(f"{ours} {_probed(evidence.scan)}{_answer(evidence.scan)}")
    if facts["reverse_dns"] == "unconfirmed" and facts["claims_scanner"] and not facts["published_range"]:
        owner = plain(_owner(facts["reverse_name"]), MAX_NAME)
        return f"Claims to be a scanner of {owner}, but its reverse DNS does not confirm"
    if not evidence.scan.alerts:
        return sentence(_submitted(facts))
    stranger = facts["never_seen"] and facts["remembered_source"] == "none"
    if stranger and facts["verdict"] in (Verdict.UNKNOWN, Verdict.BENIGN):
        return f"Nobody has seen this source; it {_asked_for(evidence.scan)}{_answer(evidence.scan)}"
    return sentence(f"{_who(facts)} {_probed(evidence.scan)}{_answer(evidence.scan)}")


def _ours(facts: Mapping[str, Any]) -> str:
    """What our own lists say about the source before anybody else does; empty if they do not."""
    if facts["deny_listed"]:
        return "a source on our deny list"
    if facts["authorised_scan"] == "no":
        return ""
    states = {ListState.IN_FORCE: "", ListState.EXPIRED: ", whose authorisation has ended,"}
    state = ListState(facts["authorised_scan"])
    return f"our authorised scanner {_label(facts)}{states.get(state, f', {state.label.lower()},')}"


def _label(facts: Mapping[str, Any]) -> str:
    return plain(facts["list_label"], MAX_NAME)


def _internal(scan: ScanFacts, ours: str) -> str:
    if not scan.alerts:
        return "An internal address, submitted by hand; no alert of ours mentions it"
    ports = f" on {listed([str(port) for port in scan.top_ports[:FEW_PORTS]])}" if scan.top_ports else ""
    verb = "swept" if scan.targets >= SWEEP else "probed"
    if scan.ports > FEW_PORTS:
        ports = f" on {counted(scan.ports, 'port')}"
    return f"{ours or 'internal host'} {verb} {counted(scan.targets, 'address')}{ports}"


def _who(facts: Mapping[str, Any]) -> str:
    named = [
        (facts["verdict"] == Verdict.MALICIOUS, _malicious(facts)),
        (facts["remembered_source"] == "malicious", f"a source that {_person(facts)} has called malicious before"),
        (facts["allow_listed"] or facts["known_service_listed"], f"{_label(facts)}, which is on our list,"),
        (facts["known_scanner"], f"the known scanner {plain(facts['scanner_name'], MAX_NAME)}"),
        (facts["business_service"], f"{plain(facts['service_name'], MAX_NAME)}, a business service,"),
        (facts["tor"] == "yes", "somebody behind a Tor exit"),
        (facts["verdict"] == Verdict.SUSPICIOUS, "a suspicious source"),
        (facts["remembered_source"] == "benign", f"a source that {_person(facts)} has called harmless before"),
        (facts["noise_seen"], "a source of Internet noise"),
    ]
    return next((words for applies, words in named if applies), "a source that nobody vouches for")


def _person(facts: Mapping[str, Any]) -> str:
    return plain(facts["remembered_by"], MAX_NAME)


def _malicious(facts: Mapping[str, Any]) -> str:
    if facts["domain_malicious"] and facts["malicious"] == facts["domain_malicious"]:
        return f"a source behind the malicious domain {plain(facts['bad_domains'][0], MAX_NAME)}"
    return "a known malicious scanner"


def _submitted(facts: Mapping[str, Any]) -> str:
    subject = "address" if facts["is_address"] else "domain"
    named = [
        (facts["deny_listed"], "is on our deny list"),
        (facts["verdict"] == Verdict.MALICIOUS, "is known to be malicious"),
        (facts["allow_listed"] or facts["known_service_listed"], f"is on our list as {_label(facts)}"),
        (facts["known_scanner"], f"belongs to the known scanner {plain(facts['scanner_name'], MAX_NAME)}"),
        (facts["business_service"], f"belongs to {plain(facts['service_name'], MAX_NAME)}, a business service"),
        (facts["tor"] == "yes", "is a Tor exit"),
        (facts["verdict"] == Verdict.SUSPICIOUS, "is suspicious, but not proven to be malicious"),
        (facts["never_seen"], "has been seen by nobody"),
        (facts["verdict"] == Verdict.BENIGN, "is known, and nothing speaks against it"),
    ]
    said = next((words for applies, words in named if applies), "is not known well enough to judge")
    return f"the submitted {subject} {said}"


def _probed(scan: ScanFacts) -> str:
    if not scan.ports:
        return _raised(scan)
    verb = "swept" if scan.targets >= SWEEP else "probed"
    return f"{verb} {counted(scan.ports, 'port')} on {scan.targets:,} of our hosts"


def _asked_for(scan: ScanFacts) -> str:
    if 0 < scan.ports == len(scan.top_ports) <= FEW_PORTS:
        return f"asked for {listed([port_name(port) for port in scan.top_ports])}"
    return f"asked for {counted(scan.ports, 'port')}" if scan.ports else _raised(scan)


def _raised(scan: ScanFacts) -> str:
    """Where no port is known: a ping, or a server's answer."""
    about = f" about {scan.targets:,} of our hosts" if scan.targets else ""
    return f"raised {counted(scan.alerts, 'alert')}{about}"


def _answer(scan: ScanFacts) -> str:
    if not scan.answered:
        silent = "" if scan.answered is None else "; nothing of ours answered"
        return silent + (f"; {counted(scan.exposed, 'probed port')} open on you" if scan.exposed else "")
    ports = listed(list(dict.fromkeys(map(port_name, scan.answered_ports))), limit=FEW_PORTS)
    return f"; {ports or 'something of ours'} answered"


def _owner(name: str) -> str:
    """The name without its first label: `scan-07.census.example` speaks for `census.example`."""
    rest = name.partition(".")[2]
    return rest if "." in rest else name
