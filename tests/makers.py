"""Makers of alerts and records; documentation addresses only."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from investigations.ingest.base import AlertRecord

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_numbers = count(1)


def make_alert(attacker: str = "203.0.113.66", *, minutes: float = 0, **changes: Any) -> AlertRecord:
    """One alert, different from every other one made, `minutes` after START."""
    number = next(_numbers)
    alert = AlertRecord(
        format="suricata",
        dedup_key=hashlib.sha256(str(number).encode()).hexdigest(),
        happened=START + timedelta(minutes=minutes),
        attacker=attacker,
        source=attacker,
        source_port=40_000 + number % 20_000,
        destination="10.20.0.5",
        destination_port=22,
        victim="10.20.0.5",
        victim_port=22,
        protocol="tcp",
        signature="ET SCAN Potential SSH Scan",
        signature_id="2001219",
        category="Attempted Information Leak",
        raw='{"event_type": "alert"}',
        sensor="dmz-1",
        techniques=("T1595.001",),
    )
    return replace(alert, **changes)
