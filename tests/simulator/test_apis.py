"""The HTTP APIs, asked over the wire as a client asks them."""

from __future__ import annotations

import http.client
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import requests

from investigations.simulator import Simulator
from tests.simulator.conftest import Client

LOOKUPS = {
    "virustotal": "/api/v3/ip_addresses/203.0.113.66",
    "abuseipdb": "/api/v2/check?ipAddress=203.0.113.66&maxAgeInDays=90",
    "greynoise": "/v3/ip/203.0.113.66",
    "internetdb": "/203.0.113.66",
}


@pytest.mark.parametrize("provider", LOOKUPS)
def test_it_marks_every_answer_as_simulated(client: Client, provider: str) -> None:
    response = client.get(provider, LOOKUPS[provider])
    assert response.status_code == 200
    assert response.headers["X-ReconSOC-Simulated"] == "1"
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("provider", ["virustotal", "abuseipdb", "greynoise"])
@pytest.mark.parametrize("key", ["", "bad-key"])
def test_it_refuses_a_missing_or_wrong_key(client: Client, provider: str, key: str) -> None:
    response = client.get(provider, LOOKUPS[provider], key=key)
    assert response.status_code == 401
    assert response.headers["X-ReconSOC-Simulated"] == "1"
    assert "203.0.113.66" not in response.text


def test_it_names_the_reason_of_a_refusal_as_virustotal_does(client: Client) -> None:
    codes = [client.get("virustotal", LOOKUPS["virustotal"], key=key).json()["error"]["code"] for key in ("", "bad")]
    assert codes == ["AuthenticationRequiredError", "WrongCredentialsError"]


def test_it_answers_virustotal_with_consistent_engines(client: Client) -> None:
    attributes = client.get("virustotal", LOOKUPS["virustotal"]).json()["data"]["attributes"]
    assert attributes["last_analysis_stats"]["malicious"] == 12
    malicious = [name for name, one in attributes["last_analysis_results"].items() if one["category"] == "malicious"]
    assert len(malicious) == 12
    assert attributes["asn"] == 64496
    assert datetime.fromtimestamp(attributes["last_analysis_date"], UTC) > datetime.now(UTC) - timedelta(days=1)


def test_it_answers_virustotal_with_zeros_for_an_address_nobody_analysed(client: Client) -> None:
    attributes = client.get("virustotal", "/api/v3/ip_addresses/192.0.2.200").json()["data"]["attributes"]
    assert set(attributes["last_analysis_stats"].values()) == {0}
    assert "last_analysis_date" not in attributes


def test_it_knows_domains_at_virustotal(client: Client) -> None:
    bad = client.get("virustotal", "/api/v3/domains/login-verify.example").json()["data"]
    assert (bad["type"], bad["attributes"]["last_analysis_stats"]["malicious"]) == ("domain", 15)
    new = client.get("virustotal", "/api/v3/domains/new-shop.example").json()["data"]["attributes"]
    assert datetime.fromtimestamp(new["creation_date"], UTC) > datetime.now(UTC) - timedelta(days=4)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v3/domains/never-seen.example", 404, "NotFoundError"),
        ("/api/v3/domains/not_a_domain", 400, "InvalidArgumentError"),
        ("/api/v3/ip_addresses/999.1.1.1", 400, "InvalidArgumentError"),
        ("/api/v3/files/x", 404, "NotFoundError"),
        ("/api/v3/users/somebody-else", 403, "ForbiddenError"),
    ],
)
def test_it_answers_virustotal_errors_in_their_shape(client: Client, path: str, status: int, code: str) -> None:
    response = client.get("virustotal", path)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_it_tells_the_quota_of_a_virustotal_key(client: Client) -> None:
    quotas = client.get("virustotal", "/api/v3/users/good/overall_quotas").json()["data"]
    assert quotas["api_requests_daily"]["user"] == {"allowed": 500, "used": 1}
    user = client.get("virustotal", "/api/v3/users/good").json()["data"]
    assert user["attributes"]["quotas"]["api_requests_daily"] == {"allowed": 500, "used": 2}


def test_it_never_writes_a_key_into_the_journal(client: Client, simulator: Simulator) -> None:
    client.get("virustotal", "/api/v3/users/s3cret/overall_quotas", key="s3cret")
    assert "s3cret" not in str(simulator.requests) + str(simulator.journal.summary())


def test_it_answers_abuseipdb_with_reports_and_rate_headers(client: Client) -> None:
    first = client.get("abuseipdb", LOOKUPS["abuseipdb"] + "&verbose")
    second = client.get("abuseipdb", LOOKUPS["abuseipdb"])
    data = first.json()["data"]
    assert (data["abuseConfidenceScore"], data["totalReports"], data["numDistinctUsers"]) == (100, 412, 97)
    assert data["reports"][0]["categories"] == [14]
    assert "reports" not in second.json()["data"]
    left = [int(response.headers["X-RateLimit-Remaining"]) for response in (first, second)]
    assert left[1] == left[0] - 1


