from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.abuseipdb import AbuseIPDB
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from tests.providers.conftest import Web, recorded


def read(name: str) -> Finding:
    return AbuseIPDB(ProviderConfig()).interpret(recorded(f"abuseipdb_{name}"), "203.0.113.66", ArtifactKind.IPV4)


def failure(name: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read(name)
    return caught.value


@pytest.mark.parametrize(
    ("name", "verdict", "strength"),
    [
        ("malicious", Verdict.MALICIOUS, Strength.STRONG),
        ("suspicious", Verdict.SUSPICIOUS, Strength.WEAK),
        ("low", Verdict.UNKNOWN, Strength.WEAK),
        ("tor", Verdict.MALICIOUS, Strength.STRONG),
        ("whitelisted", Verdict.BENIGN, Strength.WEAK),
    ],
)
def test_it_weighs_the_confidence(name: str, verdict: Verdict, strength: Strength) -> None:
    finding = read(name)

    assert (finding.outcome, finding.verdict, finding.strength) == (Outcome.OK, verdict, strength)


def test_it_tells_what_was_reported() -> None:
    finding = read("malicious")

    assert finding.summary == "100 % from 97 reporters in 30 days"
    assert finding.link == "https://www.abuseipdb.com/check/203.0.113.66"
    assert finding.facts == {
        "confidence": 100,
        "reports": 412,
        "reporters": 97,
        "noise_seen": True,
        "tor": False,
        "usage_type": "Data Center/Web Hosting/Transit",
        "as_name": "Example Hosting Ltd",
        "country": "NL",
        "last_seen": "2025-11-04",
    }


def test_it_says_what_stands_out() -> None:
    assert read("tor").summary == "100 % from 240 reporters in 30 days, Tor exit"
    assert read("low").summary == "12 % from 1 reporter in 30 days"
    assert read("whitelisted").summary.endswith("on its allow list")


def test_it_needs_several_reporters_to_speak_of_noise() -> None:
    assert "noise_seen" not in read("suspicious").facts


def test_it_tells_what_nobody_has_reported() -> None:
    finding = read("never_seen")

    assert (finding.outcome, finding.verdict, finding.facts["reports"]) == (Outcome.NOT_FOUND, Verdict.UNKNOWN, 0)


def test_it_knows_a_refused_key() -> None:
    assert failure("bad_key").outcome == Outcome.AUTH_ERROR


def test_it_knows_when_to_ask_again() -> None:
    error = failure("rate_limited")

    assert (error.outcome, error.retry_after) == (Outcome.THROTTLED, 29241)


@pytest.mark.parametrize("name", ["html", "truncated", "unavailable", "redirect", "invalid", "error_in_200"])
def test_it_takes_nothing_else_for_an_answer(name: str) -> None:
    assert failure(name).outcome == Outcome.ERROR


def test_it_asks_without_the_flood_of_reports(web: Web) -> None:
    web.reply = recorded("abuseipdb_malicious")

    AbuseIPDB(ProviderConfig(key="s3cret", url=web.url)).lookup("2001:db8::66", ArtifactKind.IPV6)

    path, headers = web.requests[0]
    assert path == "/api/v2/check?ipAddress=2001%3Adb8%3A%3A66&maxAgeInDays=30"
    assert (headers["key"], headers["accept"]) == ("s3cret", "application/json")


def test_it_tests_the_key_and_tells_what_is_left(web: Web) -> None:
    abuseipdb = AbuseIPDB(ProviderConfig(key="s3cret", url=web.url))

    web.reply = recorded("abuseipdb_never_seen")
    connection = abuseipdb.test_connection()
    assert (connection.ok, connection.plan) == (True, "958 of 1000 lookups left today")

    web.reply = recorded("abuseipdb_bad_key")
    assert abuseipdb.test_connection().message == "The key was refused (HTTP 401)"
