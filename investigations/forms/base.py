"""What several forms share."""

from __future__ import annotations

from typing import Any


def choices_of(values: Any, first: str) -> list[tuple[str, str]]:
    """An enumeration as choices, with a first one that chooses nothing."""
    return [("", first), *((value.value, value.label) for value in values)]
