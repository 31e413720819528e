"""Change one thing in the text of a policy, and leave everything else as somebody wrote it."""

from __future__ import annotations

import tomllib

from investigations.choices import Mode
from investigations.policy.places import tables_named


def with_mode(text: str, rule: str, mode: Mode) -> str:
    """The text in which this rule acts, or only proposes. ValueError if there is no such rule."""
    names = [one.get("name") for one in tomllib.loads(text).get("rule", [])]
    if rule not in names:
        raise ValueError(f"there is no rule {rule}")
    table = tables_named(text, "rule")[names.index(rule)]
    lines = text.splitlines(keepends=True)
    if place := table.keys.get("mode"):
        del lines[place.line - 1]
    if mode == Mode.PROPOSE:
        at = place.line - 1 if place else table.keys["name"].line
        lines.insert(at, f'mode = "{mode.value}"{_end_of(lines[0])}')
    return "".join(lines)


def _end_of(line: str) -> str:
    return "\r\n" if line.endswith("\r\n") else "\n"
