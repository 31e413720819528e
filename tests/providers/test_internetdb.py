from __future__ import annotations

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.internetdb import InternetDB
from tests.providers.conftest import Web, recorded


def read(name: str) -> Finding:
    return InternetDB(ProviderConfig()).interpret(recorded(f"internetdb_{name}"), "203.0.113.66", ArtifactKind.IPV4)


def failure(name: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        read(name)
    return caught.value


def test_it_tells_what_is_open() -> None:
    finding = read("found")

    assert finding.summary == "open: 22, 80, 2323; CVE-2023-38408; cloud"
    assert (finding.verdict, finding.strength) == (Verdict.UNKNOWN, Strength.CONTEXT)
    assert finding.facts == {
        "open_ports": [22, 80, 2323],
        "vulns": ["CVE-2023-38408"],
        "tags": ["cloud"],
        "hostnames": ["vps66.hosting.example"],
    }


def test_it_tells_that_nothing_is_open() -> None:
    assert read("empty").summary == "no open ports; scanner"


def test_it_tells_what_it_does_not_know() -> None:
    assert read("not_found").outcome == Outcome.NOT_FOUND


def test_it_knows_the_rate_limit() -> None:
    assert failure("rate_limited").outcome == Outcome.THROTTLED


def test_it_knows_when_it_is_shut_out() -> None:
    assert failure("blocked").outcome == Outcome.AUTH_ERROR


@pytest.mark.parametrize("name", ["html", "truncated", "unavailable", "redirect", "invalid", "error_in_200"])
def test_it_takes_nothing_else_for_an_answer(name: str) -> None:
    assert failure(name).outcome == Outcome.ERROR


def test_it_asks_without_a_key(web: Web) -> None:
    web.reply = recorded("internetdb_found")

    InternetDB(ProviderConfig(key="unused", url=web.url)).lookup("2001:db8::1", ArtifactKind.IPV6)

    path, headers = web.requests[0]
    assert path == "/2001:db8::1"
    assert "unused" not in headers.values()


def test_it_tests_the_connection(web: Web) -> None:
    internetdb = InternetDB(ProviderConfig(url=web.url))

    web.reply = recorded("internetdb_not_found")
    assert internetdb.test_connection().ok
    assert web.requests[0][0] == "/1.1.1.1"

    web.reply = recorded("internetdb_html")
    assert not internetdb.test_connection().ok
