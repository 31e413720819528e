"""Where a connection may go: an address is judged by what it leads to, not by how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

NAT64 = IPv6Network("64:ff9b::/96")
COMPATIBLE = IPv6Network("::/96")
# Not public either, but global in the eyes of `ipaddress`: documentation (RFC 9637) and the retired 6to4 relays
ALSO_SPECIAL: tuple[Network, ...] = (IPv6Network("3fff::/20"), IPv4Network("192.88.99.0/24"))


def unwrapped(address: Address) -> Address:
    """The address that is really reached: IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4, Teredo) is taken out."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Is this an ordinary host on the Internet?"""
    real = unwrapped(address)
    if not real.is_global or real.is_multicast or real.is_reserved:
        return False
    if isinstance(real, IPv6Address) and real.is_site_local:
        return False
    return not any(real in network for network in ALSO_SPECIAL)


def may_connect(address: Address, *, networks: Iterable[Network] = (), loopback: bool = False) -> bool:
    """May a provider live at this address? Public ones may; `networks` are those that the deployment has opened.

    Link-local addresses (where clouds keep their credentials) stay closed whatever the deployment says.
    """
    real = unwrapped(address)
    if real.is_multicast or real.is_link_local or real.is_unspecified:
        return False
    if real.is_loopback and loopback:
        return True
    return is_public(real) or any(real in network for network in networks)


def parsed(text: str) -> Address | None:
    """The address that `text` is, or None."""
    try:
        return ip_address(text)
    except ValueError:
        return None
