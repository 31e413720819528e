"""What the alerts of one investigation tell people: the picture of the scan, its top lists, the alerts themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection
from django.utils.timezone import localtime

from investigations.charts import MAX_COLUMNS, Matrix, Probe, scan_matrix
from investigations.models import Alert, Investigation, ScannedHost, ScannedPort
from investigations.queries.keyset import Page, page_of

DEPTH = 20_000  # alerts, the latest first, that the picture is made of
TOP = 20
ALERTS_PAGE = 50

# One row for each port and slice of time, however many alerts: the picture costs the same for ten and for ten thousand
SLICES = """
WITH latest AS (
    SELECT victim_port, answered IS TRUE AS answered, extract(epoch FROM happened)::float8 AS at
    FROM investigations_alert WHERE investigation_id = %s ORDER BY happened DESC, id DESC LIMIT %s),
span AS (SELECT min(at) AS first, greatest(max(at), min(at) + 0.001) AS last FROM latest)
SELECT victim_port, answered, least(width_bucket(at, first, last, %s), %s) AS slice, count(*), min(at), max(at)
FROM latest, span GROUP BY 1, 2, 3"""


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan as a picture and as lists."""

    matrix: Matrix | None = None
    shown: int = 0  # alerts in the picture
    answered: bool = False
    ports: list[ScannedPort] = field(default_factory=list)
    hosts: list[ScannedHost] = field(default_factory=list)


def scan_of(investigation: Investigation) -> Scan:
    if not investigation.alert_count:
        return Scan()
    with connection.cursor() as cursor:
        cursor.execute(SLICES, [investigation.pk, DEPTH, MAX_COLUMNS, MAX_COLUMNS])
        slices = cursor.fetchall()
    if not slices:
        return Scan()
    probes = [Probe(port, _time(at), count, answered) for port, answered, _, count, at, _ in slices]
    matrix = scan_matrix(probes, min(probe.time for probe in probes), _time(max(last for *_, last in slices)))
    return Scan(
        matrix,
        sum(probe.count for probe in probes),
        any(probe.answered for probe in probes),
        list(investigation.ports.order_by("-alerts", "port")[:TOP]),
        list(investigation.hosts.order_by("-alerts", "address")[:TOP]),
    )


def alerts_page(investigation: Investigation, cursor: str) -> Page[Alert]:
    """The alerts, the latest first. Raises InvalidCursor."""
    return page_of(investigation.alerts.defer("raw"), ("happened", "id"), cursor, ALERTS_PAGE)


def _time(seconds: float) -> datetime:
    # Local, because the chart writes the hours it is given
    return localtime(datetime.fromtimestamp(seconds, UTC))
