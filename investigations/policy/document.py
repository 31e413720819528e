"""A policy is a TOML document: an ordered list of rules whose conditions are CEL over the facts of docs/policy.md.

Reading one is strict, because a policy dismisses alerts while nobody looks: whatever cannot work, or could dismiss
without an explicit answer, is refused with its line, its rule and the reason.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import cel

from investigations.choices import Disposition, Mode, Severity, Status
from investigations.policy.conditions import ConditionError, compile_condition
from investigations.policy.example_tables import example_problems
from investigations.policy.facts import FACTS
from investigations.policy.mapping import DEFAULT, SignalMapping, mapping_problems, parse_mapping
from investigations.policy.own import LISTS, MEMORY
from investigations.policy.places import Place, Table, lines_of, of_toml_error, tables, tables_named, within
from investigations.policy.templates import unknown_parts

FROM_ALERTS = "from_alerts"
MAX_TEXT = 64 * 1024  # characters of a document
MAX_DOTS = 200  # in one line: the reader of TOML needs the square of the parts of a dotted key
MAX_RULES = 200
OUTCOMES = (Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW)

_KEYS = {"name", "when", "outcome", "severity", "disposition", "reason", "quorum", "complete", "mode"}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
MAX_NAME = 100

type _Wrong = tuple[str, str, Place]  # the key, what is wrong with it, and where within its value


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` and `column` count from 1, 0 where it is not known."""

    message: str
    rule: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        place += [f"column {self.column}"] if self.column else []
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
    line: int = field(default=0, compare=False)  # of its head, from 1
    last: int = field(default=0, compare=False)  # its last line
    program: cel.Program = field(compare=False, repr=False, kw_only=True)
    variables: tuple[str, ...] = field(compare=False, repr=False, kw_only=True)
    # What the condition has come to for which values of `variables`; None where these cannot be told apart quickly
    known: dict[tuple[Any, ...], bool] | None = field(default=None, compare=False, repr=False, kw_only=True)

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
    signals: SignalMapping = DEFAULT
    examples: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)  # tables, read by policy.examples

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def parse_policy(text: str, providers: Collection[str] | None = None) -> Policy:
    """The policy in `text`; raise PolicyError with all its problems. `providers`: the names a quorum may hold."""
    data = _read(text)
    problems = [*_document_problems(data, text, providers), *_example_problems(data, text)]
    rules: list[Rule] = []
    tables = tables_named(text, "rule")
    for index, entry in enumerate(_entries(data)):
        table = tables[index] if index < len(tables) else Table("rule", 0, 0)
        found = [
            _located(key, message, place, table, entry, text)
            for key, message, place in _rule_problems(entry, providers)
        ]
        if not found and _name_of(entry) in {rule.name for rule in rules}:
            found = [_located("name", "a rule of this name exists already", Place(), table, entry, text)]
        problems += found
        rules += [] if found else [_rule(entry, table)]
    if problems:
        raise PolicyError(problems)
    mapping = parse_mapping(data.get("signals", {}))
    return Policy(data["name"], tuple(rules), text, mapping, tuple(data.get("example", [])))


def _located(key: str, message: str, inside: Place, table: Table, entry: Mapping[str, Any], text: str) -> Problem:
    """A problem at the value of its key, or within it; else at the head of its rule."""
    value = table.keys.get(key)
    place = within(text, value, inside) if value and inside.line else value or Place(table.line, 1 if table.line else 0)
    return Problem(message, _name_of(entry), place.line, place.column)


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
    for number, line in enumerate(lines_of(text), 1):
        if line.count(".") > MAX_DOTS:
            raise PolicyError([Problem(f"more than {MAX_DOTS} dots in one line", line=number, column=1)])
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = of_toml_error(str(error), text)
        raise PolicyError([Problem(f"not TOML: {error}", line=place.line, column=place.column)]) from None
    except RecursionError:
        raise PolicyError([Problem("not TOML: nested too deeply")]) from None


