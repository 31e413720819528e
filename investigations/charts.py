"""Geometry of the small charts: numbers in, rectangles and texts out, for a template to draw as inline SVG.

Everything lies inside the view box; colours belong to the style sheet. Times are aware UTC.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from investigations.ports import port_label

MAX_PORTS = 12  # rows of a scan matrix, the rest goes into one row more
MAX_COLUMNS = 60
OPACITIES = (0.25, 0.45, 0.7, 1.0)  # by share of the busiest cell
LABEL_WIDTH = 110.0
ROW_HEIGHT = 16.0
AXIS_HEIGHT = 18.0
TICK_SPACE = 110.0  # at least so wide apart
SCALES = (0.05, 0.1, 0.25, 0.5, 1.0)
MARK = 2.0  # width of what marks one place


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle; `title` says in words what its size says."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """One text and where its baseline starts."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Cell(Bar):
    """What came to one port in one slice of time; `level` counts from 1 and `opacity` is its value for SVG."""

    level: int
    opacity: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """Time by port. `description` says the same in words."""

    width: float
    height: float
    cells: tuple[Cell, ...]
    labels: tuple[Label, ...]
    ticks: tuple[Label, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Layer(Bar):
    """What one series adds to a column."""

    series: str


@dataclass(frozen=True, slots=True)
class Range:
    """A share with its interval on a scale from 0 to `top`, the lowest of SCALES that holds all of it."""

    span: Bar
    point: Bar
    ticks: tuple[Label, ...]
    top: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much of what is allowed is used; `usual` is None where nobody knows what is usual."""

    used: Bar
    usual: Bar | None
    full: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """Probes that came to one port at one time; `port` is None where the protocol has none. `answered`: any of them."""

    port: int | None
    time: datetime
    count: int = 1
    answered: bool = False


def rebin(points: Iterable[tuple[datetime, int]], start: datetime, end: datetime, n: int) -> list[int]:
    """The counts of `points` in `n` equal slices from `start` to `end`; what lies outside is left out."""
    bins = [0] * n
    for time, count in points:
        if start <= time <= end:
            bins[_slice_of(time, start, end, n)] += count
    return bins


def sparkline(bins: Sequence[int], width: float, height: float) -> list[Bar]:
    """One bar for each bin, the highest as high as the chart; a bin that is not empty is never invisible."""
    if not bins:
        return []
    step, highest = width / len(bins), max(*bins, 1)
    bars = []
    for index, count in enumerate(bins):
        tall = max(height * count / highest, min(1.0, height)) if count > 0 else 0.0
        bars.append(Bar(_round(index * step), _round(height - tall), _round(step * 0.8), _round(tall), f"{count:,}"))
    return bars


def scan_matrix(probes: Iterable[Probe], start: datetime, end: datetime, width: float = 780.0) -> Matrix:
    """When which port was probed, the busiest ports first, and where something answered."""
    columns = MAX_COLUMNS if end > start else 1
    counts: dict[tuple[int | None, int], int] = defaultdict(int)
    answers: Counter[tuple[int | None, int]] = Counter()
    for probe in probes:
        if start <= probe.time <= end and probe.count > 0:
            key = (probe.port, _slice_of(probe.time, start, end, columns))
            counts[key] += probe.count
            answers[key] += probe.count if probe.answered else 0
    rows = _rows(counts)
    grid, answered = _by_row(counts, rows), _by_row(answers, rows)
    width = _round(width)  # as everything in it is
    frame = _Frame(width, max(len(set(rows.values())), 1), columns, start, end)
    return Matrix(
        width=width,
        height=frame.height,
        cells=_cells(grid, answered, frame, _names(rows)),
        labels=tuple(Label(0.0, frame.top(row) + ROW_HEIGHT - 4, name) for row, name in enumerate(_names(rows))),
        ticks=_ticks(frame) if grid else (),
        description=_description(grid, answered, _names(rows), end - start),
    )


def stacked_columns(
    series: Mapping[str, Sequence[int]], names: Sequence[str], width: float, height: float
) -> list[Layer]:
    """One column for each name, the first series at the bottom, the highest column as high as the chart."""
    step = width / max(len(names), 1)
    highest = max((sum(column) for column in zip(*series.values(), strict=True)), default=0) or 1
    layers = []
    for index, name in enumerate(names):
        top = height
        for word, counts in series.items():
            tall = height * counts[index] / highest
            if tall > 0:
                title = f"{name}: {counts[index]:,} {word}"
                x, y = _round(index * step), max(_round(top - tall), 0.0)
                layers.append(Layer(x, y, _round(step * 0.8), _round(tall), title, word))
                top -= tall
    return layers


def share_range(rate: float, low: float, high: float, width: float, height: float) -> Range:
    """A measured share and what it may really be, all between 0 and 1."""
    top = next(scale for scale in SCALES if high <= scale or scale == SCALES[-1])

    def place(share: float) -> float:
        return min(width * share / top, width)

    span = Bar(_round(place(low)), height / 4, _round(place(high) - place(low)), height / 2, f"{low:.1%} to {high:.1%}")
    mark = _round(min(max(place(rate) - MARK / 2, 0.0), max(width - MARK, 0.0)))
    ticks = tuple(Label(_round(place(share)), height, f"{share * 100:g} %") for share in (0.0, top / 2, top))
    return Range(span, Bar(mark, 0.0, min(MARK, width), height, f"{rate:.1%}"), ticks, top)


def gauge(used: float, allowed: float, usual: float | None, width: float, height: float) -> Gauge:
    """`used` of what is `allowed`, which is above 0; what is beyond fills the whole bar."""
    filled = _round(width * min(max(used, 0.0) / allowed, 1.0))
    mark = None
    if usual is not None:
        x = min(max(width * usual / allowed - MARK / 2, 0.0), max(width - MARK, 0.0))
        mark = Bar(_round(x), 0.0, min(MARK, width), height, f"usually {usual:,.1f}")
    return Gauge(Bar(0.0, 0.0, filled, height, f"{used:,.0f} of {allowed:,.0f}"), mark, used >= allowed)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a row and a column of the matrix lie."""

    width: float
    rows: int
    columns: int
    start: datetime
    end: datetime

    @property
    def height(self) -> float:
        return self.rows * ROW_HEIGHT + AXIS_HEIGHT

    @property
    def step(self) -> float:
        return max(self.width - LABEL_WIDTH, 0.0) / self.columns

    def left(self, column: int) -> float:
        return min(LABEL_WIDTH, self.width) + column * self.step

    def top(self, row: int) -> float:
        return row * ROW_HEIGHT

    def time_of(self, column: int) -> datetime:
        return self.start + (self.end - self.start) * (column / self.columns)


def _slice_of(time: datetime, start: datetime, end: datetime, n: int) -> int:
    """The slice a time falls into; the very end belongs to the last one."""
    if end <= start:
        return 0
    return min(int((time - start) / (end - start) * n), n - 1)


def _rows(counts: Mapping[tuple[int | None, int], int]) -> dict[int | None, int]:
    """The row of each port: the busiest in the order of their numbers, the others together in the last."""
    totals: Counter[int | None] = Counter()
    for (port, _), count in counts.items():
        totals[port] += count
    busiest = sorted(totals, key=lambda port: (-totals[port], _number(port)))[:MAX_PORTS]
    rows: dict[int | None, int] = {port: row for row, port in enumerate(sorted(busiest, key=_number))}
    return rows | {port: MAX_PORTS for port in totals if port not in rows}


def _names(rows: Mapping[int | None, int]) -> list[str]:
    """What stands before each row."""
    ports: dict[int, list[int | None]] = defaultdict(list)
    for port, row in rows.items():
        ports[row].append(port)
    names = [_port_name(ports[row][0]) for row in sorted(ports) if row < MAX_PORTS]
    others = len(ports.get(MAX_PORTS, []))
    return [*names, f"{others:,} other{'s' if others > 1 else ''}"] if others else names


def _by_row(counts: Mapping[tuple[int | None, int], int], rows: Mapping[int | None, int]) -> dict[tuple[int, int], int]:
    grid: dict[tuple[int, int], int] = defaultdict(int)
    for (port, column), count in counts.items():
        grid[rows[port], column] += count
    return grid


def _cells(
    grid: Mapping[tuple[int, int], int], answered: Mapping[tuple[int, int], int], frame: _Frame, names: Sequence[str]
) -> tuple[Cell, ...]:
    busiest = max(grid.values(), default=1)
    cells = []
    for (row, column), count in sorted(grid.items()):
        level = min(len(OPACITIES), 1 + (count * len(OPACITIES) - 1) // busiest)
        replies = answered.get((row, column), 0)
        title = (
            f"{names[row]}, from {_clock(frame.time_of(column), frame)}: {_probes(count)}{', answered' * bool(replies)}"
        )
        x, y = _round(frame.left(column)), frame.top(row) + 1
        wide = _round(max(frame.step - 1, frame.step / 2))
        cells.append(Cell(x, y, wide, ROW_HEIGHT - 2, title, level, OPACITIES[level - 1], bool(replies)))
    return tuple(cells)


def _ticks(frame: _Frame) -> tuple[Label, ...]:
    """A time below the first column and below others that are far enough apart."""
    every = max(1, -int(-TICK_SPACE // frame.step)) if frame.step else frame.columns
    y = frame.height - 5
    last = frame.columns - every // 2  # a time needs room up to the right edge
    shown = [0, *range(every, last, every)]
    return tuple(Label(_round(frame.left(column)), y, _clock(frame.time_of(column), frame)) for column in shown)


def _description(
    grid: Mapping[tuple[int, int], int], answered: Mapping[tuple[int, int], int], names: Sequence[str], span: timedelta
) -> str:
    """For example: 312 probes over 9 minutes: 22 SSH 168, of which 3 answered; 23 Telnet 91; 2323 Telnet 53."""
    if not grid:
        return "No probes"
    totals: Counter[int] = Counter()
    replies: Counter[int] = Counter()
    for (row, column), count in grid.items():
        totals[row] += count
        replies[row] += answered.get((row, column), 0)
    parts = [
        f"{names[row]} {total:,}{f', of which {replies[row]:,} answered' if replies[row] else ''}"
        for row, total in sorted(totals.items(), key=lambda item: (item[0] == MAX_PORTS, -item[1], item[0]))
    ]
    return f"{_probes(sum(totals.values()))} over {_duration(span)}: {'; '.join(parts)}"


def _number(port: int | None) -> int:
    return -1 if port is None else port


def _port_name(port: int | None) -> str:
    return "no port" if port is None else port_label(port)


def _probes(count: int) -> str:
    return f"{count:,} probe{'' if count == 1 else 's'}"


def _duration(span: timedelta) -> str:
    """The largest unit that fits, rounded: `9 minutes`, `2 days`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size or (seconds >= size and unit == "minute"):
            number = round(seconds / size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def _clock(time: datetime, frame: _Frame) -> str:
    """As much of a time as the span needs to be read."""
    span = frame.end - frame.start
    if span > timedelta(days=2):
        return f"{time.day} {time:%b}"
    return f"{time:%H:%M}" if span > timedelta(minutes=5) else f"{time:%H:%M:%S}"


def _round(number: float) -> float:
    return round(number, 2)
