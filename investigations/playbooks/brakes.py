"""The gate that every automatic dismissal passes: kill switch, tripped rules, caps. The only place that knows them.

Open it in the transaction that writes the decisions: its locks make the caps exact with any number of workers, and a
stop that has been committed holds for every dismissal after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from investigations.choices import Status
from investigations.models import AuditEvent, Automation, RuleBrake
from investigations.models.audit import AUTOMATION
from investigations.playbooks.base import Run
from investigations.policy.decide import EVERY_RULE
from investigations.policy.evidence import Held

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# Created where missing, then locked in one order, so that two workers cannot wait for each other
CREATE = """
INSERT INTO investigations_rulebrake (rule, tripped_by, trip_reason)
SELECT rule, '', '' FROM unnest(%s::text[]) AS wanted(rule) ORDER BY rule ON CONFLICT (rule) DO NOTHING"""
COUNTS = """
SELECT rule, count(*) FILTER (WHERE decided > %s), count(*) FROM investigations_decision
WHERE automatic AND outcome = 'dismissed' AND rule = ANY(%s) AND decided > %s GROUP BY rule"""


@dataclass(slots=True)
class Allowance:
    """What one rule has dismissed, and may."""

    brake: RuleBrake
    last_hour: int
    last_day: int
    per_hour: int  # 0: no cap
    per_day: int
    trips_at: float | None  # dismissals in an hour that are too many to be usual


class Gate:
    """Lets dismissals pass, or says why not; made by `open_gate`."""

    def __init__(self, automation: Automation, allowances: dict[str, Allowance], moment: datetime) -> None:
        self.automation = automation
        self.allowances = allowances
        self.moment = moment
        self.changed: set[str] = set()

    def stops(self, rule: str) -> Held | None:
        """What holds a dismissal by this rule; None lets it pass, and counts it."""
        if self.automation.stopped:
            return Held(EVERY_RULE, stop_words(self.automation))
        allowance = self.allowances[rule]
        if reason := self._full(allowance):
            return Held(rule, reason)
        allowance.last_hour += 1
        allowance.last_day += 1
        if allowance.brake.first_dismissal is None:
            allowance.brake.first_dismissal = self.moment
            self.changed.add(rule)
        return None

    def _full(self, allowance: Allowance) -> str:
        brake = allowance.brake
        if brake.tripped is None and allowance.trips_at is not None and allowance.last_hour >= allowance.trips_at:
            self._trip(allowance)
        if brake.tripped:
            return f"the rule was tripped by {brake.tripped_by}: {brake.trip_reason}"
        if allowance.per_hour and allowance.last_hour >= allowance.per_hour:
            return f"its cap of {allowance.per_hour:,} dismissals an hour is reached"
        if allowance.per_day and allowance.last_day >= allowance.per_day:
            return f"its cap of {allowance.per_day:,} dismissals a day is reached"
        return ""

    def _trip(self, allowance: Allowance) -> None:
        brake = allowance.brake
        reason = f"{allowance.last_hour:,} dismissals in an hour, where {brake.usual_per_hour:.1f} are usual"
        brake.tripped, brake.tripped_by, brake.trip_reason = self.moment, AUTOMATION.name, reason
        self.changed.add(brake.rule)
        AuditEvent.objects.record(
            AUTOMATION, "rule.tripped", f"rule {brake.rule}", before={"tripped": False}, after={"tripped": True},
            reason=reason,
        )  # fmt: skip

    def save(self) -> None:
        """Write what was learned; nothing, if nothing changed."""
        for rule in sorted(self.changed):
            self.allowances[rule].brake.save()


def open_gate(rules: Iterable[str], moment: datetime) -> Gate:
    """Lock the brakes of these rules until the transaction ends. Two statements, four with rules that may dismiss."""
    automation = lock_automation()
    names = sorted(set(rules))
    if automation.stopped or not names:
        return Gate(automation, {}, moment)
    with connection.cursor() as cursor:
        cursor.execute(CREATE, [names])
        brakes = list(RuleBrake.objects.filter(rule__in=names).order_by("rule").select_for_update())
        cursor.execute(COUNTS, [moment - HOUR, names, moment - DAY])
        counts = {rule: (hour, day) for rule, hour, day in cursor.fetchall()}
    return Gate(
        automation, {row.rule: _allowance(row, automation, counts.get(row.rule, (0, 0))) for row in brakes}, moment
    )


def lock_automation() -> Automation:
    """The row, which nobody can change until the transaction ends; readers do not wait for each other."""
    row = Automation.objects.raw("SELECT * FROM investigations_automation WHERE id = 1 FOR SHARE")
    return row[0]


def _allowance(brake: RuleBrake, automation: Automation, counts: tuple[int, int]) -> Allowance:
    usual = brake.usual_per_hour
    return Allowance(
        brake,
        *counts,
        per_hour=automation.per_hour if brake.per_hour is None else brake.per_hour,
        per_day=automation.per_day if brake.per_day is None else brake.per_day,
        trips_at=None if usual is None else max(automation.trip_floor, automation.trip_factor * usual),
    )


def stop_words(automation: Automation) -> str:
    """Why nothing is dismissed now."""
    how = "stopped themselves" if automation.tripped else f"were stopped by {automation.stopped_by}"
    return f"automatic dismissals {how}" + (f": {automation.stop_reason}" if automation.stop_reason else "")


def hold_back(runs: Sequence[Run], moment: datetime) -> Gate | None:
    """Decide those again that may not be dismissed now; None if nothing is dismissed. Call it in the transaction.

    What is held goes to a person; a playbook of its own that dismisses it all the same decides nothing.
    """
    waiting = [run for run in runs if dismisses(run)]
    if not waiting:
        return None
    rules = {rule.name for run in waiting for rule in run.playbook.policy.rules if rule.dismisses}
    # A playbook of a site's own may dismiss under a name that no rule has: it has caps and trips all the same
    rules |= {run.case.decided.rule for run in waiting if run.case.decided}
    gate = open_gate(rules, moment)
    for run in waiting:
        if run.case.decided and (held := gate.stops(run.case.decided.rule)):
            _hold(run, held)
    gate.save()
    return gate


def dismisses(run: Run) -> bool:
    return run.case.decided is not None and run.case.decided.outcome == Status.DISMISSED


def _hold(run: Run, held: Held) -> None:
    case = run.case
    assert case.evidence is not None
    case.evidence = replace(case.evidence, held=(*case.evidence.held, held))
    run.decide_again()
    if dismisses(run):
        case.error, case.decided = f"the playbook dismisses although {held.reason}", None
