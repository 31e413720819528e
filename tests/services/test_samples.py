"""Sampled dismissals: drawn by a seed, reviewed once by somebody else, a miss trips the rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Actor, AuditEvent, Automation, Decision, Investigation, RuleBrake, SampleReview, User
from investigations.queries.automation import estimates, false_dismissals, samples_for
from investigations.services import automation, samples
from investigations.services import investigations as workflow
from tests.playbooks.makers import RULE, dismissed

pytestmark = pytest.mark.django_db
LEA = Actor("lea")


@pytest.fixture
def sample() -> SampleReview:
    automation.configure({"new_rule_percent": 100}, actor=LEA)
    dismissed(1)
    return SampleReview.objects.get()


def test_it_draws_more_of_a_new_rule() -> None:
    automation.configure({"new_rule_percent": 100, "sample_percent": 0}, actor=LEA)
    dismissed(3)
    assert set(SampleReview.objects.values_list("stratum", "share")) == {(f"{RULE}, new", 1.0)}

    RuleBrake.objects.update(first_dismissal=now() - timedelta(days=8))
    dismissed(3, start=11)
    assert SampleReview.objects.count() == 3


def test_it_draws_no_more_than_the_day_allows() -> None:
    automation.configure({"new_rule_percent": 100, "sample_per_day": 2}, actor=LEA)
    dismissed(2)
    dismissed(2, start=11)

    assert SampleReview.objects.count() == 2
    assert false_dismissals(now()).population == 4


def test_it_leaves_a_sampled_investigation_dismissed(sample: SampleReview) -> None:
    assert Investigation.objects.get().status == Status.DISMISSED
    assert not sample.decision.evidence["held"]


def test_it_counts_an_agreeing_review(sample: SampleReview, analyst: User, actor: Actor) -> None:
    samples.review(sample, opinion="dismiss", comment="", user=analyst, actor=actor)

    found = false_dismissals(now())
    assert (found.population, found.drawn, found.reviewed, found.missed) == (1, 1, 1, 0)
    assert (found.rate, found.low) == (0.0, 0.0)
    assert 0.79 < found.high < 0.80  # one review tells very little
    assert estimates(now())[RULE] == found


def test_it_trips_the_rule_and_reopens_at_a_miss(sample: SampleReview, analyst: User, actor: Actor) -> None:
    samples.review(sample, opinion="escalate", comment="it logged in", user=analyst, actor=actor)

    brake = RuleBrake.objects.get(rule=RULE)
    assert brake.tripped and "found a false dismissal: it logged in" in brake.trip_reason
    investigation = Investigation.objects.get()
    assert investigation.status == Status.NEEDS_REVIEW
    assert not Decision.objects.latest("pk").automatic
    assert false_dismissals(now()).rate == 1.0
    assert AuditEvent.objects.filter(action="sample.reviewed").count() == 1


def test_it_does_not_count_who_cannot_tell(sample: SampleReview, analyst: User, actor: Actor) -> None:
    samples.review(sample, opinion="unsure", comment="", user=analyst, actor=actor)

    found = false_dismissals(now())
    assert (found.reviewed, found.unsure, found.high) == (0, 1, 1.0)
    assert RuleBrake.objects.get(rule=RULE).tripped is None


def test_it_takes_one_opinion_only(sample: SampleReview, analyst: User, lead: User, actor: Actor) -> None:
    samples.review(sample, opinion="dismiss", comment="", user=analyst, actor=actor)
    with pytest.raises(ValueError, match="already"):
        samples.review(sample, opinion="escalate", comment="", user=lead, actor=LEA)
    assert SampleReview.objects.get().opinion == "dismiss"


def test_it_asks_nobody_who_decided_on_it(sample: SampleReview, analyst: User, lead: User, actor: Actor) -> None:
    workflow.reopen(Investigation.objects.get(), comment="a closer look", actor=actor)

    assert not samples_for(analyst.username).exists()
    assert samples_for(lead.username).exists()
    with pytest.raises(ValueError, match="decided on this investigation yourself"):
        samples.review(sample, opinion="dismiss", comment="", user=analyst, actor=actor)


def test_it_keeps_a_persons_escalation_at_a_miss(sample: SampleReview, analyst: User, lead: User) -> None:
    investigation = Investigation.objects.get()
    workflow.reopen(investigation, comment="a closer look", actor=LEA)
    workflow.escalate(investigation, disposition="true_positive", comment="", actor=LEA)
    samples.review(sample, opinion="escalate", comment="", user=analyst, actor=Actor("anna"))

    assert Investigation.objects.get().status == Status.ESCALATED
    assert Automation.objects.get().stopped is None
