"""What is allowed in a policy and still probably wrong: rules that never decide, or that decide on too little."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from investigations.choices import Status
from investigations.policy.document import Policy, Rule
from investigations.policy.examples import run_examples
from investigations.policy.facts import CONTEXT_PROVIDERS, WITHOUT_OPINION, supplied_by
from investigations.policy.own import LISTS, MEMORY
from investigations.policy.places import tables_named
from investigations.policy.reach import Reach, reaches

# Facts in which an opinion about the source shows, or our own word
OPINIONS = frozenset(
    {"malicious", "judged_malicious", "decisive", "suspicious", "benign", "verdict", "malicious_names"}
    | {"suspicious_names", "domain_malicious", "known_scanner", "scanner_name", "published_range", "actor_confirmed"}
    | {"business_service", "trust_level", "remembered_malicious", "remembered_benign", "remembered_source"}
    | {"allow_listed", "known_service_listed", "authorised_scan"}
)


class Level(StrEnum):
    """How bad a finding is: an error keeps a draft from becoming a version."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody should look at; `rule` and `line` may be empty and 0."""

    level: Level
    rule: str
    line: int
    message: str


_REACH = {
    Reach.NEVER: (Level.ERROR, "it can never decide: no facts fulfil its condition"),
    Reach.SHADOWED: (Level.WARNING, "it never decides: rule {0} takes everything that it would"),
    Reach.NOT_FOUND: (
        Level.NOTE,
        "no facts were found for which it decides, in {1:,} tries; it may contradict itself, or an earlier rule may"
        " take everything",
    ),
}


def lint(policy: Policy, enabled: Collection[str]) -> list[Finding]:
    """Everything there is to say about a policy that can be used; `enabled` are the providers that are asked."""
    suppliers = supplied_by(policy.signals)
    findings = [finding for rule in policy.rules for finding in _of_rule(rule, enabled, suppliers)]
    findings += [*_nobody_judges(enabled), *_unreachable(policy)]
    findings += _examples(policy)
    order = list(Level)
    return sorted(findings, key=lambda one: (order.index(one.level), one.line))


def _nobody_judges(enabled: Collection[str]) -> Iterator[Finding]:
    if set(enabled) <= CONTEXT_PROVIDERS:
        yield Finding(Level.WARNING, "", 0, "no enabled provider has an opinion: nobody calls any source malicious")


def _of_rule(rule: Rule, enabled: Collection[str], supplied: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    def finding(level: Level, message: str) -> Finding:
        return Finding(level, rule.name, rule.line, message)

    for name in rule.variables:
        suppliers = supplied.get(name)
        if suppliers is not None and not suppliers & set(enabled):
            would = f" ({_listed(suppliers)} would)" if suppliers else ""
            yield finding(Level.WARNING, f"{name} is never known: no enabled provider supplies it{would}")
    if rule.dismisses:
        yield from (finding(level, message) for level, message in _dismissal(rule, enabled))


def _dismissal(rule: Rule, enabled: Collection[str]) -> Iterator[tuple[Level, str]]:
    providers = set(rule.quorum) - {LISTS, MEMORY}
    own = set(rule.quorum) & {LISTS, MEMORY}
    if missing := providers - set(enabled):
        yield Level.WARNING, f"it can never dismiss: its quorum needs {_listed(missing)}, which is not enabled"
    if rule.quorum and not rule.complete and not own and providers <= WITHOUT_OPINION:
        yield Level.ERROR, f"it can dismiss without an opinion: {_listed(providers)} vouches for nobody"
    if not OPINIONS & set(rule.variables):
        yield Level.ERROR, "it dismisses whatever anybody thinks of the source: its condition looks at no opinion"
    looks = {"malicious", "decisive", "verdict", "published_range"} & set(rule.variables)
    if not rule.complete and not own and not looks:
        yield Level.WARNING, "it does not look at who calls the source malicious, and needs no complete answers"


def _unreachable(policy: Policy) -> Iterator[Finding]:
    for rule, search in reaches(policy):
        if found := _REACH.get(search.reach):
            level, message = found
            yield Finding(level, rule.name, rule.line, message.format(search.by, search.tried))


def _examples(policy: Policy) -> Iterator[Finding]:
    results = run_examples(policy)
    places = [table.line for table in tables_named(policy.text, "example")]
    for result, line in zip(results, [*places, *[0] * len(results)], strict=False):
        if not result.passed:
            yield Finding(Level.ERROR, result.rule, line, f"example “{result.name}” fails: {result.problem}")
    shown = {result.rule for result in results if result.passed and result.outcome == Status.DISMISSED}
    for rule in policy.rules:
        if rule.dismisses and not rule.proposes and rule.name not in shown:
            yield Finding(Level.NOTE, rule.name, rule.line, "it dismisses, and no example shows when")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
