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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from investigations.choices import ListKind, ListState, Outcome, Remembers, Scope, Strength, Verdict
from investigations.policy.decide import Ruling, ruling_of
from investigations.policy.document import Policy
from investigations.policy.evidence import Answer, Evidence, Held, Listed, Remembered, ScanFacts

SOURCE = "203.0.113.66"
DECIDED = "2026-01-01T00:00:00.000+00:00"
CONTEXT_PROVIDERS = frozenset({"dns", "cymru", "warninglists", "tor", "rdap", "maxmind", "internetdb", "ipinfo"})


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
    """Every example of the document, decided as a real case would be."""
    return [_run(policy, example) for example in policy.examples]


def _run(policy: Policy, example: Mapping[str, Any]) -> ExampleResult:
    name, expected = example["name"], example["outcome"]
    try:
        ruling = ruling_of(policy, evidence_of(example))
    except (TypeError, ValueError) as error:
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
    scan: dict[str, Any] = {"alerts": 1, "ports": 1, "targets": 1, **example.get("scan", {})}
    _check("scan", scan, ScanFacts)
    return Evidence(
        source=source,
        kind=example.get("kind", "ipv6-addr" if ":" in source else "ipv4-addr"),
        scope=Scope(example.get("scope", Scope.PUBLIC)).value,
        scan=ScanFacts(**_tuples(scan)),
        answers=tuple(_answers(example.get("answers", []), source)),
        decided=example.get("decided", DECIDED),
        submitted=example.get("submitted", False),
        error=example.get("error", ""),
        lists=tuple(_entries(example.get("lists", []), source)),
        memory=tuple(_remembered(example.get("memory", []), source)),
        held=tuple(_of("held", one, Held, {"rule": "*", "reason": "a brake"}) for one in example.get("held", [])),
    )


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}


def _answers(given: list[Mapping[str, Any]], source: str) -> Iterator[Answer]:
    for one in given:
        provider = str(one.get("provider", ""))
        values = {
            "label": provider,
            "artifact": source,
            "kind": "ipv4-addr",
            "outcome": Outcome.OK.value,
            "asked": DECIDED,
            "reputation": provider not in CONTEXT_PROVIDERS,
        }
        answer = _of("answers", one, Answer, values)
        if not provider:
            raise ValueError("an answer needs a provider")
        Outcome(answer.outcome), Verdict(answer.verdict), Strength(answer.strength)
        yield answer


def _entries(given: list[Mapping[str, Any]], source: str) -> Iterator[Listed]:
    values = {"entry": 0, "value": source, "label": "an entry", "owner": "somebody", "reason": "a reason"}
    for one in given:
        entry = _of("lists", one, Listed, values)
        ListKind(entry.kind), ListState(entry.state)
        yield entry


def _remembered(given: list[Mapping[str, Any]], source: str) -> Iterator[Remembered]:
    values = {
        "about": Remembers.SOURCE.value, "value": source, "outcome": "dismissed", "decided": DECIDED,
        "by": "somebody", "investigation": 0,
    }  # fmt: skip
    for one in given:
        yield _of("memory", one, Remembered, values)


def _of[Part](place: str, given: Mapping[str, Any], part: type[Part], values: Mapping[str, Any]) -> Part:
    _check(place, given, part)
    return part(**{**values, **given})


def _check(place: str, given: Any, part: Any) -> None:
    if not isinstance(given, dict):
        raise ValueError(f"{place} must hold tables")
    known = {one.name for one in fields(part)}
    if unknown := sorted(given.keys() - known):
        raise ValueError(f"unknown key {unknown[0]!r} in {place}")
