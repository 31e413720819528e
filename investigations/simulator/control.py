"""The remote control of a running simulator: GET /_control shows what arrived, POST /_control throws switches."""

from __future__ import annotations

import json
from typing import Any

from investigations.simulator.apis.base import Answer, as_json
from investigations.simulator.faults import FaultError, Faults
from investigations.simulator.journal import Journal

PATH = "_control"
LARGEST_LATENCY = 600_000  # milliseconds


def command(content_type: str, content: bytes, faults: Faults, journal: Journal) -> Answer:
    """Answer a POST; anything that makes no sense gets one clear line and changes nothing."""
    # A web page in somebody's browser can post text to loopback, but not JSON.
    if content_type != "application/json":
        return as_json(415, {"error": "Send application/json."})
    try:
        obey(json.loads(content), faults, journal)
    except (FaultError, ValueError) as error:
        return as_json(400, {"error": str(error)})
    return as_json(200, summary(faults, journal))


def summary(faults: Faults, journal: Journal) -> dict[str, Any]:
    """What arrived so far, and which switches are on."""
    return {
        "providers": journal.summary(),
        "dns_queries": len(journal.dns_queries),
        "faults": faults.summary(),
        "latency_ms": faults.latency_ms,
    }


def obey(order: Any, faults: Faults, journal: Journal) -> None:
    """Do what an order says: {"clear": true, "fault": {NAME: FAULT or null}, "latency_ms": NUMBER}.

    Raises FaultError, before anything has changed, if the command is not of that shape.
    """
    if not isinstance(order, dict) or not order.keys() <= {"clear", "fault", "latency_ms"}:
        raise FaultError('An order is an object with "clear", "fault" and "latency_ms".')
    switches = order.get("fault", {})
    if not isinstance(switches, dict) or not all(isinstance(text, str | None) for text in switches.values()):
        raise FaultError('"fault" is an object of names and faults.')
    latency = order.get("latency_ms", faults.latency_ms)
    if isinstance(latency, bool) or not isinstance(latency, int | float) or not 0 <= latency <= LARGEST_LATENCY:
        raise FaultError(f'"latency_ms" is a number from 0 to {LARGEST_LATENCY}.')
    faults.check(switches)
    if order.get("clear"):
        faults.clear()
        journal.clear()
    for name, text in switches.items():
        faults.set(name, text)
    if "latency_ms" in order:
        faults.latency_ms = float(latency)
