"""Our own lists as CSV files: all lines of an import or none, and an export that can be imported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.utils.timezone import now

from investigations.choices import ListKind
from investigations.models import Actor, ListEntry
from investigations.policy.windows import read_windows
from investigations.services.lists import (
    DEFAULT_DAYS,
    Duplicate,
    Entry,
    Expired,
    NeedsConfirmation,
    Refused,
    add,
    shape_of,
)

COLUMNS = ("kind", "value", "label", "owner", "reason", "ticket", "expires", "windows", "zone", "targets")
REQUIRED = ("kind", "value", "label", "owner", "reason")
MAX_LINES = 5000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")  # with what a cell begins that a spreadsheet would run; and our mark


@dataclass(slots=True)
class Imported:
    """What became of a file; with any problem or doubt nothing was stored."""

    added: int = 0
    skipped: int = 0  # on the list already
    expired: int = 0  # passed over, because they would hold no more
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)  # that can be confirmed


def export_csv(rows: Iterable[ListEntry]) -> str:
    """The entries with everything that an import takes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        shape = shape_of(row)
        shape["targets"] = " ".join(row.targets)
        writer.writerow({name: _unarmed(str(value)) for name, value in shape.items()})
    return text.getvalue()


def _unarmed(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def import_csv(text: str, *, actor: Actor, confirmed: bool = False) -> Imported:
    """All lines or none; each line that is wrong or doubtful is named with its number."""
    result = Imported()
    try:
        lines = _lines(text)
    except (csv.Error, Refused) as error:
        return Imported(problems=[str(error)])
    with transaction.atomic():
        for number, line in lines:
            _import_line(number, line, result, actor, confirmed)
        if result.problems or result.doubts:
            transaction.set_rollback(True)
            result.added = 0
    return result


def _lines(text: str) -> list[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True, restval="")
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if missing := [name for name in REQUIRED if name not in names]:
        raise Refused(f"The header needs {', '.join(missing)}.")
    if unknown := [name for name in names if name not in COLUMNS]:
        raise Refused(f"There is no column {unknown[0][:40]!r}; there are {', '.join(COLUMNS)}.")
    reader.fieldnames = names
    lines: list[tuple[int, dict[str, str]]] = []
    for line in reader:
        if len(lines) == MAX_LINES:
            raise Refused(f"More than {MAX_LINES:,} lines: import them in parts.")
        lines.append((reader.line_num, {name: _cell(line.get(name, "")) for name in COLUMNS}))
    return lines


def _cell(text: str) -> str:
    return text.strip().removeprefix("'")


def _import_line(number: int, line: Mapping[str, str], result: Imported, actor: Actor, confirmed: bool) -> None:
    try:
        add(_entry_of(line), actor=actor, confirmed=confirmed)
        result.added += 1
    except Duplicate:
        result.skipped += 1
    except Expired:
        result.expired += 1
    except NeedsConfirmation as doubt:
        result.doubts.append(f"line {number}: {doubt}")
    except ValueError as error:
        result.problems.append(f"line {number}: {error}")


def _entry_of(line: Mapping[str, str]) -> Entry:
    if line["kind"] not in ListKind.values:
        raise Refused(f"kind must be one of {', '.join(ListKind.values)}, not {line['kind'][:40]!r}")
    kind = ListKind(line["kind"])
    return Entry(
        kind=kind,
        value=line["value"],
        label=line["label"],
        owner=line["owner"],
        reason=line["reason"],
        ticket=line["ticket"],
        expires=_expiry(line["expires"], kind),
        windows=read_windows(line["windows"]),
        zone=line["zone"] or "UTC",
        targets=line["targets"].split(),
    )


def _expiry(text: str, kind: ListKind) -> datetime | None:
    """A moment, or the end of a day (UTC); in three months if nothing is said."""
    if not text:
        return None if kind == ListKind.OWN_NETWORK else now() + timedelta(days=DEFAULT_DAYS)
    try:
        if len(text) == len("2027-01-31"):
            return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"expires must be a date such as 2027-01-31, not {text[:40]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
