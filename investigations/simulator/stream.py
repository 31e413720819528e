"""A scripted stream of alerts as Suricata sensors would write them: every persona first, then background noise."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

Record = dict[str, Any]

SENSORS = ("dmz-1", "dmz-2")
WEB_SERVER, SSH_SERVER, NAME_SERVER = "10.20.8.20", "10.20.8.22", "10.20.1.53"
SERVER_ON_IPV6 = "fd00:20:8::22"
INTERNAL_SCANNER = "10.20.4.17"
OUR_SITES = ("www.reconsoc.example", "shop.reconsoc.example")
NOISE_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
QUIET = 2.5  # mean seconds between two alerts of the background
BURST = 0.12  # share of background sources that knock on several doors
IPV6_SHARE = 0.06


class Signature(NamedTuple):
    """A rule of the sensor. `severity` 1 is the worst."""

    number: int
    name: str
    category: str
    severity: int


LEAK = "Attempted Information Leak"
SSH_SCAN = Signature(2001219, "ET SCAN Potential SSH Scan", LEAK, 2)
NMAP_SYN = Signature(2009582, "ET SCAN NMAP -sS window 1024", LEAK, 2)
MASSCAN = Signature(2017616, "ET SCAN Incoming Masscan detected", "Detection of a Network Scan", 3)
DNS_VERSION = Signature(2101616, "GPL DNS named version attempt", LEAK, 2)
SMB_SCAN = Signature(
    2001569, "ET SCAN Behavioral Unusual Port 445 traffic Potential Scan or Infection", "Misc activity", 3
)
RDP_SCAN = Signature(
    2013479,
    "ET SCAN Behavioral Unusually fast Terminal Server Traffic Potential Scan or Infection (Outbound)",
    "Misc activity",
    3,
)
PING_NMAP = Signature(2100469, "GPL ICMP_INFO PING NMAP", LEAK, 2)
HIDDEN_FILE = Signature(2031502, "ET INFO Request to Hidden Environment File - Inbound", "Web Application Attack", 1)
WEB_SCANNER = Signature(2029054, "ET SCAN Zmap User-Agent (Inbound)", "Detection of a Network Scan", 3)
PORT_SIGNATURES = {
    22: SSH_SCAN,
    445: SMB_SCAN,
    1433: Signature(2010935, "ET SCAN Suspicious inbound to MSSQL port 1433", "Potentially Bad Traffic", 2),
    3306: Signature(2010937, "ET SCAN Suspicious inbound to mySQL port 3306", "Potentially Bad Traffic", 2),
    5432: Signature(2010939, "ET SCAN Suspicious inbound to PostgreSQL port 5432", "Potentially Bad Traffic", 2),
    5900: Signature(2002911, "ET SCAN Potential VNC Scan 5900-5920", LEAK, 2),
}
NOISE_PORTS = (22, 22, 23, 80, 443, 445, 1433, 2323, 3306, 3389, 5432, 5900, 6379, 8080, 9200)
SWEPT_PORTS = (
    *(21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 465, 587, 636, 873, 993, 995),
    *(1080, 1433, 1521, 1723, 2049, 2375, 3000, 3128, 3306, 3389, 4444, 5000, 5060, 5432, 5601, 5672, 5900, 5985),
    *(6379, 6443, 7001, 8000, 8008, 8080, 8081, 8443, 8888, 9000, 9090, 9100, 9200, 9300, 10000, 11211, 15672, 27017),
)
PROBED_PATHS = ("/.env", "/.git/config", "/wp-login.php", "/actuator/health")


class Shot(NamedTuple):
    """One alert to come: what a sensor will see `offset` seconds after the start."""

    offset: float
    signature: Signature
    source: str
    target: str
    port: int | None = None  # None: ICMP
    protocol: str = "TCP"
    answers: int = 0  # packets our side sent back
    app: str = ""
    more: tuple[tuple[str, Any], ...] = ()  # further fields of the record


def demo_alerts(now: datetime, seed: int) -> Iterator[tuple[float, Record]]:
    """Endless (seconds to wait, EVE alert record); the same `now` and `seed` give the same stream.

    `now` is the aware moment at which the first wait begins; records carry the time at which they are due.
    """
    chance = random.Random(seed)
    previous = 0.0
    for shot in heapq.merge(_script(), _background(chance), key=lambda shot: shot.offset):
        yield shot.offset - previous, _record(shot, now + timedelta(seconds=shot.offset), chance)
        previous = shot.offset


def _script() -> list[Shot]:
    """All named personas within some twenty seconds."""
    shots = [
        Shot(0.5, NMAP_SYN, "198.51.100.10", WEB_SERVER, 443),
        Shot(1.5, SSH_SCAN, "203.0.113.66", SSH_SERVER, 22, answers=14, app="ssh"),
        Shot(4.0, MASSCAN, "192.0.2.200", WEB_SERVER, 8080),
        Shot(6.0, DNS_VERSION, "198.51.100.53", NAME_SERVER, 53, "UDP"),
        Shot(7.0, NMAP_SYN, "203.0.113.77", SSH_SERVER, 23),
        Shot(8.0, SSH_SCAN, "2001:db8:7::99", SERVER_ON_IPV6, 22),
        Shot(9.0, WEB_SCANNER, "192.0.2.31", WEB_SERVER, 80, answers=3, app="http", more=_http(OUR_SITES[0], "/")),
        *_web_probes(10.0, "198.51.100.99"),
        *_port_sweep(2.0, "198.51.100.214", SSH_SERVER),
        *_internal_sweep(12.0),
        *_ping_sweep(14.0, "203.0.113.77"),
        *_web_probes(18.0, "203.0.113.66"),
    ]
    return sorted(shots, key=lambda shot: shot.offset)


def _port_sweep(start: float, source: str, target: str) -> Iterator[Shot]:
    for number, port in enumerate(SWEPT_PORTS):
        yield Shot(start + number * 0.12, PORT_SIGNATURES.get(port, NMAP_SYN), source, target, port)


def _internal_sweep(start: float) -> Iterator[Shot]:
    for host in range(10, 30):
        target = f"10.20.6.{host}"
        yield Shot(start + host * 0.1, SMB_SCAN, INTERNAL_SCANNER, target, 445, answers=2 if host == 21 else 0)
        yield Shot(start + host * 0.1 + 0.03, RDP_SCAN, INTERNAL_SCANNER, target, 3389)


def _ping_sweep(start: float, source: str) -> Iterator[Shot]:
    for host in range(1, 17):
        echo = (("icmp_type", 8), ("icmp_code", 0))
        yield Shot(start + host * 0.2, PING_NMAP, source, f"10.20.8.{host}", None, "ICMP", more=echo)


def _web_probes(start: float, source: str) -> Iterator[Shot]:
    for number, path in enumerate(PROBED_PATHS):
        signature = HIDDEN_FILE if path == "/.env" else WEB_SCANNER
        request = _http(OUR_SITES[number % 2], path)
        yield Shot(start + number * 0.4, signature, source, WEB_SERVER, 80, answers=4, app="http", more=request)


def _http(site: str, path: str) -> tuple[tuple[str, Any], ...]:
    request = {
        "hostname": site,
        "url": path,
        "http_user_agent": "Mozilla/5.0 zgrab/0.x",
        "http_method": "GET",
        "protocol": "HTTP/1.1",
        "status": 404,
        "length": 162,
    }
    return (("http", request), ("tx_id", 0))


def _background(chance: random.Random) -> Iterator[Shot]:
    """What arrives at every address of the Internet all day: mostly one knock, sometimes a small sweep."""
    offset = 0.0
    while True:
        offset += chance.expovariate(1 / QUIET)
        source = _random_source(chance)
        ports = chance.choices(NOISE_PORTS, k=chance.randint(3, 12) if chance.random() < BURST else 1)
        target = SERVER_ON_IPV6 if ":" in source else f"10.20.{chance.choice((1, 8, 9))}.{chance.randint(2, 250)}"
        for port in ports:
            yield Shot(offset, PORT_SIGNATURES.get(port, NMAP_SYN), source, target, port)
            offset += 0.05


def _random_source(chance: random.Random) -> str:
    if chance.random() < IPV6_SHARE:
        return f"2001:db8:{chance.randint(0x10, 0xFFFF):x}::{chance.randint(1, 0xFF):x}"
    return f"{chance.choice(NOISE_NETWORKS)}.{chance.randint(1, 254)}"


def _record(shot: Shot, when: datetime, chance: random.Random) -> Record:
    """The EVE record: field names and order as Suricata 7 writes them."""
    ends = _ends(shot, chance)
    signature = shot.signature
    return {
        "timestamp": _eve_time(when),
        "flow_id": chance.randrange(1, 2**52),
        "in_iface": "ens3",
        "event_type": "alert",
        **ends,
        "proto": _protocol(shot),
        "ip_v": ip_address(shot.source).version,
        "pkt_src": "wire/pcap",
        **dict(shot.more),
        "alert": {
            "action": "allowed",
            "gid": 1,
            "signature_id": signature.number,
            "rev": 4,
            "signature": signature.name,
            "category": signature.category,
            "severity": signature.severity,
        },
        **({"app_proto": shot.app} if shot.app else {}),
        "direction": "to_server",
        "flow": _flow(shot, ends, when - timedelta(milliseconds=chance.randint(1, 900))),
        "host": SENSORS[chance.randrange(len(SENSORS))],
    }


def _ends(shot: Shot, chance: random.Random) -> Record:
    ends: Record = {"src_ip": _eve_address(shot.source), "dest_ip": _eve_address(shot.target)}
    if shot.port is not None:
        ends |= {"src_port": chance.randint(32768, 60999), "dest_port": shot.port}
    return ends


def _flow(shot: Shot, ends: Record, start: datetime) -> Record:
    sent = max(1, shot.answers)
    return {
        "pkts_toserver": sent,
        "pkts_toclient": shot.answers,
        "bytes_toserver": sent * 74,
        "bytes_toclient": shot.answers * 120,
        "start": _eve_time(start),
        **ends,
    }


def _protocol(shot: Shot) -> str:
    return "IPv6-ICMP" if shot.protocol == "ICMP" and ":" in shot.source else shot.protocol


def _eve_address(text: str) -> str:
    address: IPv4Address | IPv6Address = ip_address(text)
    return address.exploded  # Suricata writes IPv6 in full


def _eve_time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f%z")
