"""Makers of entries of our own lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.timezone import now

from investigations.choices import ListKind
from investigations.models import Actor, ListEntry
from investigations.services.lists import Entry, add

LEA = Actor("lea")
SOON = timedelta(days=90)
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)  # a Wednesday
NIGHTS = [{"days": [0, 1, 2, 3, 4], "from": "22:00", "to": "04:00"}]


def entry(value: str, kind: str = "allow", **changes: Any) -> Entry:
    values = {"label": "Partner", "owner": "lea", "reason": "Monitors our shop", "expires": now() + SOON}
    return Entry(kind=ListKind(kind), value=value, **(values | changes))


def put(value: str, kind: str = "allow", **changes: Any) -> ListEntry:
    """Store it, doubtful or not."""
    return add(entry(value, kind, **changes), actor=LEA, confirmed=True)


def expire(row: ListEntry, days_ago: float, moment: datetime = NOON) -> None:
    ListEntry.objects.filter(pk=row.pk).update(expires=moment - timedelta(days=days_ago))
