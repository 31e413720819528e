"""What we know ourselves, in words: our lists, what people decided before, what of ours is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from investigations.choices import Disposition, ListKind, ListState, Remembers, Status
from investigations.policy.evidence import Evidence, Listed, Remembered, ScanFacts
from investigations.policy.wording import counted, listed, plain
from investigations.ports import port_label

MEMORIES = 4  # that are told one by one
PORTS = 5  # that are named


def list_texts(evidence: Evidence) -> Iterator[str]:
    """One sentence for each entry that covers the source."""
    for entry in evidence.lists:
        yield _entry(entry)


def _entry(entry: Listed) -> str:
    kind = ListKind(entry.kind).label.lower()
    detail = f"; {plain(entry.detail)}" if entry.detail else ""
    state = "" if entry.state == ListState.IN_FORCE else f", {ListState(entry.state).label.lower()}{detail}"
    ticket = f", {plain(entry.ticket, 60)}" if entry.ticket else ""
    expires = f", until {entry.expires[:10]}" if entry.expires else ""
    return (
        f"Our list: {kind} {plain(entry.label)} ({plain(entry.value)}){state}: {plain(entry.reason)}; "
        f"{plain(entry.owner, 60)} answers for it{ticket}{expires}"
    )


def memory_texts(evidence: Evidence) -> Iterator[str]:
    """The latest decisions of people, each with its age when this decision was made."""
    for one in evidence.memory[:MEMORIES]:
        yield _remembered(one, evidence.decided)
    more = len(evidence.memory) - MEMORIES
    if more > 0:
        yield f"{counted(more, 'more decision')} of people on this source, its network or this signature"


def _remembered(one: Remembered, moment: str) -> str:
    verb = "escalated" if one.outcome == Status.ESCALATED else "dismissed"
    about = {
        Remembers.SOURCE: "it",
        Remembers.NETWORK: f"a neighbour in {plain(one.value)}",
        Remembers.SIGNATURE: f"another source of “{plain(one.value, 60)}”",
    }[Remembers(one.about)]
    reason = Disposition(one.disposition).label.lower()
    return f"{plain(one.by, 60)} {verb} {about} as {reason} {_age(one.decided, moment)}, INV-{one.investigation}"


def _age(then: str, moment: str) -> str:
    hours = int((datetime.fromisoformat(moment) - datetime.fromisoformat(then)).total_seconds() // 3600)
    if hours < 1:
        return "within the last hour"
    return f"{counted(hours, 'hour')} ago" if hours < 48 else f"{counted(hours // 24, 'day')} ago"


def exposure_texts(scan: ScanFacts) -> Iterator[str]:
    """How much of what was probed is open on us; nothing where no inventory tells."""
    if scan.exposed is None:
        return
    probed = counted(scan.ports, "probed port")
    if not scan.exposed:
        yield f"None of {probed} is open on you, as far as the inventory tells"
        return
    verb = "is" if scan.exposed == 1 else "are"
    named = [port_label(port) for port in scan.exposed_ports[: PORTS if scan.exposed <= PORTS else PORTS - 1]]
    more = [f"{scan.exposed - len(named):,} more"] if scan.exposed > len(named) else []
    yield f"{scan.exposed:,} of {probed} {verb} open on you: {listed([*named, *more])}"
