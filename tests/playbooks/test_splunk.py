"""Defects of Splunk's playbook that show in the work itself, not in the judgement: ours on the real engine.

`ip_investigate_and_report` of Splunk SOAR 5.1: two branches (address, reverse name), joined by filters on their
results. The defects of its judgement stand in tests/policy/test_splunk.py.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from investigations.choices import Outcome, Status
from investigations.models import Enrichment, Investigation
from investigations.playbooks.case import MAX_DOMAINS
from investigations.playbooks.engine import Engine
from investigations.services.ingest import store
from tests.makers import make_alert

CLEAN_WITHOUT_NAME = "192.0.2.200"


def drain() -> None:
    with Engine() as engine:
        engine.run(30)


def investigated(address: str, **changes: Any) -> Investigation:
    store([make_alert(address, **changes)])
    drain()
    return Investigation.objects.get(subject=address)


def splunk_ends(results: dict[str, Any]) -> bool:
    """Whether the original ever ends: its last join waits for the domain branch, which starts with a name.

    A failed action matches no filter, so nothing after it runs either.
    """
    return results["address"] is not None and bool(results["names"])


def test_c_it_decides_where_there_is_no_reverse_name(simulator: Any) -> None:
    """Splunk: without a name `domain reputation` never runs, and the join waits for it for ever."""
    row = investigated(CLEAN_WITHOUT_NAME)

    assert not splunk_ends({"address": "clean", "names": []})
    assert row.status != Status.ENRICHING
    assert row.decisions.latest("pk").reasons


def test_d_it_hands_over_when_a_provider_fails(simulator: Any) -> None:
    """Splunk: a failed action matches no filter; nothing happens, and nobody is told."""
    simulator.set_fault("greynoise", "error")
    row = investigated("198.51.100.10", answered=False)

    assert not splunk_ends({"address": None, "names": ["scan.example"]})
    assert row.status == Status.NEEDS_REVIEW
    assert "GreyNoise" in " ".join(reason["text"] for reason in row.decisions.latest("pk").reasons)


def test_f_it_asks_once_for_each_artifact(simulator: Any) -> None:
    """Splunk: one look-up per domain that a shared host returns, repeated for every artifact of every event."""
    store([make_alert("192.0.2.31", minutes=minute, victim=f"10.20.0.{minute}") for minute in range(1, 30)])
    drain()
    asked = Counter(Enrichment.objects.values_list("artifact__value", "provider"))
    # The others ask the DNS, where one lookup is several questions
    sent = Counter(one for one in simulator.requests if one.provider in ("virustotal", "abuseipdb", "greynoise"))

    assert set(asked.values()) == {1}
    assert set(sent.values()) == {1}, "a provider was asked the same thing twice"
    splunk_calls = 29 * 2  # one per artifact of the event, address and domain
    assert sum(1 for one in simulator.requests if one.provider == "virustotal") <= 1 + MAX_DOMAINS < splunk_calls


def test_h_it_investigates_ipv6_just_the_same(simulator: Any) -> None:
    """Splunk: its regular expression finds IPv4 addresses only, so an IPv6 scanner is no artifact at all."""
    import re

    source = "2001:db8:7::99"
    row = investigated(source, victim="fd00:20::5")

    assert not re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", source)
    assert row.status == Status.ESCALATED
    assert row.enrichments.filter(artifact__value=source, outcome=Outcome.OK).exists()


@pytest.mark.parametrize("source", ["10.20.4.17", "172.16.9.9", "fd00:20::1"])
def test_e_it_never_calls_an_internal_scan_safe_nor_names_it_outside(simulator: Any, source: str) -> None:
    """Splunk: internal means 192.168.0.0/24; every other private address goes to the vendors, and that one is safe."""
    row = investigated(source, victim="10.20.0.9")

    assert not source.startswith("192.168.0.")
    assert row.status == Status.ESCALATED
    assert simulator.requests == []
