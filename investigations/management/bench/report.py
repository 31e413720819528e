"""The measurements as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEAD = ("name", "what", "ratio", "target", "ours", "base")
RIGHT = {2, 3}  # columns of numbers


def table(measurements: Sequence[Mapping[str, Any]]) -> str:
    rows = [HEAD, *(_row(one) for one in measurements)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.rjust(width) if column in RIGHT else text.ljust(width)
             for column, (text, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
    return "  ".join(cells).rstrip()


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (one["name"], one["what"], f"{one['value']:.3f}", _target(one), _side(one["ours"]), _side(one["base"]))


def _target(one: Mapping[str, Any]) -> str:
    if one["target"] is None:
        return "–"
    sign = "≤" if one["at_most"] else "≥"
    return f"{sign} {one['target']:.2f} {'met' if one['met'] else 'missed'}"


def _side(side: Mapping[str, Any]) -> str:
    return f"{side['value']:,.4g} {side['unit']} ({side['name']})"
