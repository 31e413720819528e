"""Faults: a simulated provider misbehaves as told, and only that one."""

from __future__ import annotations

import gzip
import json

import pytest
import requests

from investigations.simulator import Simulator
from investigations.simulator.faults import FaultError, Faults, parse_option
from tests.simulator.conftest import Client
from tests.simulator.test_apis import LOOKUPS


@pytest.mark.parametrize("provider", ["virustotal", "abuseipdb", "greynoise"])
def test_it_calls_every_key_bad(client: Client, simulator: Simulator, provider: str) -> None:
    simulator.set_fault(provider, "bad_key")
    assert client.get(provider, LOOKUPS[provider]).status_code == 401


@pytest.mark.parametrize("provider", LOOKUPS)
def test_it_limits_on_demand(client: Client, simulator: Simulator, provider: str) -> None:
    simulator.set_fault(provider, "rate_limit:30")
    response = client.get(provider, LOOKUPS[provider])
    assert response.status_code == 429
    # Only AbuseIPDB says when to come back.
    assert response.headers.get("Retry-After") == ("30" if provider == "abuseipdb" else None)


def test_it_limits_after_so_many_requests_a_minute() -> None:
    now = [100.0]
    faults = Faults(clock=lambda: now[0])
    faults.set("abuseipdb", "limit:2")
    assert [faults.strike("abuseipdb") for _ in range(2)] == [None, None]
    now[0] = 120.0
    struck = faults.strike("abuseipdb")
    assert struck and (struck.kind, struck.argument) == ("rate_limit", 40.0)
    now[0] = 160.0
    assert faults.strike("abuseipdb") is None


