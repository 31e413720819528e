"""What is allowed in a policy and still probably wrong: rules that never decide, or that decide on too little."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from investigations.choices import Status
from investigations.policy.document import Policy, Rule
from investigations.policy.examples import run_examples
from investigations.policy.facts import SUPPLIED_BY
from investigations.policy.own import LISTS, MEMORY
from investigations.policy.reach import Reach, reaches

# Facts in which an opinion about the source shows, or our own word
OPINIONS = frozenset(
    {"malicious", "judged_malicious", "decisive", "suspicious", "benign", "verdict", "malicious_names"}
    | {"suspicious_names", "domain_malicious", "known_scanner", "scanner_name", "published_range", "actor_confirmed"}
    | {"business_service", "trust_level", "remembered_malicious", "remembered_benign", "remembered_source"}
    | {"allow_listed", "known_service_listed", "authorised_scan"}
)
# They know facts and have no opinion: their answer vouches for nobody
WITHOUT_OPINION = frozenset({"cymru", "rdap", "maxmind", "ipinfo", "internetdb", "tor"})


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


def lint(policy: Policy, enabled: Collection[str]) -> list[Finding]:
    """Everything there is to say about a policy that can be used; `enabled` are the providers that are asked."""
    findings = [finding for rule in policy.rules for finding in _of_rule(rule, enabled)]
    findings += _unreachable(policy)
    findings += _examples(policy)
    order = list(Level)
    return sorted(findings, key=lambda one: (order.index(one.level), one.line))


def _of_rule(rule: Rule, enabled: Collection[str]) -> Iterator[Finding]:
    def finding(level: Level, message: str) -> Finding:
        return Finding(level, rule.name, rule.line, message)

    for name in rule.variables:
        suppliers = SUPPLIED_BY.get(name)
        if suppliers is not None and not suppliers & set(enabled):
            yield finding(
                Level.WARNING, f"{name} is never known: no enabled provider supplies it ({_listed(suppliers)} would)"
            )
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
    for rule, reach in reaches(policy):
        if reach == Reach.NEVER:
            yield Finding(Level.ERROR, rule.name, rule.line, "it can never decide: no facts fulfil its condition")
        elif reach == Reach.SHADOWED:
            message = "it never decides: an earlier rule takes everything that it would"
            yield Finding(Level.WARNING, rule.name, rule.line, message)
        elif reach == Reach.NOT_FOUND:
            message = "no facts were found for which it decides; it may be that an earlier rule takes everything"
            yield Finding(Level.NOTE, rule.name, rule.line, message)


def _examples(policy: Policy) -> Iterator[Finding]:
    results = run_examples(policy)
    for result in results:
        if not result.passed:
            yield Finding(Level.ERROR, result.rule, 0, f"example “{result.name}” fails: {result.problem}")
    shown = {result.rule for result in results if result.passed and result.outcome == Status.DISMISSED}
    for rule in policy.rules:
        if rule.dismisses and not rule.proposes and rule.name not in shown:
            yield Finding(Level.NOTE, rule.name, rule.line, "it dismisses, and no example shows when")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
