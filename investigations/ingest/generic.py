"""Generic JSON: one flat object for an alert from anything that can send JSON. Names are not case-sensitive.

| meaning            | accepted names (the first that is present counts)                                            |
|--------------------|----------------------------------------------------------------------------------------------|
| attacker (needed)  | source_ip src_ip source src srcip attacker attacker_ip remote_ip client_ip                   |
| victim             | destination_ip dest_ip dst_ip destination dest dst dstip victim victim_ip target target_ip   |
| attacker's port    | source_port src_port srcport sport spt                                                       |
| probed port        | destination_port dest_port dst_port dstport dport dpt victim_port target_port port           |
| protocol           | protocol proto transport                                                                     |
| name of the alert  | signature rule_name rule name title alert message msg description                            |
| id of the rule     | signature_id rule_id sid                                                                     |
| category           | category classification class type                                                           |
| severity           | severity level priority urgency: a word, or 0-5 where 5 is the worst                         |
| time               | timestamp @timestamp time event_time happened date ts: ISO 8601, or epoch in s, ms, µs or ns |
| id of the alert    | id alert_id event_id uuid                                                                    |
| our name asked for | domain hostname http_host sni query                                                          |
| did we answer      | answered: true or false                                                                      |
| ATT&CK             | techniques technique mitre_techniques mitre: an id or a list of ids                          |
| sensor             | sensor device host                                                                           |

`source` and `destination` may be objects with `ip` (or `address`), `port` and `domain`, as in ECS. Everything else is
kept in the original only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from investigations.artifacts import normalise_address, normalise_domain
from investigations.choices import Severity
from investigations.ingest.attack import techniques_for
from investigations.ingest.base import MAX_ID, MAX_PROTOCOL, MAX_SENSOR, MAX_TEXT, AlertRecord, RecordError
from investigations.ingest.fields import Receipt, address, moment, original, port, techniques, text
from investigations.ingest.signatures import Kind, kind_of

NAME = "generic"
NAMES: dict[str, tuple[str, ...]] = {
    meaning: tuple(names.split(" "))
    for meaning, names in {
        "source": "source_ip src_ip source src srcip attacker attacker_ip remote_ip client_ip",
        "destination": "destination_ip dest_ip dst_ip destination dest dst dstip victim victim_ip target target_ip",
        "source port": "source_port src_port srcport sport spt",
        "destination port": "destination_port dest_port dst_port dstport dport dpt victim_port target_port port",
        "protocol": "protocol proto transport",
        "name": "signature rule_name rule name title alert message msg description",
        "rule id": "signature_id rule_id sid",
        "category": "category classification class type",
        "severity": "severity level priority urgency",
        "time": "timestamp @timestamp time event_time happened date ts",
        "id": "id alert_id event_id uuid",
        "domain": "domain hostname http_host sni query",
        "answered": "answered",
        "techniques": "techniques technique mitre_techniques mitre",
        "sensor": "sensor device host",
    }.items()
}
_WORDS = {
    Severity.INFORMATIONAL: "informational information info notice debug none 0 1",
    Severity.LOW: "low minor 2",
    Severity.MEDIUM: "medium moderate warning warn 3",
    Severity.HIGH: "high major error 4",
    Severity.CRITICAL: "critical severe fatal emergency alert 5",
}
SEVERITIES = {word: severity for severity, words in _WORDS.items() for word in words.split(" ")}
YES, NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
MAX_SHOWN = 60  # characters of a wrong value that an error repeats


class Fields:
    """The record by meaning: each under the first of its names that has a value."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = {name.lower(): value for name, value in record.items()}

    def get(self, meaning: str) -> Any:
        for name in NAMES[meaning]:
            value = self._record.get(name)
            if value is not None and value != "":
                return value
        return None

    def text(self, meaning: str, limit: int = MAX_TEXT) -> str:
        """Text or a number; raises RecordError for an object or a list."""
        value = self.get(meaning)
        if isinstance(value, (dict, list)):
            raise RecordError(f"{meaning} must be text, not {_kind(value)}")
        return text(value, limit)

    def end(self, meaning: str) -> Mapping[str, Any]:
        """`source` or `destination` as an ECS object, empty where it is a plain address."""
        value = self.get(meaning)
        return value if isinstance(value, dict) else {}


