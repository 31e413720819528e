from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.providers.ranges import RangeIndex, bounds_of

# A small corner of the address space, so that random networks and addresses meet
CORNER = st.tuples(st.integers(0, 255), st.integers(22, 32)).map(
    lambda pair: IPv4Network((0xCB007100 | pair[0], pair[1]), strict=False)
)


def test_it_finds_the_narrowest_network_around_an_address() -> None:
    index = RangeIndex([("203.0.113.0/24", "wide"), ("203.0.113.64/26", "narrow"), ("203.0.113.66", "one")])

    assert [index.label_of(f"203.0.113.{last}") for last in (1, 64, 66, 67, 128)] == [
        "wide", "narrow", "one", "narrow", "wide",
    ]  # fmt: skip
    assert index.label_of("203.0.112.255") is None
    assert index.label_of("203.0.114.0") is None


def test_it_keeps_families_apart() -> None:
    index = RangeIndex([("::/0", "six"), ("2001:db8::/32", "documentation")])

    assert index.label_of("203.0.113.1") is None
    assert index.label_of("2001:db8::1") == "documentation"
    assert index.label_of("2606::1") == "six"


def test_it_knows_an_address_exactly() -> None:
    index = RangeIndex([("11.1.1.10", "other")])

    assert index.label_of("1.1.1.1") is None
    assert index.label_of("11.1.1.10") == "other"


def test_it_searches_the_ends_of_the_address_space() -> None:
    index = RangeIndex([("0.0.0.0/32", "first"), ("255.255.255.255", "last"), ("ffff::/16", "six")])

    assert index.label_of("0.0.0.0") == "first"
    assert index.label_of("255.255.255.255") == "last"
    assert index.label_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == "six"


@pytest.mark.parametrize(
    "text", ["", "example", "1.2.3", "1.2.3.4/33", "1.2.3.4/x", "1.2.3.4/-1", "::/129", "1.2.3.4\x00"]
)
def test_it_leaves_out_what_is_no_network(text: str) -> None:
    index = RangeIndex([(text, "bad"), ("203.0.113.0/24", "good")])

    assert len(index) == 1
    assert index.label_of("203.0.113.1") == "good"


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_it_reads_networks_as_the_standard_library_does(address: object, length: int) -> None:
    network = ip_network(f"{address}/{length}", strict=False)
    assert isinstance(network, IPv6Network)

    assert bounds_of(f"{address}/{length}") == (6, int(network[0]), int(network[-1]))


@given(st.lists(CORNER, max_size=20), st.integers(0, 255))
def test_it_agrees_with_trying_every_network(networks: list[IPv4Network], last: int) -> None:
    address = ip_address(0xCB007100 | last)
    index = RangeIndex((str(network), str(network.prefixlen)) for network in networks)

    around = [network.prefixlen for network in networks if address in network]

    assert index.label_of(str(address)) == (str(max(around)) if around else None)
