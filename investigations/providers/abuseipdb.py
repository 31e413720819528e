"""AbuseIPDB: what the community reports about an address.

Reference: https://docs.abuseipdb.com/#check-endpoint. The answer is asked for without `verbose`: with it, the addresses
that matter most bring up to 10,000 reports of free text.
"""

from __future__ import annotations

from typing import Any

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Connection, Finding, ProviderError, Reply
from investigations.providers.fields import as_bool, as_date, as_int, as_object, as_text, present
from investigations.providers.http_provider import HttpProvider
from investigations.providers.replies import json_body, refuse

DAYS = 30  # how far back reports count
MALICIOUS_FROM = 75  # per cent of confidence
SUSPICIOUS_FROM = 25
NOISY_FROM = 5  # reporters: so many strangers do not see an address that is aimed at one of them


class AbuseIPDB(HttpProvider):
    name = "abuseipdb"
    label = "AbuseIPDB"
    needs_key = True
    key_header = "Key"
    homepage = "https://www.abuseipdb.com/"
    base_url = "https://api.abuseipdb.com"
    per_day = 1000

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        return self.check(value, DAYS)

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        refuse(reply)
        data = as_object(json_body(reply).get("data"))
        confidence = as_int(data.get("abuseConfidenceScore"), high=100)
        reports = as_int(data.get("totalReports"))
        if confidence is None or reports is None:
            raise ProviderError("The answer holds no score")
        facts = _facts(data, confidence, reports)
        link = f"https://www.abuseipdb.com/check/{value}"
        if not facts.get("whitelisted") and not confidence and not reports:
            return Finding(f"not reported in {DAYS} days", outcome=Outcome.NOT_FOUND, facts=facts, link=link)
        verdict, strength = _opinion(confidence, whitelisted=bool(facts.get("whitelisted")))
        return Finding(_summary(facts), verdict, strength, facts=facts, link=link)

    def probe(self) -> Connection:
        """There is no call for the quota alone: this is a lookup of a harmless address, and counts as one."""
        reply = self.check("127.0.0.1", 1)
        refuse(reply)
        json_body(reply)
        left, limit = (as_int(reply.headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "limit"))
        quota = "" if left is None or limit is None else f"{left} of {limit} lookups left today"
        return Connection(True, f"The key works; {quota}" if quota else "The key works", reply.status, quota)

    def check(self, value: str, days: int) -> Reply:
        return self.get("/api/v2/check", {"ipAddress": value, "maxAgeInDays": str(days)})


def _facts(data: dict[str, Any], confidence: int, reports: int) -> dict[str, Any]:
    reporters = as_int(data.get("numDistinctUsers"))
    return present(
        confidence=confidence,
        reports=reports,
        reporters=reporters,
        noise_seen=True if reporters is not None and reporters >= NOISY_FROM else None,
        whitelisted=as_bool(data.get("isWhitelisted")) or None,
        tor=as_bool(data.get("isTor")),
        usage_type=as_text(data.get("usageType")),
        as_name=as_text(data.get("isp")),
        country=as_text(data.get("countryCode"), 2),
        last_seen=as_date(data.get("lastReportedAt")),
    )


def _opinion(confidence: int, *, whitelisted: bool) -> tuple[Verdict, Strength]:
    if whitelisted:
        return Verdict.BENIGN, Strength.WEAK
    if confidence >= MALICIOUS_FROM:
        return Verdict.MALICIOUS, Strength.STRONG
    if confidence >= SUSPICIOUS_FROM:
        return Verdict.SUSPICIOUS, Strength.WEAK
    return Verdict.UNKNOWN, Strength.WEAK


def _summary(facts: dict[str, Any]) -> str:
    reporters = facts.get("reporters")
    people = f"{reporters} reporter{'' if reporters == 1 else 's'}" if reporters is not None else "its reporters"
    words = [f"{facts['confidence']} % from {people} in {DAYS} days"]
    if facts.get("whitelisted"):
        words.append("on its allow list")
    if facts.get("tor"):
        words.append("Tor exit")
    return ", ".join(words)
