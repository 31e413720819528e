"""Personas: one world that all simulated providers agree on."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network

from investigations.simulator.personas import ARCHETYPES, NAMED, addresses_of, domain_of, persona_of


def test_it_shares_out_all_of_the_address_space() -> None:
    assert sum(share for share, _ in ARCHETYPES) == 100


def test_it_gives_random_addresses_variety() -> None:
    stories = Counter(persona_of(address).story for address in ip_network("203.0.113.0/24"))
    for share, archetype in ARCHETYPES:
        assert stories[archetype.story] > 256 * share / 100 / 3


def test_it_gives_an_address_the_same_persona_every_time() -> None:
    address = ip_address("203.0.113.5")
    first = persona_of(address)
    persona_of.cache_clear()
    assert persona_of(address) == first


def test_it_varies_the_numbers_within_an_archetype() -> None:
    personas = [persona_of(address) for address in ip_network("192.0.2.0/24")]
    totals = {persona.reports.total for persona in personas if persona.story == "malicious scanner"}
    assert len(totals) > 5


def test_it_leads_every_confirmed_reverse_name_back_to_its_address() -> None:
    others = [persona_of(address) for address in ip_network("198.51.100.0/24")]
    other_on_ipv6 = persona_of(ip_address("2001:db8:44::5"))
    for persona in [*NAMED, *others, other_on_ipv6]:
        if persona.reverse_name and not persona.leads_to:
            assert addresses_of(persona.reverse_name) == (persona.address,)


def test_it_leads_the_impostors_name_elsewhere() -> None:
    assert persona_of(ip_address("198.51.100.214")).reverse_name == "scan-214.census.example"
    assert "198.51.100.214" not in addresses_of("scan-214.census.example")


def test_it_knows_no_host_that_its_address_does_not_claim() -> None:
    assert addresses_of("scan-192-0-2-200.census.example") == ()
    assert addresses_of("www.login-verify.example") == ()


def test_it_judges_a_host_by_the_domain_above_it() -> None:
    domain = domain_of("www.login-verify.example")
    assert domain and domain.engines.malicious == 15
    assert domain_of("example") is None
    assert domain_of("notlogin-verify.example") is None
