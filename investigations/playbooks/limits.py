"""Limits of lookups a minute and a day, counted in PostgreSQL so that all workers share them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from investigations.models import ProviderSettings

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Grant:
    """How many lookups may be made now; the rest may be tried again at `again`, for the reason in words."""

    count: int
    again: datetime
    reason: str = ""


def take(name: str, count: int) -> Grant:
    """Take up to `count` lookups of a provider from its limits."""
    with transaction.atomic():
        row = ProviderSettings.objects.select_for_update().get(name=name)
        grant = _grant(row, count, now())
        row.save(update_fields=["minute_used", "minute_start", "day_used", "day_start"])
    return grant


def block(name: str, seconds: float) -> None:
    """The provider itself asked us to wait: nobody asks it before."""
    until = now() + timedelta(seconds=min(max(seconds, 1.0), DAY.total_seconds()))
    # Answers come in any order: a shorter wait does not end a longer one
    sooner = Q(blocked_until=None) | Q(blocked_until__lt=until)
    ProviderSettings.objects.filter(sooner, name=name).update(blocked_until=until)


def _grant(row: ProviderSettings, count: int, moment: datetime) -> Grant:
    """Count against the row's windows, which begin with the first lookup in them; changes the row, saves nothing."""
    if row.blocked_until and row.blocked_until > moment:
        return Grant(0, row.blocked_until, "the provider asked us to wait")
    if row.minute_start is None or moment - row.minute_start >= MINUTE:
        row.minute_start, row.minute_used = moment, 0
    if row.day_start is None or moment - row.day_start >= DAY:
        row.day_start, row.day_used = moment, 0
    minute_left = max(0, row.per_minute - row.minute_used) if row.per_minute else count
    day_left = max(0, row.per_day - row.day_used) if row.per_day else count
    granted = min(count, minute_left, day_left)
    row.minute_used += granted
    row.day_used += granted
    if day_left <= minute_left:
        return Grant(granted, row.day_start + DAY, f"our limit of {row.per_day} a day")
    return Grant(granted, row.minute_start + MINUTE, f"our limit of {row.per_minute} a minute")
