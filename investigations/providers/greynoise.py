"""GreyNoise: who scans the whole Internet, with what intent, and which addresses belong to common services.

Reference: https://docs.greynoise.io/reference/v3ip. Free plans answer 206: some fields are withheld, not the verdict.
"""

from __future__ import annotations

from typing import Any

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Connection, Finding, ProviderError, Reply
from investigations.providers.fields import (
    as_asn,
    as_bool,
    as_date,
    as_int,
    as_list,
    as_object,
    as_text,
    present,
)
from investigations.providers.http_provider import HttpProvider, segment
from investigations.providers.replies import json_body, refuse

OPINIONS = {
    "malicious": (Verdict.MALICIOUS, Strength.DECISIVE),
    "suspicious": (Verdict.SUSPICIOUS, Strength.STRONG),
    "benign": (Verdict.BENIGN, Strength.STRONG),
}
NO_OPINION = (Verdict.UNKNOWN, Strength.CONTEXT)
NAMED_TAGS = 3  # in the summary
NAMELESS = frozenset({"", "unknown", "n/a"})


class GreyNoise(HttpProvider):
    name = "greynoise"
    label = "GreyNoise"
    accepts = frozenset({ArtifactKind.IPV4})
    needs_key = True
    key_header = "key"
    homepage = "https://www.greynoise.io/"
    base_url = "https://api.greynoise.io"
    freshness = 12 * 3600
    per_day = 50

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        return self.get(f"/v3/ip/{segment(value)}")

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        refuse(reply, accepted=(200, 206, 404))
        body = json_body(reply)
        link = f"https://viz.greynoise.io/ip/{value}"
        if reply.status == 404:
            return _not_found(link)
        scanner = as_object(body.get("internet_scanner_intelligence"))
        service = as_object(body.get("business_service_intelligence"))
        found = as_bool(scanner.get("found"))
        if found is None:
            raise ProviderError("The answer does not say whether the address was seen")
        facts = {**_service_facts(service), **(_scanner_facts(scanner) if found else {"noise_seen": False})}
        if found:
            classification = as_text(scanner.get("classification")).lower()
            verdict, strength = OPINIONS.get(classification, NO_OPINION)
            return Finding(_summary(classification, facts), verdict, strength, facts=facts, link=link)
        if "business_service" in facts:
            return _business_service(facts, link)
        return _not_found(link)

    def probe(self) -> Connection:
        """The lookup of this API that needs a key and costs nothing."""
        reply = self.get("/ping")
        refuse(reply)
        body = json_body(reply)
        plan, until = as_text(body.get("offering"), 60), as_date(body.get("expiration"))
        words = ["The key works", f"plan {plan}" if plan else "", f"until {until}" if until else ""]
        return Connection(True, "; ".join(word for word in words if word), reply.status, plan)


def _not_found(link: str) -> Finding:
    return Finding("never seen scanning", outcome=Outcome.NOT_FOUND, facts={"noise_seen": False}, link=link)


def _business_service(facts: dict[str, Any], link: str) -> Finding:
    """Trust level 1 is "reasonably ignore"; a source address can be forged, so it weighs little alone."""
    words = f"not seen scanning; belongs to {facts['business_service']}"
    if facts.get("trust_level") == 1:
        return Finding(words, Verdict.BENIGN, Strength.WEAK, facts=facts, link=link)
    return Finding(words, facts=facts, link=link)


def _service_facts(service: dict[str, Any]) -> dict[str, Any]:
    if not as_bool(service.get("found")):
        return {}
    name = as_text(service.get("name")) or "a common business service"
    return present(business_service=name, trust_level=as_int(service.get("trust_level"), high=9))


def _scanner_facts(scanner: dict[str, Any]) -> dict[str, Any]:
    metadata = as_object(scanner.get("metadata"))
    actor = as_text(scanner.get("actor"))
    names = (as_text(as_object(tag).get("name"), 100) for tag in as_list(scanner.get("tags"), 20))
    return present(
        noise_seen=True,
        actor="" if actor.lower() in NAMELESS else actor,
        tags=list(dict.fromkeys(name for name in names if name)),
        sensors=as_int(metadata.get("sensor_count")),
        first_seen=as_date(scanner.get("first_seen")),
        last_seen=as_date(scanner.get("last_seen")),
        spoofable=as_bool(scanner.get("spoofable")),
        tor=as_bool(scanner.get("tor")),
        vpn=as_bool(scanner.get("vpn")),
        asn=as_asn(metadata.get("asn")),
        as_name=as_text(metadata.get("organization")),
        country=as_text(metadata.get("source_country_code"), 2),
    )


def _summary(classification: str, facts: dict[str, Any]) -> str:
    """For example: malicious: Mirai, SSH Bruteforcer; seen by 214 sensors, last 2025-11-04."""
    opinion = classification if classification in OPINIONS else "intent unknown"
    named = [*([facts["actor"]] if "actor" in facts else []), *facts.get("tags", [])][:NAMED_TAGS]
    seen = [
        f"seen by {facts['sensors']} sensors" if facts.get("sensors") else "seen scanning",
        f"last {facts['last_seen']}" if "last_seen" in facts else "",
    ]
    return f"{opinion}{': ' if named else ''}{', '.join(named)}; {', '.join(word for word in seen if word)}"
