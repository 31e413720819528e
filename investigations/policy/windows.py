"""When and where an authorised scanner may scan, and whether a scan kept to it.

A window is `{"days": [0, 6], "from": "22:00", "to": "04:00"}`: days from Monday (0), wall-clock times in the zone of
the entry. One that ends before it begins goes over midnight and belongs to the day on which it begins; equal times are
a whole day. No window at all means any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_WINDOWS = 14
MAX_SCAN = timedelta(days=60)  # beyond which no weekly window can hold a scan anyway

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

Window = Mapping[str, Any]


def window_problems(windows: Any, zone: str) -> list[str]:
    """Everything that is wrong with the windows of an entry, in words."""
    problems = [] if is_zone(zone) else [f"there is no time zone {zone}"]
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
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_within(windows: Sequence[Window], zone: str, first: datetime, last: datetime) -> bool:
    """Whether a scan from `first` to `last` kept to the windows; neighbouring windows are one."""
    if not windows:
        return True
    if last - first > MAX_SCAN:
        return False
    reached = first
    spans = sorted(_spans(windows, ZoneInfo(zone), first - timedelta(days=2), last + timedelta(days=1)))
    for begin, end in spans:
        if begin <= reached < end or (begin <= reached <= end and reached == last):
            reached = end
            if last <= reached:
                return True
    return False


def _spans(
    windows: Sequence[Window], zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The moments at which each window opens and closes, as the clocks of the zone show them."""
    day = since.astimezone(zone).date()
    while day <= until.astimezone(zone).date():
        for window in windows:
            if day.weekday() in window["days"]:
                begin, end = _clock(window["from"]), _clock(window["to"])
                last_day = day if end > begin else day + timedelta(days=1)
                yield (
                    datetime.combine(day, begin.time(), zone).astimezone(since.tzinfo),
                    datetime.combine(last_day, end.time(), zone).astimezone(since.tzinfo),
                )
        day += timedelta(days=1)


def _clock(text: str) -> datetime:
    return datetime.strptime(text, "%H:%M")


def windows_in_words(windows: Sequence[Window], zone: str) -> str:
    """`Mon–Fri 22:00–04:00, Sun all day (Europe/Berlin)`; `at any time` without a window."""
    if not windows:
        return "at any time"
    return f"{', '.join(map(_in_words, windows))} ({zone})"


def _in_words(window: Window) -> str:
    times = "all day" if window["from"] == window["to"] else f"{window['from']}–{window['to']}"
    return f"{_days(sorted(set(window['days'])))} {times}"


def _days(days: list[int]) -> str:
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}–{DAYS[days[-1]]}"
    return ", ".join(DAYS[day] for day in days)
