"""Which names may be named to an outside provider."""

import pytest

from investigations.artifacts import domain_scope
from investigations.choices import Scope


@pytest.mark.parametrize(
    "name", ["printer.local", "db.corp", "x.internal", "router.home.arpa", "pc.lan", "a.localhost", "intra.intranet"]
)
def test_it_keeps_names_of_the_house_inside(name):
    assert domain_scope(name) == Scope.INTERNAL
    assert domain_scope(name, test_networks=True) == Scope.INTERNAL


@pytest.mark.parametrize("name", ["shop.example", "x.test", "nothing.invalid", "abc.onion", "7.113.0.203.in-addr.arpa"])
def test_it_calls_names_that_nobody_can_register_reserved(name):
    assert domain_scope(name) == Scope.RESERVED


@pytest.mark.parametrize("name", ["shop.example", "x.test"])
def test_it_opens_documentation_names_for_tests_only(name):
    assert domain_scope(name, test_networks=True) == Scope.PUBLIC


@pytest.mark.parametrize("name", ["scan.shodan.io", "example.com", "local.example.org", "internal.co.uk"])
def test_it_lets_public_names_out(name):
    assert domain_scope(name) == Scope.PUBLIC
