"""What every parser needs to read one field: text made harmless, addresses, ports, times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from investigations.artifacts import Network, normalise_address, scope_of
from investigations.choices import Scope
from investigations.ingest.base import MAX_RAW, MAX_TEXT

FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # before it, a sensor's clock was not set
MAX_AHEAD = timedelta(days=1)
MAX_REMEMBERED = 10_000  # addresses whose side is remembered

_BREAKS = re.compile(r"[\t\n\v\f\r]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a record came: when, from which sensor, and which networks are our own."""

    received: datetime
    sensor: str = ""
    own_networks: tuple[Network, ...] = ()
    _sides: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def is_inside(self, address: str | None) -> bool:
        """Whether an address is one of ours or a private one."""
        if address is None:
            return False
        inside = self._sides.get(address)
        if inside is None:
            if len(self._sides) >= MAX_REMEMBERED:
                self._sides.clear()
            inside = self._sides[address] = scope_of(address, self.own_networks) == Scope.INTERNAL
        return inside


def text(value: Any, limit: int = MAX_TEXT) -> str:
    """A string or a whole number as text without control characters, at most `limit` long; anything else is ""."""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64:
        return str(value)[:limit]
    return ""


def clean(value: str, limit: int) -> str:
    """Text that no page, log or terminal stumbles over: breaks become a space, lone surrogates U+FFFD."""
    if not value.isprintable():
        value = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", _BREAKS.sub(" ", value[: 2 * limit])))
    return value[:limit].strip()


def original(value: str) -> str:
    """The record as it came, cut to MAX_RAW; only NUL and lone surrogates, which cannot be stored, are taken out."""
    value = value[:MAX_RAW]
    if "\0" in value:
        value = value.replace("\0", "")
    return value if value.isascii() else _SURROGATES.sub("\ufffd", value)


@lru_cache(maxsize=MAX_REMEMBERED)
def _address(value: str) -> str | None:
    return normalise_address(value)


def address(value: Any) -> str | None:
    """Canonical text of an address, None for anything else."""
    return _address(value) if isinstance(value, str) and len(value) < 100 else None


def port(value: Any) -> int | None:
    """A port as a number from 0 to 65535, None for anything else."""
    if isinstance(value, str) and len(value) <= 5 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535:
        return value
    return None


def whole(value: Any) -> int | None:
    """A count, None for anything that is not one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def section(value: Any) -> dict[str, Any]:
    """An object within the record; an empty one where there is none."""
    return value if isinstance(value, dict) else {}


def words(value: Any) -> list[str]:
    """The strings of a list, or of a single string."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def techniques(value: Any) -> tuple[str, ...]:
    """The valid ATT&CK ids among some words, in their order, each once: `t1190` and `T1190` are the same."""
    ids = (word.strip().upper() for word in words(value)[:20])
    return tuple(dict.fromkeys(name for name in ids if _TECHNIQUE.fullmatch(name)))


def moment(value: Any, received: datetime) -> tuple[datetime, bool]:
    """When it happened in UTC, and whether that is a guess: no zone means UTC, no usable time means when it came."""
    found = _from_text(value) if isinstance(value, str) else _from_epoch(value)
    guessed = found is not None and found.tzinfo is None
    try:
        happened = found.replace(tzinfo=UTC) if found and guessed else found and found.astimezone(UTC)
    except OverflowError:
        happened = None
    if not happened or not FIRST_TIME <= happened <= received + MAX_AHEAD:
        return received, True
    return happened, guessed


def _from_text(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value.strip()) if len(value) <= 64 else None
    except ValueError:
        pass
    try:
        return _from_epoch(float(value))
    except ValueError:
        return None


def _from_epoch(value: Any) -> datetime | None:
    """Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    for limit, divisor in ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if 0 < value < limit:
            return datetime.fromtimestamp(value / divisor, UTC)
    return None
