from __future__ import annotations

from typing import Any

import dns.resolver
import pytest

from investigations.choices import Outcome
from investigations.providers import resolver
from investigations.providers.base import ProviderError
from tests.providers.conftest import Zone


def failure(name: str, timeout: float = 3.0) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        resolver.ask(name, "A", timeout)
    return caught.value


def test_it_brings_records_sorted(zone: Zone) -> None:
    zone.records["many.example", "A"] = ["203.0.113.9", "203.0.113.1"]

    reply = resolver.ask("many.example", "A", 3)

    assert (reply.records, reply.rcode) == (("203.0.113.1", "203.0.113.9"), "NOERROR")


def test_it_joins_the_strings_of_a_text_record(zone: Zone) -> None:
    zone.records["text.example", "TXT"] = ['"64496 | 203.0" ".113.0/24"']

    assert resolver.ask("text.example", "TXT", 3).records == ("64496 | 203.0.113.0/24",)


def test_it_tells_a_missing_name_from_a_missing_record(zone: Zone) -> None:
    zone.records["there.example", "AAAA"] = ["2001:db8::1"]

    assert resolver.ask("missing.example", "A", 3).rcode == "NXDOMAIN"
    assert resolver.ask("there.example", "A", 3) == resolver.Reply(rcode="NOERROR")


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_it_names_the_code_of_a_refusal(zone: Zone, rcode: str) -> None:
    zone.rcodes["broken.example"] = rcode

    error = failure("broken.example")

    assert (error.outcome, error.message) == (Outcome.ERROR, f"DNS answered {rcode}")


def test_it_times_out(zone: Zone) -> None:
    zone.silent.add("silent.example")

    error = failure("silent.example", 0.3)

    assert (error.outcome, error.message) == (Outcome.TIMEOUT, "No answer from DNS within 0.3 seconds")


def test_it_never_uses_a_search_list(zone: Zone) -> None:
    resolver.ask("single", "A", 3)

    assert zone.asked == [("single", "A")]


def test_it_asks_again_instead_of_remembering(zone: Zone) -> None:
    zone.records["now.example", "A"] = ["203.0.113.1"]

    resolver.ask("now.example", "A", 3)
    resolver.ask("now.example", "A", 3)

    assert len(zone.asked) == 2


@pytest.mark.parametrize("name", ["x" * 64 + ".example", ".".join(["x" * 60] * 5), "a..example", "ü" * 80 + ".example"])
def test_it_refuses_names_that_dns_cannot_carry(zone: Zone, name: str) -> None:
    assert failure(name).message == "DNS cannot answer this question"
    assert zone.asked == []


def test_it_says_so_when_there_is_no_resolver(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured(*args: Any, **kwargs: Any) -> None:
        raise dns.resolver.NoResolverConfiguration

    settings.DNS_SERVER = ""
    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", unconfigured)

    assert failure("any.example").message == "This machine has no DNS resolver configured"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("127.0.0.1", ("127.0.0.1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("::1", ("::1", 53)),
        ("localhost:5353", None),
    ],
)
def test_it_reads_the_configured_server(text: str, expected: tuple[str, int] | None) -> None:
    host, port = resolver._host_and_port(text)

    assert (host, port) == (expected or (host, 5353))


def test_it_says_so_when_the_configured_server_is_none(settings: Any) -> None:
    settings.DNS_SERVER = "not an address:53"

    assert failure("any.example").message == "The configured DNS server is not an address"


def test_it_reverses_addresses() -> None:
    assert resolver.reverse_name("203.0.113.66") == "66.113.0.203.in-addr.arpa"
    assert resolver.reverse_name("203.0.113.66", "zen.spamhaus.org") == "66.113.0.203.zen.spamhaus.org"
    assert resolver.reverse_name("2001:db8::1", "list.example").startswith("1.0.0.0.0.0")
    assert resolver.reverse_name("2001:db8::1", "list.example").endswith(".8.b.d.0.1.0.0.2.list.example")
