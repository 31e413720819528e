"""Where in the text of a policy its tables and keys stand, so that a problem can be shown at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\")\s*=\s*")
_LONG = ('"""', "'''")
_AT = re.compile(r"at line (\d+), column (\d+)")
_AT_END = "at end of document"


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1; 0 where it is not known."""

    line: int = 0
    column: int = 0


@dataclass(slots=True)
class Table:
    """One table of the document: its header's line, its last line, and where the value of each key begins."""

    name: str
    line: int
    last: int
    keys: dict[str, Place] = field(default_factory=dict)


def tables(text: str) -> list[Table]:
    """The tables in their order; the document's own keys are those of a first table without a name."""
    found = [Table("", 0, 0)]
    for number, line in _outside_strings(text):
        if header := _HEADER.match(line):
            found.append(Table(header[1], number, number))
        elif key := _KEY.match(line):
            found[-1].keys.setdefault(key[1].strip('"'), Place(number, key.end() + 1))
        if line.strip() and not line.lstrip().startswith("#"):
            found[-1].last = number
    return found


def tables_named(text: str, name: str) -> list[Table]:
    """Those of one name, in the order in which TOML lists them."""
    return [table for table in tables(text) if table.name == name]


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """The lines that do not lie within a string of several lines, each with its number from 1."""
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        rest = line
        if closing:
            _, found, rest = line.partition(closing)
            if not found:
                continue
            closing = ""
        else:
            yield number, line
        closing = _left_open(rest)


def _left_open(line: str) -> str:
    """The quotes that a line opens and does not close."""
    while True:
        starts = [(line.find(quotes), quotes) for quotes in _LONG if quotes in line]
        if not starts or "#" in line[: min(starts)[0]]:
            return ""
        at, quotes = min(starts)
        _, found, line = line[at + 3 :].partition(quotes)
        if not found:
            return quotes


def within(text: str, value: Place, inside: Place) -> Place:
    """The place in the document of a place inside a string value that begins at `value` with its quotes."""
    lines = text.splitlines()
    if not value.line or value.line > len(lines):
        return value
    opening = lines[value.line - 1][value.column - 1 :]
    quotes = 3 if opening.startswith(_LONG) else 1
    # TOML leaves out a line break that follows the opening quotes
    first = value.line + 1 if quotes == 3 and not opening[3:].strip() else value.line
    if first == value.line and inside.line <= 1:
        return Place(first, value.column + quotes + max(inside.column, 1) - 1)
    return Place(first + max(inside.line, 1) - 1, max(inside.column, 1))


def of_toml_error(message: str, text: str) -> Place:
    """Where the TOML reader stopped."""
    if found := _AT.search(message):
        return Place(int(found[1]), int(found[2]))
    lines = text.splitlines()
    return Place(len(lines), len(lines[-1]) + 1) if lines and _AT_END in message else Place()
