"""Backtests as their pages show them: the list, the sums as rows and shares, and the changes one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from investigations.choices import Status
from investigations.models import Backtest, BacktestChange, PolicyVersion, ProviderSettings, RuleBrake
from investigations.policy.sampling import Shares, stratum_of
from investigations.policy.tally import RuleShare, Tally, expected_reviews
from investigations.providers import PROVIDERS
from investigations.queries.automation import automation
from investigations.queries.keyset import Page, page_of
from investigations.queries.stored_evidence import LastWord, last_words

PAGE_SIZE = 20
CHANGES = 50  # on a page
GRAVES = 20  # that stand above everything else; the others are in the list of changes
OUTCOMES = (Status.ESCALATED, Status.NEEDS_REVIEW, Status.DISMISSED)
GRAVE, NEW, AGAINST = "grave", "new", "against"  # kinds of changes: see Tally
LEVELS = 4  # of shade


@dataclass(frozen=True, slots=True)
class ChangeFilters:
    """An empty value narrows nothing; `rule` is one of either side."""

    before: str = ""
    after: str = ""
    rule: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    change: BacktestChange
    word: LastWord | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of the matrix; `level` of its shade from 0 for nothing to LEVELS for the most."""

    before: Status
    after: Status
    count: int
    level: int

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class MatrixRow:
    before: Status
    cells: list[Cell]  # by outcome after
    total: int


@dataclass(frozen=True, slots=True)
class RuleRow:
    """The share of one rule; widths in percent of the busiest."""

    share: RuleShare
    before_width: float
    after_width: float


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """Lookups of one provider; `limit` a day, 0 for none; `use` of the limit on the busiest day, in percent."""

    label: str
    lookups: int
    per_day: float
    busiest: int
    busiest_day: str
    limit: int

    @property
    def use(self) -> int:
        return round(100 * self.busiest / self.limit) if self.limit else 0


def backtest_page(cursor: str) -> Page[Backtest]:
    """All backtests, the latest first. Raises InvalidCursor."""
    return page_of(backtests(), ("asked", "id"), cursor, PAGE_SIZE)


def backtests() -> QuerySet[Backtest]:
    """Without their texts; `version` is the number of the stored version with that text, if there is one."""
    same = PolicyVersion.objects.filter(digest=OuterRef("digest"))
    rows = Backtest.objects.select_related("base").defer("document", "base__document")
    return rows.annotate(version=Subquery(same.values("pk")[:1]))


def change_page(backtest: Backtest, filters: ChangeFilters, cursor: str) -> Page[BacktestChange]:
    """What is stored of its changes, the latest decision first. Raises InvalidCursor."""
    rows = _changes(backtest)
    if filters.kind in (GRAVE, NEW):
        rows = rows.filter(grave=True)
    if filters.kind == NEW:
        rows = rows.exclude(before=Status.DISMISSED)
    if filters.kind == AGAINST:
        rows = rows.filter(person=Status.DISMISSED, after=Status.ESCALATED)
    if filters.before:
        rows = rows.filter(before=filters.before)
    if filters.after:
        rows = rows.filter(after=filters.after)
    if filters.rule:
        rows = rows.filter(Q(before_rule=filters.rule) | Q(after_rule=filters.rule))
    return page_of(rows, ("id",), cursor, CHANGES)


def graves(backtest: Backtest) -> list[BacktestChange]:
    """The latest of those that were not dismissed before, then the latest of the others."""
    rows = _changes(backtest).filter(grave=True).order_by("-id")
    new = list(rows.exclude(before=Status.DISMISSED)[:GRAVES])
    return new + list(rows.filter(before=Status.DISMISSED)[: GRAVES - len(new)])


def with_people(changes: Sequence[BacktestChange]) -> list[ChangeRow]:
    """Each change with what a person says of it today."""
    words = last_words([change.investigation_id for change in changes])
    return [ChangeRow(change, words.get(change.investigation_id)) for change in changes]


