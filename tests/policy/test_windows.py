"""The windows of authorised scanners: the clock on the wall decides, over midnight and when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from investigations.policy.windows import (
    MAX_WINDOWS,
    first_outside,
    is_open,
    is_zone,
    read_windows,
    window_problems,
    windows_as_text,
    windows_in_words,
)

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
# The night on which clocks go forward, the one on which they go back, and a day that Samoa never had
SPRING = datetime(2026, 3, 29, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)
SAMOA = datetime(2011, 12, 30, 6, tzinfo=UTC)

times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
windows = st.fixed_dictionaries(
    {"days": st.lists(st.integers(0, 6), min_size=1, unique=True).map(sorted), "from": times, "to": times}
)
lists = st.lists(windows, min_size=1, max_size=3)
moments = st.one_of(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    *(
        st.integers(-36 * 60, 36 * 60).map(lambda minutes, night=night: night + timedelta(minutes=minutes))
        for night in (SPRING, AUTUMN, SAMOA)
    ),
)


def window(days: str, begin: str, end: str) -> dict[str, Any]:
    return {"days": [int(day) for day in days], "from": begin, "to": end}


def berlin(text: str, fold: int = 0) -> datetime:
    """A moment by the clock in Berlin; the 25th of November 2026 is a Wednesday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN), fold=fold)


def minutes_of(one: dict[str, Any]) -> set[int]:
    """The minutes of a week, from Monday 00:00 on, that a window holds: told minute by minute."""
    begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (one["from"], one["to"]))
    length = (end - begin) % 1440 or 1440
    begin = 0 if length == 1440 else begin
    return {(day * 1440 + begin + minute) % 10_080 for day in one["days"] for minute in range(length)}


@given(lists, st.sampled_from(ZONES), moments)
@example([window("6", "02:15", "02:45")], BERLIN, AUTUMN + timedelta(minutes=90))
@example([window("5", "22:00", "02:30")], BERLIN, SPRING + timedelta(minutes=65))
def test_it_follows_the_clock_on_the_wall(some: list[dict[str, Any]], zone: str, moment: datetime) -> None:
    local = moment.astimezone(ZoneInfo(zone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    assert is_open(some, zone, moment) == any(minute in minutes_of(one) for one in some)


@given(lists, st.sampled_from(ZONES), moments)
def test_it_does_not_depend_on_the_zone_in_which_a_moment_is_told(
    some: list[dict[str, Any]], zone: str, moment: datetime
) -> None:
    assert is_open(some, zone, moment) == is_open(some, zone, moment.astimezone(ZoneInfo("Asia/Tokyo")))


@given(lists)
def test_it_reads_what_it_writes(some: list[dict[str, Any]]) -> None:
    read = read_windows(windows_as_text(some))
    assert [minutes_of(one) for one in read] == [minutes_of(one) for one in some]
    assert not window_problems(read, "UTC")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23 21:59:59", False),  # a Monday
        ("2026-11-23 22:00:00", True),
        ("2026-11-24 03:59:59", True),  # the night of Monday
        ("2026-11-24 04:00:00", False),
        ("2026-11-28 02:00:00", True),  # Saturday morning still belongs to Friday
        ("2026-11-28 23:00:00", False),
        ("2026-11-30 02:00:00", False),  # Monday morning would belong to Sunday
    ],
)
def test_it_gives_the_hours_after_midnight_to_the_day_before(moment: str, expected: bool) -> None:
    assert is_open([window("01234", "22:00", "04:00")], BERLIN, berlin(moment)) is expected


def test_it_counts_a_doubled_hour_twice_and_a_skipped_one_never() -> None:
    doubled = [window("6", "02:00", "03:00")]
    assert is_open(doubled, BERLIN, berlin("2026-10-25 02:30")) and is_open(
        doubled, BERLIN, berlin("2026-10-25 02:30", fold=1)
    )
    night = [SPRING + timedelta(minutes=minute) for minute in range(-180, 360)]
    assert not any(is_open([window("6", "02:00", "03:00")], BERLIN, moment) for moment in night)


