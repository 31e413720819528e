"""Which entries of our own lists cover a source, and the lists as their pages show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from investigations.artifacts import normalise_address
from investigations.choices import ADDRESS_KINDS, ListKind, ListState
from investigations.models import ListEntry
from investigations.policy.evidence import Listed
from investigations.policy.windows import is_within, windows_in_words
from investigations.policy.wording import counted
from investigations.policy.wording import listed as listing

STILL_OURS = timedelta(days=30)  # an expired authorised scanner that goes on scanning is misbehaving, not unknown
SOON = timedelta(days=14)
SHOWN = 3  # addresses outside the scope that are named

# The most specific first; an own network is no opinion. A name's entry covers everything below it
COVERING = """
SELECT s.investigation, e.id
FROM unnest(%(numbers)s::bigint[], %(addresses)s::inet[], %(names)s::text[]) AS s(investigation, address, name)
JOIN investigations_listentry AS e ON e.removed IS NULL AND e.kind <> 'own_network'
    AND (e.expires IS NULL OR e.expires > CASE e.kind WHEN 'authorised_scanner' THEN %(long_ago)s ELSE %(now)s END)
    AND ((s.address IS NOT NULL AND e.network >>= s.address)
        OR (s.name <> '' AND e.domain <> '' AND (s.name = e.domain OR s.name LIKE '%%.' || e.domain)))
ORDER BY s.investigation, masklen(e.network) DESC NULLS LAST, length(e.domain) DESC, e.id"""
OUTSIDE = """
SELECT s.investigation, s.entry, count(*), (array_agg(host(h.address) ORDER BY h.alerts DESC, h.address))[1:%(shown)s]
FROM unnest(%(numbers)s::bigint[], %(entries)s::bigint[]) AS s(investigation, entry)
JOIN investigations_listentry AS e ON e.id = s.entry
JOIN investigations_scannedhost AS h ON h.investigation_id = s.investigation
WHERE NOT EXISTS (SELECT FROM unnest(e.targets) AS t(target) WHERE h.address <<= t.target::cidr)
GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an investigation is about, and the time of its alerts."""

    investigation: int
    value: str
    kind: str
    first: datetime | None
    last: datetime | None


def listed(subjects: Sequence[Subject], moment: datetime) -> dict[int, tuple[Listed, ...]]:
    """The entries that cover each subject, as evidence holds them. Two statements, three with authorised scanners."""
    pairs = _covering(subjects, moment)
    if not pairs:
        return {}
    entries = ListEntry.objects.in_bulk({entry for _, entry in pairs})
    outside = _outside([pair for pair in pairs if entries[pair[1]].targets])
    by_number = {subject.investigation: subject for subject in subjects}
    found: dict[int, list[Listed]] = defaultdict(list)
    for number, entry in pairs:
        found[number].append(_listed(entries[entry], by_number[number], outside.get((number, entry)), moment))
    return {number: tuple(entries) for number, entries in found.items()}


def _covering(subjects: Sequence[Subject], moment: datetime) -> list[tuple[int, int]]:
    are_addresses = [subject.kind in ADDRESS_KINDS for subject in subjects]
    pairs = list(zip(subjects, are_addresses, strict=True))
    values: dict[str, Any] = {
        "numbers": [subject.investigation for subject in subjects],
        "addresses": [subject.value if address else None for subject, address in pairs],
        "names": ["" if address else subject.value for subject, address in pairs],
        "now": moment,
        "long_ago": moment - STILL_OURS,
    }
    with connection.cursor() as cursor:
        cursor.execute(COVERING, values)
        return [(number, entry) for number, entry in cursor.fetchall()]


def _outside(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, list[str]]]:
    """How many probed addresses lie outside the scope of a scanner, and the most probed of them."""
    if not pairs:
        return {}
    values: dict[str, Any] = {
        "numbers": [one for one, _ in pairs],
        "entries": [one for _, one in pairs],
        "shown": SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(OUTSIDE, values)
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def _listed(entry: ListEntry, subject: Subject, outside: tuple[int, list[str]] | None, moment: datetime) -> Listed:
    state, detail = ListState.IN_FORCE, ""
    if entry.kind == ListKind.AUTHORISED_SCANNER:
        state, detail = _state(entry, subject, outside, moment)
    return Listed(
        kind=entry.kind,
        entry=entry.pk,
        value=entry.value,
        label=entry.label,
        owner=entry.owner,
        reason=entry.reason,
        ticket=entry.ticket,
        expires=entry.expires.isoformat() if entry.expires else "",
        state=state.value,
        detail=detail,
    )


def _state(
    entry: ListEntry, subject: Subject, outside: tuple[int, list[str]] | None, moment: datetime
) -> tuple[ListState, str]:
    if entry.expires and entry.expires <= moment:
        return ListState.EXPIRED, f"its authorisation ended on {entry.expires:%Y-%m-%d}"
    if outside:
        count, names = outside
        return ListState.OUTSIDE_SCOPE, f"it probed {counted(count, 'address')} outside its scope: {listing(names)}"
    if subject.first and subject.last and not is_within(entry.windows, entry.zone, subject.first, subject.last):
        return ListState.OUTSIDE_WINDOW, f"it may scan {windows_in_words(entry.windows, entry.zone)}"
    return ListState.IN_FORCE, ""


# For the pages


def kind_counts() -> dict[str, int]:
    """How many entries there are of each kind."""
    found = dict(ListEntry.objects.kept().values_list("kind").annotate(count=Count("pk")))
    return {kind.value: found.get(kind.value, 0) for kind in ListKind}


def entries_of(kind: str, text: str = "") -> QuerySet[ListEntry]:
    """The entries of a kind that mention the text, or whose network holds the address that the text is."""
    rows = ListEntry.objects.kept().filter(kind=kind)
    if address := normalise_address(text):
        return rows.filter(network__net_contains_or_equals=address)
    for word in text.split():
        places: Any = Q()
        for name in ("label", "owner", "reason", "ticket", "domain"):
            places |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(places)
    return rows
