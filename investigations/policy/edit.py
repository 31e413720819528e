"""Change one thing in the text of a policy, and leave everything else as somebody wrote it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from investigations.choices import Mode
from investigations.policy.places import Table, tables_named

_VALUE = re.compile(r"^(?:\"{3}[^\"]*\"{3}|'{3}[^']*'{3}|\"[^\"]*\"|'[^']*')")


def with_mode(text: str, rule: str, mode: Mode) -> str:
    """The text in which this rule acts, or only proposes. ValueError if there is no such rule, or no way to do it."""
    rules = tomllib.loads(text).get("rule", [])
    names = [one.get("name") for one in rules]
    if rule not in names:
        raise ValueError(f"there is no rule {rule}")
    number = names.index(rule)
    if Mode(rules[number].get("mode", Mode.ACT)) == mode:
        return text
    found = tables_named(text, "rule")
    changed = _changed(text, found[number], mode) if len(found) == len(rules) else text
    if not _is_done(text, changed, number, mode):
        raise ValueError(f"rule {rule} is written in a way that cannot be changed by itself: edit the text")
    return changed


def _changed(text: str, table: Table, mode: Mode) -> str:
    lines = text.split("\n")
    end = "\r" if lines[0].endswith("\r") else ""
    line = f'mode = "{mode.value}"{end}'
    if place := table.keys.get("mode"):
        old = lines.pop(place.line - 1)
        if mode == Mode.PROPOSE:
            rest = _VALUE.sub(f'"{mode.value}"', old[place.column - 1 :])
            lines.insert(place.line - 1, old[: place.column - 1] + rest)
        elif end and place.line > len(lines):  # the line break before it stays whole
            lines.append("")
    elif name := table.keys.get("name"):
        if end and not lines[name.line - 1].endswith(end):  # the last line of the text
            lines[name.line - 1] += end
            line = line.removesuffix(end)
        lines.insert(name.line, line)
    return "\n".join(lines)


def _is_done(old: str, new: str, number: int, mode: Mode) -> bool:
    """Whether the new text reads as the old one, but for this mode."""
    try:
        data = tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        return False
    return _without_mode(old, number) == _without_mode(new, number) and (
        Mode(data["rule"][number].get("mode", Mode.ACT)) == mode
    )


def _without_mode(text: str, number: int) -> dict[str, Any]:
    data = tomllib.loads(text)
    data["rule"][number].pop("mode", None)
    return data
