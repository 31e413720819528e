"""One investigation while a playbook works on it: plain values, no ORM, so that playbooks stay readable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from investigations.choices import ANSWERED, ArtifactKind, Outcome, Scope, Strength, Verdict
from investigations.policy.decide import Decided
from investigations.policy.evidence import Answer, Evidence, Listed, Remembered, ScanFacts

MAX_DOMAINS = 3  # names followed from one address; a PTR record can hold any number


@dataclass(slots=True)
class CaseArtifact:
    """An artifact of this case. `pk` is set once it is stored."""

    value: str
    kind: ArtifactKind
    scope: Scope
    origin: str
    pk: int = 0


@dataclass(slots=True)
class Lookup:
    """One question to one provider, and its answer once there is one."""

    artifact: CaseArtifact
    provider: str
    label: str
    reputation: bool
    outcome: Outcome = Outcome.PENDING
    verdict: Verdict = Verdict.UNKNOWN
    strength: Strength = Strength.CONTEXT
    summary: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    link: str = ""
    asked: datetime | None = None
    answered: datetime | None = None
    latency_ms: int | None = None
    cached: bool = False
    simulated: bool = False

    @property
    def pending(self) -> bool:
        return self.outcome == Outcome.PENDING

    def as_answer(self, when: datetime) -> Answer:
        return Answer(
            provider=self.provider,
            label=self.label,
            artifact=self.artifact.value,
            kind=self.artifact.kind.value,
            outcome=self.outcome.value,
            verdict=self.verdict.value,
            strength=self.strength.value,
            summary=self.summary,
            facts=self.facts,
            asked=stamp(self.asked or when),
            reputation=self.reputation,
            simulated=self.simulated,
        )


@dataclass(slots=True)
class Case:
    """What a playbook sees and does. `wanted` collects artifacts that the engine shall ask about."""

    investigation: int
    fence: int
    subject: CaseArtifact
    deadline: datetime
    submitted: bool = False
    artifacts: dict[str, CaseArtifact] = field(default_factory=dict)
    lookups: list[Lookup] = field(default_factory=list)
    wanted: list[CaseArtifact] = field(default_factory=list)
    scan: ScanFacts = field(default_factory=ScanFacts)
    lists: tuple[Listed, ...] = ()
    memory: tuple[Remembered, ...] = ()
    evidence: Evidence | None = None
    decided: Decided | None = None
    flip: str = ""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    error: str = ""

    @property
    def claim(self) -> tuple[int, int]:
        return self.investigation, self.fence

    @property
    def waiting(self) -> list[Lookup]:
        return [lookup for lookup in self.lookups if lookup.pending]

    @property
    def answered(self) -> int:
        """Lookups that brought an answer."""
        return sum(lookup.outcome in ANSWERED for lookup in self.lookups)

    @property
    def simulated(self) -> bool:
        return any(lookup.simulated for lookup in self.lookups)

    def ask(self, artifact: CaseArtifact) -> None:
        """Have every suitable provider asked about the artifact; once, however often it is called."""
        if artifact.value not in self.artifacts:
            self.artifacts[artifact.value] = artifact
            self.wanted.append(artifact)

    def new_domains(self, names: Iterable[str]) -> list[str]:
        """Names that are not part of the case yet, as many as may still join."""
        known = [name for name, artifact in self.artifacts.items() if artifact.kind == ArtifactKind.DOMAIN]
        fresh = [name for name in dict.fromkeys(names) if name not in self.artifacts]
        return fresh[: max(0, MAX_DOMAINS - len(known))]

    def freeze(self, when: datetime) -> Evidence:
        """The evidence as it stands; from here on nothing can change it."""
        self.evidence = Evidence(
            source=self.subject.value,
            kind=self.subject.kind.value,
            scope=self.subject.scope.value,
            scan=self.scan,
            answers=tuple(lookup.as_answer(when) for lookup in self.lookups),
            decided=stamp(when),
            submitted=self.submitted,
            error=self.error,
            lists=self.lists,
            memory=self.memory,
        )
        return self.evidence

    def forget_judgement(self) -> None:
        """As if it had not been judged yet."""
        self.evidence, self.decided, self.flip, self.verdicts = None, None, "", {}

    @property
    def place(self) -> str:
        """Where the source lives, in a few words: `NL · AS64496 Example Hosting`."""
        if self.subject.scope != Scope.PUBLIC:
            return self.subject.scope.label.lower()
        facts: dict[str, Any] = {}
        for lookup in self.lookups:
            if lookup.artifact is self.subject:
                facts = {**lookup.facts, **facts}
        network = f"AS{facts['asn']} {_short_name(str(facts.get('as_name', '')))}".strip() if facts.get("asn") else ""
        return " · ".join(part for part in (str(facts.get("country", "")), network) if part)


def _short_name(name: str) -> str:
    """`Example Hosting Ltd` of `EXAMPLE-AS - Example Hosting Ltd, NL`, as registries write it."""
    return name.rpartition(" - ")[2].removesuffix(name[-4:] if name[-4:-2] == ", " else "")


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, as evidence holds it."""
    return moment.isoformat(timespec="milliseconds")
