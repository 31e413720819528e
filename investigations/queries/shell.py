"""The few numbers that stand on every page: how much waits, what the automation does, what is broken."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Subquery
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import localtime

from investigations.models import Decision, Investigation, ProviderSettings
from investigations.queries.automation import samples_for
from investigations.queries.keyset import COUNT_CAP, capped_count

LATE = timedelta(seconds=60)


def open_count() -> int:
    return capped_count(Investigation.objects.open())


def broken_providers() -> int:
    """Enabled providers whose last connection test failed."""
    return ProviderSettings.objects.filter(enabled=True, test_ok=False).count()


def decided_today() -> int:
    """Automatic decisions since local midnight, among the latest decisions; more than COUNT_CAP stands for more."""
    midnight = localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    # A bound of the key instead of a set of keys: for a set the planner reads the whole table
    beyond = Decision.objects.order_by("-id").values("pk")[COUNT_CAP + 1 : COUNT_CAP + 2]
    latest = Decision.objects.filter(pk__gt=Coalesce(Subquery(beyond), 0))
    return latest.filter(automatic=True, decided__gte=midnight).count()


def samples_waiting(username: str) -> int:
    """Dismissals that this person can review."""
    return capped_count(samples_for(username))


def waiting_since() -> datetime | None:
    """When the oldest work that nobody takes up was due; None while the workers keep up."""
    late = Investigation.objects.filter(due__lt=Now() - LATE)
    return late.order_by("due", "id").values_list("due", flat=True).first()