def test_it_answers_abuseipdb_with_zeros_for_an_address_nobody_reported(client: Client) -> None:
    data = client.get("abuseipdb", "/api/v2/check?ipAddress=192.0.2.200").json()["data"]
    assert (data["abuseConfidenceScore"], data["totalReports"], data["lastReportedAt"]) == (0, 0, None)


def test_it_knows_whitelisted_and_tor_addresses_at_abuseipdb(client: Client) -> None:
    census = client.get("abuseipdb", "/api/v2/check?ipAddress=198.51.100.10").json()["data"]
    exit_node = client.get("abuseipdb", "/api/v2/check?ipAddress=198.51.100.99").json()["data"]
    private = client.get("abuseipdb", "/api/v2/check?ipAddress=10.0.0.5").json()["data"]
    assert census["isWhitelisted"] is True
    assert exit_node["isTor"] is True
    assert private["isPublic"] is False


def test_it_sends_abuseipdb_errors_as_a_page_when_json_is_not_asked_for(client: Client) -> None:
    asked = client.get("abuseipdb", "/api/v2/check?ipAddress=999.1.1.1")
    assert (asked.status_code, asked.json()["errors"][0]["source"]) == (422, {"parameter": "ipAddress"})
    not_asked = client.get("abuseipdb", "/api/v2/check?ipAddress=999.1.1.1", headers={"Key": "good"})
    assert (not_asked.status_code, not_asked.headers["Content-Type"]) == (302, "text/html; charset=UTF-8")


def test_it_answers_greynoise_for_scanners_services_and_strangers(client: Client) -> None:
    bot = client.get("greynoise", "/v3/ip/203.0.113.66").json()["internet_scanner_intelligence"]
    assert (bot["classification"], bot["tags"][0]["name"], bot["bot"]) == ("malicious", "Mirai", True)
    census = client.get("greynoise", "/v3/ip/198.51.100.10").json()["internet_scanner_intelligence"]
    assert (census["classification"], census["actor"]) == ("benign", "Example Internet Census")
    service = client.get("greynoise", "/v3/ip/198.51.100.53").json()
    assert service["business_service_intelligence"]["trust_level"] == "1"
    assert service["internet_scanner_intelligence"]["found"] is False
    stranger = client.get("greynoise", "/v3/ip/192.0.2.200")
    assert (stranger.status_code, stranger.json()["internet_scanner_intelligence"]["found"]) == (404, False)


@pytest.mark.parametrize("address", ["2001:db8:7::99", "10.0.0.5", "nonsense"])
def test_it_refuses_at_greynoise_what_is_no_routable_ipv4_address(client: Client, address: str) -> None:
    assert client.get("greynoise", f"/v3/ip/{address}").status_code == 400


def test_it_answers_the_greynoise_ping_and_the_retired_version(client: Client) -> None:
    assert client.get("greynoise", "/ping").json()["message"] == "pong"
    assert client.get("greynoise", "/v2/noise/context/203.0.113.66").status_code == 410


def test_it_answers_internetdb_without_a_key(client: Client) -> None:
    found = client.get("internetdb", "/203.0.113.66").json()
    assert (found["ports"], found["hostnames"]) == ([22, 80, 2323], ["vps66.hosting.example"])
    unknown = client.get("internetdb", "/192.0.2.200")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "No information available"})
    assert client.get("internetdb", "/not-an-ip").status_code == 422


def test_it_keeps_a_connection_open_for_the_next_request(simulator: Simulator) -> None:
    connection = http.client.HTTPConnection(simulator.url.removeprefix("http://"), timeout=20)
    with closing(connection):
        connection.connect()
        first = connection.sock
        for _ in range(3):
            connection.request("GET", "/internetdb/203.0.113.66")
            assert connection.getresponse().read()
            assert connection.sock is first


def test_it_remembers_what_was_asked_even_of_those_who_were_refused(client: Client, simulator: Simulator) -> None:
    client.get("abuseipdb", "/api/v2/check?ipAddress=10.0.0.5", key="bad")
    client.get("greynoise", "/v3/ip/2001:db8::1")
    client.get("greynoise", "/ping")
    assert simulator.requests == [("abuseipdb", "10.0.0.5"), ("greynoise", "2001:db8::1"), ("greynoise", "")]


def test_it_has_no_other_provider(client: Client, simulator: Simulator) -> None:
    assert requests.get(f"{simulator.url}/nobody/x", timeout=20).status_code == 404
    with pytest.raises(KeyError):
        simulator.http_url("nobody")
