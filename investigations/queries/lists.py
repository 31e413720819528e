"""Which entries of our own lists cover a source, and the lists as their pages show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, Q, QuerySet, TextField, When
from django.db.models.functions import Cast

from investigations.artifacts import Network
from investigations.choices import ADDRESS_KINDS, ListKind, ListState
from investigations.models import ListEntry
from investigations.policy.evidence import Listed
from investigations.policy.windows import first_outside, windows_in_words
from investigations.policy.wording import counted
from investigations.policy.wording import listed as listing

STILL_OURS = timedelta(days=30)  # an expired authorised scanner that goes on scanning is misbehaving, not unknown
SOON = timedelta(days=14)
SHOWN = 3  # addresses outside the scope that are named

_LIVE = """e.removed IS NULL AND e.kind <> 'own_network' AND (
    e.expires IS NULL OR e.expires > CASE e.kind WHEN 'authorised_scanner' THEN %(long_ago)s ELSE %(now)s END)"""
# The most specific first; an own network is no opinion. A name is looked for with every name above it, by equality
COVERING = f"""
SELECT s.investigation, e.id, masklen(e.network) AS width
FROM unnest(%(numbers)s::bigint[], %(addresses)s::inet[]) AS s(investigation, address)
JOIN investigations_listentry AS e ON e.network >>= s.address AND {_LIVE}
UNION ALL
SELECT s.investigation, e.id, length(e.domain)
FROM unnest(%(name_numbers)s::bigint[], %(names)s::text[]) AS s(investigation, name)
JOIN investigations_listentry AS e ON e.domain = s.name AND e.domain <> '' AND {_LIVE}
ORDER BY 1, 3 DESC, 2"""
OUTSIDE = """
SELECT s.investigation, s.entry, count(*), (array_agg(host(h.address) ORDER BY h.alerts DESC, h.address))[1:%(shown)s]
FROM unnest(%(numbers)s::bigint[], %(entries)s::bigint[]) AS s(investigation, entry)
JOIN investigations_listentry AS e ON e.id = s.entry
JOIN investigations_scannedhost AS h ON h.investigation_id = s.investigation
WHERE NOT EXISTS (SELECT FROM unnest(e.targets) AS t(target) WHERE h.address <<= t.target::cidr)
GROUP BY 1, 2"""
# The minutes in which there were alerts: between two nights of scanning a scanner does nothing that it may not
MINUTES = """
SELECT investigation_id, array_agg(start ORDER BY start) FROM investigations_alertbin
WHERE investigation_id = ANY(%s) GROUP BY 1"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an investigation is about, and the time of its first and last alert."""

    investigation: int
    value: str
    kind: str
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the alerts of one investigation tell about an authorised scanner."""

    minutes: Sequence[datetime] = ()
    strangers: int = 0  # probed addresses outside the scope
    named: Sequence[str] = ()  # the most probed of them


def listed(subjects: Sequence[Subject], moment: datetime) -> dict[int, tuple[Listed, ...]]:
    """The entries that cover each subject, as evidence holds them: two statements, four with authorised scanners."""
    pairs = _covering(subjects, moment)
    if not pairs:
        return {}
    entries = ListEntry.objects.in_bulk({entry for _, entry in pairs})
    seen = _seen([(number, entries[entry]) for number, entry in pairs if entry in entries])
    by_number = {subject.investigation: subject for subject in subjects}
    found: dict[int, list[Listed]] = defaultdict(list)
    for number, entry in pairs:
        if entry in entries:
            found[number].append(_listed(entries[entry], by_number[number], seen.get((number, entry)), moment))
    return {number: tuple(entries) for number, entries in found.items()}


def _covering(subjects: Sequence[Subject], moment: datetime) -> list[tuple[int, int]]:
    addresses = [(one.investigation, one.value) for one in subjects if one.kind in ADDRESS_KINDS]
    names = [
        (one.investigation, name) for one in subjects if one.kind not in ADDRESS_KINDS for name in above(one.value)
    ]
    values: dict[str, Any] = {
        "numbers": [number for number, _ in addresses],
        "addresses": [value for _, value in addresses],
        "name_numbers": [number for number, _ in names],
        "names": [name for _, name in names],
        "now": moment,
        "long_ago": moment - STILL_OURS,
    }
    with connection.cursor() as cursor:
        cursor.execute(COVERING, values)
        return [(number, entry) for number, entry, _ in cursor.fetchall()]


def above(domain: str) -> list[str]:
    """The name and every name above it: `a.b.example`, `b.example`, `example`."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _seen(pairs: Sequence[tuple[int, ListEntry]]) -> dict[tuple[int, int], _Seen]:
    """What each authorised scanner did, where its entry limits it."""
    scanners = [(number, entry) for number, entry in pairs if entry.kind == ListKind.AUTHORISED_SCANNER]
    outside = _outside([(number, entry.pk) for number, entry in scanners if entry.targets])
    minutes = _minutes([number for number, entry in scanners if entry.windows])
    return {
        (number, entry.pk): _Seen(minutes.get(number, ()), *outside.get((number, entry.pk), ()))
        for number, entry in scanners
    }


