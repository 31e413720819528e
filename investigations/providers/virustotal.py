"""VirusTotal: how many security vendors call an address or a domain malicious.

Reference: https://docs.virustotal.com/reference/ip-info and /domain-info.
"""

from __future__ import annotations

from typing import Any

from investigations.choices import ADDRESS_KINDS, ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Connection, Finding, ProviderError, Reply
from investigations.providers.fields import as_asn, as_date, as_int, as_object, as_text, as_texts, present
from investigations.providers.http_provider import HttpProvider, segment
from investigations.providers.replies import json_body, refuse, retry_after

MALICIOUS_FROM = 3  # engines: one or two are wrong often enough
WAIT = 60.0  # seconds; VirusTotal does not say how long, and its shortest window is a minute
MAX_ENGINES = 1000


class VirusTotal(HttpProvider):
    name = "virustotal"
    label = "VirusTotal"
    accepts = ADDRESS_KINDS | {ArtifactKind.DOMAIN}
    needs_key = True
    key_header = "x-apikey"
    homepage = "https://www.virustotal.com/"
    base_url = "https://www.virustotal.com"
    sends = "the address or domain"
    freshness = 12 * 3600
    per_minute = 4
    per_day = 500

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        collection = "domains" if kind == ArtifactKind.DOMAIN else "ip_addresses"
        return self.get(f"/api/v3/{collection}/{segment(value)}")

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        refuse_quota(reply)
        refuse(reply, accepted=(200, 404))
        body = json_body(reply)
        link = f"https://www.virustotal.com/gui/{'domain' if kind == ArtifactKind.DOMAIN else 'ip-address'}/{value}"
        if reply.status == 404:
            return Finding("not known", outcome=Outcome.NOT_FOUND, link=link)
        attributes = as_object(as_object(body.get("data")).get("attributes"))
        facts = _facts(attributes, _stats(attributes))
        if not facts["engines_total"]:
            return Finding("never analysed", outcome=Outcome.NOT_FOUND, facts=facts, link=link)
        verdict, strength = _opinion(facts["engines_malicious"], facts["engines_suspicious"])
        summary = f"{facts['engines_malicious']} of {facts['engines_total']} engines call it malicious"
        if facts["engines_suspicious"]:
            summary += f", {facts['engines_suspicious']} suspicious"
        return Finding(summary, verdict, strength, facts=facts, link=link)

    def probe(self) -> Connection:
        """A lookup of a well-known address, which counts as one: the calls for the quota carry the key in their URL."""
        reply = self.fetch("8.8.8.8", ArtifactKind.IPV4)
        self.interpret(reply, "8.8.8.8", ArtifactKind.IPV4)
        return Connection(True, "The key works (the test counts as one lookup)", reply.status)


def refuse_quota(reply: Reply) -> None:
    """Both reasons for a 429: our quota of the minute, day or month, or VirusTotal being busy as a whole."""
    if reply.status != 429:
        return
    try:
        code = as_text(as_object(json_body(reply).get("error")).get("code"))
    except ProviderError:
        code = ""
    words = "VirusTotal is busy" if code == "TooManyRequestsError" else "The key's quota is used up for now"
    raise ProviderError(words, outcome=Outcome.THROTTLED, retry_after=retry_after(reply) or WAIT)


def _stats(attributes: dict[str, Any]) -> dict[str, int]:
    """How many engines gave each result; without it the answer is none."""
    stats = attributes.get("last_analysis_stats")
    if not isinstance(stats, dict):
        raise ProviderError("The answer holds no results")
    counts = {name: as_int(count, high=MAX_ENGINES) for name, count in list(stats.items())[:20]}
    if counts.get("malicious") is None:
        raise ProviderError("The answer holds no results")
    return {name: count for name, count in counts.items() if count is not None}


def _facts(attributes: dict[str, Any], stats: dict[str, int]) -> dict[str, Any]:
    return present(
        engines_malicious=stats["malicious"],
        engines_suspicious=stats.get("suspicious", 0),
        engines_total=sum(stats.values()),
        tags=as_texts(attributes.get("tags")),
        asn=as_asn(attributes.get("asn")),
        as_name=as_text(attributes.get("as_owner")),
        prefix=as_text(attributes.get("network"), 50),
        country=as_text(attributes.get("country"), 2),
        created=as_date(attributes.get("creation_date")),
        registrar=as_text(attributes.get("registrar"), 100),
    )


def _opinion(malicious: int, suspicious: int) -> tuple[Verdict, Strength]:
    if malicious >= MALICIOUS_FROM:
        return Verdict.MALICIOUS, Strength.STRONG
    if malicious or suspicious:
        return Verdict.SUSPICIOUS, Strength.WEAK
    return Verdict.UNKNOWN, Strength.WEAK
