"""Charts: everything inside its box, and the words say what the picture says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investigations.charts import (
    MAX_COLUMNS,
    MAX_PORTS,
    OPACITIES,
    Bar,
    Matrix,
    Probe,
    gauge,
    rebin,
    scan_matrix,
    share_range,
    sparkline,
    stacked_columns,
)

START = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
END = START + timedelta(minutes=9)


def assert_inside(bars: Iterable[Bar], width: float, height: float) -> None:
    for bar in bars:
        assert bar.x >= 0 and bar.y >= 0 and bar.width >= 0 and bar.height >= 0, bar
        assert bar.x + bar.width <= width + 0.011 and bar.y + bar.height <= height + 0.011, bar


def assert_drawable(matrix: Matrix) -> None:
    assert_inside(matrix.cells, matrix.width, matrix.height)
    for label in (*matrix.labels, *matrix.ticks):
        assert 0 <= label.x <= matrix.width and 0 <= label.y <= matrix.height


def test_it_counts_points_into_equal_slices_with_the_end_in_the_last() -> None:
    points = [(START, 1), (START + timedelta(minutes=3), 2), (END, 4), (END + timedelta(seconds=1), 8)]
    assert rebin(points, START, END, 3) == [1, 2, 4]
    assert rebin([(START, 5)], START, START, 3) == [5, 0, 0]
    assert rebin([], START, END, 2) == [0, 0]


def test_it_draws_a_sparkline_with_the_highest_bar_as_high_as_the_chart() -> None:
    bars = sparkline([0, 5, 10], 60, 20)
    assert [(bar.x, bar.y, bar.height, bar.title) for bar in bars] == [
        (0.0, 20.0, 0.0, "0"),
        (20.0, 10.0, 10.0, "5"),
        (40.0, 0.0, 20.0, "10"),
    ]


def test_it_never_hides_a_bin_that_is_not_empty() -> None:
    assert sparkline([1, 1_000_000], 60, 20)[0].height == 1.0


def test_it_draws_nothing_for_no_bins_and_flat_bars_for_empty_ones() -> None:
    assert sparkline([], 60, 20) == []
    assert [bar.height for bar in sparkline([0, 0], 60, 20)] == [0.0, 0.0]


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), max_size=200), st.floats(1, 2000), st.floats(1, 200))
def test_it_keeps_every_bar_inside(bins: list[int], width: float, height: float) -> None:
    assert_inside(sparkline(bins, width, height), width, height)


def test_it_draws_time_by_port_and_says_the_same_in_words() -> None:
    matrix = scan_matrix(
        [
            Probe(22, START, 165),
            Probe(22, START + timedelta(minutes=5), 3, answered=True),
            Probe(2323, END, 53),
            Probe(23, START, 91),
        ],
        START,
        END,
    )
    assert (
        matrix.description == "312 probes over 9 minutes: 22 SSH 168, of which 3 answered; 23 Telnet 91; 2323 Telnet 53"
    )
    assert [label.text for label in matrix.labels] == ["22 SSH", "23 Telnet", "2323 Telnet"]
    assert [cell.title for cell in matrix.cells if cell.answered] == ["22 SSH, from 14:06: 3 probes, answered"]
    assert matrix.ticks[0].text == "14:02"
    assert_drawable(matrix)


def test_it_shows_more_probes_as_more_opaque() -> None:
    counts = (1, 30, 60, 100)
    cells = scan_matrix([Probe(22, START + timedelta(minutes=i), n) for i, n in enumerate(counts)], START, END).cells
    assert [cell.level for cell in cells] == [1, 2, 3, 4]
    assert [cell.opacity for cell in cells] == list(OPACITIES)


def test_it_puts_all_but_the_busiest_ports_into_one_row() -> None:
    probes = [Probe(port, START, count=2) for port in range(1, 13)] + [Probe(port, START) for port in range(100, 140)]
    matrix = scan_matrix(probes, START, END)
    assert len(matrix.labels) == MAX_PORTS + 1
    assert matrix.labels[-1].text == "40 others"
    assert matrix.description.endswith("; 40 others 40")
    assert_drawable(matrix)


def test_it_draws_one_probe_in_no_time_and_a_protocol_without_ports() -> None:
    matrix = scan_matrix([Probe(None, START, answered=True)], START, START)
    assert matrix.description == "1 probe over 0 seconds: no port 1, of which 1 answered"
    assert len(matrix.cells) == 1
    assert_drawable(matrix)


def test_it_draws_an_empty_matrix_for_no_probes() -> None:
    matrix = scan_matrix([], START, END)
    assert (matrix.cells, matrix.labels, matrix.ticks, matrix.description) == ((), (), (), "No probes")
    assert matrix.height > 0


def test_it_leaves_out_what_lies_outside_the_time_shown() -> None:
    assert scan_matrix([Probe(22, END + timedelta(seconds=1))], START, END).description == "No probes"


def test_it_gathers_a_hundred_thousand_probes_into_few_cells() -> None:
    probes = (Probe(n % 1000, START + timedelta(milliseconds=5 * n), answered=n % 50 == 0) for n in range(100_000))
    matrix = scan_matrix(probes, START, END)
    assert len(matrix.cells) <= (MAX_PORTS + 1) * MAX_COLUMNS
    assert matrix.description.startswith("100,000 probes over 9 minutes: ")
    assert_drawable(matrix)


@pytest.mark.parametrize(
    ("span", "tick"),
    [(timedelta(seconds=90), "14:02:00"), (timedelta(hours=5), "14:02"), (timedelta(days=9), "24 Nov")],
)
def test_it_writes_times_as_fine_as_the_span_needs(span: timedelta, tick: str) -> None:
    assert scan_matrix([Probe(22, START)], START, START + span).ticks[0].text == tick


probes = st.builds(
    Probe,
    port=st.none() | st.integers(0, 65_535),
    time=st.integers(-10, 700).map(lambda seconds: START + timedelta(seconds=seconds)),
    count=st.integers(0, 10_000),
    answered=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(probes, max_size=80), st.integers(0, 600), st.floats(50, 2000))
def test_it_keeps_every_cell_inside(scan: list[Probe], seconds: int, width: float) -> None:
    matrix = scan_matrix(scan, START, START + timedelta(seconds=seconds), width)
    assert_drawable(matrix)
    assert {cell.level for cell in matrix.cells} <= set(range(1, len(OPACITIES) + 1))


def test_it_stacks_the_series_of_an_hour_upon_each_other() -> None:
    layers = stacked_columns({"dismissed": [3, 0], "escalated": [1, 0]}, ["an hour ago", "now"], 100, 80)
    assert [(layer.series, layer.x, layer.y, layer.height, layer.title) for layer in layers] == [
        ("dismissed", 0.0, 20.0, 60.0, "an hour ago: 3 dismissed"),
        ("escalated", 0.0, 0.0, 20.0, "an hour ago: 1 escalated"),
    ]
    assert stacked_columns({}, [], 100, 80) == []


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=30))
def test_it_stacks_within_the_chart(columns: list[tuple[int, int]]) -> None:
    series = {"a": [first for first, _ in columns], "b": [second for _, second in columns]}
    layers = stacked_columns(series, [str(place) for place in range(len(columns))], 480, 96)
    assert_inside(layers, 480, 96)
    assert len(layers) == sum(count > 0 for column in columns for count in column)


def test_it_draws_a_share_on_the_shortest_scale_that_holds_it() -> None:
    found = share_range(0.02, 0.01, 0.086, 100, 16)
    assert (found.top, found.span.x, found.span.width) == (0.1, 10.0, 76.0)
    assert [tick.text for tick in found.ticks] == ["0 %", "5 %", "10 %"]
    assert share_range(0, 0, 1, 100, 16).top == 1.0


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted))
def test_it_keeps_every_share_within_the_chart(shares: list[float]) -> None:
    low, rate, high = shares
    found = share_range(rate, low, high, 480, 16)
    assert_inside([found.span, found.point], 480, 16)


def test_it_fills_a_gauge_up_to_the_brim() -> None:
    half, over = gauge(50, 100, 10, 120, 8), gauge(300, 100, None, 120, 8)
    assert (half.used.width, half.full, half.usual and half.usual.x) == (60.0, False, 11.0)
    assert (over.used.width, over.full, over.usual) == (120.0, True, None)
    assert gauge(0, 10, 1000, 120, 8).usual == Bar(118.0, 0.0, 2.0, 8, "usually 1,000.0")
