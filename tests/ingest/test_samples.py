"""Recorded alerts, where they are present: every record is accounted for, and another parser agrees."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from investigations.ingest import parse
from investigations.ingest.base import AlertRecord, ParsedBatch
from tests.ingest.conftest import RECEIVED


def read_file(path: Path) -> ParsedBatch:
    return parse(path.read_bytes(), received=RECEIVED)


def test_it_accounts_for_every_record(samples: Path) -> None:
    files = [path for path in (samples / "suricata").rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        batch = read_file(path)
        assert batch.read == len(batch.alerts) + batch.skipped + len(batch.rejected), path
        assert batch.read > 0, path


def test_it_accepts_every_alert_of_three_exercises(samples: Path) -> None:
    batches = [read_file(path) for path in sorted((samples / "suricata" / "frankhassanabad").glob("*.json"))]
    assert [len(batch.alerts) for batch in batches] == [136, 161, 207]
    alerts = [alert for batch in batches for alert in batch.alerts]
    assert all(batch.rejected == [] and batch.skipped == 0 for batch in batches)
    assert len(alerts) == sum(batch.read for batch in batches)
    assert len({alert.dedup_key for alert in alerts}) == len(alerts)
    assert all(alert.signature_id and alert.category and alert.victim for alert in alerts)
    assert not any(alert.time_guessed for alert in alerts)


def test_it_keeps_the_records_beside_a_line_that_was_cut(samples: Path) -> None:
    batch = read_file(samples / "suricata" / "dcso-fever" / "jsonparse_eve_broken1.json")
    assert (len(batch.alerts), batch.skipped, len(batch.rejected)) == (0, 2, 1)
    assert batch.rejected[0].error.startswith("line 2 is cut off")


def test_it_agrees_with_elastic(samples: Path) -> None:
    compared = 0
    for log in sorted((samples / "suricata" / "elastic").glob("*.log")):
        expected = json.loads(log.with_name(f"{log.name}-expected.json").read_text())["expected"]
        kept = [line for line in log.read_bytes().splitlines() if line.strip()]
        assert len(expected) == len(kept)
        for line, document in zip(kept, expected, strict=True):
            for alert in parse(line, received=RECEIVED).alerts:
                compare(alert, document)
                compared += 1
    assert compared >= 20


def compare(alert: AlertRecord, document: dict[str, Any]) -> None:
    source, destination = document["source"], document["destination"]
    assert (alert.source, alert.source_port) == (source["ip"], source.get("port"))
    assert (alert.destination, alert.destination_port) == (destination["ip"], destination.get("port"))
    assert (alert.signature, alert.signature_id) == (document["rule"]["name"], document["rule"]["id"])
    assert alert.category == document["rule"].get("category", "")
    assert alert.protocol == document["network"]["transport"]
    # On purpose no name of ours: what one of our own hosts asked for elsewhere
    ours = ip_address(alert.destination or "").is_private and "not swapped" not in alert.attacker_reason
    assert alert.domain == (document["destination"].get("domain", "") if ours else "")
    theirs = datetime.fromisoformat(document["@timestamp"]).astimezone(UTC)
    assert abs(alert.happened - theirs) < timedelta(milliseconds=1)
