"""Why a dismissal no longer holds: what the scan has become since, and which of that makes the difference; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from investigations.choices import Severity, Status
from investigations.policy.decide import outcome_of
from investigations.policy.document import Policy
from investigations.policy.evidence import Evidence, ScanFacts
from investigations.policy.own import list_facts
from investigations.policy.wording import counted

ANSWERED = ("answered", "answered_ports")
EXPOSED = ("exposed", "exposed_ports")


def outgrown(policy: Policy, before: Evidence, now: Evidence) -> str:
    """Why `before`, with scan, lists and clock of `now`, would not be dismissed; empty if it still would be.

    Single changes that are enough are named; where none is, all of them are.
    """
    if outcome_of(policy, now) == Status.DISMISSED:
        return ""
    if outcome_of(policy, before) != Status.DISMISSED:
        return "the policy has changed"
    changed = list(_changes(before.scan, now.scan))
    enough = [words for words, fields in changed if not _holds(policy, before, fields)]
    if outcome_of(policy, replace(before, lists=now.lists)) != Status.DISMISSED:
        enough.insert(0, str(list_facts(now.lists)["authorised_detail"]) or "our lists have changed")
    return ", ".join(enough or [words for words, _ in changed]) or "what it rested on has faded"


def _holds(policy: Policy, before: Evidence, fields: dict[str, Any]) -> bool:
    return outcome_of(policy, replace(before, scan=replace(before.scan, **fields))) == Status.DISMISSED


def _changes(before: ScanFacts, now: ScanFacts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each change in words, with the facts that make it."""
    told = (
        (("beyond_recon",), "an alert goes beyond reconnaissance"),
        (ANSWERED, _answered(now)),
        (EXPOSED, f"{counted(now.exposed or 0, 'probed port')} open on you"),
        (("alerts",), counted(now.alerts, "alert")),
        (("ports",), counted(now.ports, "port")),
        (("targets",), counted(now.targets, "address")),
        (("severity",), f"severity {Severity(now.severity).label.lower()}"),
        (("domains",), "it asks for names of ours"),
    )
    old, new = asdict(before), asdict(now)
    for names, words in told:
        if any(old[name] != new[name] for name in names):
            yield words, {name: new[name] for name in names}


def _answered(scan: ScanFacts) -> str:
    words = {True: "something of ours answered", False: "nothing of ours answered"}
    return words.get(bool(scan.answered), "") if scan.answered is not None else "not every alert tells who answered"
