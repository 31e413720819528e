"""Alerts written from the documented formats, with documentation and private addresses only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from investigations.ingest import parse
from investigations.ingest.base import AlertRecord

RECEIVED = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

type Build = Callable[..., dict[str, Any]]


def eve(**changes: Any) -> dict[str, Any]:
    """An EVE alert: an outside host probes SSH on a host of ours. `alert` is merged, None removes a field."""
    record: dict[str, Any] = {
        "timestamp": "2026-05-01T11:58:30.250000+0000",
        "flow_id": 1805461738637437,
        "event_type": "alert",
        "src_ip": "203.0.113.7",
        "src_port": 40123,
        "dest_ip": "10.0.0.5",
        "dest_port": 22,
        "proto": "TCP",
        "alert": {
            "action": "allowed",
            "gid": 1,
            "signature_id": 2001219,
            "rev": 20,
            "signature": "ET SCAN Potential SSH Scan",
            "category": "Attempted Information Leak",
            "severity": 2,
        },
    }
    alert = {**record["alert"], **changes.pop("alert", {})}
    merged = {**record, "alert": alert, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def lines(*records: Any) -> bytes:
    """NDJSON."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def read(record: Any, **options: Any) -> AlertRecord:
    """The one alert that a record is."""
    batch = parse(lines(record), received=RECEIVED, **options)
    assert not batch.rejected, batch.rejected
    [alert] = batch.alerts
    return alert


def error_of(record: Any, **options: Any) -> str:
    """Why the one record is rejected."""
    batch = parse(lines(record), received=RECEIVED, **options)
    assert (batch.alerts, batch.skipped) == ([], 0)
    [rejected] = batch.rejected
    return rejected.error


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of recorded alerts, named by RECONSOC_SAMPLE_ALERTS; they are not part of the project."""
    folder = Path(os.environ.get("RECONSOC_SAMPLE_ALERTS", ""))
    if not os.environ.get("RECONSOC_SAMPLE_ALERTS") or not (folder / "suricata").is_dir():
        pytest.skip("no recorded alerts: set RECONSOC_SAMPLE_ALERTS to a folder that has suricata/")
    return folder