def _changes(backtest: Backtest) -> QuerySet[BacktestChange]:
    return backtest.changes.select_related("investigation")


def matrix(tally: Tally) -> list[MatrixRow]:
    """A row for each outcome before, in the order of OUTCOMES."""
    most = max((count for (before, after), count in tally.matrix.items() if before != after), default=0)
    rows = {before: [_cell(tally, before, after, most) for after in OUTCOMES] for before in OUTCOMES}
    return [MatrixRow(before, cells, sum(one.count for one in cells)) for before, cells in rows.items()]


def _cell(tally: Tally, before: Status, after: Status, most: int) -> Cell:
    """Shaded by its share of the most frequent change; what stays as it is has no shade."""
    count = tally.matrix[before.value, after.value]
    level = 0 if before == after or not count else 1 + (count * LEVELS - 1) // most
    return Cell(before, after, count, min(level, LEVELS))


def rule_rows(tally: Tally) -> list[RuleRow]:
    shares = tally.rules()
    most = max((max(share.before, share.after) for share in shares), default=1)
    return [RuleRow(one, _percent(one.before, most), _percent(one.after, most)) for one in shares]


def _percent(count: int, most: int) -> float:
    """What is there is never invisible."""
    return max(round(100 * count / most, 1), 0.5) if count else 0.0


def quota_rows(tally: Tally, days: int) -> list[QuotaRow]:
    """Of providers that are asked over the network, the one that is nearest to its limit first."""
    limits = dict(ProviderSettings.objects.values_list("name", "per_day"))
    by_day = tally.lookups_by_day()
    names = [name for name in by_day if name not in PROVIDERS or not PROVIDERS[name].offline]
    rows = [_quota(name, by_day[name], limits.get(name, 0), days) for name in names]
    return sorted(rows, key=lambda row: (-row.use, -row.lookups, row.label))


def _quota(name: str, by_day: dict[str, int], limit: int, days: int) -> QuotaRow:
    day, busiest = max(by_day.items(), key=lambda item: item[1])
    lookups = sum(by_day.values())
    label = PROVIDERS[name].label if name in PROVIDERS else name
    return QuotaRow(label, lookups, lookups / max(days, 1), busiest, day, limit)


def days_of(backtest: Backtest, tally: Tally) -> int:
    """The days that the evidence covers: a young installation has fewer than were asked for."""
    if not tally.first:
        return 1
    covered = backtest.asked - datetime.fromisoformat(tally.first)
    return min(backtest.days, max(1, -(-covered // timedelta(days=1))))


def reviews_per_day(tally: Tally, moment: datetime, days: int) -> float:
    """Blind reviews a day that the draft's dismissals ask for, with the shares of today."""
    settings = automation()
    shares = Shares(
        settings.sample_percent / 100, settings.new_rule_percent / 100, timedelta(days=settings.new_rule_days)
    )
    first = dict(RuleBrake.objects.values_list("rule", "first_dismissal"))
    names = _dismissing(tally.after)
    drawn = {name: stratum_of(name, first.get(name) or moment, moment, shares).share for name in names}
    return expected_reviews(tally, drawn, days, settings.sample_per_day)


def _dismissing(counts: Iterable[tuple[str, str]]) -> set[str]:
    return {rule for rule, outcome in counts if outcome == Status.DISMISSED}


def result(backtest: Backtest, moment: datetime) -> dict[str, Any]:
    """Everything that the page of a finished backtest shows but its changes."""
    tally = Tally.from_json(backtest.summary)
    days = days_of(backtest, tally)
    return {
        "tally": tally,
        "days": days,
        "graves": with_people(graves(backtest)),
        "matrix": matrix(tally),
        "outcomes": OUTCOMES,
        "rules": rule_rows(tally),
        "quota": quota_rows(tally, days),
        "reviews": reviews_per_day(tally, moment, days),
        "unlisted": backtest.summary.get("unlisted", 0),
    }
