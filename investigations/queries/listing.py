"""The list of investigations as the API asks for it."""

from __future__ import annotations

import ipaddress

from investigations.choices import Status
from investigations.models import Investigation
from investigations.queries.keyset import Page, page_of
from investigations.queries.queue import KEYS, Filters, narrowed


class BadFilter(ValueError):
    """A filter that means nothing; the message says which."""


def list_investigations(status: str, source: str, q: str, cursor: str, limit: int) -> Page[Investigation]:
    """A page, the most urgent first. Raises BadFilter, and keyset.InvalidCursor."""
    rows = Investigation.objects.select_related("assignee")
    if status:
        if status not in Status.values:
            raise BadFilter(f"status is one of {', '.join(Status.values)}")
        rows = rows.filter(status=status)
    network = None
    if source:
        try:
            network = ipaddress.ip_network(source, strict=False)
        except ValueError:
            raise BadFilter("source is an address or a network, like 203.0.113.7 or 203.0.113.0/24") from None
    return page_of(narrowed(rows, Filters(text=q.replace("\x00", ""), network=network)), KEYS, cursor, limit)
