"""When an authorised scanner may scan, and whether it did.

A window is `{"days": [0, 6], "from": "22:00", "to": "04:00"}`: days from Monday (0), times as a clock on the wall of
its zone shows them, the second one no longer within. One that ends before it begins goes over midnight and belongs
to the day on which it begins; equal times are the whole day. No window at all means any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_WINDOWS = 14
MAX_ZONE = 64  # characters of a zone's name
MIDNIGHT = "00:00"

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_TEXT = re.compile(r"(?P<days>[a-z, -]+?)\s+(?:all day|(?P<begin>[\d:]+)\s*-\s*(?P<end>[\d:]+))", re.IGNORECASE)

Window = Mapping[str, Any]


def window_problems(windows: Any, zone: str) -> list[str]:
    """Everything that is wrong with the windows of an entry, in words."""
    problems = [] if is_zone(zone) else [f"there is no time zone {zone[:MAX_ZONE]!r}: a name such as Europe/Berlin"]
    if not isinstance(windows, list) or len(windows) > MAX_WINDOWS:
        return [*problems, f"windows must be a list of at most {MAX_WINDOWS}"]
    for number, window in enumerate(windows, 1):
        problems += [f"window {number}: {problem}" for problem in _problems(window)]
    return problems


def _problems(window: Any) -> Iterator[str]:
    if not isinstance(window, dict) or set(window) != {"days", "from", "to"}:
        yield "it needs days, from and to"
        return
    days = window["days"]
    if not isinstance(days, list) or not days or not all(type(day) is int and 0 <= day <= 6 for day in days):
        yield "it needs at least one day, from 0 (Monday) to 6"
    for name in ("from", "to"):
        if not isinstance(window[name], str) or not _TIME.fullmatch(window[name]):
            yield f"{name} must be a time such as 22:00"


def is_zone(name: str) -> bool:
    if len(name) > MAX_ZONE:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_open(windows: Sequence[Window], zone: str, moment: datetime) -> bool:
    """Whether the clock on the wall stands within a window; `moment` is aware.

    An hour that the clock shows twice counts twice, and one that it skips not at all.
    """
    local = moment.astimezone(ZoneInfo(zone))
    return not windows or any(_holds(window, local.weekday(), f"{local:%H:%M}") for window in windows)


def _holds(window: Window, day: int, clock: str) -> bool:
    begin, end, days = window["from"], window["to"], window["days"]
    if begin == end:
        return day in days
    if begin < end:
        return day in days and begin <= clock < end
    return (day in days and clock >= begin) or ((day - 1) % 7 in days and clock < end)


def first_outside(windows: Sequence[Window], zone: str, moments: Iterable[datetime]) -> datetime | None:
    """The first of the moments that no window holds, in the zone of the entry."""
    outside = next((moment for moment in moments if not is_open(windows, zone, moment)), None)
    return outside.astimezone(ZoneInfo(zone)) if outside else None


def windows_as_text(windows: Sequence[Window]) -> str:
    """`Mon-Fri 22:00-04:00; Sat, Sun all day`: what `read_windows` reads."""
    return "; ".join(f"{_days(sorted(set(window['days'])))} {_times(window)}" for window in windows)


def windows_in_words(windows: Sequence[Window], zone: str) -> str:
    """`Mon–Fri 22:00–04:00 Europe/Berlin`; `at any time` without a window."""
    return f"{windows_as_text(windows).replace('-', '–')} {zone}" if windows else "at any time"


def _times(window: Window) -> str:
    return "all day" if window["from"] == window["to"] else f"{window['from']}-{window['to']}"


def _days(days: list[int]) -> str:
    if days == list(range(7)):
        return "daily"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ", ".join(DAYS[day] for day in days)


def read_windows(text: str) -> list[dict[str, Any]]:
    """The windows that a text such as `Mon-Fri 22:00-04:00; Sun all day` names. Raises ValueError."""
    pieces = [piece.strip() for piece in text.replace("–", "-").split(";")]
    windows = [_read(piece) for piece in pieces if piece]
    if problems := window_problems(windows, "UTC"):
        raise ValueError("; ".join(problems))
    return windows


def _read(piece: str) -> dict[str, Any]:
    found = _TEXT.fullmatch(piece)
    if found is None:
        raise ValueError(f"{piece[:60]!r} is no window: write it as Mon-Fri 22:00-04:00, or Sun all day")
    begin, end = found["begin"] or MIDNIGHT, found["end"] or MIDNIGHT
    return {"days": sorted(set(_read_days(found["days"]))), "from": begin.rjust(5, "0"), "to": end.rjust(5, "0")}


def _read_days(text: str) -> Iterator[int]:
    if text.strip().lower() == "daily":
        yield from range(7)
        return
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        yield from ((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _day(text: str) -> int:
    name = text.strip().capitalize()[:3]
    if name not in DAYS:
        raise ValueError(f"{text.strip()[:20]!r} is no day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun or daily")
    return DAYS.index(name)
