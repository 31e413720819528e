"""Alerts that tell their number, each of an attacker of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NUMBERED = "TEST numbered scan"


def attacker(number: int) -> str:
    return f"2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::7"


def eve(number: int) -> dict[str, Any]:
    """The Suricata EVE record of the alert `number`."""
    return {
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000"),
        "flow_id": 1_000_000 + number,
        "event_type": "alert",
        "src_ip": attacker(number),
        "src_port": 40_000,
        "dest_ip": "10.20.1.10",
        "dest_port": 443,
        "proto": "TCP",
        "alert": {
            "action": "allowed",
            "gid": 1,
            "signature_id": 2_000_537,
            "rev": 1,
            "signature": f"{NUMBERED} {number}",
            "category": "Attempted Information Leak",
            "severity": 2,
        },
    }
