"""Team Cymru: the network (prefix and autonomous system) that an address belongs to; context, no verdict.

Reference: https://www.team-cymru.com/ip-asn-mapping. The country is where the prefix is registered.
"""

from __future__ import annotations

import time

from investigations.choices import ArtifactKind, Outcome
from investigations.providers import resolver
from investigations.providers.base import Connection, Finding, Provider, ProviderError, Reply
from investigations.providers.fields import as_asn, as_text, present

ZONES = {ArtifactKind.IPV4: "origin.asn.cymru.com", ArtifactKind.IPV6: "origin6.asn.cymru.com"}


class Cymru(Provider):
    name = "cymru"
    label = "Team Cymru"
    reputation = False
    homepage = "https://www.team-cymru.com/ip-asn-mapping"
    sends = "the address, reversed, through your DNS resolver"
    freshness = 24 * 3600

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        deadline = time.monotonic() + self.config.timeout
        origin = resolver.ask(resolver.reverse_name(value, ZONES[kind]), "TXT", self.config.timeout)
        asn = as_asn(_origin(origin.records).get("asn"))
        if asn is None:
            return origin
        try:
            system = resolver.ask(f"AS{asn}.asn.cymru.com", "TXT", max(0.1, deadline - time.monotonic()))
        except ProviderError:
            return origin  # the number without its name is an answer all the same
        return Reply(records=origin.records, rcode=origin.rcode, extra={"system": system.records})

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        if not reply.records:
            return Finding("not announced", outcome=Outcome.NOT_FOUND)
        origin = _origin(reply.records)
        asn = as_asn(origin.get("asn"))
        if asn is None:
            raise ProviderError("The answer names no network")
        prefix, country, name = origin["prefix"], origin["country"], _system_name(reply)
        where = ", ".join(part for part in (prefix, country) if part)
        facts = present(asn=asn, as_name=name, prefix=prefix, country=country)
        return Finding(
            " ".join(part for part in (f"AS{asn}", name, f"({where})" if where else "") if part), facts=facts
        )

    def probe(self) -> Connection:
        self.lookup("8.8.8.8", ArtifactKind.IPV4)
        return Connection(True, "Team Cymru answers; it needs no key")


def _origin(records: tuple[str, ...]) -> dict[str, str]:
    """The most specific announcement: `64496 64497 | 203.0.113.0/24 | NL | ripencc | 2014-03-14`."""
    rows = [[as_text(part, 50) for part in record.split("|")] for record in records if record.count("|") >= 2]
    if not rows:
        return {}
    asns, prefix, country = max(rows, key=lambda row: (_length(row[1]), row))[:3]
    return {"asn": asns.partition(" ")[0], "prefix": prefix, "country": country[:2]}


def _length(prefix: str) -> int:
    bits = prefix.rpartition("/")[2]
    return int(bits) if bits.isascii() and bits.isdecimal() else -1


def _system_name(reply: Reply) -> str:
    """The last column of `64496 | NL | ripencc | 2010-01-01 | EXAMPLE-AS - Example Hosting Ltd, NL`."""
    for record in reply.extra.get("system", ()):
        columns = record.split("|", 4)
        if len(columns) == 5:
            return as_text(columns[4])
    return ""
