"""Readers for fields of an answer: whatever JSON stands there, a usable value or nothing comes out.

Every answer is hostile: any field may be null, a number written as text, a list, a megabyte of text, or hold control
characters. What these functions return may be stored and shown.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

MAX_TEXT = 200  # characters
MAX_ITEMS = 50
MAX_NUMBER = 2**31 - 1
NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{0,15})?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MAX_EPOCH = 32_503_680_000  # the year 3000


def as_text(value: Any, limit: int = MAX_TEXT) -> str:
    """One line of printable text, at most `limit` characters; "" for anything that is not text."""
    if not isinstance(value, str):
        return ""
    # isprintable() is false for controls, for marks that change the writing direction, and for lone surrogates
    printable = "".join(char if char.isprintable() else " " for char in value[: 4 * limit])
    return " ".join(printable.split())[:limit].rstrip()


def as_int(value: Any, low: int = 0, high: int = MAX_NUMBER) -> int | None:
    """A whole number between `low` and `high`, from a number or its text; None for anything else."""
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(_bounded(value)):
        return None
    return max(low, min(high, int(value)))


def as_bool(value: Any) -> bool | None:
    """True or False, also where they are written as text or as 1 and 0; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().lower())
    if isinstance(value, int):
        return bool(value) if value in (0, 1) else None
    return None


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any, limit: int = MAX_ITEMS) -> list[Any]:
    """A list of at most `limit` items; a bare text is a list of one."""
    if isinstance(value, str):
        return [value]
    return value[:limit] if isinstance(value, list) else []


def as_texts(value: Any, limit: int = MAX_ITEMS, length: int = 100) -> list[str]:
    """The texts of a list, each once, without empty ones."""
    texts = (as_text(item, length) for item in as_list(value, limit))
    return list(dict.fromkeys(text for text in texts if text))


def as_asn(value: Any) -> int | None:
    """The number of an autonomous system, from 64496, "64496" or "AS64496"."""
    number = as_int(value.strip().upper().removeprefix("AS") if isinstance(value, str) else value, high=2**32)
    return number if number is not None and 0 < number < 2**32 else None


def as_date(value: Any) -> str:
    """The day of a time, YYYY-MM-DD, from text that starts with one or from seconds since 1970; "" if it is neither."""
    if isinstance(value, str) and (found := DATE.match(value)):
        return found.group()
    number = as_int(value, high=MAX_EPOCH)
    return f"{datetime.fromtimestamp(number, UTC):%Y-%m-%d}" if number else ""


def present(**facts: Any) -> dict[str, Any]:
    """The facts that are known: None, "" and [] say nothing and are left out, False and 0 stay."""
    return {name: value for name, value in facts.items() if value is not None and value != "" and value != []}


def _bounded(value: float) -> float:
    """`value` as a float; a whole number too large for one counts as infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
