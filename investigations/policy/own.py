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
        "authorised_detail": scanner.detail if scanner else "",
        "list_label": shown.label if shown else "",
        "list_owner": shown.owner if shown else "",
        "list_ticket": shown.ticket if shown else "",
    }


def _first(lists: Sequence[Listed], kind: ListKind) -> Listed | None:
    return next((one for one in lists if one.kind == kind and one.state == ListState.IN_FORCE), None)


def _worst(scanners: Sequence[Listed]) -> Listed | None:
    return min(scanners, key=lambda one: _WORST_FIRST.index(ListState(one.state)), default=None)


def lists_vouch(evidence: Evidence) -> bool:
    """Whether an entry of ours that is in force speaks for the source."""
    return any(one.kind in VOUCHING and one.state == ListState.IN_FORCE for one in evidence.lists)


def memory_facts(evidence: Evidence) -> dict[str, Value]:
    """Sums of what people decided before, each weighed by what it was about and by its age; at most 100."""
    known = [(one, weight_of(one, evidence.decided)) for one in evidence.memory]
    latest = latest_on_source(evidence)
    return {
        "remembered_malicious": min(100, sum(weight for one, weight in known if one.disposition in BAD)),
        "remembered_benign": min(100, sum(weight for one, weight in known if one.disposition in HARMLESS)),
        "remembered_source": "none" if latest is None else "malicious" if latest.disposition in BAD else "benign",
        "remembered_by": latest.by if latest else "",
    }


def latest_on_source(evidence: Evidence) -> Remembered | None:
    """The last decision of a person on this very source that tells something and has not faded."""
    told = [
        one
        for one in evidence.memory
        if one.about == Remembers.SOURCE and one.disposition in BAD | HARMLESS and weight_of(one, evidence.decided) > 0
    ]
    return max(told, key=lambda one: one.decided, default=None)


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
