from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.cymru import Cymru
from tests.providers.conftest import Zone

ORIGIN = ("66.113.0.203.origin.asn.cymru.com", "TXT")
SYSTEM = ("as64496.asn.cymru.com", "TXT")
NAME = '"64496 | NL | ripencc | 2010-01-01 | EXAMPLE-AS - Example Hosting Ltd, NL"'


def look_up(value: str = "203.0.113.66", kind: ArtifactKind = ArtifactKind.IPV4) -> Finding:
    return Cymru(ProviderConfig(timeout=0.5)).lookup(value, kind)


def test_it_names_the_network(zone: Zone) -> None:
    zone.records[ORIGIN] = ['"64496 | 203.0.113.0/24 | NL | ripencc | 2014-03-14"']
    zone.records[SYSTEM] = [NAME]

    finding = look_up()

    assert finding.summary == "AS64496 EXAMPLE-AS - Example Hosting Ltd, NL (203.0.113.0/24, NL)"
    assert finding.facts == {
        "asn": 64496,
        "as_name": "EXAMPLE-AS - Example Hosting Ltd, NL",
        "prefix": "203.0.113.0/24",
        "country": "NL",
    }
    assert (finding.verdict, finding.strength) == (Verdict.UNKNOWN, Strength.CONTEXT)


def test_it_takes_the_most_specific_prefix_and_the_first_system(zone: Zone) -> None:
    zone.records[ORIGIN] = [
        '"64499 | 203.0.0.0/8 | US | arin | 2014-03-14"',
        '"64496 64497 | 203.0.113.0/24 | NL | ripencc | 2014-03-14"',
    ]
    zone.records[SYSTEM] = [NAME]

    assert look_up().facts["asn"] == 64496


def test_it_does_without_the_name_of_the_system(zone: Zone) -> None:
    zone.records[ORIGIN] = ['"64496 | 203.0.113.0/24 | NL | ripencc | 2014-03-14"']
    zone.rcodes[SYSTEM[0]] = "SERVFAIL"

    assert look_up().summary == "AS64496 (203.0.113.0/24, NL)"


def test_it_asks_about_ipv6(zone: Zone) -> None:
    name = "1." + "0." * 23 + "8.b.d.0.1.0.0.2.origin6.asn.cymru.com"
    zone.records[name, "TXT"] = ['"64496 | 2001:db8::/32 | NL | ripencc | 2014-03-14"']

    assert look_up("2001:db8::1", ArtifactKind.IPV6).facts["prefix"] == "2001:db8::/32"


def test_it_finds_an_unannounced_address(zone: Zone) -> None:
    assert look_up().outcome == Outcome.NOT_FOUND


@pytest.mark.parametrize("record", ["parked", " | | ", "x | y | z", "0 | 203.0.113.0/24 | NL", "<b> | <i> | <u> | |"])
def test_it_refuses_an_answer_without_a_network(zone: Zone, record: str) -> None:
    zone.records[ORIGIN] = [f'"{record}"']

    with pytest.raises(ProviderError, match="names no network"):
        look_up()


def test_it_passes_on_failures(zone: Zone) -> None:
    zone.silent.add(ORIGIN[0])

    with pytest.raises(ProviderError) as caught:
        look_up()

    assert caught.value.outcome == Outcome.TIMEOUT


def test_it_tests_the_connection(zone: Zone) -> None:
    zone.records["8.8.8.8.origin.asn.cymru.com", "TXT"] = ['"15169 | 8.8.8.0/24 | US | arin | 2023-12-28"']
    assert Cymru(ProviderConfig(timeout=3)).test_connection().ok

    zone.rcodes["8.8.8.8.origin.asn.cymru.com"] = "REFUSED"
    assert Cymru(ProviderConfig(timeout=3)).test_connection().message == "DNS answered REFUSED"
