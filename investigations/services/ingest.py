"""Store a batch of alerts: durable before the answer, once each, grouped into investigations, by set-based SQL.

One transaction a batch: COPY into a staging table, drop what is there already, find or open the investigation of
every attacker and burst, insert, and add to the sums that pages read. Two batches that share an attacker wait for
each other (advisory locks), so no attacker gets two investigations for one burst.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.ingest.base import AlertRecord, ParsedBatch
from investigations.jobs import hint
from investigations.models import Alert
from investigations.services import grouping

LOCKS = 64
LOCK_CLASS = 7351

COLUMNS = (
    "attacker", "attacker_reason", "victim", "victim_port", "source", "source_port", "destination", "destination_port",
    "happened", "time_guessed", "sensor", "format", "dedup_key", "protocol", "signature", "signature_id", "category",
    "severity", "raw_severity", "domain", "techniques", "answered", "is_recon", "raw",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: alerts = accepted + duplicates; the investigations that the accepted ones belong to."""

    accepted: int = 0
    duplicates: int = 0
    investigations: tuple[int, ...] = ()


def store(batch: ParsedBatch | Sequence[AlertRecord], *, received: datetime | None = None) -> Stored:
    """Store the alerts of a batch and give a hint to the workers. When this returns, they are durable."""
    alerts = batch.alerts if isinstance(batch, ParsedBatch) else batch
    if not alerts:
        return Stored()
    with transaction.atomic(), connection.cursor() as cursor:
        _stage(cursor, alerts)
        _lock(cursor, alerts)
        cursor.execute(DROP_KNOWN)
        accepted = 0
        investigations: tuple[int, ...] = ()
        if cursor.rowcount < len(alerts):
            investigations = grouping.assign(cursor, settings.GROUPING_WINDOW)
            cursor.execute(INSERT, [received or now()])
            accepted = cursor.rowcount
            grouping.add_sums(cursor)
        cursor.execute("DROP TABLE staging")
        transaction.on_commit(hint, robust=True)
    return Stored(accepted, len(alerts) - accepted, investigations)


STAGING = """
CREATE TEMPORARY TABLE staging (
    place int, {columns}, investigation bigint, session int
) ON COMMIT DROP"""
TYPES = {
    "attacker": "inet", "victim": "inet", "source": "inet", "destination": "inet",
    "victim_port": "int", "source_port": "int", "destination_port": "int",
    "happened": "timestamptz", "time_guessed": "boolean", "answered": "boolean", "is_recon": "boolean",
    "techniques": "text[]",
}  # fmt: skip
CREATE = STAGING.format(columns=", ".join(f"{column} {TYPES.get(column, 'text')}" for column in COLUMNS))
# A sensor's field that is longer than its column is cut: it must not cost the batch
WIDTHS = {field.name: field.max_length for field in Alert._meta.fields}
COPY = f"COPY staging (place, {', '.join(COLUMNS)}) FROM STDIN"
# A copy within the batch counts as a duplicate like one from yesterday
DROP_KNOWN = """
DELETE FROM staging AS s WHERE
    EXISTS (SELECT 1 FROM investigations_alert AS a WHERE a.dedup_key = s.dedup_key)
    OR EXISTS (SELECT 1 FROM staging AS earlier WHERE earlier.dedup_key = s.dedup_key AND earlier.place < s.place)"""
INSERT = f"""
INSERT INTO investigations_alert (investigation_id, received, {", ".join(COLUMNS)})
SELECT investigation, %s, {", ".join(COLUMNS)} FROM staging ORDER BY place"""


def _stage(cursor: Any, alerts: Iterable[AlertRecord]) -> None:
    cursor.execute(CREATE)
    with cursor.copy(COPY) as copy:
        copy.set_types(["int4", *(_copy_type(column) for column in COLUMNS)])
        for place, alert in enumerate(alerts):
            copy.write_row((place, *(_value(alert, column) for column in COLUMNS)))
    cursor.execute("CREATE INDEX ON staging (dedup_key); ANALYZE staging")


def _copy_type(column: str) -> str:
    return {"int": "int4", "boolean": "bool", "inet": "text"}.get(TYPES.get(column, "text"), TYPES.get(column, "text"))


def _value(alert: AlertRecord, column: str) -> Any:
    value = getattr(alert, column)
    if isinstance(value, str):
        return value[: WIDTHS.get(column)]
    return list(value) if isinstance(value, tuple) else value


def _lock(cursor: Any, alerts: Iterable[AlertRecord]) -> None:
    """Serialise batches that share an attacker; always in ascending order, so that two batches cannot deadlock."""
    keys = sorted({hash_bucket(alert.attacker) for alert in alerts})
    cursor.execute("SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s::int[]) AS key", [LOCK_CLASS, keys])


def hash_bucket(subject: str) -> int:
    """The lock that guards a subject; the same in every process."""
    return sum(subject.encode()) % LOCKS
