"""Who is the attacker? The source of a packet is not always: many rules fire on what the attacked server answers.

The order of evidence, the strongest first:

1. the rule names its sides (Suricata's `target` keyword, or `hostile` in its metadata);
2. the rule is one of those known to fire on a server's answer;
3. the sensor says that the packet flows towards the client (`direction`, `flow.src_ip`, an ICMP echo reply);
4. the rule fires on a compromised host's output (a shell, `id`, `net user`) and that host is ours;
5. the ports look like an answer (from a service port to a high port) and nothing contradicts it.

What an answer means depends on the two sides. For a scan, or where one of our hosts answered somebody outside, the
attacker is who opened the connection. A rule for malware or a policy that fires on what an *outside* server sends
means that server, so the source stays. Ports alone never turn an outside source into a victim, because scanners
choose port 53 or 80 as their source to pass firewalls; the reason then says that it is only probable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from investigations.ingest.fields import Receipt, address, section, whole, words
from investigations.ingest.signatures import ANSWER_RULES, Kind, is_answer, is_victims_output

SOURCE = "source address"
OWN_SOURCE = "source address (one of our own)"
NAMED = "rule names its target"
HOSTILE = "rule names the hostile side"
KNOWN_ANSWER = "rule fires on the server's answer (known rule)"
TO_CLIENT = "fires on the server's answer (flow towards the client)"
TO_CLIENT_KEPT = "source address; it answered a client of ours (flow towards the client)"
OUTPUT = "fires on what the attacked host sends out"
OWN_ANSWER = "our side answered from port {port}, so the other side began"
PROBABLE_SWAP = "probable: the source answers from port {port}, so the destination began"
PROBABLE = "probable: answer side by ports ({port} to {other}); not swapped"
ONLY_ADDRESS = "the only address in the alert"

HIGH_PORT = 1024
SERVICE_PORTS = frozenset({1433, 1521, 3306, 3389, 5060, 5432, 5900, 6379, 8080, 8443, 9200, 11211, 27017})
ECHO_REPLIES = {"icmp": 0, "ipv6-icmp": 129}


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of the packet that the rule fired on."""

    source: str
    destination: str
    source_port: int | None
    destination_port: int | None
    protocol: str
    source_inside: bool
    destination_inside: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """Who attacked whom, and why we think so. `answering`: the packet is known to flow towards the client."""

    attacker: str
    victim: str | None
    reason: str
    answering: bool = False
    in_doubt: bool = False  # kept, though the ports say that the other side began: nothing follows from port or answer


def sides_of(record: Mapping[str, Any], ends: Ends, kind: Kind, rule: str, name: str) -> Sides:
    """Attacker and victim of a Suricata alert; `rule` is its signature id."""
    alert = section(record.get("alert"))
    return (
        _named(alert, ends)
        or _known_answer(record, ends, rule)
        or _towards_client(record, ends, kind, name)
        or _by_ports(record, ends, kind, name)
        or Sides(ends.source, ends.destination, OWN_SOURCE if ends.source_inside else SOURCE)
    )


def ends_of(record: Mapping[str, Any], source: str, destination: str, ports: tuple[int | None, int | None],
            protocol: str, receipt: Receipt) -> Ends:  # fmt: skip
    """The ends of a record's packet with the side that each is on."""
    return Ends(source, destination, *ports, protocol, receipt.is_inside(source), receipt.is_inside(destination))


def _kept(ends: Ends, reason: str, answering: bool = False) -> Sides:
    return Sides(ends.source, ends.destination, reason, answering)


def _swapped(ends: Ends, reason: str) -> Sides:
    return Sides(ends.destination, ends.source, reason, answering=True)


def _named(alert: Mapping[str, Any], ends: Ends) -> Sides | None:
    if "source" in alert or "target" in alert:
        attacker = address(section(alert.get("source")).get("ip"))
        victim = address(section(alert.get("target")).get("ip"))
        if attacker == ends.destination or (attacker is None and victim == ends.source):
            return _swapped(ends, NAMED)
        if attacker == ends.source or (attacker is None and victim == ends.destination):
            return _kept(ends, NAMED)
    hostile = words(section(alert.get("metadata")).get("hostile"))
    if "src_ip" in hostile:
        return _kept(ends, HOSTILE)
    return _swapped(ends, HOSTILE) if "dest_ip" in hostile or "dst_ip" in hostile else None


def _known_answer(record: Mapping[str, Any], ends: Ends, rule: str) -> Sides | None:
    if rule in ANSWER_RULES and record.get("direction") != "to_server":
        return _swapped(ends, KNOWN_ANSWER)
    return None


def _flows_to_client(record: Mapping[str, Any], ends: Ends) -> bool | None:
    """Whether the packet is certain to flow towards the client, or certain not to; None: the record does not tell."""
    flow = section(record.get("flow"))
    initiator = address(flow.get("src_ip"))
    if initiator and ends.source != ends.destination and initiator in (ends.source, ends.destination):
        return initiator == ends.destination
    direction = record.get("direction")
    if direction in ("to_client", "to_server"):
        return bool(direction == "to_client")
    if ends.protocol in ECHO_REPLIES and record.get("icmp_type") == ECHO_REPLIES[ends.protocol]:
        return True
    return False if whole(flow.get("pkts_toclient")) == 0 else None


def _towards_client(record: Mapping[str, Any], ends: Ends, kind: Kind, name: str) -> Sides | None:
    to_client = _flows_to_client(record, ends)
    from_outside = not ends.source_inside and ends.destination_inside
    if ends.source_inside and is_victims_output(name):
        return _swapped(ends, OUTPUT)
    if not to_client:
        return None
    our_answer = ends.source_inside and not ends.destination_inside
    among_us = ends.source_inside and ends.destination_inside and kind is Kind.OTHER
    if kind is Kind.SCAN or our_answer or among_us or (is_answer(name) and not from_outside):
        return _swapped(ends, TO_CLIENT)
    return _kept(ends, TO_CLIENT_KEPT if from_outside else SOURCE, answering=True)


def _by_ports(record: Mapping[str, Any], ends: Ends, kind: Kind, name: str) -> Sides | None:
    port, other = ends.source_port, ends.destination_port
    if port is None or other is None or not _is_service(port) or _is_service(other):
        return None
    if _flows_to_client(record, ends) is not None:
        return None
    if ends.source_inside and not ends.destination_inside:
        return _swapped(ends, OWN_ANSWER.format(port=port))
    answered = whole(section(record.get("flow")).get("pkts_toclient"))
    began = (bool(answered) and kind is not Kind.ATTACK) or is_answer(name)
    if ends.source_inside and ends.protocol == "tcp" and began:
        return _swapped(ends, PROBABLE_SWAP.format(port=port))
    # A scan may well come from port 53 or 443; anything else from there is most likely an answer
    in_doubt = kind is not Kind.SCAN
    return Sides(ends.source, ends.destination, PROBABLE.format(port=port, other=other), in_doubt=in_doubt)


def _is_service(port: int) -> bool:
    return 0 < port < HIGH_PORT or port in SERVICE_PORTS
