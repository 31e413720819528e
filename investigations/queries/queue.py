"""The queue: which investigations stand in which tab, narrowed by what a person asks for."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from django.db import models
from django.db.models import Q, QuerySet

from investigations.choices import Severity, Status, Verdict
from investigations.models import Investigation
from investigations.queries.keyset import Page, capped_count, page_of

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

KEYS = ("priority", "activity", "id")
PAGE_SIZE = 50
TEXT_DEPTH = 50_000  # investigations, newest first, that a search for a part of a text looks at
NUMBER = re.compile(r"(?:INV-|#)(\d{1,18})", re.IGNORECASE)


class Tab(models.TextChoices):
    """The views of a shift. `value` stands in the URL."""

    NEEDS_ME = "needs_me", "Needs me"
    MINE = "mine", "Mine"
    ENRICHING = "enriching", "Enriching"
    ESCALATED = "escalated", "Escalated"
    DISMISSED = "dismissed", "Dismissed"
    ALL = "all", "All"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to; an empty value narrows nothing."""

    text: str = ""
    network: Network | None = None
    verdict: Verdict | None = None
    severity: Severity | None = None
    assignee: str = ""  # a user name


def investigations_in(tab: Tab, user_id: int) -> QuerySet[Investigation]:
    rows = Investigation.objects.all()
    if tab == Tab.NEEDS_ME:
        return rows.open()
    if tab == Tab.MINE:
        return rows.filter(assignee=user_id, closed=None)
    if tab == Tab.ENRICHING:
        return rows.filter(status=Status.ENRICHING)
    # Closed ones have priority 0: said here so that the index leads straight to them
    if tab == Tab.ESCALATED:
        return rows.filter(status=Status.ESCALATED, closed__isnull=False, priority=0)
    return rows.filter(status=Status.DISMISSED, priority=0) if tab == Tab.DISMISSED else rows


def tab_counts(user_id: int) -> dict[Tab, int]:
    return {tab: capped_count(investigations_in(tab, user_id)) for tab in Tab}


def narrowed(rows: QuerySet[Investigation], filters: Filters) -> QuerySet[Investigation]:
    if filters.network:
        # All addresses of a network are one range of the index
        rows = rows.filter(source__range=(str(filters.network[0]), str(filters.network[-1])))
    if filters.verdict:
        rows = rows.filter(verdict=filters.verdict)
    if filters.severity:
        rows = rows.filter(severity=filters.severity)
    if filters.assignee:
        rows = rows.filter(assignee__username=filters.assignee)
    return rows.filter(_mentions(filters.text)) if filters.text else rows


def queue_page(tab: Tab, filters: Filters, user_id: int, cursor: str) -> Page[Investigation]:
    """One page of a tab. Raises InvalidCursor."""
    rows = narrowed(investigations_in(tab, user_id), filters).select_related("assignee")
    return page_of(rows, KEYS, cursor, PAGE_SIZE)


def _mentions(text: str) -> Q:
    """The number, the exact subject, or a part of a subject, headline or place among the newest investigations."""
    if number := NUMBER.fullmatch(text):
        return Q(pk=int(number[1]))
    newest = Investigation.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    part = Q(subject__icontains=text) | Q(headline__icontains=text) | Q(place__icontains=text)
    return Q(subject=text.lower()) | Q(pk__gt=newest - TEXT_DEPTH) & part
