"""Evidence: everything a decision is made from, as plain values that can be frozen, exported and replayed.

The clock is part of the evidence (`decided`), so that the same evidence gives the same decision for ever.
`as_json` and `from_json` are exact inverses; `digest` is the SHA-256 of the canonical JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from investigations.choices import ANSWERED, FAILED, ArtifactKind, ListState, Outcome, Scope, Strength, Verdict

SCHEMA = 2
# What each schema brought. Evidence of an older one is written without it, so that its digest holds for ever
ADDED: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    2: {"evidence": ("lists", "memory", "held"), "scan": ("exposed", "exposed_ports")},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One lookup as the judgement sees it: what a provider said about one artifact, or why it is silent."""

    provider: str
    label: str  # the provider's name for people
    artifact: str
    kind: str  # ArtifactKind value
    outcome: str  # Outcome value
    verdict: str = Verdict.UNKNOWN.value
    strength: str = Strength.CONTEXT.value
    summary: str = ""  # the finding in words, or the error in words
    facts: Mapping[str, Any] = field(default_factory=dict)
    asked: str = ""  # ISO 8601 UTC; when the provider was really asked (older than the run for a cached answer)
    fresh: bool = True  # within the provider's freshness when the decision was made
    reputation: bool = True  # has an opinion: its silence can hide something
    simulated: bool = False

    @property
    def answered(self) -> bool:
        """Explicit, complete and fresh: the only kind of answer that may support a dismissal."""
        return self.outcome in ANSWERED and self.fresh

    @property
    def failed(self) -> bool:
        return (
            self.outcome in FAILED or self.outcome == Outcome.PENDING or (self.outcome in ANSWERED and not self.fresh)
        )


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What the alerts tell about the scan. Counts are over the whole investigation."""

    alerts: int = 0
    ports: int = 0  # distinct probed ports
    targets: int = 0  # distinct probed addresses
    first: str = ""  # ISO 8601 UTC
    last: str = ""
    answered: bool | None = None  # something of ours answered; None: no alert tells
    answered_ports: tuple[int, ...] = ()
    top_ports: tuple[int, ...] = ()  # the most probed first, at most ten
    severity: str = "low"  # the highest of the alerts
    signatures: tuple[str, ...] = ()  # the most frequent first, at most five
    techniques: tuple[str, ...] = ()
    beyond_recon: bool = False  # an alert is an exploit, malware or brute force alert, not a scan
    domains: tuple[str, ...] = ()  # names of ours that were asked for, at most five
    exposed: int | None = None  # probed ports that are open on the probed address; None: no inventory covers them
    exposed_ports: tuple[int, ...] = ()  # the most probed of them first, at most ten


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of our own lists that covers the source, as it stood when the decision was made."""

    kind: str  # ListKind value
    entry: int  # its number
    value: str  # the address, network or domain of the entry
    label: str  # what it is, for people
    owner: str
    reason: str
    ticket: str = ""
    expires: str = ""  # ISO 8601 UTC
    state: str = ListState.IN_FORCE.value
    detail: str = ""  # why an authorised scanner is outside its window or scope, in words


@dataclass(frozen=True, slots=True)
class Remembered:
    """An earlier decision of a person about the source, its network or the same signature."""

    about: str  # Remembers value
    value: str  # the address, network or signature
    disposition: str  # Disposition value
    outcome: str  # Status value: escalated or dismissed
    decided: str  # ISO 8601 UTC
    by: str
    investigation: int


@dataclass(frozen=True, slots=True)
class Held:
    """A brake that was on when the decision was made: `rule` may not dismiss; `*` stands for every rule."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The frozen input of one decision."""

    source: str  # the subject's value: an address, or a domain for a manual submission
    kind: str  # ArtifactKind value of the subject
    scope: str  # Scope value; PUBLIC for a domain
    scan: ScanFacts
    answers: tuple[Answer, ...]
    decided: str  # ISO 8601 UTC
    submitted: bool = False  # a person asked; there may be no alert at all
    error: str = ""  # the run could not be finished; why, in words
    lists: tuple[Listed, ...] = ()
    memory: tuple[Remembered, ...] = ()  # the latest first, at most twenty
    held: tuple[Held, ...] = ()
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        """Evidence that was given something newer is of the newer schema, or it would be lost when it is stored."""
        if self.schema < SCHEMA and (self.lists or self.memory or self.held or self.scan.exposed is not None):
            object.__setattr__(self, "schema", SCHEMA)

    def as_json(self) -> dict[str, Any]:
        """Plain dict for storage; tuples become lists."""
        data: dict[str, Any] = json.loads(canonical(asdict(self)))
        for schema, places in ADDED.items():
            if self.schema < schema:
                for place, names in places.items():
                    for name in names:
                        (data if place == "evidence" else data[place]).pop(name)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        scan: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data["scan"].items()
        }
        parts = {"answers": Answer, "lists": Listed, "memory": Remembered, "held": Held}
        read = {name: tuple(part(**one) for one in data[name]) for name, part in parts.items() if name in data}
        return cls(**{**data, **read, "scan": ScanFacts(**scan)})

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self.as_json()).encode(errors="surrogatepass")).hexdigest()

    def about(self, artifact: str) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if answer.artifact == artifact)

    @property
    def is_address(self) -> bool:
        return self.kind in (ArtifactKind.IPV4, ArtifactKind.IPV6)

    @property
    def is_public(self) -> bool:
        return self.scope == Scope.PUBLIC


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
