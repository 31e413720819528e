"""The simulated resolver, asked over UDP and TCP."""

from __future__ import annotations

import socket

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from investigations.simulator import Simulator

ASKING = 5.0


def ask(simulator: Simulator, name: str, kind: str = "A", tcp: bool = False) -> tuple[str, list[str]]:
    """(response code, records) for one question."""
    host, _, port = simulator.dns_server.partition(":")
    send = dns.query.tcp if tcp else dns.query.udp
    response = send(dns.message.make_query(name, kind), host, timeout=ASKING, port=int(port))
    wanted = dns.rdatatype.from_text(kind)
    records = [record.to_text() for rrset in response.answer if rrset.rdtype == wanted for record in rrset]
    return dns.rcode.to_text(response.rcode()), records


def zen(address: str) -> str:
    name = dns.reversename.from_address(address).to_text(omit_final_dot=True)
    return name.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa") + ".zen.spamhaus.org"


@pytest.mark.parametrize(
    ("address", "name"),
    [("203.0.113.66", "vps66.hosting.example."), ("2001:db8:7::99", "vps99.hosting.example.")],
)
def test_it_names_an_address(simulator: Simulator, address: str, name: str) -> None:
    assert ask(simulator, dns.reversename.from_address(address).to_text(), "PTR") == ("NOERROR", [name])


def test_it_leads_a_name_back_to_its_address(simulator: Simulator) -> None:
    assert ask(simulator, "vps66.hosting.example") == ("NOERROR", ["203.0.113.66"])
    assert ask(simulator, "vps99.hosting.example", "AAAA") == ("NOERROR", ["2001:db8:7::99"])
    assert ask(simulator, "LOGIN-verify.example") == ("NOERROR", ["192.0.2.31"])


def test_it_tells_a_name_without_records_from_no_name(simulator: Simulator) -> None:
    assert ask(simulator, "vps66.hosting.example", "AAAA") == ("NOERROR", [])
    assert ask(simulator, "hosting.example") == ("NOERROR", [])
    assert ask(simulator, "nobody.hosting.example") == ("NXDOMAIN", [])
    assert ask(simulator, "200.2.0.192.in-addr.arpa", "PTR") == ("NXDOMAIN", [])
    assert ask(simulator, "17.4.20.10.in-addr.arpa", "PTR") == ("NXDOMAIN", [])


def test_it_lists_addresses_at_spamhaus(simulator: Simulator) -> None:
    assert ask(simulator, zen("203.0.113.66")) == ("NOERROR", ["127.0.0.4"])
    assert ask(simulator, zen("2001:db8:7::99")) == ("NOERROR", ["127.0.0.4"])
    assert ask(simulator, zen("192.0.2.200")) == ("NXDOMAIN", [])


def test_it_lists_domains_at_spamhaus(simulator: Simulator) -> None:
    assert ask(simulator, "login-verify.example.dbl.spamhaus.org") == ("NOERROR", ["127.0.1.4"])
    assert ask(simulator, "census.example.dbl.spamhaus.org") == ("NXDOMAIN", [])
    assert ask(simulator, "192.0.2.1.dbl.spamhaus.org") == ("NOERROR", ["127.0.1.255"])


def test_it_passes_the_self_test_of_a_block_list(simulator: Simulator) -> None:
    code, records = ask(simulator, "2.0.0.127.zen.spamhaus.org")
    assert (code, set(records)) == ("NOERROR", {"127.0.0.2", "127.0.0.4", "127.0.0.10"})
    assert ask(simulator, "1.0.0.127.zen.spamhaus.org") == ("NXDOMAIN", [])
    assert ask(simulator, "dbltest.com.dbl.spamhaus.org") == ("NOERROR", ["127.0.1.2"])


def test_it_maps_addresses_to_networks_as_cymru_does(simulator: Simulator) -> None:
    origin = ask(simulator, "66.113.0.203.origin.asn.cymru.com", "TXT")
    assert origin == ("NOERROR", ['"64496 | 203.0.113.0/24 | NL | ripencc | 2014-03-14"'])
    nibbles = dns.reversename.from_address("2001:db8:7::99").to_text(omit_final_dot=True).removesuffix(".ip6.arpa")
    origin6 = ask(simulator, f"{nibbles}.origin6.asn.cymru.com", "TXT")
    assert origin6 == ("NOERROR", ['"64496 | 2001:db8::/32 | NL | ripencc | 2014-03-14"'])
    name = ask(simulator, "AS64496.asn.cymru.com", "TXT")
    assert name == ("NOERROR", ['"64496 | NL | ripencc | 2014-03-14 | EXAMPLE-HOSTING - Example Hosting Ltd, NL"'])


