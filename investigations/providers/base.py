"""What a provider is: `fetch` asks the outside world, `interpret` is pure.

A provider knows no ORM, no queue and no clock of its own. It gets plain values (`ProviderConfig`),
asks through one of the two doors (`http.py`, `resolver.py`) and says what the reply means (`Finding`).
Everything around it (limits, cache, deadline, storage) is the caller's work.

Errors: `ProviderError` is the only exception that leaves a provider. Its message is shown to people and
stored, so it never holds a key, a URL with a query, or text of the reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from investigations.choices import ADDRESS_KINDS, ArtifactKind, Outcome, Strength, Verdict


class ProviderError(Exception):
    """A lookup brought no answer: `outcome` says how it ended, `message` says it in words.

    `retry_after` is the number of seconds after which asking again makes sense, where the provider said so.
    """

    def __init__(self, message: str, *, outcome: Outcome = Outcome.ERROR, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.outcome = outcome
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """What an admin has set for one provider; plain values."""

    key: str = field(default="", repr=False)
    url: str = ""  # replaces scheme, host and port of the provider's own API; the real path is appended
    timeout: float = 10.0  # seconds for the whole lookup, from connect to the last byte


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, before anybody read it. DNS providers fill `records` and `rcode` only."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    records: tuple[str, ...] = ()
    rcode: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)  # further replies of a lookup that asks twice


@dataclass(frozen=True, slots=True)
class Finding:
    """One provider's opinion of one artifact.

    `summary` continues the provider's name in a sentence an analyst would say ("100 % from 97 reporters in 30 days").
    `facts` are what the policy reasons with; their names and types are those of docs/facts.md. Only JSON values.
    `domains` are names worth investigating next (reverse DNS).
    """

    summary: str
    verdict: Verdict = Verdict.UNKNOWN
    strength: Strength = Strength.CONTEXT
    outcome: Outcome = Outcome.OK
    facts: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """The result of a connection test: what an admin sees after one click."""

    ok: bool
    message: str
    status: int = 0
    plan: str = ""


class Provider:
    """One source of intelligence. Subclasses set the class attributes and write `fetch` and `interpret`."""

    name: ClassVar[str]
    label: ClassVar[str]
    accepts: ClassVar[frozenset[ArtifactKind]] = ADDRESS_KINDS
    needs_key: ClassVar[bool] = False
    offline: ClassVar[bool] = False  # asks nobody: may see internal addresses, needs no network
    reputation: ClassVar[bool] = True  # has an opinion, so its failure can hide something; False: context only
    homepage: ClassVar[str] = ""
    base_url: ClassVar[str] = ""  # https://host of the real API, without path
    sends: ClassVar[str] = "the address"  # what leaves the house
    freshness: ClassVar[int] = 6 * 3600  # seconds an answer may be reused
    per_minute: ClassVar[int] = 0  # default limit of lookups a minute; 0: none
    per_day: ClassVar[int] = 0  # default limit of lookups a day; 0: none

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config

    def lookup(self, value: str, kind: ArtifactKind) -> Finding:
        """Ask about `value` and say what the reply means; raise ProviderError where there is no answer."""
        return self.interpret(self.fetch(value, kind), value, kind)

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        """Ask the provider; the only part that touches the network. Raise ProviderError on a transport failure."""
        raise NotImplementedError

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        """Say what the reply means; pure. Raise ProviderError if the reply is not an answer."""
        raise NotImplementedError

    def test_connection(self) -> Connection:
        """Make one real, authenticated call and say what happened; never raises."""
        try:
            return self.probe()
        except ProviderError as error:
            return Connection(ok=False, message=error.message)

    def probe(self) -> Connection:
        """The call that test_connection makes; raise ProviderError where it fails."""
        raise NotImplementedError
