from __future__ import annotations

import json
import re
import socket
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers import warninglists
from investigations.providers.base import Finding, ProviderConfig, ProviderError
from investigations.providers.warninglist_names import RENTED_SCANNERS, SCANNERS, SERVICES
from investigations.providers.warninglists import WarningLists


def look_up(address: str) -> Finding:
    kind = ArtifactKind.IPV6 if ":" in address else ArtifactKind.IPV4
    return WarningLists(ProviderConfig()).lookup(address, kind)


def first_network(name: str) -> str:
    path = files("pymispwarninglists") / "data" / "misp-warninglists" / "lists" / name / "list.json"
    return str(json.loads(path.read_bytes())["list"][0])


@pytest.mark.parametrize(
    ("name", "label"), [("censys-scanning", "Censys"), ("shodan-scanning", "Shodan"), ("shadowserver", "Shadowserver")]
)
def test_it_knows_scanners_by_their_published_ranges(name: str, label: str) -> None:
    finding = look_up(first_network(name).partition("/")[0])

    assert (finding.verdict, finding.strength) == (Verdict.BENIGN, Strength.STRONG)
    assert finding.facts["known_scanner"] == label
    assert finding.facts["published_range"] is True
    assert label in finding.summary


@pytest.mark.parametrize("name", ["tenable-cloud-ipv4", "tenable-cloud-ipv6", "check-host-net"])
def test_it_does_not_vouch_for_scanners_for_hire(name: str) -> None:
    finding = look_up(first_network(name).partition("/")[0])

    assert finding.verdict == Verdict.UNKNOWN
    assert "known_scanner" not in finding.facts
    assert "scanner" in finding.facts["known_service"]


def test_it_calls_a_large_service_context() -> None:
    finding = look_up(first_network("cloudflare").partition("/")[0])

    assert (finding.verdict, finding.strength, finding.outcome) == (Verdict.UNKNOWN, Strength.CONTEXT, Outcome.OK)
    assert finding.facts == {"known_service": "Cloudflare"}


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
def test_it_finds_nothing_elsewhere(address: str) -> None:
    finding = look_up(address)

    assert (finding.outcome, finding.verdict, finding.facts) == (Outcome.NOT_FOUND, Verdict.UNKNOWN, {})


def test_it_has_most_of_the_lists_that_it_names() -> None:
    lists = files("pymispwarninglists") / "data" / "misp-warninglists" / "lists"
    present = {path.name for path in lists.iterdir()}

    assert len(SCANNERS.keys() & present) >= 30
    assert (SERVICES.keys() - RENTED_SCANNERS.keys()) <= present
    assert not SCANNERS.keys() & SERVICES.keys()


def test_it_leaves_no_list_of_scanners_unread() -> None:
    """A new release of the package may bring a scanner that nobody has looked at yet."""
    lists = files("pymispwarninglists") / "data" / "misp-warninglists" / "lists"
    scanners = {path.name for path in lists.iterdir() if re.search(r"scan(ning|ner)?$", path.name)}

    assert scanners <= SCANNERS.keys()


def test_it_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        pytest.fail("opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)

    assert WarningLists.offline
    assert look_up("203.0.113.9").outcome == Outcome.NOT_FOUND


def test_it_tells_how_much_it_has_loaded() -> None:
    connection = WarningLists(ProviderConfig()).test_connection()

    assert connection.ok
    assert re.search(r"\d,\d{3} ranges of scanners", connection.message)


def test_it_says_so_when_the_lists_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> Path:
        directory = tmp_path / "data" / "misp-warninglists" / "lists" / "censys-scanning"
        directory.mkdir(parents=True)
        (directory / "list.json").write_text("{")
        return tmp_path

    monkeypatch.setattr(warninglists, "files", broken)
    warninglists._read.cache_clear()

    with pytest.raises(ProviderError, match="cannot be read"):
        look_up("203.0.113.9")
    monkeypatch.undo()
    assert look_up("203.0.113.9").outcome == Outcome.NOT_FOUND
