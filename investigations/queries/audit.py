"""The audit history, as its page and the API read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from investigations.models import AuditEvent
from investigations.queries.keyset import Page, page_of

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """`action` is a whole action or the first word of one; an empty value narrows nothing."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field of an event, before and after."""

    field: str
    old: Any
    new: Any


def audit_page(filters: AuditFilters, cursor: str) -> Page[AuditEvent]:
    """The events, the latest first. Raises InvalidCursor."""
    rows = AuditEvent.objects.all()
    if filters.actor:
        rows = rows.filter(actor=filters.actor)
    if filters.action:
        whole = "." in filters.action
        rows = rows.filter(action=filters.action) if whole else rows.filter(action__startswith=f"{filters.action}.")
    if filters.subject:
        rows = rows.filter(subject=filters.subject)
    if filters.since:
        rows = rows.filter(at__gte=filters.since)
    if filters.until:
        rows = rows.filter(at__lt=filters.until)
    return page_of(rows, ("id",), cursor, PAGE_SIZE)


def changes_of(event: AuditEvent) -> Iterator[Change]:
    """What the event changed, field by field, in the order in which it was written."""
    before, after = _fields(event.before), _fields(event.after)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name), after.get(name))


def _fields(values: Any) -> dict[str, Any]:
    return values if isinstance(values, dict) else {"value": values}
