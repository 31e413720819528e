"""Why a dismissal no longer holds: the change that makes the difference is the one that is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from investigations.choices import Status
from investigations.policy.decide import decide
from investigations.policy.document import default_policy, parse_policy
from investigations.policy.evidence import Evidence, Listed, Remembered, ScanFacts
from investigations.policy.outgrown import outgrown
from tests.policy.makers import answer, evidence

POLICY = default_policy()
LITTLE = ScanFacts(alerts=4, ports=2, targets=3, answered=False)


def noise(**scan: Any) -> Evidence:
    seen = answer("greynoise", facts={"noise_seen": True})
    return replace(evidence(seen), scan=replace(LITTLE, **scan))


def why(**scan: Any) -> str:
    return outgrown(POLICY, noise(), noise(**scan))


def test_it_says_nothing_while_the_dismissal_still_fits() -> None:
    assert decide(POLICY, noise()).outcome == Status.DISMISSED
    assert why(alerts=9, ports=5, targets=6) == ""


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        ({"alerts": 212}, "212 alerts"),
        ({"alerts": 212, "ports": 20, "targets": 9}, "212 alerts"),
        ({"alerts": 30, "ports": 21}, "21 ports"),
        ({"targets": 65}, "65 addresses"),
        ({"alerts": 1212, "targets": 1065}, "1,212 alerts, 1,065 addresses"),
        ({"answered": True, "answered_ports": (22,)}, "something of ours answered"),
        ({"answered": None}, "not every alert tells who answered"),
        ({"exposed": 1, "exposed_ports": (22,)}, "1 probed port open on you"),
        ({"beyond_recon": True}, "an alert goes beyond reconnaissance"),
        ({"severity": "high"}, "severity high"),
    ],
)
def test_it_names_what_makes_the_difference(scan: dict[str, Any], words: str) -> None:
    assert why(**scan) == words


def test_it_names_what_an_authorised_scanner_does_by_now() -> None:
    entry = Listed("authorised_scanner", 1, "203.0.113.66", "Scanner", "lea", "agreed")
    before = replace(evidence(), lists=(entry,))
    strayed = replace(entry, state="outside_scope", detail="it probed 1 address outside its scope: 10.21.0.1")
    assert outgrown(POLICY, before, replace(before, lists=(strayed,))) == strayed.detail
    assert outgrown(POLICY, before, replace(before, lists=())) == "our lists have changed"
    assert outgrown(POLICY, before, before) == ""


TOGETHER = """
name = "together"

[[rule]]
name = "little"
when = "noise_seen && (scan_alerts < 10 || scan_ports < 10) && our_names == 0"
outcome = "dismissed"
disposition = "noise"
quorum = ["greynoise"]
reason = "It was little"
"""


def test_it_names_all_changes_where_none_is_enough_alone() -> None:
    policy = parse_policy(TOGETHER)

    assert outgrown(policy, noise(), noise(alerts=40, ports=12)) == "40 alerts, 12 ports"
    assert outgrown(policy, noise(), noise(domains=("www.example",))) == "it asks for names of ours"


def test_it_knows_that_the_policy_has_changed() -> None:
    policy = parse_policy(TOGETHER.replace("noise_seen", "never_seen"))

    assert outgrown(policy, noise(), noise(alerts=5)) == "the policy has changed"


def test_it_knows_that_a_persons_word_has_faded() -> None:
    word = Remembered("source", "203.0.113.7", "false_positive", "dismissed", "2026-01-01T00:00:00+00:00", "anna", 7)
    known = answer("abuseipdb", outcome="not_found")
    before = replace(evidence(known), scan=LITTLE, memory=(word,), decided="2026-01-02T00:00:00+00:00")
    later = replace(before, decided="2026-03-20T00:00:00+00:00")

    assert decide(POLICY, before).rule == "remembered-harmless"
    assert outgrown(POLICY, before, later) == "what it rested on has faded"
