"""Is the process alive, can it do its work, and how much of it: for load balancers and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import Error as DatabaseRefusal
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from redis import Redis
from redis.exceptions import RedisError

from investigations.jobs import QUEUE
from investigations.queries.health import counts_by_status, enrichments_by_outcome, oldest_due_seconds

LATE_SECONDS = 120  # due work that old means that no worker is alive


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """It can do its work: the database answers and due work gets done. Redis is told of, but not needed."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        oldest = oldest_due_seconds()
    except DatabaseRefusal:
        return JsonResponse({"status": "database away"}, status=503)
    body = {"status": "ok", "oldest_due_seconds": round(oldest, 1), "redis": _redis()}
    if oldest > LATE_SECONDS:
        return JsonResponse(body | {"status": "due work is not done: is a worker running?"}, status=503)
    return JsonResponse(body)


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Read from the database at each scrape: true for all processes together, and nothing to lose in a restart."""
    registry = CollectorRegistry()
    registry.register(_Collector())
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseRefusal:
        return HttpResponse("database away\n", status=503, content_type="text/plain")


class _Collector:
    def collect(self) -> Iterator[Metric]:
        status = GaugeMetricFamily("reconsoc_investigations", "Investigations by status", labels=["status"])
        for name, number in counts_by_status().items():
            status.add_metric([name], number)
        yield status
        yield GaugeMetricFamily("reconsoc_oldest_due_seconds", "Age of the oldest due work", value=oldest_due_seconds())
        lookups = GaugeMetricFamily(
            "reconsoc_lookups_last_hour",
            "Lookups of the last hour by provider and outcome",
            labels=["provider", "outcome"],
        )
        for provider, outcome, number in enrichments_by_outcome():
            lookups.add_metric([provider, outcome], number)
        yield lookups


def _redis() -> str:
    try:
        # Not the workers' connection, which may wait long
        url = str(settings.RQ_QUEUES[QUEUE]["URL"])
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except (RedisError, OSError, ValueError):
        return "away"
    return "ok"
