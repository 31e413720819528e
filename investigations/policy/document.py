"""A policy is a TOML document: an ordered list of rules whose conditions are CEL over the facts of docs/policy.md.

Reading one is strict, because a policy dismisses alerts while nobody looks: whatever cannot work, or could dismiss
without an explicit answer, is refused with its line, its rule and the reason.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cel

from investigations.choices import Disposition, Mode, Severity, Status
from investigations.policy.conditions import ConditionError, compile_condition
from investigations.policy.templates import unknown_parts

FROM_ALERTS = "from_alerts"
MAX_TEXT = 64 * 1024  # characters of a document
MAX_RULES = 200
OUTCOMES = (Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW)

_KEYS = {"name", "when", "outcome", "severity", "disposition", "reason", "quorum", "complete", "mode"}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
_AT_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` counts from 1, 0 where it is not known."""

    message: str
    rule: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        place += [f"rule {self.rule}"] if self.rule else []
        return ": ".join([", ".join(place), self.message] if place else [self.message])


class PolicyError(ValueError):
    """A document that cannot be a policy; `problems` holds everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy. For a dismissing rule, `quorum` and `complete` say who must have answered explicitly."""

    name: str
    when: str
    outcome: Status
    reason: str
    severity: str = FROM_ALERTS  # a Severity value, or FROM_ALERTS
    disposition: str = ""
    quorum: tuple[str, ...] = ()
    complete: bool = False
    mode: Mode = Mode.ACT  # a rule that only proposes never decides
    program: cel.Program = field(compare=False, repr=False, kw_only=True)
    variables: tuple[str, ...] = field(compare=False, repr=False, kw_only=True)

    @property
    def dismisses(self) -> bool:
        return self.outcome == Status.DISMISSED

    @property
    def proposes(self) -> bool:
        return self.mode == Mode.PROPOSE


@dataclass(frozen=True, slots=True)
class Policy:
    """A document that passed every check; `digest` is the SHA-256 of its text and names this version for ever."""

    name: str
    rules: tuple[Rule, ...]
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def parse_policy(text: str, providers: Collection[str] | None = None) -> Policy:
    """The policy in `text`; raise PolicyError with all its problems. `providers`: the names a quorum may hold."""
    data = _read(text)
    lines = _rule_lines(text)
    problems: list[Problem] = _document_problems(data)
    rules: list[Rule] = []
    for index, entry in enumerate(_entries(data)):
        line = lines[index] if index < len(lines) else 0
        found = [Problem(message, _name_of(entry), line) for message in _rule_problems(entry, providers)]
        if not found and _name_of(entry) in {rule.name for rule in rules}:
            found = [Problem("a rule of this name exists already", _name_of(entry), line)]
        problems += found
        rules += [] if found else [_rule(entry)]
    if problems:
        raise PolicyError(problems)
    return Policy(data["name"], tuple(rules), text)


def validate(text: str, providers: Collection[str] | None = None) -> list[Problem]:
    """Everything that is wrong with a document; empty if it can be used."""
    try:
        parse_policy(text, providers)
    except PolicyError as error:
        return error.problems
    return []


@cache
def default_policy() -> Policy:
    """The policy that ships with the product."""
    return parse_policy(Path(__file__).with_name("default.toml").read_text(encoding="utf-8"))


def _read(text: str) -> dict[str, Any]:
    if len(text) > MAX_TEXT:
        raise PolicyError([Problem(f"longer than {MAX_TEXT:,} characters")])
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _AT_LINE.search(str(error))
        raise PolicyError([Problem(f"not TOML: {error}", line=int(line[1]) if line else 0)]) from None
    except RecursionError:
        raise PolicyError([Problem("not TOML: nested too deeply")]) from None


def _rule_lines(text: str) -> list[int]:
    """The line of each `[[rule]]`, in order."""
    return [number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[rule]]")]


