"""What holds for every provider, those of tomorrow included."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from investigations.choices import ArtifactKind, Outcome
from investigations.providers import PROVIDERS, http
from investigations.providers.base import Provider, ProviderConfig, ProviderError
from investigations.providers.http_provider import HttpProvider
from tests.providers.conftest import DATA, Web, recorded

DOCS = Path(__file__).parents[2] / "docs"
HTTP_PROVIDERS = [name for name, provider in PROVIDERS.items() if issubclass(provider, HttpProvider)]
KEYED = [name for name in HTTP_PROVIDERS if PROVIDERS[name].needs_key]
KEY = "k3y-of-4n-4dmin"


def made(name: str, **config: Any) -> Provider:
    return PROVIDERS[name](ProviderConfig(**config))


def test_it_lists_providers_in_the_order_of_display() -> None:
    assert list(PROVIDERS) == [
        "warninglists", "dns", "cymru", "spamhaus", "internetdb", "greynoise", "abuseipdb", "virustotal",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PROVIDERS)
def test_it_describes_every_provider(name: str) -> None:
    provider = PROVIDERS[name]

    assert provider.name == name
    assert provider.label
    assert provider.accepts
    assert provider.sends
    assert provider.freshness > 0
    assert provider.fetch is not Provider.fetch
    assert provider.interpret is not Provider.interpret
    assert provider.probe is not Provider.probe


def test_it_knows_who_has_an_opinion() -> None:
    context = {name for name, provider in PROVIDERS.items() if not provider.reputation}

    assert context == {"warninglists", "dns", "cymru", "internetdb"}


@pytest.mark.parametrize("name", PROVIDERS)
def test_it_documents_every_provider(name: str) -> None:
    text = (DOCS / "providers.md").read_text()
    section = re.search(rf"^## .*\(`{name}`\)$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)

    assert section, f"docs/providers.md has no section for {name}"
    for topic in ("Sends", "Brings", "Not found", "Limits", "Terms"):
        assert f"**{topic}**" in section[1], topic
    assert not PROVIDERS[name].needs_key or "**Key**" in section[1]


def test_it_documents_every_fact() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "facts.md").read_text(), re.MULTILINE))
    supplied: set[str] = set()
    for path in DATA.glob("*.json"):
        name = path.name.partition("_")[0]
        try:
            finding = made(name).interpret(recorded(path.stem), "203.0.113.66", ArtifactKind.IPV4)
        except ProviderError:
            continue
        supplied |= set(finding.facts)

    assert supplied
    assert supplied <= documented


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
def test_it_has_recorded_every_kind_of_answer(name: str) -> None:
    cases = {path.stem.removeprefix(f"{name}_") for path in DATA.glob(f"{name}_*.json")}
    expected = {"rate_limited", "html", "truncated", "unavailable", "redirect", "error_in_200"}

    assert expected <= cases
    assert cases & {"malicious", "found"}
    assert cases & {"not_found", "never_seen"}
    assert name not in KEYED or "bad_key" in cases


@pytest.mark.parametrize("path", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_it_records_nobody_real(path: Path) -> None:
    text = path.read_text()
    documentation = re.compile(r"^(192\.0\.2|198\.51\.100|203\.0\.113)\.")

    assert json.loads(text).keys() == {"status", "headers", "body"}
    for address in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text):
        assert documentation.match(address) or address == "169.254.169.254"


@pytest.mark.parametrize("name", KEYED)
@pytest.mark.parametrize(
    "case", ["bad_key", "rate_limited", "html", "truncated", "unavailable", "redirect", "error_in_200"]
)
def test_it_keeps_the_key_out_of_urls_and_errors(web: Web, name: str, case: str) -> None:
    web.reply = recorded(f"{name}_{case}")
    provider = made(name, key=KEY, url=f"{web.url}/{name}")

    with pytest.raises(ProviderError) as caught:
        provider.lookup("203.0.113.66", ArtifactKind.IPV4)
    connection = provider.test_connection()

    assert all(KEY not in path and KEY in headers.values() for path, headers in web.requests)
    for text in (str(caught.value), repr(caught.value), connection.message, repr(provider.config)):
        assert KEY not in text
        assert web.url not in str(caught.value)


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
def test_it_times_out(raw: Any, name: str) -> None:
    provider = made(name, key=KEY, url=raw(lambda peer: peer.recv(1)), timeout=0.2)

    with pytest.raises(ProviderError) as caught:
        provider.lookup("203.0.113.66", ArtifactKind.IPV4)

    assert caught.value.outcome == Outcome.TIMEOUT
    assert not provider.test_connection().ok


@pytest.mark.parametrize("name", KEYED)
def test_it_asks_nothing_without_a_key(web: Web, name: str) -> None:
    with pytest.raises(ProviderError) as caught:
        made(name, url=web.url).lookup("203.0.113.66", ArtifactKind.IPV4)

    assert caught.value.outcome == Outcome.AUTH_ERROR
    assert web.requests == []


@pytest.mark.parametrize("name", HTTP_PROVIDERS)
def test_it_speaks_to_the_real_service_by_default(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(http, "get", lambda url, **kwargs: asked.append(url))

    made(name, key=KEY).fetch("203.0.113.66", ArtifactKind.IPV4)

    assert asked[0].startswith("https://")
    assert "203.0.113.66" in asked[0] or name == "abuseipdb"


@pytest.mark.parametrize(
    "url", ["ftp://host/", "host", "http://", "http://user:secret@host/", "http://host/?a=1", "http://[::1"]
)
def test_it_refuses_urls_that_cannot_be_a_base(url: str) -> None:
    with pytest.raises(ProviderError, match="cannot be used") as caught:
        made("internetdb", url=url).lookup("203.0.113.66", ArtifactKind.IPV4)

    assert "secret" not in caught.value.message
