from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.greynoise import GreyNoise
from tests.providers.conftest import Web, recorded


def read(name: str) -> Finding:
    return GreyNoise(ProviderConfig()).interpret(recorded(f"greynoise_{name}"), "203.0.113.66", ArtifactKind.IPV4)


def failure(name: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read(name)
    return caught.value


@pytest.mark.parametrize(
    ("name", "verdict", "strength"),
    [
        ("malicious", Verdict.MALICIOUS, Strength.DECISIVE),
        ("restricted", Verdict.MALICIOUS, Strength.DECISIVE),
        ("suspicious", Verdict.SUSPICIOUS, Strength.STRONG),
        ("benign", Verdict.BENIGN, Strength.STRONG),
        ("unknown", Verdict.UNKNOWN, Strength.CONTEXT),
    ],
)
def test_it_takes_over_the_classification(name: str, verdict: Verdict, strength: Strength) -> None:
    finding = read(name)

    assert (finding.outcome, finding.verdict, finding.strength) == (Outcome.OK, verdict, strength)
    assert finding.facts["noise_seen"] is True


def test_it_tells_what_it_saw() -> None:
    finding = read("malicious")

    assert finding.summary == "malicious: Mirai, SSH Bruteforcer; seen by 214 sensors, last 2025-11-04"
    assert finding.link == "https://viz.greynoise.io/ip/203.0.113.66"
    assert finding.facts["tags"] == ["Mirai", "SSH Bruteforcer"]
    assert finding.facts["asn"] == 64496
    assert "actor" not in finding.facts


def test_it_names_the_actor_of_a_benign_scanner() -> None:
    finding = read("benign")

    assert finding.facts["actor"] == "Example Internet Census"
    assert finding.summary.startswith("benign: Example Internet Census; seen by 214 sensors")


def test_it_says_no_more_than_a_free_plan_tells() -> None:
    assert read("restricted").summary == "malicious; seen scanning"


def test_it_knows_business_services() -> None:
    finding = read("business_service")

    assert (finding.outcome, finding.verdict, finding.strength) == (Outcome.OK, Verdict.BENIGN, Strength.WEAK)
    assert finding.facts == {"business_service": "Example Public DNS", "trust_level": 1, "noise_seen": False}


@pytest.mark.parametrize("name", ["not_found", "found_nothing"])
def test_it_tells_what_it_has_never_seen(name: str) -> None:
    finding = read(name)

    assert (finding.outcome, finding.verdict) == (Outcome.NOT_FOUND, Verdict.UNKNOWN)
    assert finding.facts == {"noise_seen": False}


def test_it_knows_a_refused_key() -> None:
    assert failure("bad_key").outcome == Outcome.AUTH_ERROR


def test_it_knows_the_rate_limit() -> None:
    assert failure("rate_limited").outcome == Outcome.THROTTLED


@pytest.mark.parametrize(
    "name",
    ["html", "truncated", "unavailable", "redirect", "invalid", "withheld", "not_found_html", "error_in_200"],
)
def test_it_takes_nothing_else_for_an_answer(name: str) -> None:
    assert failure(name).outcome == Outcome.ERROR


def test_it_asks_for_the_address(web: Web) -> None:
    web.reply = recorded("greynoise_malicious")

    GreyNoise(ProviderConfig(key="s3cret", url=web.url)).lookup("203.0.113.66", ArtifactKind.IPV4)

    path, headers = web.requests[0]
    assert (path, headers["key"]) == ("/v3/ip/203.0.113.66", "s3cret")


def test_it_tests_the_key_with_a_ping(web: Web) -> None:
    greynoise = GreyNoise(ProviderConfig(key="s3cret", url=web.url))

    web.reply = recorded("greynoise_ping")
    connection = greynoise.test_connection()
    assert (connection.ok, connection.plan) == (True, "enterprise_trial")
    assert connection.message == "The key works; plan enterprise_trial; until 2026-12-31"
    assert web.requests[0][0] == "/ping"

    web.reply = recorded("greynoise_bad_key")
    assert not greynoise.test_connection().ok