def test_it_sends_a_page_instead_of_json(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("greynoise", "html")
    response = client.get("greynoise", LOOKUPS["greynoise"])
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<script>" in response.text


def test_it_cuts_json_in_half(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("abuseipdb", "truncated")
    with pytest.raises(ValueError):
        client.get("abuseipdb", LOOKUPS["abuseipdb"]).json()


@pytest.mark.parametrize("provider", LOOKUPS)
def test_it_breaks_down(client: Client, simulator: Simulator, provider: str) -> None:
    simulator.set_fault(provider, "error")
    assert client.get(provider, LOOKUPS[provider]).status_code >= 500


@pytest.mark.parametrize("fault", ["drop", "cut"])
def test_it_hangs_up(client: Client, simulator: Simulator, fault: str) -> None:
    simulator.set_fault("internetdb", fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.get("internetdb", LOOKUPS["internetdb"])


def test_it_falls_silent(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("internetdb", "timeout")
    with pytest.raises(requests.ReadTimeout):
        client.get("internetdb", LOOKUPS["internetdb"], timeout=0.2)


def test_it_drips_more_bytes_than_any_patience_lasts(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("internetdb", "drip:0.01")
    with client.get("internetdb", LOOKUPS["internetdb"], stream=True) as response:
        assert int(response.headers["Content-Length"]) >= 600
        chunks = response.iter_content(chunk_size=1)
        assert next(chunks) + next(chunks) == b'{"'


def test_it_redirects_to_a_place_where_nobody_may_arrive(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("greynoise", "redirect")
    response = client.get("greynoise", LOOKUPS["greynoise"])
    assert response.status_code == 302
    assert response.headers["Location"].startswith(simulator.url)
    assert [asked.provider for asked in simulator.requests] == ["greynoise"]
    requests.get(response.headers["Location"], timeout=20)
    assert simulator.requests[-1].provider == "elsewhere"


def test_it_sends_a_small_body_that_unpacks_to_a_huge_one(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("internetdb", "gzip_bomb")
    with client.get("internetdb", LOOKUPS["internetdb"], stream=True) as response:
        packed = response.raw.read(decode_content=False)
    assert len(packed) < 200_000
    assert len(gzip.decompress(packed)) > 50_000_000


def test_it_strikes_one_provider_only(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("greynoise", "error")
    assert client.get("abuseipdb", LOOKUPS["abuseipdb"]).status_code == 200


def test_it_strikes_all_providers(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("all", "error")
    assert all(client.get(name, path).status_code >= 500 for name, path in LOOKUPS.items())


def test_it_gets_well_again(client: Client, simulator: Simulator) -> None:
    simulator.set_fault("greynoise", "error")
    simulator.set_fault("greynoise", None)
    assert client.get("greynoise", LOOKUPS["greynoise"]).status_code == 200


def test_it_combines_latency_limit_and_fault() -> None:
    faults = Faults(latency_ms=100)
    for text in ("latency:250", "limit:5", "html"):
        faults.set("greynoise", text)
    assert faults.summary() == {"greynoise": ["html", "latency:250", "limit:5"]}
    assert (faults.delay("greynoise"), faults.delay("abuseipdb")) == (0.25, 0.1)


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        ("nobody", "html"),
        ("greynoise", "servfail"),
        ("dns", "gzip_bomb"),
        ("greynoise", "explode"),
        ("greynoise", "html:3"),
        ("greynoise", "limit:"),
        ("greynoise", "latency:nan"),
        ("greynoise", "rate_limit:-1"),
        ("all", "servfail"),
    ],
)
def test_it_refuses_a_switch_that_does_not_exist(provider: str, fault: str) -> None:
    faults = Faults()
    with pytest.raises(FaultError):
        faults.set(provider, fault)
    assert faults.summary() == {}


@pytest.mark.parametrize("option", ["abuseipdb", "abuseipdb=", "=", ""])
def test_it_refuses_an_option_that_is_no_switch(option: str) -> None:
    with pytest.raises(FaultError):
        parse_option(option)


def control(simulator: Simulator, content: object, media: str = "application/json") -> requests.Response:
    headers = {"Content-Type": media}
    return requests.post(f"{simulator.url}/_control", json.dumps(content), headers=headers, timeout=20)


def test_it_obeys_over_http(client: Client, simulator: Simulator) -> None:
    order = {"fault": {"greynoise": "rate_limit:30", "dns": "servfail"}, "latency_ms": 5}
    state = control(simulator, order).json()
    assert state["faults"] == {"greynoise": ["rate_limit:30"], "dns": ["servfail"]}
    assert state["latency_ms"] == 5
    assert client.get("greynoise", LOOKUPS["greynoise"]).status_code == 429
    assert control(simulator, {"fault": {"greynoise": None}}).json()["faults"] == {"dns": ["servfail"]}
    assert control(simulator, {"clear": True}).json()["faults"] == {}


def test_it_shows_what_arrived(client: Client, simulator: Simulator) -> None:
    for _ in range(2):
        client.get("internetdb", "/203.0.113.66")
    state = requests.get(f"{simulator.url}/_control", timeout=20).json()
    assert state["providers"] == {
        "internetdb": {"requests": 2, "last_path": "/203.0.113.66", "values": {"203.0.113.66": 2}}
    }


@pytest.mark.parametrize(
    "order",
    [
        [],
        {"unknown": 1},
        {"fault": "html"},
        {"fault": {"greynoise": 3}},
        {"latency_ms": -1},
        {"latency_ms": True},
        {"latency_ms": 5, "fault": {"abuseipdb": "html", "greynoise": "explode"}},
    ],
)
def test_it_changes_nothing_for_an_order_without_sense(simulator: Simulator, order: object) -> None:
    response = control(simulator, order)
    assert response.status_code == 400
    assert response.json()["error"]
    assert simulator.faults.summary() == {}
    assert simulator.faults.latency_ms == 0


def test_it_takes_no_orders_from_a_web_page(simulator: Simulator) -> None:
    assert control(simulator, {"latency_ms": 5}, media="text/plain").status_code == 415
    assert simulator.faults.latency_ms == 0
