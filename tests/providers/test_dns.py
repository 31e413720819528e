from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Verdict
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.dns import DNS, is_telling
from tests.providers.conftest import Zone

REVERSE = ("66.113.0.203.in-addr.arpa", "PTR")


def look_up(value: str = "203.0.113.66", timeout: float = 3.0) -> Finding:
    kind = ArtifactKind.DOMAIN if value.endswith("example") else ArtifactKind.IPV4
    return DNS(ProviderConfig(timeout=timeout)).lookup(value, ArtifactKind.IPV6 if ":" in value else kind)


def test_it_believes_a_name_that_leads_back(zone: Zone) -> None:
    zone.records[REVERSE] = ["VPS66.hosting.example."]
    zone.records["vps66.hosting.example", "A"] = ["203.0.113.66"]

    finding = look_up()

    assert finding.summary == "vps66.hosting.example, confirmed forward"
    assert finding.facts["rdns"] == "vps66.hosting.example"
    assert finding.facts["rdns_confirmed"] is True
    assert finding.facts["confirmed"] == ["vps66.hosting.example"]
    assert finding.domains == ("vps66.hosting.example",)
    assert finding.verdict == Verdict.UNKNOWN


@pytest.mark.parametrize(
    "records", [{}, {("scan-1.census.example", "A"): ["198.51.100.10"]}], ids=["missing", "elsewhere"]
)
def test_it_does_not_believe_a_name_that_leads_elsewhere(zone: Zone, records: dict[tuple[str, str], list[str]]) -> None:
    zone.records = {REVERSE: ["scan-1.census.example."], **records}

    finding = look_up()

    assert finding.summary == "claims scan-1.census.example, but that name does not lead back"
    assert finding.facts["rdns_confirmed"] is False
    assert (finding.facts["names"], finding.facts["confirmed"]) == (["scan-1.census.example"], [])
    assert finding.domains == ()


def test_it_does_not_believe_a_name_whose_servers_are_broken(zone: Zone) -> None:
    zone.records[REVERSE] = ["broken.example."]
    zone.rcodes["broken.example"] = "SERVFAIL"

    assert look_up().facts["rdns_confirmed"] is False


def test_it_gives_no_answer_when_the_name_could_not_be_checked_in_time(zone: Zone) -> None:
    zone.records[REVERSE] = ["silent.example."]
    zone.silent.add("silent.example")

    with pytest.raises(ProviderError) as caught:
        look_up(timeout=0.5)

    assert caught.value.outcome == Outcome.TIMEOUT
    assert "silent.example" not in caught.value.message


def test_it_shows_the_confirmed_name_of_several(zone: Zone) -> None:
    zone.records[REVERSE] = ["a.example.", "b.example."]
    zone.records["b.example", "A"] = ["203.0.113.1", "203.0.113.66"]

    finding = look_up()

    assert finding.facts["rdns"] == "b.example"
    assert finding.domains == ("b.example",)


def test_it_follows_the_telling_name_of_several(zone: Zone) -> None:
    for name in ("203-0-113-66.isp.example", "mail.shop.example", "web.shop.example"):
        zone.records[name, "A"] = ["203.0.113.66"]
    zone.records[REVERSE] = ["203-0-113-66.isp.example.", "mail.shop.example.", "web.shop.example."]

    finding = look_up()

    assert finding.facts["rdns"] == "mail.shop.example"
    assert finding.domains == ("mail.shop.example",)
    assert len(finding.facts["confirmed"]) == 3


def test_it_checks_only_a_few_of_many_names(zone: Zone) -> None:
    zone.records[REVERSE] = [f"n{number}.example." for number in range(20)]

    look_up()

    assert len([name for name, kind in zone.asked if kind == "A"]) == 3


def test_it_confirms_ipv6(zone: Zone) -> None:
    name = "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"
    zone.records[name, "PTR"] = ["six.example."]
    zone.records["six.example", "AAAA"] = ["2001:0db8:0::0001"]

    assert look_up("2001:db8::1").facts["rdns_confirmed"] is True


def test_it_finds_no_name(zone: Zone) -> None:
    finding = look_up()

    assert (finding.outcome, finding.summary) == (Outcome.NOT_FOUND, "no reverse name")


def test_it_passes_on_a_broken_reverse_zone(zone: Zone) -> None:
    zone.rcodes[REVERSE[0]] = "SERVFAIL"

    with pytest.raises(ProviderError, match="SERVFAIL"):
        look_up()


def test_it_finds_the_addresses_of_a_domain(zone: Zone) -> None:
    zone.records["shop.example", "A"] = ["203.0.113.66"]
    zone.records["shop.example", "AAAA"] = ["2001:db8::66"]

    finding = look_up("shop.example")

    assert finding.facts == {"addresses": ["203.0.113.66", "2001:db8::66"]}
    assert finding.summary == "leads to 203.0.113.66, 2001:db8::66"


def test_it_tells_a_domain_without_address_from_none(zone: Zone) -> None:
    zone.records["mail.example", "TXT"] = ["hello"]

    assert look_up("mail.example").facts == {"addresses": []}
    assert look_up("missing.example").outcome == Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "telling"),
    [
        ("vps66.hosting.example", True),
        ("scan-10.census.example", True),
        ("203-0-113-67.isp.example", True),
        ("203-0-113-66.isp.example", False),
        ("66.113.0.203.dynamic.isp.example", False),
        ("host-203.000.113.066.isp.example", False),
        ("localhost", False),
        ("203.0.113.66", False),
        ("a" * 64 + ".example", False),
        ("<script>.example", False),
        ("a..example", False),
        ("\\000.example", False),
    ],
)
def test_it_follows_only_telling_names(name: str, telling: bool) -> None:
    assert is_telling(name, "203.0.113.66") is telling


def test_it_tests_the_resolver(zone: Zone) -> None:
    assert DNS(ProviderConfig(timeout=3)).test_connection().ok

    zone.rcodes["8.8.8.8.in-addr.arpa"] = "REFUSED"
    connection = DNS(ProviderConfig(timeout=3)).test_connection()
    assert (connection.ok, connection.message) == (False, "DNS answered REFUSED")
