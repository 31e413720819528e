"""Shodan InternetDB: which ports, weaknesses and names an address shows to the Internet; context, no verdict.

Reference: https://internetdb.shodan.io/
"""

from __future__ import annotations

from typing import Any

from investigations.choices import ArtifactKind, Outcome
from investigations.providers.base import Connection, Finding, ProviderError, Reply
from investigations.providers.fields import as_int, as_list, as_texts, present
from investigations.providers.http_provider import HttpProvider, segment
from investigations.providers.replies import json_body, refuse

NAMED_PORTS = 10  # in the summary
NAMED_VULNERABILITIES = 3


class InternetDB(HttpProvider):
    name = "internetdb"
    label = "Shodan InternetDB"
    reputation = False
    homepage = "https://internetdb.shodan.io/"
    base_url = "https://internetdb.shodan.io"
    freshness = 24 * 3600
    per_minute = 60

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        return self.get(f"/{segment(value)}")

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        refuse(reply, accepted=(200, 404))
        body = json_body(reply)
        link = f"https://www.shodan.io/host/{value}"
        if reply.status == 404:
            return Finding("no open ports known", outcome=Outcome.NOT_FOUND, link=link)
        if not isinstance(body.get("ports"), list):
            raise ProviderError("The answer holds no ports")
        facts = _facts(body)
        return Finding(_summary(facts), facts=facts, link=link)

    def probe(self) -> Connection:
        reply = self.fetch("1.1.1.1", ArtifactKind.IPV4)
        self.interpret(reply, "1.1.1.1", ArtifactKind.IPV4)
        return Connection(True, "InternetDB answers; it needs no key", reply.status)


def _facts(body: dict[str, Any]) -> dict[str, Any]:
    ports = (as_int(port, high=65_536) for port in as_list(body.get("ports"), 200))
    return present(
        open_ports=sorted({port for port in ports if port is not None and 0 < port < 65_536}),
        vulns=as_texts(body.get("vulns"), length=40),
        tags=as_texts(body.get("tags")),
        hostnames=as_texts(body.get("hostnames"), length=255),
    )


def _summary(facts: dict[str, Any]) -> str:
    """For example: open: 22, 80, 2323; CVE-2023-38408."""
    ports = _shortened([str(port) for port in facts.get("open_ports", [])], NAMED_PORTS)
    words = [
        f"open: {ports}" if ports else "no open ports",
        _shortened(facts.get("vulns", []), NAMED_VULNERABILITIES),
        _shortened(facts.get("tags", []), NAMED_VULNERABILITIES),
    ]
    return "; ".join(word for word in words if word)


def _shortened(names: list[str], limit: int) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
