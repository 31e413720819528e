"""What people decided before on a source, on its network and on the same signature; for the judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from investigations.models import Investigation
from investigations.policy.evidence import Remembered
from investigations.policy.own import DECAY
from investigations.queries.history import network_around

EACH = 8  # decisions on the source and on its network
OF_SIGNATURE = 4

# Only what stands: a person's word on an investigation that was reopened since is withdrawn. The latest first
REMEMBERED = """
WITH s AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(lows)s::inet[], %(highs)s::inet[]) AS s(id, low, high)
    JOIN LATERAL (
        SELECT subject, first_signature AS signature FROM investigations_investigation WHERE id = s.id) AS own ON true),
found AS (
    SELECT s.id, 1 AS rank, 'source' AS about, near.* FROM s JOIN LATERAL (
        SELECT i.id AS other, i.subject AS value, i.status, i.disposition, i.judged
        FROM investigations_investigation AS i
        WHERE i.subject = s.subject AND i.judged > %(since)s AND i.id <> s.id
        ORDER BY i.judged DESC LIMIT %(each)s) AS near ON true
    UNION ALL
    SELECT s.id, 2, 'network', near.* FROM s JOIN LATERAL (
        SELECT i.id, i.subject, i.status, i.disposition, i.judged FROM investigations_investigation AS i
        WHERE i.source BETWEEN s.low AND s.high AND i.judged > %(since)s AND i.subject <> s.subject
        ORDER BY i.judged DESC LIMIT %(each)s) AS near ON s.low IS NOT NULL
    UNION ALL
    SELECT s.id, 3, 'signature', near.* FROM s JOIN LATERAL (
        SELECT i.id, i.first_signature, i.status, i.disposition, i.judged FROM investigations_investigation AS i
        WHERE i.first_signature = s.signature AND i.judged > %(since)s AND i.subject <> s.subject
            AND (s.low IS NULL OR i.source IS NULL OR NOT i.source BETWEEN s.low AND s.high)
        ORDER BY i.judged DESC LIMIT %(few)s) AS near ON s.signature <> '')
SELECT found.id, found.about, found.value, found.disposition, found.status, found.judged, d.actor, found.other
FROM found JOIN LATERAL (
    SELECT actor FROM investigations_decision
    WHERE investigation_id = found.other AND NOT automatic ORDER BY id DESC LIMIT 1) AS d ON true
ORDER BY found.id, found.rank, found.judged DESC, found.other DESC"""


def remembered(investigations: Sequence[int], moment: datetime) -> dict[int, tuple[Remembered, ...]]:
    """Per investigation, the source before its network before the signature; one statement for all of them."""
    sources = dict(Investigation.objects.filter(pk__in=investigations).values_list("pk", "source"))
    networks = {pk: network_around(source) if source else None for pk, source in sources.items()}
    values: dict[str, Any] = {
        "ids": list(networks),
        "lows": [str(network[0]) if network else None for network in networks.values()],
        "highs": [str(network[-1]) if network else None for network in networks.values()],
        "since": moment - DECAY,
        "each": EACH,
        "few": OF_SIGNATURE,
    }
    with connection.cursor() as cursor:
        cursor.execute(REMEMBERED, values)
        rows = cursor.fetchall()
    found: dict[int, list[Remembered]] = defaultdict(list)
    for pk, about, value, disposition, status, judged, actor, other in rows:
        network = str(networks[pk]) if about == "network" else value
        found[pk].append(Remembered(about, network, disposition, status, judged.isoformat(), actor, other))
    return {pk: tuple(words) for pk, words in found.items()}
