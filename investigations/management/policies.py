"""What the policy command prints: checks and differences, as JSON and as text."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from investigations.models import PolicyVersion
from investigations.policy.diff import Comparison, RuleChange, compare
from investigations.policy.document import Policy
from investigations.queries.drafts import Check, check


def read(file: str) -> str:
    return Path(file).read_text(encoding="utf-8-sig")


def number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is not the number of a policy version")
    return int(text)


def stored(version: int) -> PolicyVersion:
    found = PolicyVersion.objects.filter(pk=version).first()
    if found is None:
        raise ValueError(f"there is no policy version {version}")
    return found


def check_shape(checked: Check) -> dict[str, Any]:
    return {
        "ok": not checked.blocking,
        "problems": [asdict(problem) for problem in checked.problems],
        "findings": [asdict(finding) for finding in checked.findings],
        "examples": [{**asdict(example), "passed": example.passed, "line": line} for example, line in checked.examples],
    }


def check_text(checked: Check) -> str:
    lines = [f"problem: {problem}" for problem in checked.problems]
    for finding in checked.findings:
        place = [f"line {finding.line}"] if finding.line else []
        place += [f"rule {finding.rule}"] if finding.rule else []
        lines.append(f"{finding.level.value}: {': '.join([', '.join(place)] * bool(place) + [finding.message])}")
    lines += [f"failing example: {example.name}: {example.problem}" for example, _ in checked.failing]
    if checked.examples:
        lines.append(f"{len(checked.examples) - len(checked.failing)} of {len(checked.examples)} examples pass")
    return "\n".join([*lines, "it cannot be stored" if checked.blocking else "it can be stored"])


def compared(old: str, new: str) -> Comparison:
    """Each is the number of a stored version, or a file."""
    return compare(_policy(old), _policy(new))


def _policy(source: str) -> Policy:
    checked = check(stored(int(source)).document if source.isdecimal() else read(source))
    if checked.policy is None:
        raise ValueError(f"{source} is no policy: {checked.problems[0]}")
    return checked.policy


def comparison_shape(comparison: Comparison) -> dict[str, Any]:
    return {
        "same": not comparison,
        "rules": [asdict(change) for change in comparison.rules],
        "signals": [asdict(change) for change in comparison.signals],
        "lines": [f"{line.sign}{line.text}" if line.sign != "@" else line.text for line in comparison.lines],
    }


def comparison_text(comparison: Comparison) -> str:
    if not comparison:
        return "not one character differs"
    words = [_words(change) for change in comparison.rules]
    words += [
        f"signals {one.name}: {one.before or 'nothing'} -> {one.after or 'nothing'}" for one in comparison.signals
    ]
    return "\n".join([*words, "", *comparison_shape(comparison)["lines"]])


def _words(change: RuleChange) -> str:
    fields = f": {', '.join(field.name for field in change.fields)}" if change.change == "changed" else ""
    places = f" from place {change.before} to {change.after}" if change.change == "moved" else ""
    return f"rule {change.rule} {change.change.value}{fields}{places}"
