"""GreyNoise API v3: one address, and the ping that tests a key. IPv4 only.

Reference: https://docs.greynoise.io/reference/v3ip
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from investigations.simulator.apis.base import Answer, Api, Request, address_in, as_json
from investigations.simulator.networks import is_routable, network_of
from investigations.simulator.personas import Noise, Persona, Service, persona_of

LOOKUP, PING = "/v3/ip/", "/ping"


def answer(request: Request) -> Answer:
    """Route one request that carries a good key."""
    if request.path == PING:
        expiration = request.ago(days=-365).date().isoformat()
        return as_json(200, {"message": "pong", "offering": "simulated", "expiration": expiration})
    if request.path.startswith(LOOKUP):
        return _address(request, request.path.removeprefix(LOOKUP))
    if request.path.startswith("/v2/"):
        return as_json(410, {"message": "This endpoint has been retired. Please use /v3/ip."})
    return as_json(404, {"message": "not found"})


def asked(request: Request) -> str:
    return request.last_segment if request.path.startswith(("/v3/", "/v2/")) else ""


def _address(request: Request, text: str) -> Answer:
    address = address_in(text)
    if not isinstance(address, IPv4Address) or not is_routable(address):
        return as_json(400, {"message": "Request is not a valid routable IPv4 address"})
    persona = persona_of(address)
    if not persona.noise and not persona.service:
        return as_json(
            404, _envelope(text, {"found": False, "trust_level": ""}, {"found": False, "classification": ""})
        )
    scanner = _scanner(request, persona, persona.noise) if persona.noise else _no_scanner()
    if request.query.get("quick") == "true":
        scanner = {name: scanner[name] for name in ("found", "classification")}
    return as_json(200, _envelope(text, _business_service(request, persona.service), scanner))


def _envelope(text: str, service: dict[str, Any], scanner: dict[str, Any]) -> dict[str, Any]:
    return {
        "ip": text,
        "business_service_intelligence": service,
        "internet_scanner_intelligence": scanner,
        "request_metadata": {"restricted_fields": []},
    }


def _business_service(request: Request, service: Service | None) -> dict[str, Any]:
    if service is None:
        names = ("category", "name", "description", "explanation", "last_updated", "reference", "trust_level")
        return {"found": False, **dict.fromkeys(names, "")}
    return {
        "found": True,
        "category": service.category,
        "name": service.name,
        "description": service.name,
        "explanation": "A service that many networks talk to in the course of business.",
        "last_updated": request.ago(hours=9).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reference": "https://dns.example/",
        "trust_level": service.trust_level,
    }


def _no_scanner() -> dict[str, Any]:
    texts = dict.fromkeys(("classification", "first_seen", "last_seen", "actor"), "")
    return {"found": False, **texts, "tags": [], "metadata": {}, "raw_data": {}}


def _scanner(request: Request, persona: Persona, noise: Noise) -> dict[str, Any]:
    last_seen = request.ago(hours=noise.hours_ago)
    return {
        "first_seen": request.ago(days=400).date().isoformat(),
        "last_seen": last_seen.date().isoformat(),
        "found": True,
        "tags": [_tag(*tag) for tag in noise.tags],
        "actor": noise.actor,
        "spoofable": False,
        "classification": noise.classification,
        "cves": [],
        "bot": noise.bot,
        "vpn": False,
        "vpn_service": "",
        "tor": noise.tor,
        "metadata": _metadata(persona, noise),
        "raw_data": _raw_data(noise),
        "last_seen_timestamp": last_seen.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _tag(slug: str, name: str, category: str, intention: str) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": name,
        "description": f"IP addresses with this tag have been observed: {name}.",
        "category": category,
        "intention": intention,
        "references": [],
        "cves": [],
        "recommend_block": intention == "malicious",
        "created": "2020-04-07",
    }


def _metadata(persona: Persona, noise: Noise) -> dict[str, Any]:
    network = network_of(IPv4Address(persona.address))
    return {
        "asn": f"AS{network.number}",
        "source_country": network.country_name,
        "source_country_code": network.country,
        "domain": network.domain,
        "rdns": persona.reverse_name,
        "rdns_validated": bool(persona.reverse_name and not persona.leads_to),
        "organization": network.owner if noise.actor == "unknown" else noise.actor,
        "category": "hosting" if "Hosting" in network.usage else "isp",
        "os": "",
        "sensor_count": 214,
        "sensor_hits": 9021,
        "mobile": False,
        "single_destination": False,
        "destination_countries": ["United States", "Germany"],
        "destination_country_codes": ["US", "DE"],
    }


def _raw_data(noise: Noise) -> dict[str, Any]:
    return {
        "scan": [{"port": port, "protocol": "tcp"} for port in noise.ports],
        "ja3": [],
        "hassh": [],
        "http": {"method": [], "path": [], "useragent": []},
        "source": {"bytes": 132225},
    }


def _rate_limited(_request: Request, _seconds: int) -> Answer:
    return as_json(429, {"message": "rate limit exceeded"})  # no header says when to come back


API = Api(
    name="greynoise",
    answer=answer,
    asked=asked,
    rate_limited=_rate_limited,
    unavailable=as_json(500, {"message": "internal server error"}),
    key_header="key",
    missing_key=as_json(401, {"message": "unauthorized"}),
    wrong_key=as_json(401, {"message": "invalid API key"}),
)