def _outside(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, list[str]]]:
    """How many probed addresses lie outside the scope of a scanner, and the most probed of them."""
    if not pairs:
        return {}
    values: dict[str, Any] = {
        "numbers": [number for number, _ in pairs],
        "entries": [entry for _, entry in pairs],
        "shown": SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(OUTSIDE, values)
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def _minutes(numbers: Sequence[int]) -> dict[int, list[datetime]]:
    if not numbers:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(MINUTES, [list(numbers)])
        return dict(cursor.fetchall())


def _listed(entry: ListEntry, subject: Subject, seen: _Seen | None, moment: datetime) -> Listed:
    state, detail = _state(entry, subject, seen, moment) if seen else (ListState.IN_FORCE, "")
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


def _state(entry: ListEntry, subject: Subject, seen: _Seen, moment: datetime) -> tuple[ListState, str]:
    """How an authorised scanner stands: what it did counts, not when somebody comes to judge it."""
    if entry.expires and entry.expires <= min(subject.last or moment, moment):
        return ListState.EXPIRED, f"its authorisation ended on {entry.expires:%Y-%m-%d}"
    if seen.strangers:
        words = f"it probed {counted(seen.strangers, 'address')} outside its scope: {listing(seen.named)}"
        return ListState.OUTSIDE_SCOPE, words
    minutes = seen.minutes or [one for one in (subject.first, subject.last) if one]
    if outside := first_outside(entry.windows, entry.zone, minutes):
        words = f"it scanned on {outside:%Y-%m-%d at %H:%M}, but may scan {windows_in_words(entry.windows, entry.zone)}"
        return ListState.OUTSIDE_WINDOW, words
    return ListState.IN_FORCE, ""


# For the pages


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many entries a list has, and how many of them expire soon or have expired."""

    entries: int = 0
    due: int = 0


def kind_counts(moment: datetime) -> dict[ListKind, KindCount]:
    rows = ListEntry.objects.kept().values_list("kind")
    found = rows.annotate(entries=Count("pk"), due=Count("pk", filter=Q(expires__lte=moment + SOON)))
    known = {kind: KindCount(entries, due) for kind, entries, due in found}
    return {kind: known.get(kind.value, KindCount()) for kind in ListKind}


def entries_of(kind: str, words: str = "", network: Network | None = None) -> QuerySet[ListEntry]:
    """The entries of a list that overlap the network, or that mention all of the words."""
    rows = ListEntry.objects.kept().filter(kind=kind)
    if network is not None:
        return rows.filter(network__net_overlaps=network)
    value = Case(When(network=None, then=F("domain")), default=Cast("network", TextField()), output_field=TextField())
    rows = rows.annotate(shown=value) if words else rows
    for word in words.split():
        places: Any = Q()
        for name in ("shown", "label", "owner", "reason", "ticket"):
            places |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(places)
    return rows