def test_it_takes_equal_times_as_the_whole_day_and_no_window_as_any_time() -> None:
    assert is_open([window("2", "22:00", "22:00")], BERLIN, berlin("2026-11-25 00:00"))
    assert not is_open([window("2", "22:00", "22:00")], BERLIN, berlin("2026-11-26 00:00"))
    assert is_open([], BERLIN, SPRING)


def test_it_names_the_first_moment_outside_by_the_clock_of_the_entry() -> None:
    nights = [window("01", "22:00", "04:00")]
    scan = [berlin(text) for text in ("2026-11-23 23:00", "2026-11-24 22:30", "2026-11-25 04:10", "2026-11-25 12:00")]
    outside = first_outside(nights, BERLIN, [moment.astimezone(UTC) for moment in scan])
    assert outside is not None and f"{outside:%a %H:%M}" == "Wed 04:10"
    assert first_outside(nights, BERLIN, scan[:2]) is None  # the day between two nights is no scan


@pytest.mark.parametrize(
    ("some", "words"),
    [
        ([], "at any time"),
        ([window("01234", "22:00", "04:00")], "Mon–Fri 22:00–04:00 Europe/Berlin"),
        ([window("0123456", "01:00", "05:00")], "daily 01:00–05:00 Europe/Berlin"),
        ([window("56", "00:00", "00:00"), window("0", "08:00", "09:30")],
         "Sat, Sun all day; Mon 08:00–09:30 Europe/Berlin"),
    ],
)  # fmt: skip
def test_it_tells_people(some: list[dict[str, Any]], words: str) -> None:
    assert windows_in_words(some, BERLIN) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("mon-fri 22:00-4:00", [window("01234", "22:00", "04:00")]),
        ("Sat,Sun all day ; Monday 8:00 – 9:30", [window("56", "00:00", "00:00"), window("0", "08:00", "09:30")]),
        ("Fri-Mon 01:00-02:00", [window("0456", "01:00", "02:00")]),
        ("Daily 00:00-23:59", [window("0123456", "00:00", "23:59")]),
    ],
)
def test_it_reads_what_people_write(text: str, expected: list[dict[str, Any]]) -> None:
    assert read_windows(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("22:00-04:00", "is no window"),
        ("Mon 25:00-26:00", "from must be a time"),
        ("Mon 22-4", "from must be a time"),
        ("Mon", "is no window"),
        ("Someday 10:00-11:00", "'Someday' is no day"),
        ("Mon, 10:00-11:00", "'' is no day"),
        ("Mon 10:00-11:00;" * 15, f"at most {MAX_WINDOWS}"),
        ("Mon 10:00-11:00\x00", "is no window"),
        ("a" * 100_000, "is no window"),
    ],
)
def test_it_says_what_is_wrong_with_a_text(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_windows(text)


@pytest.mark.parametrize(
    ("some", "why"),
    [
        ("Mon", "a list"),
        ([window("0", "10:00", "11:00")] * 15, "at most 14"),
        ([{"days": [0], "from": "10:00"}], "needs days, from and to"),
        (["Mon"], "needs days, from and to"),
        ([window("", "10:00", "11:00")], "at least one day"),
        ([{"days": [7], "from": "10:00", "to": "11:00"}], "at least one day"),
        ([{"days": [True], "from": "10:00", "to": "11:00"}], "at least one day"),
        ([{"days": "0", "from": "10:00", "to": "11:00"}], "at least one day"),
        ([window("0", "24:00", "11:00")], "from must be a time"),
        ([window("0", "10:00", "9:00")], "to must be a time"),
        ([window("0", "10:00", "１１:00")], "to must be a time"),
    ],
)
def test_it_names_every_problem_of_a_window(some: Any, why: str) -> None:
    assert any(why in problem for problem in window_problems(some, BERLIN))


@pytest.mark.parametrize("name", ["Mars/Phobos", "", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 5000, "U\0TC"])
def test_it_knows_what_is_no_zone(name: str) -> None:
    assert not is_zone(name)
    assert any("no time zone" in problem for problem in window_problems([], name))
