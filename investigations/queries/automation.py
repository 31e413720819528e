"""The automation as the dashboard shows it: the brakes, what each rule dismisses, and how good that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from investigations.choices import Mode, Opinion, Status
from investigations.models import AuditEvent, Automation, Decision, Investigation, RuleBrake, SampleReview
from investigations.policy.statistics import weighted
from investigations.queries.policies import active_policy

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SAMPLE_DAYS = 30
HOURS = 24
HISTORY = ("automation.stopped", "automation.tripped", "automation.started", "automation.configured",
           "rule.tripped", "rule.released", "rule.capped", "rule.undone")  # fmt: skip

BY_HOUR = """
SELECT rule, floor(extract(epoch FROM %s::timestamptz - decided) / 3600)::int AS ago, count(*)
FROM investigations_decision
WHERE automatic AND outcome = 'dismissed' AND decided > %s::timestamptz - interval '24 hours' GROUP BY 1, 2"""
OUTCOMES_BY_HOUR = """
SELECT floor(extract(epoch FROM %s::timestamptz - decided) / 3600)::int AS ago, outcome, count(*)
FROM investigations_decision WHERE automatic AND decided > %s::timestamptz - interval '24 hours' GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many dismissals were wrong, as far as reviews tell; rates between 0 and 1.

    `population` dismissals in the time, `drawn` of them for a review, `reviewed` with an opinion, of which `missed`
    would have been escalated; `unsure` ones are in none of both.
    """

    population: int = 0
    drawn: int = 0
    reviewed: int = 0
    missed: int = 0
    unsure: int = 0
    rate: float = 0.0
    low: float = 0.0
    high: float = 1.0


@dataclass(slots=True)
class RuleRow:
    """One rule that dismisses, or did. Caps of 0 are none; `usual_per_hour` is None until it is measured."""

    rule: str
    brake: RuleBrake
    mode: Mode | None  # None: the policy in force has no such rule
    cap_hour: int
    cap_day: int
    hourly: list[int] = field(default_factory=lambda: [0] * HOURS)  # dismissals, the oldest hour first
    sample: Estimate = field(default_factory=Estimate)

    @property
    def last_hour(self) -> int:
        return self.hourly[-1]

    @property
    def last_day(self) -> int:
        return sum(self.hourly)


def automation() -> Automation:
    """The one row; a database that is not prepared has its defaults."""
    return Automation.objects.filter(pk=1).first() or Automation(pk=1)


def rule_rows(moment: datetime) -> list[RuleRow]:
    """Every dismissing rule of the policy in force, in its order, then those that only have a past."""
    settings = automation()
    modes = {rule.name: rule.mode for rule in active_policy()[1].rules if rule.dismisses}
    brakes = {row.rule: row for row in RuleBrake.objects.order_by("rule")}
    hourly = _hourly(moment)
    samples = estimates(moment)
    past = [rule for rule, brake in brakes.items() if rule not in modes and (brake.tripped or rule in hourly)]
    return [
        RuleRow(
            rule,
            brake := brakes.get(rule) or RuleBrake(rule=rule),
            modes.get(rule),
            settings.per_hour if brake.per_hour is None else brake.per_hour,
            settings.per_day if brake.per_day is None else brake.per_day,
            hourly.get(rule, [0] * HOURS),
            samples.get(rule, Estimate()),
        )
        for rule in [*modes, *past]
    ]


def _hourly(moment: datetime) -> dict[str, list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(BY_HOUR, [moment, moment])
        rows = cursor.fetchall()
    found: dict[str, list[int]] = defaultdict(lambda: [0] * HOURS)
    for rule, ago, count in rows:
        found[rule][_place(ago)] += count
    return found


def _place(ago: int) -> int:
    """The place of the hour that began `ago` hours before the present one; a clock that runs ahead is now."""
    return HOURS - 1 - min(max(ago, 0), HOURS - 1)


def outcomes_by_hour(moment: datetime) -> dict[Status, list[int]]:
    """Automatic decisions of the last 24 hours, the oldest hour first."""
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES_BY_HOUR, [moment, moment])
        rows = cursor.fetchall()
    found = {status: [0] * HOURS for status in (Status.DISMISSED, Status.NEEDS_REVIEW, Status.ESCALATED)}
    for ago, outcome, count in rows:
        found[Status(outcome)][_place(ago)] += count
    return found


def false_dismissals(moment: datetime, days: int = SAMPLE_DAYS) -> Estimate:
    """Over all rules."""
    samples = list(SampleReview.objects.filter(drawn__gt=moment - timedelta(days=days)))
    return _estimate(sum(_population(moment, days).values()), samples)


def estimates(moment: datetime, days: int = SAMPLE_DAYS) -> dict[str, Estimate]:
    """For each rule that dismissed anything in these days."""
    samples: dict[str, list[SampleReview]] = defaultdict(list)
    for sample in SampleReview.objects.filter(drawn__gt=moment - timedelta(days=days)):
        samples[sample.rule].append(sample)
    return {rule: _estimate(count, samples[rule]) for rule, count in _population(moment, days).items()}


def _population(moment: datetime, days: int) -> dict[str, int]:
    rows = _dismissals().filter(decided__gt=moment - timedelta(days=days))
    return dict(rows.values_list("rule").annotate(count=Count("pk")))


def _dismissals() -> QuerySet[Decision]:
    return Decision.objects.filter(automatic=True, outcome=Status.DISMISSED)


def _estimate(population: int, samples: Sequence[SampleReview]) -> Estimate:
    reviewed = [one for one in samples if one.opinion in (Opinion.DISMISS, Opinion.ESCALATE)]
    found = weighted((one.opinion == Opinion.ESCALATE, one.share) for one in reviewed)
    return Estimate(
        population,
        len(samples),
        len(reviewed),
        sum(one.opinion == Opinion.ESCALATE for one in reviewed),
        sum(one.opinion == Opinion.UNSURE for one in samples),
        found.rate,
        found.low,
        found.high,
    )


def waiting_samples() -> QuerySet[SampleReview]:
    """Drawn and not reviewed, the oldest first."""
    return SampleReview.objects.filter(reviewed=None).select_related("investigation").order_by("drawn", "pk")


def samples_for(username: str) -> QuerySet[SampleReview]:
    """Those that this person may review: not on what he or she decided."""
    own = Decision.objects.filter(investigation=OuterRef("investigation"), automatic=False, actor=username)
    return waiting_samples().exclude(Exists(own))


def standing(rule: str, since: datetime) -> QuerySet[Investigation]:
    """The investigations that an undo would give to a person: dismissed by the rule since then, and by nobody since."""
    latest = Decision.objects.filter(investigation=OuterRef("investigation")).order_by("-pk").values("pk")[:1]
    last_words = _dismissals().filter(rule=rule, decided__gte=since, pk=Subquery(latest))
    rows = Investigation.objects.filter(pk__in=last_words.values("investigation"), status=Status.DISMISSED)
    return rows.order_by("-pk")


def history(limit: int = 50) -> Iterable[AuditEvent]:
    """What was done with the brakes, newest first."""
    return AuditEvent.objects.filter(action__in=HISTORY).order_by("-id")[:limit]
