"""Spamhaus: is an address on ZEN (SBL, CSS, XBL, DROP, PBL), is a domain on DBL? Asked over DNS.

Reference: https://docs.spamhaus.com/ (return codes). Only answers of the published set count: a parked zone or a lying
resolver answers every question, and Spamhaus tells its errors as addresses too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from investigations.choices import ADDRESS_KINDS, ArtifactKind, Outcome, Strength, Verdict
from investigations.providers import resolver
from investigations.providers.base import Connection, Finding, Provider, ProviderError, Reply

ERRORS = {
    "127.0.1.255": "Spamhaus takes no addresses in its domain list",
    "127.255.255.252": "Spamhaus does not know this list: the zone's name is wrong",
    "127.255.255.254": "Spamhaus does not answer public resolvers: use a resolver of your own",
    "127.255.255.255": "Spamhaus has had too many questions from this resolver",
}


class Listing(NamedTuple):
    """What one return code means."""

    name: str
    meaning: str
    verdict: Verdict = Verdict.UNKNOWN
    strength: Strength = Strength.CONTEXT


SBL = Listing("SBL", "spam operation", Verdict.SUSPICIOUS, Strength.STRONG)
CSS = Listing("CSS", "low-reputation sender", Verdict.SUSPICIOUS, Strength.STRONG)
XBL = Listing("XBL", "exploited host", Verdict.MALICIOUS, Strength.STRONG)
DROP = Listing("DROP", "hijacked or criminal network", Verdict.MALICIOUS, Strength.DECISIVE)
PBL = Listing("PBL", "end-user range, no sign of abuse")
AUTHBL = Listing("AuthBL", "password guessing", Verdict.MALICIOUS, Strength.STRONG)
BCL = Listing("BCL", "botnet controller", Verdict.MALICIOUS, Strength.STRONG)

ADDRESS_CODES = {
    "127.0.0.2": SBL,
    "127.0.0.3": CSS,
    **{f"127.0.0.{code}": XBL for code in (4, 5, 6, 7)},
    "127.0.0.9": DROP,
    "127.0.0.10": PBL,
    "127.0.0.11": PBL,
    "127.0.0.20": AUTHBL,
    "127.0.0.30": BCL,
}
DOMAIN_CODES = {
    **{
        f"127.0.1.{code}": Listing("DBL", meaning, Verdict.MALICIOUS, Strength.STRONG)
        for code, meaning in {2: "spam domain", 4: "phishing domain", 5: "malware domain", 6: "botnet domain"}.items()
    },
    **{
        f"127.0.1.{code}": Listing("DBL", "abused legitimate domain", Verdict.SUSPICIOUS, Strength.WEAK)
        for code in range(102, 107)
    },
    **{f"127.0.2.{hours}": Listing("ZRD", f"first seen {hours} hours ago") for hours in range(2, 25)},
}
WEIGHT = {Strength.CONTEXT: 0, Strength.WEAK: 1, Strength.STRONG: 2, Strength.DECISIVE: 3}


class Spamhaus(Provider):
    name = "spamhaus"
    label = "Spamhaus"
    accepts = ADDRESS_KINDS | {ArtifactKind.DOMAIN}
    homepage = "https://www.spamhaus.org/"
    sends = "the address, reversed, or the domain, through your DNS resolver"

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        if kind == ArtifactKind.DOMAIN:
            return resolver.ask(f"{value}.dbl.spamhaus.org", "A", self.config.timeout)
        return resolver.ask(resolver.reverse_name(value, "zen.spamhaus.org"), "A", self.config.timeout)

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        codes = DOMAIN_CODES if kind == ArtifactKind.DOMAIN else ADDRESS_CODES
        listings = _listings(reply.records, codes)
        if not listings:
            return Finding("not listed", outcome=Outcome.NOT_FOUND, facts={"listed": []})
        heaviest = max(listings, key=lambda listing: WEIGHT[listing.strength])
        names = ", ".join(f"{listing.name} ({listing.meaning})" for listing in listings)
        link = f"https://check.spamhaus.org/results/?query={value}"
        return Finding(
            f"listed on {names}", heaviest.verdict, heaviest.strength, facts=_facts(reply, listings), link=link
        )

    def probe(self) -> Connection:
        """The self-test of RFC 5782: a live list contains 127.0.0.2 and does not contain 127.0.0.1."""
        listed, unlisted = (self.lookup(value, ArtifactKind.IPV4) for value in ("127.0.0.2", "127.0.0.1"))
        if listed.outcome != Outcome.OK or unlisted.outcome != Outcome.NOT_FOUND:
            return Connection(
                False, "The list fails its self-test: this resolver does not bring Spamhaus's own answers"
            )
        return Connection(True, "The list passes its self-test; it needs no key")


def _listings(records: tuple[str, ...], codes: dict[str, Listing]) -> list[Listing]:
    """The listings, each once; ProviderError if any answer is an error code or none of the published ones."""
    for record in records:
        if record in ERRORS or record.startswith("127.255.255."):
            raise ProviderError(ERRORS.get(record, "Spamhaus reports an error"))
        if record not in codes:
            raise ProviderError("The answer is none of Spamhaus's: the resolver or the zone answers everything")
    return list(dict.fromkeys(codes[record] for record in records))


def _facts(reply: Reply, listings: list[Listing]) -> dict[str, Any]:
    facts: dict[str, Any] = {"listed": list(dict.fromkeys(listing.name for listing in listings))}
    hours = [int(record.rpartition(".")[2]) for record in reply.records if record.startswith("127.0.2.")]
    return {**facts, "domain_age_days": min(hours) // 24} if hours else facts
