"""AbuseIPDB API v2: the check endpoint.

Reference: https://docs.abuseipdb.com/#check-endpoint
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from investigations.simulator.apis.base import Answer, Api, Request, address_in, as_json
from investigations.simulator.networks import is_routable, network_of
from investigations.simulator.personas import Persona, persona_of

# The simulated key has a plan large enough for benchmarks; the count starts again instead of running out.
DAILY = 50_000
FREE_DAILY = 1000  # what the text of a refusal names
SHOWN_REPORTS = 5


def answer(request: Request) -> Answer:
    """Route one request that carries a good key."""
    if request.path != "/api/v2/check":
        return _problem(request, 404, "The requested resource could not be found.")
    address = address_in(asked(request))
    if address is None:
        return _problem(
            request,
            422,
            "The ip address must be a valid IPv4 or IPv6 address (e.g. 8.8.8.8 or 2001:4860:4860::8888).",
            source={"parameter": "ipAddress"},
        )
    data = _check(request, address)
    remaining = str(DAILY - request.used % DAILY)
    return as_json(200, {"data": data}, X_RateLimit_Limit=str(DAILY), X_RateLimit_Remaining=remaining)


def asked(request: Request) -> str:
    return request.query.get("ipAddress", "")


def _check(request: Request, address: IPv4Address | IPv6Address) -> dict[str, Any]:
    if not is_routable(address):
        return _private(address)
    persona, network = persona_of(address), network_of(address)
    reports = persona.reports
    data: dict[str, Any] = {
        "ipAddress": str(address),
        "isPublic": True,
        "ipVersion": address.version,
        "isWhitelisted": reports.whitelisted,
        "abuseConfidenceScore": reports.score,
        "countryCode": network.country,
        "usageType": network.usage,
        "isp": network.owner,
        "domain": network.domain,
        "hostnames": [persona.reverse_name] if persona.reverse_name else [],
        "isTor": reports.tor,
        "totalReports": reports.total,
        "numDistinctUsers": reports.reporters,
        "lastReportedAt": request.ago(hours=reports.hours_ago).isoformat(timespec="seconds") if reports.total else None,
    }
    if "verbose" in request.query:
        data |= {"countryName": network.country_name, "reports": _reports(request, persona)}
    return data


def _reports(request: Request, persona: Persona) -> list[dict[str, Any]]:
    reports = persona.reports
    return [
        {
            "reportedAt": request.ago(hours=reports.hours_ago + number).isoformat(timespec="seconds"),
            "comment": f"Unsolicited connection attempts from {persona.address}",
            "categories": [reports.categories[number % len(reports.categories)]],
            "reporterId": 10_001 + number % max(1, reports.reporters),
            "reporterCountryCode": "DE",
            "reporterCountryName": "Germany",
        }
        for number in range(min(reports.total, SHOWN_REPORTS))
    ]


def _private(address: IPv4Address | IPv6Address) -> dict[str, Any]:
    return {
        "ipAddress": str(address),
        "isPublic": False,
        "ipVersion": address.version,
        "isWhitelisted": False,
        "abuseConfidenceScore": 0,
        "countryCode": None,
        "usageType": "Reserved",
        "isp": "Private IP Address LAN",
        "domain": None,
        "hostnames": [],
        "isTor": False,
        "totalReports": 0,
        "numDistinctUsers": 0,
        "lastReportedAt": None,
    }


def _problem(request: Request, status: int, detail: str, **more: Any) -> Answer:
    """An error; a client that does not ask for JSON is sent to the web site instead."""
    if "json" not in request.headers.get("accept", ""):
        page = b"<!DOCTYPE html><html><head><title>Redirecting</title></head></html>"
        return Answer(302, page, {"Content-Type": "text/html; charset=UTF-8", "Location": "https://www.abuseipdb.com/"})
    return as_json(status, {"errors": [{"detail": detail, "status": status, **more}]})


def _rate_limited(request: Request, seconds: int) -> Answer:
    detail = (
        f"Daily rate limit of {FREE_DAILY} requests exceeded for this endpoint. See headers for additional details."
    )
    return as_json(
        429,
        {"errors": [{"detail": detail, "status": 429}]},
        Retry_After=str(seconds),
        X_RateLimit_Limit=str(FREE_DAILY),
        X_RateLimit_Remaining="0",
        X_RateLimit_Reset=str(int(request.now.timestamp()) + seconds),
    )


_UNAUTHENTICATED = as_json(
    401,
    {
        "errors": [
            {
                "detail": "Authentication failed. Your API key is either missing, incorrect, or revoked. "
                "Note: The APIv2 key differs from the APIv1 key.",
                "status": 401,
            }
        ]
    },
)

API = Api(
    name="abuseipdb",
    answer=answer,
    asked=asked,
    rate_limited=_rate_limited,
    unavailable=as_json(500, {"errors": [{"detail": "Internal server error.", "status": 500}]}),
    key_header="key",
    missing_key=_UNAUTHENTICATED,
    wrong_key=_UNAUTHENTICATED,
)
