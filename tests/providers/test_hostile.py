"""Whatever an answer holds, a provider finds something storable or raises ProviderError; nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.choices import ArtifactKind
from investigations.providers import PROVIDERS
from investigations.providers.base import Finding, ProviderConfig, ProviderError, Reply
from tests.providers.conftest import recorded

SALES = "<script>alert(1)</script> Premium required.\x00\x1b[2J\u202e" + "x" * 1000
SCALARS = st.sampled_from([None, True, False, 0, 1, -1, 10**30, 1.5, 1e308, "", "7", "AS7", SALES, "\ud800"])
JSON = st.recursive(
    SCALARS | st.integers() | st.text(st.characters(codec=None), max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
ANSWERS = [
    ("virustotal", "malicious"),
    ("virustotal", "domain"),
    ("abuseipdb", "malicious"),
    ("greynoise", "malicious"),
    ("greynoise", "business_service"),
    ("internetdb", "found"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every field of a JSON value, itself first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return value


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from (key, *texts(child))
    elif isinstance(value, list):
        for child in value:
            yield from texts(child)


def check(finding: Finding) -> None:
    """Storable in PostgreSQL, showable in a page and a terminal, and small."""
    facts = dict(finding.facts)
    stored = json.dumps([finding.summary, facts, finding.link, list(finding.domains)], allow_nan=False)
    assert len(stored) < 20_000
    for text in (finding.summary, finding.link, *texts(facts)):
        text.encode()
        assert text.isprintable()
    assert all(len(text) <= 255 for text in texts(facts))
    assert len(finding.summary) <= 1000


def interpret(provider: str, reply: Reply) -> None:
    try:
        finding = PROVIDERS[provider](ProviderConfig()).interpret(reply, "203.0.113.66", ArtifactKind.IPV4)
    except ProviderError as error:
        assert "script" not in error.message and "Premium" not in error.message
    else:
        check(finding)


@pytest.mark.parametrize(("provider", "case"), ANSWERS)
@given(data=st.data())
def test_it_survives_any_json_in_any_field(provider: str, case: str, data: st.DataObject) -> None:
    good = recorded(f"{provider}_{case}")
    body = json.loads(good.body)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(body))))
        body = replaced(body, path, data.draw(JSON))

    interpret(provider, Reply(good.status, good.headers, json.dumps(body).encode()))


@pytest.mark.parametrize("provider", ["virustotal", "abuseipdb", "greynoise", "internetdb"])
@given(status=st.sampled_from([200, 206, 404, 429, 500]) | st.integers(0, 999), body=st.binary(max_size=50))
def test_it_survives_any_bytes(provider: str, status: int, body: bytes) -> None:
    interpret(provider, Reply(status, {"retry-after": body.decode("latin-1")}, body))


RECORDS = st.lists(
    st.text(st.characters(codec=None), max_size=40)
    | st.sampled_from([SALES, "127.0.0.4", "1 | 1.0.0.0/8 | X", "a | | | |"]),
    max_size=5,
).map(tuple)


@pytest.mark.parametrize("kind", ArtifactKind)
@pytest.mark.parametrize("provider", ["dns", "cymru", "spamhaus"])
@given(records=RECORDS, more=RECORDS, rcode=st.sampled_from(["NOERROR", "NXDOMAIN"]))
def test_it_survives_any_records(
    provider: str, kind: ArtifactKind, records: tuple[str, ...], more: tuple[str, ...], rcode: str
) -> None:
    reply = Reply(records=records, rcode=rcode, extra={"system": more, "forward": dict.fromkeys(records, more)})
    try:
        finding = PROVIDERS[provider](ProviderConfig()).interpret(reply, "203.0.113.66", kind)
    except ProviderError as error:
        assert error.message.isprintable()
    else:
        check(finding)


@given(confirmed=st.text(st.characters(codec=None), max_size=60) | st.just(SALES))
def test_it_follows_no_name_that_is_none(confirmed: str) -> None:
    reply = Reply(records=(confirmed,), extra={"forward": {confirmed: ("203.0.113.66",)}})

    finding = PROVIDERS["dns"](ProviderConfig()).interpret(reply, "203.0.113.66", ArtifactKind.IPV4)

    check(finding)
    assert all(name.isascii() and "." in name for name in finding.domains)
