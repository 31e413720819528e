"""What we know ourselves: our own lists, what people decided before, and what of ours is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from investigations.choices import Disposition, ListKind, ListState, Remembers
from investigations.policy.evidence import Evidence, Listed, Remembered, ScanFacts

LISTS = "lists"  # in a quorum: an entry of ours that is in force vouches
MEMORY = "memory"  # in a quorum: a person has called this very source harmless, not too long ago
VOUCHING = frozenset({ListKind.ALLOW, ListKind.KNOWN_SERVICE, ListKind.AUTHORISED_SCANNER})

DECAY = timedelta(days=90)  # a person's word counts ever less, and then not at all
WEIGHTS = {Remembers.SOURCE: 100, Remembers.NETWORK: 50, Remembers.SIGNATURE: 25}
BAD = frozenset({Disposition.TRUE_POSITIVE})
HARMLESS = frozenset(
    {
        Disposition.FALSE_POSITIVE,
        Disposition.BENIGN_POSITIVE,
        Disposition.NOISE,
        Disposition.KNOWN_SCANNER,
        Disposition.AUTHORISED_SCAN,
    }
)
_STATES = {
    ListState.OUTSIDE_WINDOW: "outside its window",
    ListState.OUTSIDE_SCOPE: "outside its scope",
    ListState.EXPIRED: "past the end of its authorisation",
}
_WORST_FIRST = (ListState.OUTSIDE_SCOPE, ListState.OUTSIDE_WINDOW, ListState.EXPIRED, ListState.IN_FORCE)

type Value = bool | int | str | list[str]


def own_facts(evidence: Evidence) -> dict[str, Value]:
    """All facts of this module, by name."""
    return {**list_facts(evidence.lists), **memory_facts(evidence), **exposure_facts(evidence.scan)}


def list_facts(lists: Sequence[Listed]) -> dict[str, Value]:
    """Two entries for one scanner: being in order under one of them is enough, as it is allowed to scan then."""
    scanners = [one for one in lists if one.kind == ListKind.AUTHORISED_SCANNER]
    scanner = next((one for one in scanners if one.state == ListState.IN_FORCE), None) or _worst(scanners)
    others = [one for one in lists if one.kind not in (ListKind.AUTHORISED_SCANNER, ListKind.OWN_NETWORK)]
    shown = _first(lists, ListKind.DENY) or scanner or next(iter(others), None)
    return {
        "deny_listed": _first(lists, ListKind.DENY) is not None,
        "allow_listed": _first(lists, ListKind.ALLOW) is not None,
        "known_service_listed": _first(lists, ListKind.KNOWN_SERVICE) is not None,
        "authorised_scan": scanner.state if scanner else "no",
        "authorised_detail": _detail(scanner),
        "list_label": shown.label or shown.value if shown else "",
        "list_owner": shown.owner if shown else "",
        "list_ticket": shown.ticket or "no ticket" if shown else "",
    }


def _detail(scanner: Listed | None) -> str:
    """Why a scanner may not do what it does; the state in words where nobody has told more."""
    if scanner is None or scanner.state == ListState.IN_FORCE:
        return ""
    return scanner.detail or f"it is {_STATES[ListState(scanner.state)]}"


def _first(lists: Sequence[Listed], kind: ListKind) -> Listed | None:
    return next((one for one in lists if one.kind == kind and one.state == ListState.IN_FORCE), None)


def _worst(scanners: Sequence[Listed]) -> Listed | None:
    return min(scanners, key=lambda one: _WORST_FIRST.index(ListState(one.state)), default=None)


def lists_vouch(evidence: Evidence) -> bool:
    """Whether an entry of ours that is in force speaks for the source."""
    return any(one.kind in VOUCHING and one.state == ListState.IN_FORCE for one in evidence.lists)


def memory_facts(evidence: Evidence) -> dict[str, Value]:
    """What people decided before, weighed by what it was about and by its age."""
    latest = latest_on_source(evidence)
    return {
        "remembered_malicious": _sum_of(evidence, BAD),
        "remembered_benign": _sum_of(evidence, HARMLESS),
        "remembered_source": "none" if latest is None else "malicious" if latest.disposition in BAD else "benign",
        "remembered_by": latest.by if latest else "",
    }


def _sum_of(evidence: Evidence, dispositions: frozenset[Disposition]) -> int:
    """From 0 to 100. However many neighbours there were, together they weigh no more than one of them at once would.

    Otherwise a common signature would outweigh what is known about the source itself.
    """
    sums = dict.fromkeys(WEIGHTS, 0)
    for one in evidence.memory:
        if one.disposition in dispositions:
            sums[Remembers(one.about)] += weight_of(one, evidence.decided)
    return min(100, sum(min(WEIGHTS[about], weight) for about, weight in sums.items()))


def latest_on_source(evidence: Evidence) -> Remembered | None:
    """The last decision of a person on this very source that tells something and has not faded."""
    told = [
        one
        for one in evidence.memory
        if one.about == Remembers.SOURCE and one.disposition in BAD | HARMLESS and weight_of(one, evidence.decided) > 0
    ]
    return max(told, key=lambda one: _time(one.decided), default=None)


def weight_of(one: Remembered, moment: str) -> int:
    """From the full weight down to 0 in DECAY, in a straight line; whole numbers, so that it is the same everywhere."""
    age = max(timedelta(0), _time(moment) - _time(one.decided))
    left = max(timedelta(0), DECAY - age)
    return int(WEIGHTS[Remembers(one.about)] * left // timedelta(seconds=1) // int(DECAY.total_seconds()))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def exposure_facts(scan: ScanFacts) -> dict[str, Value]:
    return {
        "exposure_known": scan.exposed is not None,
        "exposed": scan.exposed or 0,
        "exposed_port_list": [str(port) for port in scan.exposed_ports],
    }
