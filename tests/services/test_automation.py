"""The brakes in people's hands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.choices import Disposition, Status
from investigations.models import Actor, AuditEvent, Automation, Decision, Investigation, TimelineEvent
from investigations.queries.automation import history, outcomes_by_hour, rule_rows, standing
from investigations.services import automation
from investigations.services import investigations as workflow
from tests.playbooks.makers import RULE, dismissed

pytestmark = pytest.mark.django_db
LEA = Actor("lea", user_id=7, address="192.0.2.9")


def test_it_stops_once_and_starts_with_a_reason() -> None:
    assert automation.stop(reason="", actor=LEA)
    assert not automation.stop(reason="again", actor=Actor("anna"))
    assert Automation.objects.get().stopped_by == "lea"
    with pytest.raises(ValueError, match="reason"):
        automation.start(reason="  ", actor=LEA)
    automation.start(reason="all is well", actor=LEA)
    with pytest.raises(ValueError, match="on already"):
        automation.start(reason="all is well", actor=LEA)

    assert [(event.action, event.reason) for event in history()] == [
        ("automation.started", "all is well"),
        ("automation.stopped", ""),
    ]


@pytest.mark.parametrize(
    "changes", [{"trip_factor": 1.0}, {"sample_percent": 101}, {"per_hour": -1}, {"stopped": None}, {"sample_seed": ""}]
)
def test_it_refuses_settings_that_make_no_sense(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        automation.configure(changes, actor=LEA)
    assert not AuditEvent.objects.filter(action="automation.configured").exists()


def test_it_undoes_what_a_rule_did_and_nothing_else(django_assert_max_num_queries: Any) -> None:
    old, kept, undone = dismissed(3)
    Decision.objects.filter(pk=old.pk).update(decided=now() - timedelta(days=2))
    person = Investigation.objects.get(pk=kept.investigation_id)
    workflow.reopen(person, comment="odd", actor=LEA)
    workflow.dismiss(person, disposition=Disposition.NOISE, comment="", actor=LEA)
    since = now() - timedelta(days=1)

    assert [row.pk for row in standing(RULE, since)] == [undone.investigation_id]
    assert automation.undo(RULE, since=since, reason="a bad feed", actor=LEA) == 1
    assert automation.undo(RULE, since=since, reason="a bad feed", actor=LEA) == 0

    statuses = dict(Investigation.objects.values_list("pk", "status"))
    assert statuses[undone.investigation_id] == Status.NEEDS_REVIEW
    assert statuses[old.investigation_id] == statuses[person.pk] == Status.DISMISSED
    last = Decision.objects.filter(investigation=undone.investigation_id).latest("pk")
    assert (last.automatic, last.actor, last.outcome) == (False, "lea", Status.NEEDS_REVIEW)
    assert "undone: a bad feed" in TimelineEvent.objects.latest("pk").text
    event = AuditEvent.objects.filter(subject=f"investigation {undone.investigation_id}").latest("pk")
    assert (event.before["status"], event.after["undone"], event.user_id) == ("dismissed", RULE, 7)


def test_it_undoes_many_in_few_statements(django_assert_max_num_queries: Any) -> None:
    dismissed(60)
    with django_assert_max_num_queries(20):
        assert automation.undo(RULE, since=now() - timedelta(hours=1), reason="all of it", actor=LEA) == 60


def test_it_undoes_nothing_without_a_reason() -> None:
    dismissed(1)
    with pytest.raises(ValueError, match="reason"):
        automation.undo(RULE, since=now() - timedelta(hours=1), reason=" ", actor=LEA)


def test_it_shows_each_rule_with_its_numbers(django_assert_max_num_queries: Any) -> None:
    dismissed(3)
    Decision.objects.filter(pk=Decision.objects.first().pk).update(decided=now() - timedelta(hours=5, minutes=30))
    with django_assert_max_num_queries(8):
        rows = {row.rule: row for row in rule_rows(now())}

    row = rows[RULE]
    assert (row.last_hour, row.last_day, row.cap_hour, row.cap_day) == (2, 3, 1000, 10_000)
    assert row.hourly[18] == 1
    assert rows["internet-noise"].last_day == 0
    assert outcomes_by_hour(now())[Status.DISMISSED][-1] == 2


def test_it_shows_a_tripped_rule_that_the_policy_no_longer_has() -> None:
    automation.trip("gone", reason="it was wrong", actor=LEA)

    row = next(row for row in rule_rows(now()) if row.rule == "gone")
    assert row.mode is None
    assert row.brake.trip_reason == "it was wrong"
