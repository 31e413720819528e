"""How the installation is doing, read from the database."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Min
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Enrichment, Investigation


def backlog(limit: int) -> int:
    """Investigations that wait for a worker; counted no further than `limit`."""
    return Investigation.objects.filter(due__lte=now())[:limit].count()


def oldest_due_seconds() -> float:
    """How long the oldest due work has been waiting; 0 if nothing is due."""
    oldest = Investigation.objects.filter(due__lte=now()).aggregate(oldest=Min("due"))["oldest"]
    return max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0


def counts_by_status() -> dict[str, int]:
    counted = Investigation.objects.order_by().values_list("status").annotate(number=Count("pk"))
    return dict.fromkeys(Status.values, 0) | dict(counted)


def enrichments_by_outcome() -> list[tuple[str, str, int]]:
    """Provider, outcome and number of the lookups of the last hour."""
    recent = Enrichment.objects.filter(asked__gte=now() - timedelta(hours=1), cached=False).order_by()
    return list(recent.values_list("provider", "outcome").annotate(number=Count("pk")))
