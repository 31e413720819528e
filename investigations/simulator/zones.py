"""The simulated DNS: one function from a question to its records. Pure; the transport is in dns.py."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

import dns.exception
import dns.name
import dns.reversename

from investigations.simulator.networks import BY_NUMBER, is_routable, network_of
from investigations.simulator.personas import addresses_of, domain_of, persona_of

MARK = "simulated.reconsoc.invalid"  # TXT "1": a client can tell that this resolver is the simulator
ZEN, DBL = ".zen.spamhaus.org", ".dbl.spamhaus.org"
ORIGIN, ORIGIN6, ASN = ".origin.asn.cymru.com", ".origin6.asn.cymru.com", ".asn.cymru.com"
REVERSE, REVERSE6 = ".in-addr.arpa", ".ip6.arpa"

# RFC 5782 section 5: a living list lists 127.0.0.2 and does not list 127.0.0.1.
ZEN_SELF_TEST = ("127.0.0.2", "127.0.0.4", "127.0.0.10")
DBL_SELF_TESTS = {"test": ("127.0.1.2",), "dbltest.com": ("127.0.1.2",)}
DBL_ADDRESS_QUERY = ("127.0.1.255",)  # "IP queries prohibited": an error, not a listing


class Zone(NamedTuple):
    """What there is at one name. `records` by type; None: the name does not exist."""

    provider: str  # whose business the question is
    value: str  # the artifact in it
    records: Mapping[str, tuple[str, ...]] | None


def look_up(name: str) -> Zone:
    """What there is at `name` (lower case, no dot at the end)."""
    if name == MARK:
        return Zone("dns", "", {"TXT": ("1",)})
    if name.endswith(ZEN):
        return _zen(name.removesuffix(ZEN))
    if name.endswith(DBL):
        return _dbl(name.removesuffix(DBL))
    if name.endswith(ASN):
        return _cymru(name)
    if name.endswith(REVERSE):
        return _reverse(_address(name.removesuffix(REVERSE), 4), name)
    if name.endswith(REVERSE6):
        return _reverse(_address(name.removesuffix(REVERSE6), 6), name)
    return Zone("dns", name, _forward(name))


def _zen(reversed_text: str) -> Zone:
    address = _address(reversed_text)
    if address is None:
        return Zone("spamhaus", reversed_text, None)
    if address == IPv4Address("127.0.0.2"):
        codes: tuple[str, ...] = ZEN_SELF_TEST
    else:
        codes = persona_of(address).block_list if is_routable(address) else ()
    explanation = (f"https://check.spamhaus.org/query/ip/{address}",)
    return Zone("spamhaus", str(address), {"A": codes, "TXT": explanation} if codes else None)


def _dbl(name: str) -> Zone:
    domain = domain_of(name)
    codes = DBL_SELF_TESTS.get(name) or (domain.block_list if domain else ())
    if _is_address(name):
        codes = DBL_ADDRESS_QUERY
    explanation = (f"https://check.spamhaus.org/query/domain/{name}",)
    return Zone("spamhaus", name, {"A": codes, "TXT": explanation} if codes else None)


def _cymru(name: str) -> Zone:
    if name.endswith(ORIGIN):
        return _origin(_address(name.removesuffix(ORIGIN), 4), name)
    if name.endswith(ORIGIN6):
        return _origin(_address(name.removesuffix(ORIGIN6), 6), name)
    label = name.removesuffix(ASN)
    number = label.removeprefix("as")
    network = BY_NUMBER.get(int(number)) if number.isdecimal() and len(number) < 11 else None
    if network is None:
        return Zone("cymru", label, None)
    parts = (network.number, network.country, network.registry, network.allocated)
    line = f"{' | '.join(map(str, parts))} | {network.handle} - {network.owner}, {network.country}"
    return Zone("cymru", label, {"TXT": (line,)})


def _origin(address: IPv4Address | IPv6Address | None, name: str) -> Zone:
    if address is None:
        return Zone("cymru", name, None)
    if not is_routable(address) or not persona_of(address).announced:
        return Zone("cymru", str(address), None)
    network = network_of(address)
    parts = (network.number, network.prefix, network.country, network.registry, network.allocated)
    return Zone("cymru", str(address), {"TXT": (" | ".join(map(str, parts)),)})


def _reverse(address: IPv4Address | IPv6Address | None, name: str) -> Zone:
    if address is None:
        return Zone("dns", name, None)
    reverse_name = persona_of(address).reverse_name if is_routable(address) else ""
    return Zone("dns", str(address), {"PTR": (f"{reverse_name}.",)} if reverse_name else None)


def _forward(name: str) -> dict[str, tuple[str, ...]] | None:
    addresses = addresses_of(name)
    if not addresses:
        domain = domain_of(name)
        return {} if domain and domain.name == name else None
    return {
        "A": tuple(address for address in addresses if ":" not in address),
        "AAAA": tuple(address for address in addresses if ":" in address),
    }


def _address(reversed_text: str, version: int | None = None) -> IPv4Address | IPv6Address | None:
    """The address that is spelled backwards, four numbers or 32 nibbles; None if it is not one of that version."""
    arpa = REVERSE if reversed_text.count(".") == 3 else REVERSE6
    try:
        address = ip_address(dns.reversename.to_address(dns.name.from_text(reversed_text + arpa)))
    except (dns.exception.DNSException, ValueError):
        return None
    return address if version in (None, address.version) else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
