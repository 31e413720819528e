"""Where in the text of a policy its tables and keys stand, so that a problem can be shown at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*\[\[?([^\[\]#]+)\]\]?\s*(?:#.*)?$")
_AROUND = re.compile(r"[\s\"']")  # what may stand around the parts of a table's name
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*=\s*")
_LONG = ('"""', "'''")
# Whole strings of one line, the beginning of a longer one, a bracket, or a comment
_TOKEN = re.compile(r"\"\"\"|'''|\"(?:[^\"\\]|\\.)*\"|'[^']*'|[\[\]{}]|#")
# The rest of a long string up to its end; two quotes may stand before the three that close it
_REST = {
    '"""': re.compile(r"(?:[^\\\"]|\\.|\\$|\"(?!\"\"))*+\"{3,5}"),
    "'''": re.compile(r"(?:[^']|'(?!''))*+'{3,5}"),
}
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
    for number, line, inside in _lines(text):
        if inside:
            continue
        if header := _HEADER.match(line):
            found.append(Table(_AROUND.sub("", header[1]), number, number))
        elif key := _KEY.match(line):
            found[-1].keys.setdefault(key[1].strip("\"'"), Place(number, key.end() + 1))
        if line.strip() and not line.lstrip().startswith("#"):
            found[-1].last = number
    return found


def tables_named(text: str, name: str) -> list[Table]:
    """Those of one name, in the order in which TOML lists them."""
    return [table for table in tables(text) if table.name == name]


def lines_of(text: str) -> list[str]:
    """The lines as TOML counts them: whatever else might break a line on a screen stands within one."""
    return text.removesuffix("\n").split("\n")


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Every line, its number from 1, and whether it begins within a string or a list of several lines."""
    closing, depth = "", 0
    for number, line in enumerate(lines_of(text), 1):
        yield number, line, bool(closing or depth)
        at = 0
        if closing:
            end = _REST[closing].match(line)
            if not end:
                continue
            at = end.end()
        closing, opened = _left_open(line, at)
        depth += opened


def _left_open(line: str, at: int) -> tuple[str, int]:
    """The quotes that a line opens and does not close, and how many brackets more it opens than it closes."""
    depth = 0
    while found := _TOKEN.search(line, at):
        if found[0] == "#":
            break
        at = found.end()
        depth += (found[0] in "[{") - (found[0] in "]}")
        if found[0] in _LONG:
            end = _REST[found[0]].match(line, at)
            if not end:
                return found[0], depth
            at = end.end()
    return "", depth


def within(text: str, value: Place, inside: Place) -> Place:
    """The place in the document of a place inside a string value that begins at `value` with its quotes."""
    lines = lines_of(text)
    if not value.line or value.line > len(lines):
        return value
    opening = lines[value.line - 1][value.column - 1 :]
    quotes = 3 if opening.startswith(_LONG) else 1
    # TOML leaves out a line break that follows the opening quotes at once
    first = value.line + 1 if quotes == 3 and opening[3:] in ("", "\r") else value.line
    if first == value.line and inside.line <= 1:
        return Place(first, value.column + quotes + max(inside.column, 1) - 1)
    return Place(first + max(inside.line, 1) - 1, max(inside.column, 1))


def of_toml_error(message: str, text: str) -> Place:
    """Where the TOML reader stopped."""
    if found := _AT.search(message):
        return Place(int(found[1]), int(found[2]))
    lines = lines_of(text)
    return Place(len(lines), len(lines[-1]) + 1) if lines and _AT_END in message else Place()