def _entries(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rules = data.get("rule")
    return [entry for entry in rules if isinstance(entry, dict)] if isinstance(rules, list) else []


def _document_problems(data: Mapping[str, Any]) -> list[Problem]:
    problems = [Problem(f"unknown key {key!r}") for key in sorted(data.keys() - {"name", "rule"})]
    if not isinstance(data.get("name"), str) or not data["name"].strip():
        problems.append(Problem("the policy needs a name"))
    if not _entries(data):
        problems.append(Problem("the policy has no [[rule]]"))
    if len(_entries(data)) > MAX_RULES:
        problems.append(Problem(f"more than {MAX_RULES} rules"))
    return problems


def _rule_problems(entry: Mapping[str, Any], providers: Collection[str] | None) -> list[str]:
    problems = [f"unknown key {key!r}" for key in sorted(entry.keys() - _KEYS)]
    problems += _wrong_types(entry)
    if problems:
        return problems
    if not _NAME.fullmatch(entry["name"]):
        problems.append("the name must be lower-case words joined by dashes")
    problems += _wrong_words(entry)
    problems += _wrong_condition(entry["when"])
    problems += [f"unknown fact {part!r} in the reason" for part in unknown_parts(entry["reason"])]
    return problems + _unsafe_dismissal(entry) + _unknown_providers(entry, providers)


def _wrong_types(entry: Mapping[str, Any]) -> list[str]:
    problems = [f"{key} is missing" for key in ("name", "when", "outcome", "reason") if key not in entry]
    texts = ("name", "when", "outcome", "reason", "severity", "disposition", "mode")
    problems += [f"{key} must be text" for key in texts if not isinstance(entry.get(key, ""), str)]
    quorum = entry.get("quorum", [])
    if not isinstance(quorum, list) or not all(isinstance(name, str) and name for name in quorum):
        problems.append("quorum must be a list of provider names")
    if not isinstance(entry.get("complete", False), bool):
        problems.append("complete must be true or false")
    return problems


def _wrong_words(entry: Mapping[str, Any]) -> list[str]:
    allowed: dict[str, list[str]] = {
        "outcome": [outcome.value for outcome in OUTCOMES],
        "severity": [*Severity.values, FROM_ALERTS],
        "disposition": ["", *Disposition.values],
        "mode": Mode.values,
    }
    given = {"severity": FROM_ALERTS, "disposition": "", "mode": Mode.ACT.value, **entry}
    return [
        f"{key} must be one of {', '.join(filter(None, words))}, not {given[key]!r}"
        for key, words in allowed.items()
        if given[key] not in words
    ]


def _wrong_condition(when: str) -> list[str]:
    try:
        compile_condition(when)
    except ConditionError as error:
        return [str(error)]
    return []


def _unsafe_dismissal(entry: Mapping[str, Any]) -> list[str]:
    guarded = bool(entry.get("quorum")) or entry.get("complete", False)
    if entry["outcome"] != Status.DISMISSED:
        return ["quorum and complete belong to dismissing rules"] if guarded else []
    problems = [] if guarded else ["a dismissing rule needs a quorum or complete = true"]
    return problems if entry.get("disposition") else [*problems, "a dismissing rule needs a disposition"]


def _unknown_providers(entry: Mapping[str, Any], providers: Collection[str] | None) -> list[str]:
    if providers is None:
        return []
    return [f"unknown provider {name!r} in the quorum" for name in entry.get("quorum", []) if name not in providers]


def _name_of(entry: Mapping[str, Any]) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) else ""


def _rule(entry: Mapping[str, Any]) -> Rule:
    program = compile_condition(entry["when"])
    return Rule(
        name=entry["name"],
        when=entry["when"],
        outcome=Status(entry["outcome"]),
        reason=entry["reason"],
        severity=entry.get("severity", FROM_ALERTS),
        disposition=entry.get("disposition", ""),
        quorum=tuple(entry.get("quorum", [])),
        complete=entry.get("complete", False),
        mode=Mode(entry.get("mode", Mode.ACT)),
        program=program,
        variables=tuple(program.variables()),
    )