def _entries(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rules = data.get("rule")
    return [entry for entry in rules if isinstance(entry, dict)] if isinstance(rules, list) else []


def _document_problems(data: Mapping[str, Any], text: str, providers: Collection[str] | None) -> Iterator[Problem]:
    for key in sorted(data.keys() - {"name", "rule", "signals", "example"}):
        yield Problem(f"unknown key {key!r}", line=_line_of(text, key))
    if not isinstance(data.get("name"), str) or not data["name"].strip():
        yield Problem("the policy needs a name", line=_line_of(text, "name"))
    elif len(data["name"]) > MAX_NAME:
        yield Problem(f"the name is longer than {MAX_NAME} characters", line=_line_of(text, "name"))
    if not _entries(data):
        yield Problem("the policy has no [[rule]]")
    if len(_entries(data)) > MAX_RULES:
        yield Problem(f"more than {MAX_RULES} rules")
    for key, message in mapping_problems(data.get("signals", {}), providers):
        place = _place_in_signals(text, key)
        yield Problem(message, line=place.line, column=place.column)


def _place_in_signals(text: str, key: str) -> Place:
    """Of the value of the key, or of the head of its table; a table of its own is `[signals.key]`."""
    found = {table.name: table for table in tables(text)}
    if (own := found.get(f"signals.{key}")) is not None:
        return Place(own.line, 1)
    table = found.get("signals")
    return table.keys.get(key, Place(table.line, 1)) if table else found[""].keys.get("signals", Place())


def _line_of(text: str, key: str) -> int:
    return tables(text)[0].keys.get(key, Place()).line


def _example_problems(data: Mapping[str, Any], text: str) -> Iterator[Problem]:
    found = tables_named(text, "example")
    for number, message in example_problems(data.get("example", [])):
        yield Problem(message, line=found[number].line if number < len(found) else 0)


def _rule_problems(entry: Mapping[str, Any], providers: Collection[str] | None) -> list[_Wrong]:
    problems = [(key, f"unknown key {key!r}", Place()) for key in sorted(entry.keys() - _KEYS)]
    problems += _wrong_types(entry)
    if problems:
        return problems
    if not _NAME.fullmatch(entry["name"]):
        problems.append(("name", "the name must be lower-case words joined by dashes", Place()))
    problems += _wrong_words(entry)
    problems += _wrong_condition(entry["when"])
    unknown = unknown_parts(entry["reason"])
    problems += [("reason", f"unknown fact {part!r} in the reason", Place()) for part in unknown]
    return problems + _unsafe_dismissal(entry) + _unknown_providers(entry, providers)


def _wrong_types(entry: Mapping[str, Any]) -> list[_Wrong]:
    needed = ("name", "when", "outcome", "reason")
    problems = [(key, f"{key} is missing") for key in needed if key not in entry]
    texts = (*needed, "severity", "disposition", "mode")
    problems += [(key, f"{key} must be text") for key in texts if not isinstance(entry.get(key, ""), str)]
    quorum = entry.get("quorum", [])
    if not isinstance(quorum, list) or not all(isinstance(name, str) and name for name in quorum):
        problems.append(("quorum", "quorum must be a list of provider names"))
    if not isinstance(entry.get("complete", False), bool):
        problems.append(("complete", "complete must be true or false"))
    return [(key, message, Place()) for key, message in problems]


def _wrong_words(entry: Mapping[str, Any]) -> list[_Wrong]:
    allowed: dict[str, list[str]] = {
        "outcome": [outcome.value for outcome in OUTCOMES],
        "severity": [*Severity.values, FROM_ALERTS],
        "disposition": ["", *Disposition.values],
        "mode": Mode.values,
    }
    given = {"severity": FROM_ALERTS, "disposition": "", "mode": Mode.ACT.value, **entry}
    return [
        (key, f"{key} must be one of {', '.join(filter(None, words))}, not {given[key]!r}", Place())
        for key, words in allowed.items()
        if given[key] not in words
    ]


def _wrong_condition(when: str) -> list[_Wrong]:
    try:
        compile_condition(when)
    except ConditionError as error:
        return [("when", str(error), error.place)]
    return []


def _unsafe_dismissal(entry: Mapping[str, Any]) -> list[_Wrong]:
    guarded = bool(entry.get("quorum")) or entry.get("complete", False)
    if entry["outcome"] != Status.DISMISSED:
        return [("outcome", "quorum and complete belong to dismissing rules", Place())] if guarded else []
    problems = [] if guarded else [("outcome", "a dismissing rule needs a quorum or complete = true", Place())]
    if not entry.get("disposition"):
        problems.append(("outcome", "a dismissing rule needs a disposition", Place()))
    return problems


def _unknown_providers(entry: Mapping[str, Any], providers: Collection[str] | None) -> list[_Wrong]:
    if providers is None:
        return []
    known = {*providers, LISTS, MEMORY}
    names = [name for name in entry.get("quorum", []) if name not in known]
    return [("quorum", f"unknown provider {name!r} in the quorum", Place()) for name in names]


def _name_of(entry: Mapping[str, Any]) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) else ""


def _rule(entry: Mapping[str, Any], table: Table) -> Rule:
    program = compile_condition(entry["when"])
    names = tuple(program.variables())
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
        line=table.line,
        last=table.last,
        program=program,
        variables=names,
        known=None if any(isinstance(FACTS[name], list) for name in names) else {},
    )
