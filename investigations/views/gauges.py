"""The numbers of the automation as its pages show them: pictures, each with the same in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from investigations.charts import Bar, Gauge, Layer, Range, gauge, share_range, sparkline, stacked_columns
from investigations.choices import Mode, Status
from investigations.models import Automation
from investigations.queries.agreement import rules_agreement
from investigations.queries.automation import HOURS, Estimate, RuleRow, outcomes_by_hour, rule_rows
from investigations.queries.policies import active_version
from investigations.views.policy.shares import Share, share_of

SPARK, GAUGE, RANGE, COLUMNS = (120.0, 22.0), (120.0, 8.0), (480.0, 16.0), (480.0, 96.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """How many dismissals are wrong; no picture before the first review."""

    found: Estimate
    words: str
    picture: Range | None

    @property
    def short(self) -> str:
        """For a narrow column: `0 of 41, 0 to 8.6 %`."""
        low = round(self.found.low * 100, 1)
        return f"{self.found.missed:,} of {self.found.reviewed:,}, {low:g} to {percent(self.found.high)}"


@dataclass(frozen=True, slots=True)
class RuleCard:
    """One rule; `limit` is the brake that it would meet first, 0 if there is none."""

    row: RuleRow
    bars: list[Bar]
    hour: Gauge | None
    limit: int
    trips_at: int | None
    measured: Measured
    share: Share | None  # with what it proposes, if it only does that

    @property
    def state(self) -> str:
        """A word for people and for the style sheet: acts, proposes, tripped or past."""
        if self.row.brake.tripped:
            return "tripped"
        return {Mode.ACT: "acts", Mode.PROPOSE: "proposes"}.get(self.row.mode, "past") if self.row.mode else "past"

    @property
    def is_full(self) -> bool:
        """Whether a cap holds it at the moment."""
        row = self.row
        return bool((row.cap_hour and row.last_hour >= row.cap_hour) or (row.cap_day and row.last_day >= row.cap_day))

    @property
    def hour_words(self) -> str:
        """For example: `12 of 100, usually 9.3`."""
        used, usual = f"{self.row.last_hour:,}", self.row.brake.usual_per_hour
        words = f"{used} of {self.limit:,}" if self.limit else f"{used}, no cap"
        return words if usual is None else f"{words}, usually {usual:,.1f}"

    @property
    def day_words(self) -> str:
        return (
            f"{self.row.last_day:,} of {self.row.cap_day:,}" if self.row.cap_day else f"{self.row.last_day:,}, no cap"
        )


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One outcome of automatic decisions; `hourly` has the oldest hour first."""

    status: Status
    hourly: list[int]

    @property
    def total(self) -> int:
        return sum(self.hourly)

    @property
    def last_hour(self) -> int:
        return self.hourly[-1]


@dataclass(frozen=True, slots=True)
class Day:
    """The automatic decisions of the last 24 hours."""

    rows: list[OutcomeRow]
    layers: list[Layer]
    hours: list[tuple[str, list[int]]]  # the latest first
    highest: int  # decisions in the busiest hour

    @property
    def total(self) -> int:
        return sum(row.total for row in self.rows)


def measured(found: Estimate) -> Measured:
    if not found.reviewed:
        return Measured(found, "No dismissal has been reviewed yet: nobody knows how many are wrong.", None)
    return Measured(found, _words(found), share_range(found.rate, found.low, found.high, *RANGE))


def _words(found: Estimate) -> str:
    """For example: `0 of 41 reviewed dismissals were wrong: 0 %, at most 8.6 %`."""
    if not found.missed:
        verb = "dismissal was" if found.reviewed == 1 else "dismissals were"
        return f"0 of {found.reviewed:,} reviewed {verb} wrong: 0 %, at most {percent(found.high)}"
    verb = "was" if found.missed == 1 else "were"
    between = f"between {found.low * 100:.1f} and {percent(found.high)}"
    return f"{found.missed:,} of {found.reviewed:,} reviewed {verb} wrong: about {percent(found.rate)}, {between}"


def percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"


def day_of(moment: datetime) -> Day:
    found = outcomes_by_hour(moment)
    names = ["the last hour" if ago == 0 else f"{ago} h before" for ago in reversed(range(HOURS))]
    series: Mapping[str, list[int]] = {status.value: counts for status, counts in found.items()}
    hours = [(name, [counts[place] for counts in found.values()]) for place, name in enumerate(names)]
    return Day(
        [OutcomeRow(status, counts) for status, counts in found.items()],
        stacked_columns(series, names, *COLUMNS),
        hours[::-1],
        max(sum(counts) for _, counts in hours),
    )


def cards(settings: Automation, moment: datetime) -> list[RuleCard]:
    """One for each rule that dismisses, or did."""
    version = active_version()
    agreed = rules_agreement(version.pk) if version else {}
    shares = {rule: share_of(found, settings) for rule, found in agreed.items()}
    return [card_of(row, settings, shares.get(row.rule)) for row in rule_rows(moment)]


def card_of(row: RuleRow, settings: Automation, share: Share | None = None) -> RuleCard:
    trips_at = _trips_at(row, settings)
    limit = min((one for one in (row.cap_hour, trips_at) if one), default=0)
    return RuleCard(
        row,
        sparkline(row.hourly, *SPARK),
        gauge(row.last_hour, limit, row.brake.usual_per_hour, *GAUGE) if limit else None,
        limit,
        trips_at,
        measured(row.sample),
        share if row.mode == Mode.PROPOSE else None,
    )


def _trips_at(row: RuleRow, settings: Automation) -> int | None:
    """So many dismissals in an hour trip the rule; None while its usual rate is not known."""
    usual = row.brake.usual_per_hour
    return None if usual is None else round(max(settings.trip_floor, settings.trip_factor * usual))
