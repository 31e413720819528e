from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.spamhaus import Spamhaus
from tests.providers.conftest import Zone

ZEN = ("66.113.0.203.zen.spamhaus.org", "A")
DBL = ("shop.example.dbl.spamhaus.org", "A")


def look_up(value: str = "203.0.113.66", kind: ArtifactKind = ArtifactKind.IPV4) -> Finding:
    return Spamhaus(ProviderConfig(timeout=0.5)).lookup(value, kind)


@pytest.mark.parametrize(
    ("codes", "verdict", "strength", "listed"),
    [
        ([2], Verdict.SUSPICIOUS, Strength.STRONG, ["SBL"]),
        ([3], Verdict.SUSPICIOUS, Strength.STRONG, ["CSS"]),
        ([4], Verdict.MALICIOUS, Strength.STRONG, ["XBL"]),
        ([5], Verdict.MALICIOUS, Strength.STRONG, ["XBL"]),
        ([7], Verdict.MALICIOUS, Strength.STRONG, ["XBL"]),
        ([9], Verdict.MALICIOUS, Strength.DECISIVE, ["DROP"]),
        ([10], Verdict.UNKNOWN, Strength.CONTEXT, ["PBL"]),
        ([11], Verdict.UNKNOWN, Strength.CONTEXT, ["PBL"]),
        ([20], Verdict.MALICIOUS, Strength.STRONG, ["AuthBL"]),
        ([30], Verdict.MALICIOUS, Strength.STRONG, ["BCL"]),
        ([2, 9], Verdict.MALICIOUS, Strength.DECISIVE, ["SBL", "DROP"]),
        ([10, 4], Verdict.MALICIOUS, Strength.STRONG, ["PBL", "XBL"]),
    ],
)
def test_it_weighs_the_lists(
    zone: Zone, codes: list[int], verdict: Verdict, strength: Strength, listed: list[str]
) -> None:
    zone.records[ZEN] = [f"127.0.0.{code}" for code in codes]

    finding = look_up()

    assert (finding.outcome, finding.verdict, finding.strength) == (Outcome.OK, verdict, strength)
    assert sorted(finding.facts["listed"]) == sorted(listed)


def test_it_says_what_a_list_means(zone: Zone) -> None:
    zone.records[ZEN] = ["127.0.0.4"]

    assert look_up().summary == "listed on XBL (exploited host)"


@pytest.mark.parametrize(
    ("code", "verdict", "strength"),
    [
        *((f"127.0.1.{code}", Verdict.MALICIOUS, Strength.STRONG) for code in (2, 4, 5, 6)),
        *((f"127.0.1.{code}", Verdict.SUSPICIOUS, Strength.WEAK) for code in range(102, 107)),
        ("127.0.2.3", Verdict.UNKNOWN, Strength.CONTEXT),
    ],
)
def test_it_weighs_domains(zone: Zone, code: str, verdict: Verdict, strength: Strength) -> None:
    zone.records[DBL] = [code]

    finding = look_up("shop.example", ArtifactKind.DOMAIN)

    assert (finding.verdict, finding.strength) == (verdict, strength)


def test_it_knows_new_domains(zone: Zone) -> None:
    zone.records[DBL] = ["127.0.2.3"]

    finding = look_up("shop.example", ArtifactKind.DOMAIN)

    assert finding.facts == {"listed": ["ZRD"], "domain_age_days": 0}
    assert finding.summary == "listed on ZRD (first seen 3 hours ago)"


@pytest.mark.parametrize("value", ["203.0.113.66", "2001:db8::1", "shop.example"])
def test_it_tells_what_is_not_listed(zone: Zone, value: str) -> None:
    kind = {"2": ArtifactKind.IPV4, "s": ArtifactKind.DOMAIN}[value[0]]

    finding = look_up(value, ArtifactKind.IPV6 if ":" in value else kind)

    assert (finding.outcome, finding.verdict) == (Outcome.NOT_FOUND, Verdict.UNKNOWN)


def test_it_asks_about_ipv6_by_nibbles(zone: Zone) -> None:
    zone.records["1." + "0." * 23 + "8.b.d.0.1.0.0.2.zen.spamhaus.org", "A"] = ["127.0.0.3"]

    assert look_up("2001:db8::1", ArtifactKind.IPV6).facts["listed"] == ["CSS"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("127.255.255.252", "zone's name is wrong"),
        ("127.255.255.254", "public resolver"),
        ("127.255.255.255", "too many questions"),
        ("127.255.255.1", "reports an error"),
        ("127.0.0.1", "answers everything"),
        ("127.0.0.99", "answers everything"),
        ("127.0.1.2", "answers everything"),
        ("192.0.2.80", "answers everything"),
    ],
)
def test_it_takes_no_error_for_a_listing(zone: Zone, code: str, words: str) -> None:
    zone.records[ZEN] = [code]

    with pytest.raises(ProviderError, match=words) as caught:
        look_up()

    assert caught.value.outcome == Outcome.ERROR


def test_it_takes_no_listing_beside_an_error(zone: Zone) -> None:
    zone.records[ZEN] = ["127.0.0.4", "192.0.2.80"]

    with pytest.raises(ProviderError):
        look_up()


def test_it_refuses_the_error_code_of_the_domain_list(zone: Zone) -> None:
    zone.records[DBL] = ["127.0.1.255"]

    with pytest.raises(ProviderError, match="no addresses"):
        look_up("shop.example", ArtifactKind.DOMAIN)


def test_it_passes_on_failures(zone: Zone) -> None:
    zone.rcodes[ZEN[0]] = "SERVFAIL"
    with pytest.raises(ProviderError, match="SERVFAIL"):
        look_up()

    zone.silent.add(ZEN[0])
    with pytest.raises(ProviderError) as caught:
        look_up()
    assert caught.value.outcome == Outcome.TIMEOUT


def test_it_tests_the_list_with_itself(zone: Zone) -> None:
    spamhaus = Spamhaus(ProviderConfig(timeout=3))
    assert not spamhaus.test_connection().ok

    zone.records["2.0.0.127.zen.spamhaus.org", "A"] = ["127.0.0.2", "127.0.0.4", "127.0.0.10"]
    assert spamhaus.test_connection().ok

    zone.records["1.0.0.127.zen.spamhaus.org", "A"] = ["127.0.0.2"]
    assert not spamhaus.test_connection().ok
