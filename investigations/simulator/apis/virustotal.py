"""VirusTotal API v3: addresses, domains and the quota of a key.

Reference: https://docs.virustotal.com/reference/ip-object
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from investigations.simulator.apis.base import Answer, Api, Request, address_in, as_json
from investigations.simulator.networks import network_of
from investigations.simulator.personas import DomainPersona, Engines, addresses_of, domain_of, persona_of

ADDRESSES, DOMAINS, USERS = "/api/v3/ip_addresses/", "/api/v3/domains/", "/api/v3/users/"
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])", re.I)
ALLOWED = {"hourly": 240, "daily": 500, "monthly": 15500}  # the free plan
# A real answer lists all of some 94 engines; these speak first.
ENGINE_NAMES = (
    "Abusix",
    "CRDF",
    "Criminal IP",
    "CyRadar",
    "Fortinet",
    "GreenSnow",
    "Kaspersky",
    "Lionic",
    "MalwareURL",
    "SOCRadar",
    "Sophos",
    "Webroot",
    "alphaMountain.ai",
    "BitDefender",
    "G-Data",
    "AlphaSOC",
    "Forcepoint ThreatSeeker",
    "Google Safebrowsing",
    "ESET",
    "Emsisoft",
    "0xSI_f33d",
    "Gridinsoft",
)


def answer(request: Request) -> Answer:
    """Route one request that carries a good key."""
    if request.path.startswith(ADDRESSES):
        return _address(request, request.path.removeprefix(ADDRESSES))
    if request.path.startswith(DOMAINS):
        return _domain(request, request.path.removeprefix(DOMAINS).lower())
    if request.path.startswith(USERS):
        return _user(request, request.path.removeprefix(USERS))
    return _error(404, "NotFoundError", "Resource not found.")


def asked(request: Request) -> str:
    """The artifact asked about. The users endpoint has the key in its path: that is no artifact."""
    return "" if request.path.startswith(USERS) else request.last_segment


def _address(request: Request, text: str) -> Answer:
    address = address_in(text)
    if address is None:
        return _error(400, "InvalidArgumentError", f'"{text}" is not a valid IP address')
    attributes = _network_attributes(address) | _analysis(request, persona_of(address).engines)
    return _object(text, "ip_address", ADDRESSES, attributes)


def _domain(request: Request, name: str) -> Answer:
    if not DOMAIN.fullmatch(name):
        return _error(400, "InvalidArgumentError", f'Domain "{name}" is not a valid domain pattern')
    domain = domain_of(name)
    if domain is None:
        return _error(404, "NotFoundError", f'Domain "{name}" not found')
    attributes = _registration(request, name, domain) | _analysis(request, domain.engines)
    return _object(name, "domain", DOMAINS, attributes)


def _user(request: Request, rest: str) -> Answer:
    user, _, page = rest.partition("/")
    if user != request.headers.get(API.key_header):
        return _error(403, "ForbiddenError", "You are not authorized to perform the requested operation")
    quotas = {f"api_requests_{span}": {"allowed": n, "used": request.used % n} for span, n in ALLOWED.items()}
    if page == "overall_quotas":
        return as_json(200, {"data": {name: {"user": quota} for name, quota in quotas.items()}})
    if page:
        return _error(404, "NotFoundError", "Resource not found.")
    attributes = {"status": "active", "first_name": "Simulated", "quotas": quotas}
    return as_json(200, {"data": {"id": "simulated", "type": "user", "attributes": attributes}})


def _network_attributes(address: IPv4Address | IPv6Address) -> dict[str, Any]:
    network = network_of(address)
    return {
        "as_owner": network.owner,
        "asn": network.number,
        "continent": "NA" if network.country == "US" else "EU",
        "country": network.country,
        "network": str(network.prefix),
        "regional_internet_registry": "ARIN" if network.registry == "arin" else "RIPE NCC",
        "whois": f"inetnum: {network.prefix}\nnetname: {network.handle}\n",
    }


def _registration(request: Request, name: str, domain: DomainPersona) -> dict[str, Any]:
    created = int(request.ago(days=domain.age_days).timestamp())
    return {
        "categories": {"Forcepoint ThreatSeeker": domain.category} if domain.category else {},
        "creation_date": created,
        "expiration_date": int(request.ago(days=-340).timestamp()),
        "last_update_date": created + 86400,
        "last_dns_records": [
            {"type": "AAAA" if ":" in address else "A", "value": address, "ttl": 300} for address in addresses_of(name)
        ],
        "last_dns_records_date": int(request.ago(hours=5).timestamp()),
        "popularity_ranks": {},
        "registrar": "Example Registrar, LLC",
        "tld": name.rpartition(".")[2],
        "whois": f"Domain Name: {domain.name.upper()}\n",
    }


def _analysis(request: Request, engines: Engines) -> dict[str, Any]:
    """What the engines say. An object that was never analysed has zeros and no date of analysis."""
    seen = engines != Engines()
    return {
        "reputation": engines.reputation,
        "last_modification_date": int(request.ago(hours=5).timestamp()),
        "last_analysis_stats": {
            "malicious": engines.malicious,
            "suspicious": engines.suspicious,
            "undetected": engines.undetected,
            "harmless": engines.harmless,
            "timeout": 0,
        },
        "last_analysis_results": _results(engines),
        "tags": [],
        "total_votes": {"harmless": max(0, engines.reputation), "malicious": max(0, -engines.reputation)},
        **({"last_analysis_date": int(request.ago(hours=6).timestamp())} if seen else {}),
    }


@lru_cache
def _results(engines: Engines) -> dict[str, dict[str, str]]:
    opinions = (
        [("malicious", "malicious")] * engines.malicious
        + [("suspicious", "suspicious")] * engines.suspicious
        + [("harmless", "clean")] * engines.harmless
        + [("undetected", "unrated")] * engines.undetected
    )
    return {
        name: {"method": "blacklist", "engine_name": name, "category": category, "result": result}
        for name, (category, result) in zip(ENGINE_NAMES, opinions, strict=False)
    }


def _object(identity: str, kind: str, path: str, attributes: dict[str, Any]) -> Answer:
    links = {"self": f"https://www.virustotal.com{path}{identity}"}
    return as_json(200, {"data": {"id": identity, "type": kind, "links": links, "attributes": attributes}})


def _error(status: int, code: str, message: str) -> Answer:
    return as_json(status, {"error": {"code": code, "message": message}})


def _rate_limited(_request: Request, _seconds: int) -> Answer:
    return _error(429, "QuotaExceededError", "Quota exceeded")  # says nothing about when to come back


API = Api(
    name="virustotal",
    answer=answer,
    asked=asked,
    rate_limited=_rate_limited,
    unavailable=_error(503, "TransientError", "Transient server error. Retry might work."),
    key_header="x-apikey",
    missing_key=_error(401, "AuthenticationRequiredError", "X-Apikey header is missing"),
    wrong_key=_error(401, "WrongCredentialsError", "Wrong API key"),
)
