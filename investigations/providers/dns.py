"""DNS: the name that an address claims, whether that name leads back to it, and the addresses of a domain; context.

A reverse name is written by whoever holds the address and may claim anything. Only a name whose own forward record
leads back (RFC 1912 section 2.1) is worth believing, and worth investigating.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from investigations.choices import ADDRESS_KINDS, ArtifactKind, Outcome
from investigations.providers import resolver
from investigations.providers.base import Connection, Finding, Provider, ProviderError, Reply
from investigations.providers.fields import as_text, as_texts

MAX_NAMES = 3  # reverse names checked forward; a holder may publish thousands
FORWARD = {ArtifactKind.IPV4: "A", ArtifactKind.IPV6: "AAAA"}
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOSTNAME = re.compile(rf"(?=.{{4,253}}$)({LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")


class DNS(Provider):
    name = "dns"
    label = "DNS"
    accepts = ADDRESS_KINDS | {ArtifactKind.DOMAIN}
    reputation = False
    sends = "the address or domain, through your DNS resolver to the servers of its holder"

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        if kind == ArtifactKind.DOMAIN:
            return self.addresses(value)
        deadline = time.monotonic() + self.config.timeout
        names = resolver.ask(resolver.reverse_name(value), "PTR", self.config.timeout)
        forward = {
            name: self.forward(name, FORWARD[kind], deadline - time.monotonic()) for name in names.records[:MAX_NAMES]
        }
        return Reply(records=names.records, rcode=names.rcode, extra={"forward": forward})

    def forward(self, name: str, record: str, seconds: float) -> tuple[str, ...]:
        """The addresses of a reverse name; none if its own servers are broken, so that nobody can confirm it.

        A timeout is passed on: the name may be good, and asking again may show it.
        """
        try:
            return resolver.ask(name, record, max(0.1, seconds)).records
        except ProviderError as error:
            if error.outcome == Outcome.TIMEOUT:
                raise
            return ()

    def addresses(self, domain: str) -> Reply:
        deadline = time.monotonic() + self.config.timeout
        reply = resolver.ask(domain, "A", self.config.timeout)
        if reply.rcode == "NXDOMAIN":
            return reply
        more = resolver.ask(domain, "AAAA", max(0.1, deadline - time.monotonic()))
        return Reply(records=reply.records + more.records, rcode=reply.rcode)

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        if kind == ArtifactKind.DOMAIN:
            return _domain(reply)
        if not reply.records:
            return Finding("no reverse name", outcome=Outcome.NOT_FOUND)
        return _reverse(reply.extra.get("forward", {}), value)

    def probe(self) -> Connection:
        """Any answer will do: a resolver that answers is all there is to test."""
        resolver.ask(resolver.reverse_name("8.8.8.8"), "PTR", self.config.timeout)
        return Connection(True, "The resolver answers")


def _domain(reply: Reply) -> Finding:
    if reply.rcode == "NXDOMAIN":
        return Finding("does not exist", outcome=Outcome.NOT_FOUND)
    addresses = as_texts(list(reply.records), limit=20)
    summary = f"leads to {', '.join(addresses[:3])}" if addresses else "exists, but has no address"
    return Finding(summary, facts={"addresses": addresses})


def _reverse(forward: Mapping[str, tuple[str, ...]], value: str) -> Finding:
    """The name to show: one that leads back and is worth following, else one that leads back, else the first claim."""
    confirmed = [name.lower() for name, addresses in forward.items() if _leads_back(addresses, value)]
    telling = [name for name in confirmed if is_telling(name, value)]
    names = [name.lower() for name in forward]
    shown = as_text((telling or confirmed or names or [""])[0])
    facts: dict[str, Any] = {
        "rdns": shown,
        "rdns_confirmed": bool(confirmed),
        "names": as_texts(names, length=253),
        "confirmed": as_texts(confirmed, length=253),
    }
    if not confirmed:
        return Finding(f"claims {shown}, but that name does not lead back", facts=facts)
    return Finding(f"{shown}, confirmed forward", facts=facts, domains=tuple(telling[:1]))


def is_telling(name: str, address: str) -> bool:
    """Is the name worth an investigation of its own? Not if it is no host name, or only spells out its address."""
    if not HOSTNAME.fullmatch(name):
        return False
    octets = address.split(".")
    numbers = [number.lstrip("0") or "0" for number in re.findall(r"\d+", name)]
    runs = [numbers[start : start + 4] for start in range(len(numbers) - 3)]
    return len(octets) != 4 or (octets not in runs and octets[::-1] not in runs)


def _leads_back(addresses: tuple[str, ...], value: str) -> bool:
    """Do any of the records name the very address, however it is written?"""
    for address in addresses:
        try:
            if ip_address(address) == ip_address(value):
                return True
        except ValueError:
            continue
    return False
