"""Keyset pages: rows after a position instead of an OFFSET; the position travels in the URL as a signed cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan, TupleLessThan

COUNT_CAP = 1000  # a count stops here: its cost stays the same however much there is
OLDER, NEWER = "older", "newer"


class InvalidCursor(ValueError):
    """The cursor was not made by us, or for another list."""


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """Rows in descending order of their keys; `older` and `newer` are cursors, empty where there is no further page."""

    rows: list[Row] = field(default_factory=list)
    older: str = ""
    newer: str = ""


def page_of[Row: Model](rows: QuerySet[Row], keys: tuple[str, ...], cursor: str, size: int) -> Page[Row]:
    """The page at `cursor`, or the first one. `keys` are not-null fields that end with a unique one.

    Raises InvalidCursor.
    """
    direction, position = _read(cursor, rows, keys) if cursor else (OLDER, [])
    if direction == NEWER:
        found = list(after(rows, keys, position, newer=True)[: size + 1])
        if not found:
            return page_of(rows, keys, "", size)
        shown = found[:size][::-1]
        newer = _write(NEWER, shown[0], keys) if len(found) > size else ""
        return Page(shown, _write(OLDER, shown[-1], keys), newer)
    found = list(after(rows, keys, position)[: size + 1])
    shown = found[:size]
    older = _write(OLDER, shown[-1], keys) if len(found) > size else ""
    newer = _write(NEWER, shown[0], keys) if position and shown else ""
    return Page(shown, older, newer)


def after[Row: Model](
    rows: QuerySet[Row], keys: tuple[str, ...], position: Sequence[Any], *, newer: bool = False
) -> QuerySet[Row]:
    """The rows beyond a position, the nearest first; all of them if there is none. One row-value comparison."""
    order = keys if newer else [f"-{key}" for key in keys]
    if position:
        compare = TupleGreaterThan if newer else TupleLessThan
        rows = rows.filter(compare(tuple(F(key) for key in keys), tuple(position)))
    return rows.order_by(*order)


def capped_count(rows: QuerySet[Any]) -> int:
    """How many rows there are; COUNT_CAP + 1 stands for more."""
    return rows.order_by()[: COUNT_CAP + 1].count()


def _salt(rows: QuerySet[Any], keys: tuple[str, ...]) -> str:
    return f"keyset:{rows.model._meta.label_lower}:{','.join(keys)}"


def _write(direction: str, row: Model, keys: tuple[str, ...]) -> str:
    values = [_plain(getattr(row, key)) for key in keys]
    return signing.dumps([direction[0], *values], salt=_salt(type(row)._default_manager.all(), keys))


def _plain(value: Any) -> Any:
    # To the microsecond: a position that is rounded skips rows
    return value.isoformat() if isinstance(value, datetime) else value


def _read(cursor: str, rows: QuerySet[Any], keys: tuple[str, ...]) -> tuple[str, list[Any]]:
    try:
        letter, *values = signing.loads(cursor, salt=_salt(rows, keys))
    except (signing.BadSignature, ValueError) as error:
        raise InvalidCursor("This link to a page of the list is not valid any more.") from error
    fields = [rows.model._meta.get_field(key) for key in keys]
    fields = [getattr(column, "output_field", column) for column in fields]
    return NEWER if letter == NEWER[0] else OLDER, [f.to_python(v) for f, v in zip(fields, values, strict=True)]
