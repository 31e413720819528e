"""Suricata EVE JSON: `event_type` alert becomes an AlertRecord, every other type is passed over.

Times come as `2018-03-24T14:37:19.037299-0600`, from old builds without zone. ICMP has no ports. IPv6 is written in
full. `flow_id` may be null and repeats after a restart. `alert.severity` is best at 1, and `signature_severity` in the
rule's metadata says more. `sides.py` tells who the attacker is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from investigations.artifacts import normalise_domain
from investigations.choices import Severity
from investigations.ingest.attack import techniques_for
from investigations.ingest.base import MAX_ID, MAX_PROTOCOL, MAX_SENSOR, AlertRecord, RecordError
from investigations.ingest.fields import (
    Receipt,
    address,
    moment,
    original,
    port,
    section,
    techniques,
    text,
    whole,
    words,
)
from investigations.ingest.sides import ONLY_ADDRESS, Sides, ends_of, sides_of
from investigations.ingest.signatures import Kind, kind_of

NAME = "suricata"
EVENT_TYPES = frozenset(
    {
        "alert", "anomaly", "arp", "bittorrent_dht", "dcerpc", "dhcp", "dnp3", "dns", "drop", "engine", "enip",
        "fileinfo", "flow", "frame", "ftp", "ftp_data", "http", "http2", "ike", "ikev2", "krb5", "ldap", "mdns",
        "metadata", "modbus", "mqtt", "netflow", "nfs", "packetinfo", "pgsql", "pop3", "quic", "rdp", "rfb", "sip",
        "smb", "smtp", "snmp", "ssh", "stats", "tftp", "tls", "verdict", "websocket",
    }
)  # fmt: skip
RULE_SEVERITIES = {
    "informational": Severity.INFORMATIONAL,
    "minor": Severity.LOW,
    "major": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
PRIORITIES = {1: Severity.HIGH, 2: Severity.MEDIUM, 3: Severity.LOW}
BARE_PACKET = 60  # bytes on the wire of a TCP packet without options: a refusal (RST) is not larger


def recognises(record: Mapping[str, Any]) -> bool:
    """Whether a record is EVE: a known event type, and the alert itself where it is one."""
    kind = record.get("event_type")
    if kind == "alert":
        return isinstance(record.get("alert"), dict) or "flow_id" in record
    return isinstance(kind, str) and (kind in EVENT_TYPES or "flow_id" in record)


def parse_record(record: Mapping[str, Any], raw: str, receipt: Receipt) -> AlertRecord | None:
    """One EVE record; None for a type that is no alert. Raises RecordError."""
    event_type = record.get("event_type")
    if event_type != "alert":
        if isinstance(event_type, str):
            return None
        raise RecordError("no event_type: not a Suricata EVE record")
    alert = record.get("alert")
    if not isinstance(alert, dict):
        raise RecordError("event_type is alert, but there is no alert object")
    source, destination = address(record.get("src_ip")), address(record.get("dest_ip"))
    if source is None and destination is None:
        raise RecordError("neither src_ip nor dest_ip is an address")
    return _alert(record, alert, raw, receipt, source, destination)


def _alert(
    record: Mapping[str, Any],
    alert: Mapping[str, Any],
    raw: str,
    receipt: Receipt,
    source: str | None,
    destination: str | None,
) -> AlertRecord:
    rule, category = text(alert.get("signature_id"), MAX_ID), text(alert.get("category"))
    name = text(alert.get("signature")) or (f"rule {rule}" if rule else "unnamed rule")
    ports = port(record.get("src_port")), port(record.get("dest_port"))
    protocol = text(record.get("proto"), MAX_PROTOCOL).lower()[:MAX_PROTOCOL]
    kind = kind_of(name, category)
    if source and destination:
        sides = sides_of(record, ends_of(record, source, destination, ports, protocol, receipt), kind, rule, name)
    else:
        sides = Sides(source or destination or "", None, ONLY_ADDRESS)
    from_inside, to_inside = receipt.is_inside(sides.attacker), receipt.is_inside(sides.victim)
    asks_us = (to_inside or not from_inside) and not sides.in_doubt
    metadata = section(alert.get("metadata"))
    severity, raw_severity = _severity(alert, metadata)
    happened, guessed = moment(record.get("timestamp"), receipt.received)
    return AlertRecord(
        format=NAME,
        dedup_key=_dedup_key(record, alert, source, destination, ports),
        happened=happened,
        time_guessed=guessed,
        attacker=sides.attacker,
        attacker_reason=sides.reason,
        victim=sides.victim,
        victim_port=_victim_port(sides, source, ports),
        source=source,
        source_port=ports[0],
        destination=destination,
        destination_port=ports[1],
        protocol=protocol,
        signature=name,
        signature_id=rule,
        category=category,
        severity=severity,
        raw_severity=raw_severity,
        # What one of our own asked for elsewhere is no name of ours
        domain=_domain(record) if asks_us else "",
        techniques=techniques(metadata.get("mitre_technique_id"))
        or techniques(metadata.get("mitre_attack"))
        or techniques_for(name, category, from_inside, to_inside),
        answered=_answered(record, alert, sides, protocol) if asks_us else None,
        is_recon=kind is not Kind.ATTACK,
        sensor=receipt.sensor or text(record.get("host"), MAX_SENSOR),
        raw=original(raw),
    )


def _victim_port(sides: Sides, source: str | None, ports: tuple[int | None, int | None]) -> int | None:
    """The port that was probed: where the victim listens. A client that was answered listens nowhere."""
    if sides.attacker != source:
        return ports[0] if sides.victim else None
    return None if sides.answering or sides.in_doubt else ports[1]


def _severity(alert: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[Severity, str]:
    priority = text(alert.get("severity"), 20)
    named = next(iter(words(metadata.get("signature_severity"))), "")
    if found := RULE_SEVERITIES.get(named.lower()):
        return found, f"{named} ({priority})" if priority else named
    if not priority.isdecimal() or priority == "0":
        return Severity.LOW, priority
    return PRIORITIES.get(int(priority), Severity.INFORMATIONAL), priority


def _answered(record: Mapping[str, Any], alert: Mapping[str, Any], sides: Sides, protocol: str) -> bool | None:
    """Did the victim answer? A blocked attack that was answered before, and a lone refusal-sized packet, stay open."""
    flow = section(record.get("flow"))
    packets, size = whole(flow.get("pkts_toclient")), whole(flow.get("bytes_toclient"))
    maybe_refusal = protocol == "tcp" and packets == 1 and size is not None and size <= BARE_PACKET
    status = whole(section(record.get("http")).get("status"))
    answered = sides.answering or bool(status) or (bool(packets) and not maybe_refusal)
    blocked = alert.get("action") == "blocked"
    if answered:
        return None if blocked else True
    return False if packets == 0 or (blocked and not packets) else None


def _domain(record: Mapping[str, Any]) -> str:
    """The first name in the record that is a domain, as sensors write it: Host header, SNI, DNS question."""
    for candidate in _names(record):
        if isinstance(candidate, str) and (domain := normalise_domain(_without_port(candidate))):
            return domain
    return ""


def _names(record: Mapping[str, Any]) -> Iterator[Any]:
    if "http" in record:
        yield section(record["http"]).get("hostname")
    if "tls" in record:
        yield section(record["tls"]).get("sni")
    if "dns" in record:
        dns = section(record["dns"])
        yield dns.get("rrname")
        for questions in (dns.get("query"), dns.get("queries")):
            for question in questions[:5] if isinstance(questions, list) else ():
                yield section(question).get("rrname")
    if "quic" in record:
        yield section(record["quic"]).get("sni")


def _without_port(host: str) -> str:
    name, colon, number = host.rpartition(":")
    return name if colon and number.isdigit() else host


def _dedup_key(
    record: Mapping[str, Any],
    alert: Mapping[str, Any],
    source: str | None,
    destination: str | None,
    ports: tuple[int | None, int | None],
) -> str:
    """Equal for two deliveries of one alert, whichever way and from whichever sensor name they came.

    A rule fires once for a packet or transaction of a flow, so time, flow, rule and transaction identify the alert.
    Without a time or a flow id nothing does, so then the whole record counts.
    """
    stamp, flow = text(record.get("timestamp")), text(record.get("flow_id"))
    rule = (text(alert.get("gid")), text(alert.get("signature_id")), text(record.get("tx_id")))
    kind = (text(record.get("icmp_type")), text(record.get("icmp_code")))
    whole_record = "" if stamp and flow else json.dumps(record, sort_keys=True)
    parts = (NAME, stamp, flow, rule, source, destination, ports, kind, whole_record)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
