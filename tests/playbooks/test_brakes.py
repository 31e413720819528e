"""The gate that every automatic dismissal passes, on the real database."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Actor, AuditEvent, Automation, Decision, Investigation, RuleBrake
from investigations.playbooks.brakes import hold_back
from investigations.playbooks.watch import watch
from investigations.services import automation
from investigations.services.replay import replay
from tests.playbooks.makers import RULE, dismissed, finish_all, judged

pytestmark = pytest.mark.django_db
LEA = Actor("lea")


def outcomes() -> list[str]:
    return list(Decision.objects.order_by("pk").values_list("outcome", flat=True))


def test_it_lets_a_dismissal_pass_while_no_brake_is_on() -> None:
    [decision] = dismissed(1)

    assert decision.rule == RULE
    assert RuleBrake.objects.get(rule=RULE).first_dismissal is not None
    assert Investigation.objects.get().status == Status.DISMISSED


def test_it_dismisses_nothing_once_automation_is_stopped() -> None:
    run = judged()
    automation.stop(reason="a feed looks wrong", actor=LEA)
    finish_all([run])

    decision = Decision.objects.get()
    assert (decision.outcome, Investigation.objects.get().status) == (Status.NEEDS_REVIEW, Status.NEEDS_REVIEW)
    assert "stopped by lea: a feed looks wrong" in str(decision.reasons)
    assert decision.evidence["held"] == [
        {"rule": "*", "reason": "automatic dismissals were stopped by lea: a feed looks wrong"}
    ]


def test_it_replays_a_held_decision_to_the_same() -> None:
    run = judged()
    automation.stop(reason="", actor=LEA)
    finish_all([run])

    assert replay(Decision.objects.select_related("policy").get()).same


def test_it_hands_over_what_a_playbook_dismisses_against_the_brakes() -> None:
    run = judged()
    automation.stop(reason="", actor=LEA)
    run.playbook.decide = lambda case: {}  # type: ignore[method-assign]
    finish_all([run])

    assert Investigation.objects.get().status == Status.NEEDS_REVIEW
    assert Decision.objects.get().rule == "run-failed"


def test_it_caps_what_a_playbook_dismisses_under_a_name_of_its_own() -> None:
    automation.set_caps("our-own-step", per_hour=1, per_day=None, actor=LEA)
    runs = [judged(1), judged(2)]
    for run in runs:
        assert run.case.decided
        run.case.decided = replace(run.case.decided, rule="our-own-step")
        run.playbook.decide = lambda case: {}  # type: ignore[method-assign]
    finish_all(runs)

    assert outcomes() == ["dismissed", "needs_review"]


def test_it_stops_at_the_cap_of_an_hour_and_of_a_day() -> None:
    automation.configure({"per_hour": 3, "per_day": 5}, actor=LEA)
    finish_all([judged(number) for number in range(1, 6)])
    assert outcomes() == ["dismissed"] * 3 + ["needs_review"] * 2
    assert "cap of 3 dismissals an hour" in str(Decision.objects.last().reasons)

    later = now() + timedelta(hours=2)
    finish_all([judged(number) for number in range(11, 16)], later)
    assert outcomes()[5:] == ["dismissed"] * 2 + ["needs_review"] * 3
    assert "cap of 5 dismissals a day" in str(Decision.objects.last().reasons)


def test_it_knows_a_cap_of_one_rule_alone() -> None:
    automation.set_caps(RULE, per_hour=1, per_day=0, actor=LEA)
    finish_all([judged(1), judged(2)])

    assert outcomes() == ["dismissed", "needs_review"]
    assert AuditEvent.objects.get(action="rule.capped").after == {"per_hour": 1, "per_day": 0}


def test_it_holds_a_tripped_rule_until_it_is_released() -> None:
    automation.trip(RULE, reason="odd dismissals", actor=LEA)
    finish_all([judged(1)])
    automation.release(RULE, reason="they were right", actor=LEA)
    finish_all([judged(2)])

    assert outcomes() == ["needs_review", "dismissed"]
    assert AuditEvent.objects.get(action="rule.released").before["reason"] == "odd dismissals"


def test_it_trips_a_rule_at_three_times_its_usual_rate() -> None:
    dismissed(1)
    automation.configure({"trip_floor": 2}, actor=LEA)
    RuleBrake.objects.update(usual_per_hour=1.5)  # it may dismiss 4, and trips at the fifth
    finish_all([judged(number) for number in range(2, 8)])

    assert outcomes() == ["dismissed"] * 5 + ["needs_review"] * 2
    brake = RuleBrake.objects.get(rule=RULE)
    assert (brake.tripped_by, brake.trip_reason) == ("automation", "5 dismissals in an hour, where 1.5 are usual")
    assert AuditEvent.objects.filter(action="rule.tripped", actor="automation").count() == 1


def test_it_does_not_trip_below_the_floor() -> None:
    dismissed(1)
    RuleBrake.objects.update(usual_per_hour=0.0)
    finish_all([judged(number) for number in range(2, 12)])

    assert outcomes() == ["dismissed"] * 11


def test_it_asks_nothing_when_nothing_is_dismissed(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert hold_back([], now()) is None


def test_it_costs_the_same_for_one_and_for_many(django_assert_num_queries: Any) -> None:
    dismissed(1)
    for size in (1, 20):
        runs = [judged(size * 30 + number) for number in range(size)]
        with transaction.atomic(), django_assert_num_queries(4):
            hold_back(runs, now())


@pytest.mark.django_db(transaction=True)
def test_it_never_passes_a_cap_with_two_workers_at_once() -> None:
    automation.configure({"per_hour": 7}, actor=LEA)
    halves = [[judged(number) for number in range(start, start + 10)] for start in (1, 51)]
    start = threading.Barrier(2)

    def work(runs: list[Any]) -> None:
        start.wait(10)
        for run in runs:
            finish_all([run])
        connection.close()

    threads = [threading.Thread(target=work, args=(half,), daemon=True) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcomes()) == ["dismissed"] * 7 + ["needs_review"] * 13


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_a_dismissal_under_way_and_then_stops() -> None:
    """Whoever has stopped it can rely on it: what is dismissed afterwards would be a lie."""
    passed, stopped = threading.Event(), threading.Event()

    def stop() -> None:
        passed.wait(10)
        automation.stop(reason="", actor=LEA)
        stopped.set()
        connection.close()

    stopper = threading.Thread(target=stop, daemon=True)
    stopper.start()
    with transaction.atomic():
        assert hold_back([judged(1)], now()) is not None
        passed.set()
        assert not stopped.wait(0.5), "the stop came between the check and the commit"
    stopper.join(10)
    finish_all([judged(2)])

    assert outcomes() == ["needs_review"]


# The watch


def lookups(provider: str, outcome: str, count: int, *, ago: float = 0) -> None:
    from investigations.models import Artifact, Enrichment

    for number in range(count):
        artifact = Artifact.objects.get_or_create(value=f"192.0.2.{number}", kind="ipv4-addr")[0]
        row = Investigation.objects.create(kind="ipv4-addr", subject=artifact.value, due=now())
        Enrichment.objects.create(
            investigation=row,
            artifact=artifact,
            provider=provider,
            outcome=outcome,
            asked=now() - timedelta(minutes=ago),
            answered=now() - timedelta(minutes=ago),
        )


@pytest.fixture
def keyed(settings: Any) -> None:
    from investigations.models import ProviderSettings

    ProviderSettings.objects.filter(name__in=["virustotal", "greynoise", "abuseipdb"]).update(enabled=True)


def test_it_stops_everything_when_providers_fall_below_quorum(keyed: None) -> None:
    lookups("virustotal", "timeout", 5)
    lookups("abuseipdb", "throttled", 6)
    lookups("greynoise", "ok", 6)
    watch()

    row = Automation.objects.get()
    assert row.stopped and row.tripped
    assert row.stop_reason == "2 of 3 providers do not answer: AbuseIPDB, VirusTotal"
    assert AuditEvent.objects.get(action="automation.tripped").actor == "automation"


@pytest.mark.parametrize("ago", [0, 11])
def test_it_goes_on_while_enough_answer_or_long_after(keyed: None, ago: float) -> None:
    lookups("virustotal", "timeout", 5, ago=ago)
    lookups("greynoise", "ok", 5, ago=ago)
    watch()

    assert Automation.objects.get().stopped is None


def test_it_does_not_judge_a_provider_by_a_few_lookups(keyed: None) -> None:
    lookups("virustotal", "timeout", 4)
    watch()

    assert Automation.objects.get().stopped is None


def test_it_measures_the_usual_rate_from_the_second_day_on() -> None:
    dismissed(4)
    watch()
    assert RuleBrake.objects.get(rule=RULE).usual_per_hour is None

    Decision.objects.update(decided=now() - timedelta(hours=20))
    RuleBrake.objects.filter(rule=RULE).update(first_dismissal=now() - timedelta(hours=41), measured=None)
    watch()
    assert RuleBrake.objects.get(rule=RULE).usual_per_hour == pytest.approx(4 / 40, rel=0.01)
