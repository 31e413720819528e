"""Shodan InternetDB: what is open on an address. No key, one path.

Reference: https://internetdb.shodan.io/
"""

from __future__ import annotations

from investigations.simulator.apis.base import Answer, Api, Request, address_in, as_json
from investigations.simulator.personas import persona_of


def answer(request: Request) -> Answer:
    """The ports, names and tags of one address."""
    address = address_in(request.path.removeprefix("/"))
    if address is None:
        problem = {
            "loc": ["path", "ip"],
            "msg": "value is not a valid IPv4 or IPv6 address",
            "type": "value_error.ipvanyaddress",
        }
        return as_json(422, {"detail": [problem]})
    persona = persona_of(address)
    if persona.exposure is None:
        return as_json(404, {"detail": "No information available"})
    content = {
        "cpes": persona.exposure.cpes,
        "hostnames": [persona.reverse_name] if persona.reverse_name else [],
        "ip": str(address),
        "ports": persona.exposure.ports,
        "tags": persona.exposure.tags,
        "vulns": persona.exposure.vulnerabilities,
    }
    return as_json(200, content, Cache_Control="max-age=432000")


def asked(request: Request) -> str:
    return request.last_segment


def _rate_limited(_request: Request, _seconds: int) -> Answer:
    message = "Rate limit exceeded. Contact sales@shodan.io if you need a higher rate limit."
    return as_json(429, {"error": message})


API = Api(
    name="internetdb",
    answer=answer,
    asked=asked,
    rate_limited=_rate_limited,
    unavailable=as_json(502, {"detail": "Bad gateway"}),
)
