"""Who lives in the simulated Internet: every address has a persona that all simulated providers agree on.

The named personas below are what the documentation, the demo and the tests talk about. Every other address gets
an archetype chosen by a hash of the address, so that random traffic has variety and a second run sees the same world.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address


@dataclass(frozen=True, slots=True)
class Reports:
    """What AbuseIPDB's community has reported. `categories` are AbuseIPDB's numbers (14 port scan, 22 SSH ...)."""

    score: int = 0  # abuse confidence, percent
    total: int = 0
    reporters: int = 0
    hours_ago: int = 3
    categories: tuple[int, ...] = (14,)
    tor: bool = False
    whitelisted: bool | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """What GreyNoise's sensors have seen. `tags` are (slug, name, category, intention)."""

    classification: str
    actor: str = "unknown"
    tags: tuple[tuple[str, str, str, str], ...] = ()
    ports: tuple[int, ...] = (22,)
    hours_ago: int = 2
    bot: bool = False
    tor: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A business service as GreyNoise knows it; trust level "1" may reasonably be ignored, "2" is commonly seen."""

    name: str
    category: str
    trust_level: str = "1"


@dataclass(frozen=True, slots=True)
class Engines:
    """How many VirusTotal engines said what; all zero means that nobody ever analysed it."""

    malicious: int = 0
    suspicious: int = 0
    harmless: int = 0
    undetected: int = 0
    reputation: int = 0


@dataclass(frozen=True, slots=True)
class Exposure:
    """What InternetDB has found open on the address itself."""

    ports: tuple[int, ...]
    tags: tuple[str, ...] = ()
    cpes: tuple[str, ...] = ()
    vulnerabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Persona:
    """One address as all providers see it. None means that this provider has never seen it."""

    address: str
    story: str
    reverse_name: str = ""  # "{address}" stands for the address with dashes
    leads_to: str = ""  # where the reverse name leads; empty: back to the address, so it is confirmed
    reports: Reports = Reports()
    noise: Noise | None = None
    service: Service | None = None
    engines: Engines = Engines()
    exposure: Exposure | None = None
    block_list: tuple[str, ...] = ()  # answers of Spamhaus ZEN
    announced: bool = True  # in the routing table, as Team Cymru sees it


@dataclass(frozen=True, slots=True)
class DomainPersona:
    """One domain as all providers see it; names below it share its reputation."""

    name: str
    engines: Engines
    age_days: int = 2900
    addresses: tuple[str, ...] = ()
    category: str = ""
    block_list: tuple[str, ...] = ()  # answers of Spamhaus DBL


MIRAI = ("mirai", "Mirai", "worm", "malicious")
SSH_BRUTEFORCER = ("ssh-bruteforcer", "SSH Bruteforcer", "activity", "malicious")
SMB_CRAWLER = ("smbv1-scanner", "SMBv1 Crawler", "activity", "suspicious")
WEB_CRAWLER = ("web-crawler", "Web Crawler", "activity", "unknown")
XBL, CSS, PBL = "127.0.0.4", "127.0.0.3", "127.0.0.10"
DBL_PHISH, DBL_MALWARE = "127.0.1.4", "127.0.1.5"

NAMED = (
    Persona(
        "203.0.113.66",
        "malicious scanner: a Mirai bot on a rented server, known to everybody",
        reverse_name="vps66.hosting.example",
        reports=Reports(100, 412, 97, hours_ago=1, categories=(14, 18, 22, 23)),
        noise=Noise("malicious", tags=(MIRAI, SSH_BRUTEFORCER), ports=(22, 23, 2323), bot=True),
        engines=Engines(malicious=12, suspicious=2, harmless=53, undetected=27, reputation=-14),
        exposure=Exposure(
            (22, 80, 2323), ("cloud", "self-signed"), ("cpe:/a:openbsd:openssh:8.9p1",), ("CVE-2023-38408",)
        ),
        block_list=(XBL,),
    ),
    Persona(
        "198.51.100.10",
        "benign census scanner: reported by hundreds, and yet harmless",
        reverse_name="scan-10.census.example",
        reports=Reports(0, 1890, 220, hours_ago=1, whitelisted=True),
        noise=Noise("benign", actor="Example Internet Census", ports=(22, 80, 443, 3389)),
        engines=Engines(harmless=63, undetected=31, reputation=523),
        exposure=Exposure((80,), ("scanner",)),
    ),
    Persona(
        "198.51.100.214",
        "impostor: its reverse name claims to be the census, but that name leads elsewhere",
        reverse_name="scan-214.census.example",
        leads_to="198.51.100.21",
        reports=Reports(12, 5, 3, hours_ago=20),
        engines=Engines(harmless=58, undetected=36),
    ),
    Persona("192.0.2.200", "never seen anywhere by anybody", announced=False),
    Persona(
        "198.51.100.99",
        "Tor exit node: anybody may be behind it",
        reverse_name="tor-exit.example",
        reports=Reports(100, 2310, 240, hours_ago=0, categories=(14, 18, 21), tor=True),
        noise=Noise("suspicious", tags=(WEB_CRAWLER,), ports=(80, 443), tor=True),
        engines=Engines(malicious=2, suspicious=1, harmless=55, undetected=36, reputation=-3),
        exposure=Exposure((443, 9001), ("tor",)),
    ),
    Persona(
        "198.51.100.53",
        "public DNS resolver: a business service that everybody talks to",
        reverse_name="dns.example",
        reports=Reports(0, 31, 12, hours_ago=30, whitelisted=True),
        service=Service("Example Public DNS", "public_dns"),
        engines=Engines(harmless=70, undetected=24, reputation=180),
        exposure=Exposure((53, 443, 853)),
    ),
    Persona(
        "203.0.113.77",
        "weak reports: six complaints from four people and one engine",
        reports=Reports(23, 6, 4, hours_ago=70),
        engines=Engines(malicious=1, harmless=53, undetected=40),
    ),
    Persona(
        "192.0.2.31",
        "clean address with a bad name: its confirmed reverse name is a phishing domain",
        reverse_name="login-verify.example",
        engines=Engines(harmless=60, undetected=34),
        exposure=Exposure((80, 443), ("cloud",)),
    ),
    Persona(
        "2001:db8:7::99",
        "malicious scanner on IPv6",
        reverse_name="vps99.hosting.example",
        reports=Reports(92, 58, 31, hours_ago=2, categories=(14, 22)),
        engines=Engines(malicious=5, suspicious=1, harmless=48, undetected=40, reputation=-6),
        block_list=(XBL,),
    ),
)

DOMAINS = (
    DomainPersona(
        "login-verify.example",
        Engines(malicious=15, suspicious=1, harmless=48, undetected=30, reputation=-21),
        age_days=21,
        category="phishing and fraud",
        block_list=(DBL_PHISH,),
    ),
    DomainPersona(
        "malicious.example",
        Engines(malicious=15, suspicious=1, harmless=48, undetected=30, reputation=-18),
        age_days=50,
        addresses=("203.0.113.66",),
        category="malicious web sites",
        block_list=(DBL_MALWARE,),
    ),
    DomainPersona(
        "new-shop.example",
        Engines(harmless=12, undetected=82),
        age_days=3,
        addresses=("192.0.2.32",),
        category="newly registered websites",
    ),
    DomainPersona("hosting.example", Engines(harmless=66, undetected=28)),
    DomainPersona("census.example", Engines(harmless=71, undetected=23, reputation=40), category="research"),
    DomainPersona("dns.example", Engines(harmless=80, undetected=14, reputation=210)),
    DomainPersona("tor-exit.example", Engines(suspicious=1, harmless=50, undetected=43), category="anonymizers"),
    DomainPersona("broadband.example", Engines(harmless=64, undetected=30)),
)

# (share, persona): what an address without a name of its own is like; the shares add up to 100.
ARCHETYPES = (
    (
        44,
        Persona(
            "",
            "background noise: scans everybody, nobody knows why",
            reverse_name="host-{address}.broadband.example",
            reports=Reports(8, 3, 2, hours_ago=40),
            noise=Noise("unknown", tags=(WEB_CRAWLER,), ports=(23, 80, 8080)),
            engines=Engines(harmless=55, undetected=39),
            block_list=(PBL,),
        ),
    ),
    (
        22,
        Persona(
            "",
            "a few weak reports",
            reverse_name="host-{address}.hosting.example",
            reports=Reports(28, 9, 4, hours_ago=60, categories=(14, 18)),
            noise=Noise("suspicious", tags=(SMB_CRAWLER,), ports=(445,)),
            engines=Engines(malicious=1, harmless=54, undetected=39),
        ),
    ),
    (9, Persona("", "never seen by anybody", reverse_name="host-{address}.broadband.example")),
    (
        15,
        Persona(
            "",
            "malicious scanner",
            reverse_name="vps-{address}.hosting.example",
            reports=Reports(96, 140, 38, hours_ago=4, categories=(14, 18, 22)),
            noise=Noise("malicious", tags=(SSH_BRUTEFORCER,), ports=(22, 2222), bot=True),
            engines=Engines(malicious=8, suspicious=1, harmless=50, undetected=35, reputation=-8),
            exposure=Exposure((22, 2222), ("cloud",), ("cpe:/a:openbsd:openssh:7.4",)),
            block_list=(XBL, CSS),
        ),
    ),
    (
        10,
        Persona(
            "",
            "benign census scanner",
            reverse_name="scan-{address}.census.example",
            reports=Reports(0, 640, 110, hours_ago=2, whitelisted=True),
            noise=Noise("benign", actor="Example Internet Census", ports=(22, 80, 443)),
            engines=Engines(harmless=63, undetected=31, reputation=60),
            exposure=Exposure((80,), ("scanner",)),
        ),
    ),
)

_BY_ADDRESS = {persona.address: persona for persona in NAMED}
_BY_DOMAIN = {domain.name: domain for domain in DOMAINS}


@lru_cache(maxsize=65536)
def persona_of(address: IPv4Address | IPv6Address) -> Persona:
    """The persona of an address: its own if it has one, else an archetype by hash."""
    return _BY_ADDRESS.get(str(address)) or _archetype_of(address)


def domain_of(name: str) -> DomainPersona | None:
    """The persona of a domain name or of the nearest domain above it; None if nobody has ever heard of it."""
    labels = name.split(".")
    above = (_BY_DOMAIN.get(".".join(labels[start:])) for start in range(len(labels)))
    return next((domain for domain in above if domain), None)


def addresses_of(name: str) -> tuple[str, ...]:
    """Where a name leads, whichever persona owns it; empty if the name does not exist."""
    for persona in NAMED:
        if persona.reverse_name == name:
            return (persona.leads_to or persona.address,)
    if domain := _BY_DOMAIN.get(name):
        return domain.addresses
    address = _address_in(name)
    return (str(address),) if address and persona_of(address).reverse_name == name else ()


def _archetype_of(address: IPv4Address | IPv6Address) -> Persona:
    digest = hashlib.blake2b(address.packed, digest_size=8).digest()
    draw = int.from_bytes(digest[:4], "big") % 100
    for share, archetype in ARCHETYPES:
        if draw < share:
            return _settle(archetype, address, digest[4])
        draw -= share
    raise AssertionError("the shares of the archetypes add up to 100")


def _settle(archetype: Persona, address: IPv4Address | IPv6Address, variation: int) -> Persona:
    """An archetype at an address of its own; `variation` (0-255) makes the numbers differ from its neighbours'."""
    reports = archetype.reports
    if reports.total:
        extra = reports.total * variation // 255
        reports = replace(reports, total=reports.total + extra, reporters=reports.reporters + extra // 4)
    name = archetype.reverse_name.format(address=str(address).replace(":", "-").replace(".", "-"))
    return replace(archetype, address=str(address), reverse_name=name, reports=reports)


def _address_in(name: str) -> IPv4Address | IPv6Address | None:
    """The address spelled with dashes in the first label, as in `host-192-0-2-7.broadband.example`."""
    spelled = name.partition(".")[0].partition("-")[2]
    for separator in (".", ":"):
        try:
            return ip_address(spelled.replace("-", separator))
        except ValueError:
            continue
    return None
