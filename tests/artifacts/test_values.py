"""Addresses and domains: one canonical text, one scope."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.artifacts import (
    defang,
    kind_of,
    normalise_address,
    normalise_domain,
    refang,
    registrable_domain,
    scope_of,
)
from investigations.choices import ArtifactKind, Scope

OWN = (ipaddress.ip_network("203.0.113.0/28"), ipaddress.ip_network("2001:db8:1::/48"))
ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7\n", "203.0.113.7"),
        ("2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::", "::"),
        ("203.0.113.07", None),
        ("203.0.113", None),
        ("203.0.113.256", None),
        ("203.0.113.7/32", None),
        ("203.0.113.7%eth0", None),
        ("3405803783", None),
        ("0xcb007107", None),
        ("٢٠٣.0.113.7", None),
        ("", None),
        ("banana", None),
        ("1:" * 5000, None),
    ],
)
def test_it_writes_an_address_in_one_way(text: str, value: str | None) -> None:
    assert normalise_address(text) == value


@given(ADDRESSES)
def test_it_leaves_a_canonical_address_alone(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    value = normalise_address(address.exploded)
    assert value is not None
    assert normalise_address(value) == value
    assert refang(defang(value)) == value
    assert kind_of(value) == (ArtifactKind.IPV6 if ":" in value else ArtifactKind.IPV4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("WWW.Example.COM.", "www.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("_sip._udp.bücher.example", "_sip._udp.xn--bcher-kva.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("a" * 64 + ".example", None),
        (("a" * 60 + ".") * 4 + "example", ("a" * 60 + ".") * 4 + "example"),
        (("a" * 62 + ".") * 4 + "example", None),
        ("localhost", None),
        ("203.0.113.7", None),
        ("example.123", None),
        ("example.c0m", None),
        ("example.c", None),
        ("exam ple.com", None),
        ("-example.com", None),
        ("example-.com", None),
        ("a..example", None),
        (".example.com", None),
        ("example.com..", None),
        ("exa\x00mple.com", None),
        ("ex\u202eample.com", None),
        ("<b>.example", None),
        ("", None),
        ("ü" * 5000 + ".example", None),
    ],
)
def test_it_writes_a_domain_in_one_way(text: str, value: str | None) -> None:
    assert normalise_domain(text) == value


@given(st.text(max_size=80))
def test_it_makes_a_domain_of_letters_digits_and_hyphens_or_nothing(text: str) -> None:
    value = normalise_domain(text)
    if value is not None:
        assert set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.")
        assert normalise_domain(value) == value
        assert refang(defang(value)) == value


@pytest.mark.parametrize(
    ("domain", "registrable"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("www.example.com", "example.com"),
        ("example.com", "example.com"),
        ("host.corp.internal", "corp.internal"),
        ("co.uk", "co.uk"),
        ("a.xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_it_finds_what_somebody_registered(domain: str, registrable: str) -> None:
    assert registrable_domain(domain) == registrable


SCOPES = {
    Scope.PUBLIC: ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "2002:808:808::1", "192.0.0.9"],
    Scope.INTERNAL: [
        "10.0.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254",
        "fc00::1", "fd12:3456::1", "::1", "fe80::1", "203.0.113.1", "2001:db8:1::1",
        "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "::10.0.0.1", "2002:a00:1::1", "2002:cb00:7101::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    ],
    Scope.RESERVED: [
        "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.1",
        "192.0.2.1", "198.51.100.1", "203.0.113.99", "192.88.99.1", "::", "ff02::1", "2001:db8::1", "fec0::1", "100::1",
        "3fff::1", "5f00::1", "64:ff9b:1::1", "64:ff9b::224.0.0.1", "2001:2::1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("scope", "address"), [(scope, address) for scope in SCOPES for address in SCOPES[scope]])
def test_it_knows_where_an_address_lives(scope: Scope, address: str) -> None:
    assert scope_of(address, OWN) == scope


@pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.1", "203.0.113.99", "2001:db8::1", "64:ff9b::192.0.2.1"])
def test_it_lets_the_documentation_ranges_be_public_for_tests(address: str) -> None:
    assert scope_of(address, OWN, test_networks=True) == Scope.PUBLIC


@pytest.mark.parametrize("address", ["203.0.113.1", "2001:db8:1::1"])
def test_it_puts_own_networks_above_everything(address: str) -> None:
    assert scope_of(address, iter(OWN), test_networks=True) == Scope.INTERNAL
    assert scope_of("8.8.8.8", [ipaddress.ip_network("8.8.8.0/24")]) == Scope.INTERNAL


def test_it_refuses_to_judge_what_is_no_address() -> None:
    with pytest.raises(ValueError, match="banana"):
        scope_of("banana", ())


@given(st.ip_addresses(v=4))
def test_it_sees_through_every_wrapping(inner: ipaddress.IPv4Address) -> None:
    number = int(inner)
    wrapped = [
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1),
        ipaddress.IPv6Address((0x20010000 << 96) | (0xC0000201 << 64) | (number ^ 0xFFFFFFFF)),
    ]
    assert {scope_of(str(outer), OWN) for outer in wrapped} == {scope_of(str(inner), OWN)}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("203[.]0[.]113[.]7", "203.0.113.7"),
        ("evil(.)example{.}com", "evil.example.com"),
        ("evil[dot]example(DOT)com", "evil.example.com"),
        ("hxxp://evil[.]example", "http://evil.example"),
        ("hXXps[://]evil.example", "https://evil.example"),
        ("h**p://evil.example", "http://evil.example"),
        ("user[at]evil[.]example", "user@evil.example"),
        ("user(@)evil.example", "user@evil.example"),
        ("2001[:]db8::1", "2001:db8::1"),
        ("evil.example[/]path", "evil.example/path"),
        ("evil\\.example", "evil.example"),
        ("nothing to do", "nothing to do"),
    ],
)
def test_it_undoes_defanging(text: str, plain: str) -> None:
    assert refang(text) == plain


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("203.0.113.7", "203.0.113[.]7"),
        ("www.evil.example", "www.evil[.]example"),
        ("2001:db8::1", "2001:db8:[:]1"),
        ("http://evil.example/a.php", "hxxp://evil[.]example/a.php"),
    ],
)
def test_it_defangs_for_display(value: str, shown: str) -> None:
    assert defang(value) == shown
    assert refang(shown) == value
