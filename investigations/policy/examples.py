"""Unit examples: evidence in a few words and what the policy has to make of it, kept in the document beside the rules.

```toml
[[example]]
name = "a census scanner that leads back"
outcome = "dismissed"
rule = "known-scanner-confirmed"
scan = { alerts = 12, ports = 3, targets = 5, answered = false }
answers = [
  { provider = "greynoise", verdict = "benign", strength = "strong", facts = { actor = "Census" } },
  { provider = "dns", facts = { rdns = "scan.census.example", rdns_confirmed = true } },
]
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from investigations.choices import (
    ArtifactKind,
    Disposition,
    ListKind,
    ListState,
    Mode,
    Outcome,
    Remembers,
    Scope,
    Severity,
    Status,
    Strength,
    Verdict,
)
from investigations.policy.decide import Ruling, ruling_of
from investigations.policy.document import Policy
from investigations.policy.evidence import Answer, Evidence, Held, Listed, Remembered, ScanFacts
from investigations.policy.facts import CONTEXT_PROVIDERS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SOURCE = "203.0.113.66"
DECIDED = "2026-01-01T00:00:00.000+00:00"


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example as it came out; `problem` is empty if it is as it has to be."""

    name: str
    expected: str
    outcome: str
    rule: str
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem


def run_examples(policy: Policy) -> list[ExampleResult]:
    """Every example of the document, decided as a real case would be.

    An example says what a rule is for. So all rules are tried as if they acted, even those that only propose yet.
    """
    acting = replace(policy, rules=tuple(replace(rule, mode=Mode.ACT) for rule in policy.rules))
    return [_run(acting, example) for example in policy.examples]


def _run(policy: Policy, example: Mapping[str, Any]) -> ExampleResult:
    name, expected = example["name"], example["outcome"]
    try:
        ruling = ruling_of(policy, evidence_of(example))
    except ValueError as error:
        return ExampleResult(name, expected, "", "", f"the evidence cannot be read: {error}")
    return ExampleResult(name, expected, ruling.outcome.value, ruling.rule, _difference(example, ruling))


def _difference(example: Mapping[str, Any], ruling: Ruling) -> str:
    if ruling.outcome != example["outcome"]:
        blocked = f"; {ruling.blocked[0]}" if ruling.blocked else ""
        return f"it comes out as {ruling.outcome.label.lower()} by rule {ruling.rule}{blocked}"
    if example.get("rule", ruling.rule) != ruling.rule:
        return f"rule {ruling.rule} decides it, not {example['rule']}"
    return ""


def evidence_of(example: Mapping[str, Any]) -> Evidence:
    """The evidence of an example; what it leaves out is harmless and known. ValueError names what is wrong."""
    source = example.get("source", SOURCE)
    decided = example.get("decided", DECIDED)
    _check_time("decided", decided)
    return Evidence(
        source=source,
        kind=ArtifactKind(example.get("kind", _kind_of(source))).value,
        scope=Scope(example.get("scope", Scope.PUBLIC)).value,
        scan=_scan(example.get("scan", {})),
        answers=tuple(_answer(one, source) for one in _tables("answers", example)),
        decided=decided,
        submitted=example.get("submitted", False),
        error=example.get("error", ""),
        lists=tuple(_entry(one, source) for one in _tables("lists", example)),
        memory=tuple(_remembered(one, source, decided) for one in _tables("memory", example)),
        held=tuple(_made("held", Held, {"rule": "*", "reason": "a brake", **one}) for one in _tables("held", example)),
    )


def _tables(place: str, example: Mapping[str, Any]) -> list[dict[str, Any]]:
    given: list[Any] = example.get(place, [])
    if not all(isinstance(one, dict) for one in given):
        raise ValueError(f"{place} must hold tables")
    return given


def _scan(given: dict[str, Any]) -> ScanFacts:
    scan = _made("scan", ScanFacts, {"alerts": 1, "ports": 1, "targets": 1, **given})
    Severity(scan.severity)
    return scan


def _answer(given: dict[str, Any], source: str) -> Answer:
    provider, artifact = given.get("provider"), given.get("artifact", source)
    if not isinstance(provider, str) or not provider:
        raise ValueError("an answer needs a provider, as text")
    values = {
        "label": provider,
        "artifact": source,
        "kind": _kind_of(str(artifact)),
        "outcome": Outcome.OK.value,
        "asked": DECIDED,
        "reputation": provider not in CONTEXT_PROVIDERS,
    }
    answer = _made("answers", Answer, {**values, **given})
    ArtifactKind(answer.kind), Outcome(answer.outcome), Verdict(answer.verdict), Strength(answer.strength)
    return answer


def _entry(given: dict[str, Any], source: str) -> Listed:
    values = {"entry": 0, "value": source, "label": "an entry", "owner": "somebody", "reason": "a reason"}
    entry = _made("lists", Listed, {**values, **given})
    ListKind(entry.kind), ListState(entry.state)
    return entry


def _remembered(given: dict[str, Any], source: str, decided: str) -> Remembered:
    values = {"about": Remembers.SOURCE.value, "value": source, "decided": decided, "by": "somebody"}
    escalated = given.get("disposition") == Disposition.TRUE_POSITIVE
    outcome = (Status.ESCALATED if escalated else Status.DISMISSED).value
    memory = _made("memory", Remembered, {**values, "outcome": outcome, "investigation": 0, **given})
    Remembers(memory.about), Disposition(memory.disposition), Status(memory.outcome)
    _check_time("decided", memory.decided)
    return memory


def _kind_of(value: str) -> str:
    if value[-1:].isalpha() and ":" not in value:
        return ArtifactKind.DOMAIN.value
    return (ArtifactKind.IPV6 if ":" in value else ArtifactKind.IPV4).value


def _check_time(place: str, text: str) -> None:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"{place} must say its time zone, as {DECIDED}")


def _made[Part: DataclassInstance](place: str, part: type[Part], values: Mapping[str, Any]) -> Part:
    """One part of evidence, after its names and types were checked."""
    types = get_type_hints(part)
    if unknown := sorted(values.keys() - types.keys()):
        raise ValueError(f"unknown key {unknown[0]!r} in {place}")
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    for name, value in given.items():
        if not _fits(value, types[name]):
            raise ValueError(f"{name} in {place} has the wrong type")
    if missing := [one.name for one in fields(part) if one.name not in given and _is_needed(one)]:
        raise ValueError(f"{missing[0]} is missing in {place}")
    return part(**given)


def _is_needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value of TOML is of the type that evidence has there; a bool is no number."""
    if isinstance(kind, UnionType):
        return any(_fits(value, one) for one in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(one, get_args(kind)[0]) for one in value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, get_origin(kind) or kind)
