"""A small model of `ip_investigate_and_report` of Splunk SOAR 5.1: what it does with an event, step by step.

Only the logic: the source is looked for as an IPv4 address; one outside of 192.168.0.0/24 goes to VirusTotal and to
reverse DNS, and each name that is found goes to VirusTotal, too. Every result then passes filters of its own, and each
filter that matches sets severity and status as if it were alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

SAFE, BAD, UNKNOWN, FAILED = "safe", "bad", "unknown", "failed"
HOUSE = ip_network("192.168.0.0/24")
_IPV4 = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")


@dataclass(frozen=True)
class Event:
    """What the playbook is given, and what its providers say."""

    source: str
    address: str = SAFE  # what VirusTotal says about it
    names: Mapping[str, str] = field(default_factory=dict)  # reverse names, and what VirusTotal says about them


@dataclass
class Ended:
    """What has become of the event. Nobody writes down why: the titles of the mails are all there is."""

    severity: str = "medium"
    status: str = "new"
    mails: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # what was sent to a provider outside

    @property
    def is_untouched(self) -> bool:
        return self.status == "new" and not self.mails


def play(event: Event) -> Ended:
    ended = Ended()
    found = _IPV4.search(event.source)
    if not found:
        return ended
    if ip_address(found[0]) in HOUSE:
        _close(ended, "Port Scan determined safe")
        return ended
    ended.asked += [found[0], *event.names]
    _address_branch(ended, event)
    _name_branch(ended, event)
    # The join waits for both branches; without a name the second one never ends
    if event.address == SAFE and event.names and all(said == SAFE for said in event.names.values()):
        _close(ended, "Port Scan determined safe")
    return ended


def _address_branch(ended: Ended, event: Event) -> None:
    if event.address == BAD:
        _raise(ended, "Port Scan detected from bad IP")


def _name_branch(ended: Ended, event: Event) -> None:
    for said in event.names.values():
        if said == BAD:
            _raise(ended, "Port Scan detected from bad domain")
        if said == UNKNOWN:
            _close(ended, "Unknown Domain Port Scan")


def _raise(ended: Ended, mail: str) -> None:
    ended.mails.append(mail)
    ended.severity = "high"


def _close(ended: Ended, mail: str) -> None:
    ended.mails.append(mail)
    ended.severity, ended.status = "low", "closed"
