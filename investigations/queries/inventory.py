"""What of ours is open, as its page shows it: the inventories, and one row for each address."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q

from investigations.artifacts import Network
from investigations.models import OpenPort

PAGE = 50
SHOWN_PORTS = 24  # of one address
STALE = timedelta(days=90)  # an inventory that old says little about today

# In the order of the addresses, after the last one of the page before
ADDRESSES = """
SELECT host(address), count(DISTINCT port) FILTER (WHERE port > 0),
    (array_agg(DISTINCT port) FILTER (WHERE port > 0))[1:%(shown)s],
    (array_agg(DISTINCT service) FILTER (WHERE service <> ''))[1:6], array_agg(DISTINCT inventory), max(uploaded)
FROM investigations_openport AS o
WHERE (%(after)s::inet IS NULL OR address > %(after)s::inet)
    AND (%(network)s::inet IS NULL OR address <<= %(network)s::inet)
    AND (%(port)s::int IS NULL OR EXISTS (
        SELECT FROM investigations_openport AS p WHERE p.address = o.address AND p.port = %(port)s))
    AND (%(words)s = '' OR EXISTS (
        SELECT FROM investigations_openport AS p WHERE p.address = o.address
            AND (p.service ILIKE %(like)s OR p.inventory ILIKE %(like)s)))
GROUP BY address ORDER BY address LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class Inventory:
    """One upload: how many addresses were looked at, and how many ports are open on them."""

    name: str
    addresses: int
    ports: int
    uploaded: datetime
    stale: bool


@dataclass(frozen=True, slots=True)
class OpenAddress:
    """One address of ours; `ports` are the lowest of its `count` open ones."""

    address: str
    count: int
    ports: Sequence[int]
    services: Sequence[str]
    inventories: Sequence[str]
    uploaded: datetime


def inventories(moment: datetime) -> list[Inventory]:
    rows = OpenPort.objects.values_list("inventory").annotate(
        addresses=Count("address", distinct=True), ports=Count("pk", filter=Q(port__gt=0)), last=Max("uploaded")
    )
    return [
        Inventory(name, addresses, ports, uploaded, stale=uploaded < moment - STALE)
        for name, addresses, ports, uploaded in rows.order_by("inventory")
    ]


def open_addresses(
    *, network: Network | None = None, port: int | None = None, words: str = "", after: str = ""
) -> tuple[list[OpenAddress], str]:
    """A page of addresses, and the last one of it if there are more. Raises ValueError if `after` is no address."""
    values: dict[str, Any] = {
        "network": str(network) if network else None,
        "port": port,
        "words": words,
        "like": f"%{_literal(words)}%",
        "after": str(ipaddress.ip_address(after)) if after else None,
        "shown": SHOWN_PORTS,
        "limit": PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADDRESSES, values)
        rows = [OpenAddress(row[0], row[1], row[2] or (), row[3] or (), *row[4:]) for row in cursor.fetchall()]
    return rows[:PAGE], rows[PAGE - 1].address if len(rows) > PAGE else ""


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
