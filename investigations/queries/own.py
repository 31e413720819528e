"""What we knew ourselves when a decision was made: our lists, earlier decisions of people, what of ours is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from investigations.choices import Disposition, ListKind, ListState, Remembers, Status
from investigations.policy.evidence import ScanFacts
from investigations.policy.own_words import exposure_texts


@dataclass(frozen=True, slots=True)
class OwnWord:
    """A list entry, or an earlier decision of a person; `entry` or `investigation` is its number.

    `what` and `about` say it for people; `reason` and `by` may hold anything.
    """

    what: str
    about: str
    reason: str = ""
    by: str = ""
    ticket: str = ""
    state: str = ""  # of an authorised scanner that is not in order
    when: datetime | None = None  # the expiry, or the day of the decision
    kind: str = ""  # ListKind value
    entry: int = 0
    investigation: int = 0


@dataclass(frozen=True, slots=True)
class Exposure:
    """How many probed ports are open on us, in a sentence, and which of them; at most ten are known by number."""

    words: str
    ports: frozenset[int]


def exposure_of(evidence: Mapping[str, Any]) -> Exposure | None:
    """None where no inventory covers what was probed."""
    scan = evidence.get("scan")
    if not isinstance(scan, dict) or not isinstance(scan.get("exposed"), int):
        return None
    ports = tuple(port for port in scan.get("exposed_ports") or () if isinstance(port, int))
    facts = ScanFacts(ports=int(scan.get("ports") or 0), exposed=scan["exposed"], exposed_ports=ports)
    return Exposure(next(exposure_texts(facts), ""), frozenset(ports))


def lists_of(evidence: Mapping[str, Any]) -> list[OwnWord]:
    """The entries that covered the source, in their order."""
    return [_entry(one) for one in _dicts(evidence, "lists")]


def memory_of(evidence: Mapping[str, Any]) -> list[OwnWord]:
    """What people had decided before, in its order."""
    return [_remembered(one) for one in _dicts(evidence, "memory")]


def _dicts(evidence: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in evidence.get(name) or () if isinstance(one, dict))


def _entry(one: Mapping[str, Any]) -> OwnWord:
    state = str(one.get("state", ""))
    label = "" if state in ("", ListState.IN_FORCE) else _label(ListState, state)
    detail = str(one.get("detail", ""))
    return OwnWord(
        what=_label(ListKind, str(one.get("kind", ""))),
        about=f"{one.get('label', '')} ({one.get('value', '')})",
        reason=str(one.get("reason", "")),
        by=str(one.get("owner", "")),
        ticket=str(one.get("ticket", "")),
        state=f"{label}: {detail}" if label and detail else label,
        when=parse_datetime(str(one.get("expires") or "")),
        kind=str(one.get("kind", "")),
        entry=_number(one.get("entry")),
    )


def _remembered(one: Mapping[str, Any]) -> OwnWord:
    return OwnWord(
        what=_label(Status, str(one.get("outcome", ""))),
        about=f"{_label(Remembers, str(one.get('about', '')))}: {one.get('value', '')}",
        reason=_label(Disposition, str(one.get("disposition", ""))),
        by=str(one.get("by", "")),
        when=parse_datetime(str(one.get("decided") or "")),
        investigation=_number(one.get("investigation")),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 2**63 else 0


def _label(words: Any, value: str) -> str:
    return str(words(value).label) if value in words.values else value