def test_it_does_not_know_an_address_that_nobody_announces(simulator: Simulator) -> None:
    assert ask(simulator, "200.2.0.192.origin.asn.cymru.com", "TXT")[0] == "NXDOMAIN"
    assert ask(simulator, "17.4.20.10.origin.asn.cymru.com", "TXT")[0] == "NXDOMAIN"


def test_it_keeps_the_address_families_of_a_zone_apart(simulator: Simulator) -> None:
    nibbles = dns.reversename.from_address("2001:db8:7::99").to_text(omit_final_dot=True).removesuffix(".ip6.arpa")
    assert ask(simulator, f"{nibbles}.origin.asn.cymru.com", "TXT")[0] == "NXDOMAIN"
    assert ask(simulator, "66.113.0.203.origin6.asn.cymru.com", "TXT")[0] == "NXDOMAIN"


@pytest.mark.parametrize("name", ["x.zen.spamhaus.org", "999.1.1.1.in-addr.arpa", "as9x.asn.cymru.com", "."])
def test_it_answers_nonsense_with_no_such_name(simulator: Simulator, name: str) -> None:
    assert ask(simulator, name) == ("NXDOMAIN", [])


def test_it_says_that_it_is_simulated(simulator: Simulator) -> None:
    assert ask(simulator, "simulated.reconsoc.invalid", "TXT") == ("NOERROR", ['"1"'])


def test_it_answers_over_tcp(simulator: Simulator) -> None:
    assert ask(simulator, "vps66.hosting.example", tcp=True) == ("NOERROR", ["203.0.113.66"])


def test_it_remembers_every_question(simulator: Simulator) -> None:
    ask(simulator, zen("203.0.113.66"))
    ask(simulator, "66.113.0.203.in-addr.arpa", "PTR")
    ask(simulator, "AS64496.asn.cymru.com", "TXT")
    assert simulator.requests == [("spamhaus", "203.0.113.66"), ("dns", "203.0.113.66"), ("cymru", "as64496")]
    assert simulator.dns_queries[1] == ("66.113.0.203.in-addr.arpa", "PTR")


def test_it_survives_noise_on_its_port(simulator: Simulator) -> None:
    host, _, port = simulator.dns_server.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for packet in (b"", b"\x00", bytes(12), b"\xff" * 600):
            noise.sendto(packet, (host, int(port)))
    assert ask(simulator, "vps66.hosting.example")[0] == "NOERROR"


@pytest.mark.parametrize("fault", ["servfail", "error"])
def test_it_fails_on_demand(simulator: Simulator, fault: str) -> None:
    simulator.set_fault("spamhaus", fault)
    assert ask(simulator, zen("203.0.113.66")) == ("SERVFAIL", [])
    assert ask(simulator, "vps66.hosting.example")[0] == "NOERROR"


def test_it_refuses_public_resolvers_as_spamhaus_does(simulator: Simulator) -> None:
    simulator.set_fault("spamhaus", "public_resolver")
    assert ask(simulator, zen("192.0.2.200")) == ("NOERROR", ["127.255.255.254"])


def test_it_refuses_after_too_many_questions(simulator: Simulator) -> None:
    simulator.set_fault("spamhaus", "limit:1")
    simulator.set_fault("cymru", "limit:0")
    assert ask(simulator, zen("203.0.113.66")) == ("NOERROR", ["127.0.0.4"])
    assert ask(simulator, zen("203.0.113.66")) == ("NOERROR", ["127.255.255.255"])
    assert ask(simulator, "AS64496.asn.cymru.com", "TXT") == ("REFUSED", [])


def test_it_cuts_an_answer_short(simulator: Simulator) -> None:
    simulator.set_fault("dns", "truncated")
    with pytest.raises(dns.exception.DNSException):
        ask(simulator, "vps66.hosting.example")


def test_it_falls_silent(simulator: Simulator) -> None:
    simulator.set_fault("dns", "timeout")
    host, _, port = simulator.dns_server.partition(":")
    query = dns.message.make_query("vps66.hosting.example", "A")
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(query, host, timeout=0.2, port=int(port))
    assert ask(simulator, zen("203.0.113.66"))[0] == "NOERROR"