def parse_record(record: Mapping[str, Any], raw: str, receipt: Receipt) -> AlertRecord:
    """One generic record. Raises RecordError."""
    fields = Fields(record)
    source, destination = _address(fields, "source"), _address(fields, "destination")
    if source is None:
        raise RecordError("no source address")
    name = fields.text("name") or "unnamed alert"
    category = fields.text("category")
    severity, raw_severity = _severity(fields)
    kind = kind_of(name, category)
    probed = _port(fields, "destination")
    happened, guessed = moment(fields.get("time"), receipt.received)
    return AlertRecord(
        format=NAME,
        dedup_key=_dedup_key(fields, record, source, name),
        happened=happened,
        time_guessed=guessed,
        attacker=source,
        victim=destination,
        victim_port=probed,
        source=source,
        source_port=_port(fields, "source"),
        destination=destination,
        destination_port=probed,
        protocol=fields.text("protocol", MAX_PROTOCOL).lower()[:MAX_PROTOCOL],
        signature=name,
        signature_id=fields.text("rule id", MAX_ID),
        category=category,
        severity=severity,
        raw_severity=raw_severity,
        domain=_domain(fields),
        techniques=techniques(fields.get("techniques"))
        or techniques_for(name, category, receipt.is_inside(source), receipt.is_inside(destination)),
        answered=_answered(fields),
        is_recon=kind is not Kind.ATTACK,
        sensor=receipt.sensor or fields.text("sensor", MAX_SENSOR),
        raw=original(raw),
    )


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", bool: "true or false", str: "text"}
    return kinds.get(type(value), "a number")


def _shown(value: Any) -> str:
    return f"'{text(value, MAX_SHOWN)}'" if isinstance(value, str) else text(value, MAX_SHOWN) or _kind(value)


def _address(fields: Fields, meaning: str) -> str | None:
    value = fields.get(meaning)
    if isinstance(value, dict):
        value = value.get("ip") or value.get("address")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise RecordError(f"{meaning} must be text, not {_kind(value)}")
    found = address(value)
    if found is None:
        raise RecordError(f"{meaning} {_shown(value)} is not an address")
    return found


def _port(fields: Fields, end: str) -> int | None:
    value = fields.get(f"{end} port")
    value = fields.end(end).get("port") if value is None else value
    if value is None or value == "":
        return None
    found = port(value)
    if found is None:
        raise RecordError(f"{end} port {_shown(value)} is not a number from 0 to 65535")
    return found


def _severity(fields: Fields) -> tuple[Severity, str]:
    raw = fields.text("severity")
    if not raw and fields.get("severity") is None:
        return Severity.LOW, ""
    found = SEVERITIES.get(raw.lower())
    if found is None:
        raise RecordError(f"severity {_shown(fields.get('severity'))} is not a known word or a number from 0 to 5")
    return found, raw


def _domain(fields: Fields) -> str:
    value = fields.get("domain") or fields.end("destination").get("domain")
    if not isinstance(value, str) or normalise_address(value):
        return ""
    return normalise_domain(value) or ""


def _answered(fields: Fields) -> bool | None:
    value = fields.get("answered")
    if value is None or isinstance(value, bool):
        return value
    word = text(value).lower()
    if word not in YES | NO:
        raise RecordError(f"answered {_shown(value)} is not true or false")
    return word in YES


def _dedup_key(fields: Fields, record: Mapping[str, Any], source: str, name: str) -> str:
    """By the sender's own id, which is its promise that the alert is the same; without one by the whole record."""
    own = fields.text("id")
    parts = (NAME, own, source, name) if own else (NAME, json.dumps(record, sort_keys=True))
    return hashlib.sha256(repr(parts).encode()).hexdigest()
