"""Who announces which addresses in the simulated Internet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network


@dataclass(frozen=True, slots=True)
class Network:
    """One announced prefix and its operator; the numbers are those reserved for documentation (RFC 5398)."""

    prefix: IPv4Network | IPv6Network
    number: int
    handle: str
    owner: str
    domain: str
    country: str
    country_name: str
    usage: str
    registry: str = "ripencc"
    allocated: str = "2014-03-14"


_HOSTING = (64496, "EXAMPLE-HOSTING", "Example Hosting Ltd", "hosting.example", "NL", "Netherlands")
_DATA_CENTER = "Data Center/Web Hosting/Transit"

NETWORKS = (
    Network(ip_network("203.0.113.0/24"), *_HOSTING, _DATA_CENTER),
    Network(ip_network("2001:db8::/32"), *_HOSTING, _DATA_CENTER),
    Network(
        ip_network("198.51.100.0/24"),
        64497,
        "EXAMPLE-CARRIER",
        "Example Carrier AB",
        "carrier.example",
        "SE",
        "Sweden",
        "Commercial",
    ),
    Network(
        ip_network("192.0.2.0/24"),
        64498,
        "EXAMPLE-BROADBAND",
        "Example Broadband GmbH",
        "broadband.example",
        "DE",
        "Germany",
        "Fixed Line ISP",
    ),
)
_ELSEWHERE = (64499, "EXAMPLE-TRANSIT", "Example Transit Inc.", "transit.example", "US", "United States of America")

BY_NUMBER = {network.number: network for network in NETWORKS}


def network_of(address: IPv4Address | IPv6Address) -> Network:
    """The network an address belongs to; addresses outside the table belong to a transit provider."""
    for network in NETWORKS:
        if address in network.prefix:
            return network
    length = 24 if address.version == 4 else 48
    return Network(ip_network((address, length), strict=False), *_ELSEWHERE, _DATA_CENTER, registry="arin")


def is_routable(address: IPv4Address | IPv6Address) -> bool:
    """Public as the simulated Internet sees it: here the documentation ranges are real places."""
    return address.is_global or any(address in network.prefix for network in NETWORKS)
