from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.providers.addresses import is_public, may_connect

SPECIAL = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%1", "fec0::1", "fc00::1", "ff02::1", "2001:db8::1", "3fff::1", "64:ff9b:1::1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2002:7f00:1::1",
    # Teredo: the client's address is written inverted
    "2001:0:808:808:0:0:f5ff:fffe",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.mark.parametrize("address", SPECIAL)
def test_it_keeps_special_addresses_apart_from_public_ones(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not may_connect(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_it_lets_public_addresses_through_however_written(address: str) -> None:
    assert may_connect(ip_address(address))


def test_it_opens_loopback_only_on_request() -> None:
    assert may_connect(ip_address("127.0.0.1"), loopback=True)
    assert may_connect(ip_address("::ffff:127.0.0.1"), loopback=True)
    assert not may_connect(ip_address("10.0.0.1"), loopback=True)


def test_it_opens_the_networks_of_the_deployment() -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]

    assert may_connect(ip_address("10.1.2.3"), networks=networks)
    assert may_connect(ip_address("::ffff:10.1.2.3"), networks=networks)
    assert may_connect(ip_address("fd00::1"), networks=networks)
    assert not may_connect(ip_address("10.2.0.1"), networks=networks)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::ffff:169.254.169.254"])
def test_it_never_opens_link_local_or_multicast(address: str) -> None:
    everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]

    assert not may_connect(ip_address(address), networks=everything, loopback=True)


@given(st.ip_addresses(v=4))
def test_it_judges_every_way_of_writing_an_ipv4_address_alike(address: object) -> None:
    number = int(ip_address(str(address)))
    wrapped = [
        ip_address((0xFFFF << 32) | number),
        ip_address((0x64FF9B << 96) | number),
        ip_address((0x2002 << 112) | (number << 80)),
    ]

    assert {is_public(one) for one in wrapped} == {is_public(ip_address(number))}
