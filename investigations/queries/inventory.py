"""What of ours is open, as its page shows it: the inventories, and one row for each address."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from investigations.artifacts import Network

PAGE = 50
SHOWN_PORTS = 24  # of one address
STALE = timedelta(days=90)  # an inventory that old says little about today

INVENTORIES = """
SELECT inventory, count(*), sum(ports)::bigint, max(uploaded) FROM (
    SELECT inventory, address, count(*) FILTER (WHERE port > 0) AS ports, max(uploaded) AS uploaded
    FROM investigations_openport GROUP BY 1, 2) AS one
GROUP BY 1 ORDER BY 1"""
# In the order of the addresses, after the last one of the page before
ADDRESSES = """
WITH page AS MATERIALIZED (
    SELECT DISTINCT address FROM investigations_openport
    WHERE (%(after)s::inet IS NULL OR address > %(after)s::inet)
        AND (%(searched)s OR port > 0)
        AND (%(network)s::inet IS NULL OR address <<= %(network)s::inet)
        AND (%(port)s::int IS NULL OR port = %(port)s)
        AND (%(words)s = '' OR service ILIKE %(like)s OR inventory ILIKE %(like)s)
    ORDER BY address LIMIT %(limit)s)
SELECT host(address), count(DISTINCT port) FILTER (WHERE port > 0),
    (array_agg(DISTINCT port) FILTER (WHERE port > 0))[1:%(shown)s],
    (array_agg(DISTINCT service) FILTER (WHERE service <> ''))[1:6], array_agg(DISTINCT inventory), max(uploaded)
FROM page JOIN investigations_openport USING (address) GROUP BY address ORDER BY address"""


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
    with connection.cursor() as cursor:
        cursor.execute(INVENTORIES)
        return [
            Inventory(name, addresses, ports, uploaded, stale=uploaded < moment - STALE)
            for name, addresses, ports, uploaded in cursor.fetchall()
        ]


def open_addresses(
    *, network: Network | None = None, port: int | None = None, words: str = "", after: str = ""
) -> tuple[list[OpenAddress], str]:
    """A page of addresses, and the last one of it if there are more. Raises ValueError if `after` is no address.

    Without a search only those on which something is open: most are only looked at.
    """
    values: dict[str, Any] = {
        "searched": network is not None or port is not None or bool(words),
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
