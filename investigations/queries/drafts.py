"""What is right and wrong with the text of a policy, and the words that it may be written with."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.conf import settings

from investigations.choices import Disposition, Mode, Severity
from investigations.models import ProviderSettings
from investigations.policy.document import FROM_ALERTS, OUTCOMES, Policy, PolicyError, Problem, parse_policy
from investigations.policy.example_tables import KEYS as EXAMPLE
from investigations.policy.examples import ExampleResult, run_examples
from investigations.policy.facts import FACTS, SUPPLIED_BY
from investigations.policy.lint import Finding, Level, lint
from investigations.policy.mapping import KEYS as SIGNALS
from investigations.policy.own import LISTS, MEMORY
from investigations.policy.places import lines_of, tables_named
from investigations.providers import PROVIDERS

SHOWN = 100  # problems that are kept; a text of junk has thousands
HIDDEN = frozenset({"Zl", "Zp", "Cc", "Cf", "Co"})  # characters that nobody sees, or that reorder what is seen
KEYS = ("name", "when", "outcome", "severity", "disposition", "reason", "quorum", "complete", "mode")
FUNCTIONS = ("size", "startsWith", "endsWith", "contains")
TYPES = {bool: "yes or no", int: "number", str: "text", list: "list"}
_ROW = re.compile(r"^\| `(\w+)` \|(?:[^|]*\|){2} (.+?) \|?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Check:
    """What is known about a text. `policy` is None if it is none; `blocking` tells why it cannot be stored."""

    document: str
    problems: tuple[Problem, ...] = ()
    policy: Policy | None = None
    findings: tuple[Finding, ...] = ()
    examples: tuple[tuple[ExampleResult, int], ...] = ()  # each with its line

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.document.encode()).hexdigest()

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == Level.ERROR]

    @property
    def failing(self) -> list[tuple[ExampleResult, int]]:
        return [(example, line) for example, line in self.examples if not example.passed]

    @property
    def proposes(self) -> bool:
        """Whether a rule of it does not act yet."""
        return self.policy is not None and any(rule.proposes for rule in self.policy.rules)

    @property
    def blocking(self) -> list[str]:
        """One sentence for each kind of obstacle; empty if it can become a version."""
        found = [
            (_many(len(self.problems), "problem"), [str(one) for one in self.problems]),
            (_many(len(self.errors), "error of the linter"), [_place(one.line) + one.message for one in self.errors]),
            (_many(len(self.failing), "failing example"), [f"{one.name}: {one.problem}" for one, _ in self.failing]),
        ]
        return [f"{words}: {first[0]}." for words, first in found if first]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a policy as the editor explains it; `meaning` may hold code in backticks."""

    name: str
    type: str
    default: str
    meaning: str
    supplied_by: tuple[str, ...]  # providers; none: it comes from the alerts, our lists or the memory

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The meaning in pieces, each with whether it is code."""
        return [(text, bool(number % 2)) for number, text in enumerate(self.meaning.split("`"))]


def check(document: str) -> Check:
    """The same text is checked once for the same providers."""
    enabled = ProviderSettings.objects.filter(enabled=True).values_list("name", flat=True)
    return _check(document, frozenset(enabled))


@lru_cache(maxsize=64)
def _check(document: str, enabled: frozenset[str]) -> Check:
    try:
        policy = parse_policy(document, PROVIDERS)
    except PolicyError as error:
        return Check(document, tuple(error.problems[:SHOWN]))
    lines = [table.line for table in tables_named(document, "example")]
    results = run_examples(policy)
    examples = tuple(zip(results, [*lines, *[0] * len(results)], strict=False))
    # What the linter says about an example, the example says itself
    told = {f"example “{one.name}” fails: {one.problem}" for one in results}
    findings = [one for one in lint(policy, enabled) if one.message not in told]
    return Check(document, (), policy, (*_hidden(document), *findings), examples)


def _hidden(document: str) -> Iterator[Finding]:
    """Characters that make a text look like another one, to whoever has to approve it."""
    for number, line in enumerate(lines_of(document), 1):
        found = sorted({f"U+{ord(char):04X}" for char in line if unicodedata.category(char) in HIDDEN and char != "\t"})
        if found:
            message = f"hidden characters: {', '.join(found)}"
            yield Finding(Level.ERROR, "", number, message)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _place(line: int) -> str:
    return f"line {line}: " if line else ""


@cache
def facts() -> tuple[Fact, ...]:
    """Every fact, in the order of the code; its meaning is the one of docs/policy.md."""
    page = settings.BASE_DIR / "docs" / "policy.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    meanings = dict(_ROW.findall(text.partition("\n## Facts\n")[2]))
    return tuple(
        Fact(
            name,
            TYPES[type(default)],
            _shown(default),
            meanings.get(name, ""),
            tuple(sorted(SUPPLIED_BY.get(name, ()))),
        )
        for name, default in FACTS.items()
    )


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if default or default == 0 else "empty"


@cache
def words() -> tuple[tuple[str, str], ...]:
    """What the editor completes: each word and where it belongs: `key`, `fact`, or the key whose value it is."""
    values = {
        "outcome": [outcome.value for outcome in OUTCOMES],
        "severity": [*Severity.values, FROM_ALERTS],
        "disposition": Disposition.values,
        "mode": Mode.values,
        "quorum": [*PROVIDERS, LISTS, MEMORY],
        "complete": ["true", "false"],
    }
    return (
        *((key, "key") for key in dict.fromkeys((*KEYS, *sorted(EXAMPLE), *SIGNALS))),
        *((fact.name, "fact") for fact in facts()),
        *((function, "function") for function in FUNCTIONS),
        *((word, key) for key, allowed in values.items() for word in allowed),
    )
