"""The real providers against the simulator: two independent readings of the same documentation must agree."""

from __future__ import annotations

from typing import Any

import pytest

from investigations.choices import ArtifactKind, Outcome, Verdict
from investigations.providers import PROVIDERS
from investigations.providers.base import Finding, Provider, ProviderConfig, ProviderError
from investigations.simulator import Simulator
from investigations.simulator.apis import APIS
from investigations.simulator.faults import DNS_PROVIDERS

V4, V6, DOMAIN = ArtifactKind.IPV4, ArtifactKind.IPV6, ArtifactKind.DOMAIN
SIMULATED = sorted(APIS.keys() | DNS_PROVIDERS)


@pytest.fixture(autouse=True)
def _simulated_world(simulator: Simulator, settings: Any) -> None:
    settings.DNS_SERVER = simulator.dns_server
    settings.ALLOW_TEST_NETWORKS = True


def provider(simulator: Simulator, name: str, key: str = "good", timeout: float = 10.0) -> Provider:
    url = simulator.http_url(name) if name in APIS else ""
    return PROVIDERS[name](ProviderConfig(key=key, url=url, timeout=timeout))


def look_up(simulator: Simulator, name: str, value: str, kind: ArtifactKind = V4) -> Finding:
    return provider(simulator, name).lookup(value, kind)


@pytest.mark.parametrize(
    ("name", "value", "kind", "outcome", "verdict"),
    [
        ("virustotal", "203.0.113.66", V4, Outcome.OK, Verdict.MALICIOUS),
        ("abuseipdb", "203.0.113.66", V4, Outcome.OK, Verdict.MALICIOUS),
        ("greynoise", "203.0.113.66", V4, Outcome.OK, Verdict.MALICIOUS),
        ("spamhaus", "203.0.113.66", V4, Outcome.OK, Verdict.MALICIOUS),
        ("greynoise", "198.51.100.10", V4, Outcome.OK, Verdict.BENIGN),
        ("abuseipdb", "198.51.100.10", V4, Outcome.OK, Verdict.BENIGN),
        ("greynoise", "198.51.100.214", V4, Outcome.NOT_FOUND, Verdict.UNKNOWN),
        ("greynoise", "198.51.100.53", V4, Outcome.OK, Verdict.BENIGN),
        ("virustotal", "203.0.113.77", V4, Outcome.OK, Verdict.SUSPICIOUS),
        ("virustotal", "2001:db8:7::99", V6, Outcome.OK, Verdict.MALICIOUS),
        ("abuseipdb", "2001:db8:7::99", V6, Outcome.OK, Verdict.MALICIOUS),
        ("spamhaus", "2001:db8:7::99", V6, Outcome.OK, Verdict.MALICIOUS),
        ("virustotal", "login-verify.example", DOMAIN, Outcome.OK, Verdict.MALICIOUS),
        ("spamhaus", "login-verify.example", DOMAIN, Outcome.OK, Verdict.MALICIOUS),
        ("spamhaus", "malicious.example", DOMAIN, Outcome.OK, Verdict.MALICIOUS),
        ("virustotal", "never-seen.example", DOMAIN, Outcome.NOT_FOUND, Verdict.UNKNOWN),
    ],
)
def test_it_gives_a_persona_its_reputation(
    simulator: Simulator, name: str, value: str, kind: ArtifactKind, outcome: Outcome, verdict: Verdict
) -> None:
    finding = look_up(simulator, name, value, kind)
    assert (finding.outcome, finding.verdict) == (outcome, verdict)


@pytest.mark.parametrize("name", SIMULATED)
def test_it_has_no_opinion_of_an_address_never_seen(simulator: Simulator, name: str) -> None:
    finding = look_up(simulator, name, "192.0.2.200")
    assert (finding.outcome, finding.verdict) == (Outcome.NOT_FOUND, Verdict.UNKNOWN)


def test_it_confirms_true_reverse_names_only(simulator: Simulator) -> None:
    assert look_up(simulator, "dns", "198.51.100.10").facts["rdns_confirmed"] is True
    assert look_up(simulator, "dns", "198.51.100.214").facts["rdns_confirmed"] is False
    assert look_up(simulator, "dns", "192.0.2.31").domains == ("login-verify.example",)
    assert look_up(simulator, "dns", "2001:db8:7::99", V6).facts["rdns"] == "vps99.hosting.example"


def test_it_tells_the_network(simulator: Simulator) -> None:
    facts = look_up(simulator, "cymru", "203.0.113.66").facts
    assert (facts["asn"], facts["prefix"], facts["country"]) == (64496, "203.0.113.0/24", "NL")
    assert "Example Hosting" in facts["as_name"]
    assert look_up(simulator, "cymru", "2001:db8:7::99", V6).facts["prefix"] == "2001:db8::/32"


@pytest.mark.parametrize("name", SIMULATED)
def test_it_passes_the_connection_test(simulator: Simulator, name: str) -> None:
    connection = provider(simulator, name).test_connection()
    assert connection.ok, connection.message


@pytest.mark.parametrize("name", ["virustotal", "abuseipdb", "greynoise"])
def test_it_fails_the_connection_test_with_a_wrong_key(simulator: Simulator, name: str) -> None:
    assert not provider(simulator, name, key="bad-key").test_connection().ok


@pytest.mark.parametrize("name", sorted(APIS))
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("rate_limit:30", Outcome.THROTTLED),
        ("limit:0", Outcome.THROTTLED),
        ("html", Outcome.ERROR),
        ("truncated", Outcome.ERROR),
        ("error", Outcome.ERROR),
        ("drop", Outcome.ERROR),
        ("cut", Outcome.ERROR),
        ("redirect", Outcome.ERROR),
        ("gzip_bomb", Outcome.ERROR),
        ("timeout", Outcome.TIMEOUT),
        ("drip", Outcome.TIMEOUT),
        ("latency:20000", Outcome.TIMEOUT),
    ],
)
def test_it_never_gets_an_opinion_out_of_a_fault(simulator: Simulator, name: str, fault: str, outcome: Outcome) -> None:
    simulator.set_fault(name, fault)
    slow = outcome == Outcome.TIMEOUT
    with pytest.raises(ProviderError) as caught:
        provider(simulator, name, timeout=0.5 if slow else 10.0).lookup("203.0.113.66", V4)
    assert caught.value.outcome == outcome
    assert {asked.provider for asked in simulator.requests} == {name}


@pytest.mark.parametrize("name", ["virustotal", "abuseipdb", "greynoise"])
def test_it_tells_a_bad_key_from_other_failures(simulator: Simulator, name: str) -> None:
    simulator.set_fault(name, "bad_key")
    with pytest.raises(ProviderError) as caught:
        look_up(simulator, name, "203.0.113.66")
    assert caught.value.outcome == Outcome.AUTH_ERROR


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("dns", "servfail"),
        ("cymru", "servfail"),
        ("cymru", "rate_limit"),
        ("spamhaus", "servfail"),
        ("spamhaus", "public_resolver"),
        ("spamhaus", "rate_limit"),
        ("spamhaus", "truncated"),
        ("spamhaus", "timeout"),
    ],
)
def test_it_never_gets_an_opinion_out_of_a_broken_resolver(simulator: Simulator, name: str, fault: str) -> None:
    simulator.set_fault(name, fault)
    with pytest.raises(ProviderError):
        provider(simulator, name, timeout=1.0).lookup("192.0.2.200", V4)
