from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.virustotal import VirusTotal
from tests.providers.conftest import Web, recorded


def read(name: str, kind: ArtifactKind = ArtifactKind.IPV4) -> Finding:
    return VirusTotal(ProviderConfig()).interpret(recorded(f"virustotal_{name}"), "203.0.113.66", kind)


def failure(name: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read(name)
    return caught.value


@pytest.mark.parametrize(
    ("name", "verdict", "strength"),
    [
        ("malicious", Verdict.MALICIOUS, Strength.STRONG),
        ("one_engine", Verdict.SUSPICIOUS, Strength.WEAK),
        ("harmless", Verdict.UNKNOWN, Strength.WEAK),
        ("domain", Verdict.MALICIOUS, Strength.STRONG),
    ],
)
def test_it_counts_engines(name: str, verdict: Verdict, strength: Strength) -> None:
    finding = read(name)

    assert (finding.outcome, finding.verdict, finding.strength) == (Outcome.OK, verdict, strength)


def test_it_tells_what_it_knows_about_an_address() -> None:
    finding = read("malicious")

    assert finding.summary == "12 of 94 engines call it malicious, 2 suspicious"
    assert finding.link == "https://www.virustotal.com/gui/ip-address/203.0.113.66"
    assert finding.facts == {
        "engines_malicious": 12,
        "engines_suspicious": 2,
        "engines_total": 94,
        "tags": ["tor"],
        "asn": 64496,
        "as_name": "Example Hosting Ltd",
        "prefix": "203.0.113.0/24",
        "country": "NL",
    }


def test_it_tells_when_a_domain_was_created() -> None:
    finding = read("domain", ArtifactKind.DOMAIN)

    assert finding.facts["created"] == "2025-09-27"
    assert finding.link.startswith("https://www.virustotal.com/gui/domain/")


@pytest.mark.parametrize("name", ["never_analysed", "not_found"])
def test_it_tells_what_nobody_has_analysed(name: str) -> None:
    finding = read(name)

    assert (finding.outcome, finding.verdict) == (Outcome.NOT_FOUND, Verdict.UNKNOWN)


def test_it_knows_both_reasons_for_a_429() -> None:
    ours, theirs = failure("rate_limited"), failure("busy")

    assert ours.outcome == theirs.outcome == Outcome.THROTTLED
    assert ours.retry_after == theirs.retry_after == 60
    assert "quota" in ours.message
    assert "busy" in theirs.message


@pytest.mark.parametrize("name", ["bad_key", "forbidden"])
def test_it_knows_a_refused_key(name: str) -> None:
    assert failure(name).outcome == Outcome.AUTH_ERROR


@pytest.mark.parametrize("name", ["html", "truncated", "unavailable", "redirect", "error_in_200"])
def test_it_takes_nothing_else_for_an_answer(name: str) -> None:
    assert failure(name).outcome == Outcome.ERROR


@pytest.mark.parametrize(
    ("value", "kind", "path"),
    [
        ("203.0.113.66", ArtifactKind.IPV4, "/virustotal/api/v3/ip_addresses/203.0.113.66"),
        ("2001:db8::66", ArtifactKind.IPV6, "/virustotal/api/v3/ip_addresses/2001:db8::66"),
        ("malicious.example", ArtifactKind.DOMAIN, "/virustotal/api/v3/domains/malicious.example"),
        ("a/../../users?x=1#", ArtifactKind.DOMAIN, "/virustotal/api/v3/domains/a%2F..%2F..%2Fusers%3Fx%3D1%23"),
    ],
)
def test_it_asks_for_the_artifact_and_nothing_else(web: Web, value: str, kind: ArtifactKind, path: str) -> None:
    web.reply = recorded("virustotal_malicious")

    VirusTotal(ProviderConfig(key="s3cret", url=f"{web.url}/virustotal/")).lookup(value, kind)

    asked, headers = web.requests[0]
    assert asked == path
    assert headers["x-apikey"] == "s3cret"


def test_it_refuses_values_that_are_only_dots(web: Web) -> None:
    with pytest.raises(ProviderError):
        VirusTotal(ProviderConfig(key="s3cret", url=web.url)).lookup("..", ArtifactKind.DOMAIN)

    assert web.requests == []


def test_it_tests_the_key(web: Web) -> None:
    virustotal = VirusTotal(ProviderConfig(key="s3cret", url=web.url))

    web.reply = recorded("virustotal_harmless")
    assert virustotal.test_connection().ok

    web.reply = recorded("virustotal_bad_key")
    connection = virustotal.test_connection()
    assert (connection.ok, connection.message) == (False, "The key was refused (HTTP 401)")
    assert all("s3cret" not in path for path, _ in web.requests)
