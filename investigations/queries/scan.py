"""What the alerts of investigations tell, summed up for the judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection

from investigations.choices import SEVERITY_ORDER, Severity
from investigations.models import Investigation, ScannedPort
from investigations.policy.evidence import ScanFacts

SEVERITIES = sorted(Severity, key=SEVERITY_ORDER.__getitem__)
TOP_PORTS = 10
TOP_SIGNATURES = 5

# bool_or ignores the alerts that do not tell; NULL is left only if none does. "Nothing answered" needs all to say so
ALERTS = """
SELECT investigation_id, bool_or(answered), count(*) FILTER (WHERE answered IS NULL),
    max(array_position(%s::text[], severity::text)), bool_or(NOT is_recon)
FROM investigations_alert WHERE investigation_id = ANY(%s) GROUP BY 1"""
SIGNATURES = """
SELECT investigation_id, signature FROM (
    SELECT investigation_id, signature,
        row_number() OVER (PARTITION BY investigation_id ORDER BY count(*) DESC, signature) AS place
    FROM investigations_alert WHERE investigation_id = ANY(%s) GROUP BY 1, 2) AS ranked
WHERE place <= %s ORDER BY investigation_id, place"""
NAMES = """
SELECT DISTINCT investigation_id, domain, techniques FROM investigations_alert
WHERE investigation_id = ANY(%s) AND (domain <> '' OR techniques <> '{}') ORDER BY 1, 2, 3"""

# Probed ports that an inventory knows to be open on the probed address; rows only where one knows a probed address.
# Each probed pair is looked up once by the index, however many alerts and however large the inventory
EXPOSED = """
WITH known AS MATERIALIZED (
    SELECT id FROM unnest(%(ids)s::bigint[]) AS i(id) WHERE EXISTS (
        SELECT FROM investigations_scannedhost AS h JOIN investigations_openport AS o ON o.address = h.address
        WHERE h.investigation_id = i.id)),
probed AS MATERIALIZED (
    SELECT a.investigation_id AS id, a.victim, a.victim_port AS port, count(*) AS alerts
    FROM investigations_alert AS a WHERE a.investigation_id IN (SELECT id FROM known) AND a.victim_port > 0
    GROUP BY 1, 2, 3),
met AS (
    SELECT p.id, p.port, sum(p.alerts) AS alerts FROM probed AS p
    CROSS JOIN LATERAL (
        SELECT FROM investigations_openport AS o WHERE o.address = p.victim AND o.port = p.port LIMIT 1) AS found
    GROUP BY 1, 2)
SELECT known.id, met.port FROM known LEFT JOIN met USING (id) ORDER BY known.id, met.alerts DESC, met.port"""


def scan_facts(investigations: Sequence[int]) -> dict[int, ScanFacts]:
    """The scan of each investigation; one without alerts has empty facts. A fixed number of queries."""
    ids = list(investigations)
    sums: dict[int, Any] = {row["pk"]: row for row in Investigation.objects.filter(pk__in=ids).values(
        "pk", "alert_count", "port_count", "target_count", "first_alert", "last_alert")}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ALERTS, [[severity.value for severity in SEVERITIES], ids])
        alerts = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(SIGNATURES, [ids, TOP_SIGNATURES])
        signatures = _grouped(cursor.fetchall())
        cursor.execute(NAMES, [ids])
        names = cursor.fetchall()
        exposed = _exposed(cursor, ids)
    ports, answered_ports = _ports(ids)
    domains, techniques = _names(names)
    return {
        pk: replace(
            _facts(sums[pk], alerts[pk], ports[pk], answered_ports[pk], signatures[pk], domains[pk], techniques[pk]),
            exposed=len(exposed[pk]) if pk in exposed else None,
            exposed_ports=tuple(exposed.get(pk, ())[:TOP_PORTS]),
        )
        if pk in alerts
        else ScanFacts()
        for pk in ids
    }


def _exposed(cursor: Any, ids: Sequence[int]) -> dict[int, list[int]]:
    """The open ports that each probed, the most probed first; nothing for those that no inventory covers."""
    cursor.execute("SELECT EXISTS (SELECT FROM investigations_openport)")
    if not cursor.fetchone()[0]:
        return {}
    cursor.execute(EXPOSED, {"ids": list(ids)})
    found: dict[int, list[int]] = defaultdict(list)
    for investigation, port in cursor.fetchall():
        found[investigation] += [port] if port else []
    return found


def _facts(
    sums: dict[str, Any],
    alerts: Sequence[Any],
    ports: list[int],
    answered_ports: list[int],
    signatures: list[str],
    domains: list[str],
    techniques: list[str],
) -> ScanFacts:
    answered, untold, severity, beyond = alerts
    return ScanFacts(
        alerts=sums["alert_count"],
        ports=sums["port_count"],
        targets=sums["target_count"],
        first=sums["first_alert"].isoformat(),
        last=sums["last_alert"].isoformat(),
        answered=True if answered else None if untold else answered,
        answered_ports=tuple(answered_ports[:TOP_PORTS]),
        top_ports=tuple(ports[:TOP_PORTS]),
        severity=SEVERITIES[severity - 1].value,
        signatures=tuple(signatures),
        techniques=tuple(techniques[:10]),
        beyond_recon=bool(beyond),
        domains=tuple(domains[:5]),
    )


def _ports(ids: Sequence[int]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    ports: dict[int, list[int]] = defaultdict(list)
    answered: dict[int, list[int]] = defaultdict(list)
    rows = ScannedPort.objects.filter(investigation__in=ids).order_by("investigation", "-alerts", "port")
    for investigation, port, did_answer in rows.values_list("investigation", "port", "answered"):
        ports[investigation].append(port)
        if did_answer:
            answered[investigation].append(port)
    return ports, answered


def _names(rows: Sequence[tuple[int, str, list[str]]]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    domains: dict[int, list[str]] = defaultdict(list)
    techniques: dict[int, list[str]] = defaultdict(list)
    for investigation, domain, ids in rows:
        if domain and domain not in domains[investigation]:
            domains[investigation].append(domain)
        techniques[investigation] += [technique for technique in ids if technique not in techniques[investigation]]
    return domains, techniques


def _grouped(rows: Sequence[tuple[int, str]]) -> dict[int, list[str]]:
    grouped: dict[int, list[str]] = defaultdict(list)
    for investigation, value in rows:
        grouped[investigation].append(value)
    return grouped
