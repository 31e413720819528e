"""Draw a share of the automatic dismissals for a review by a person who does not know the machine's decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from investigations.models import Decision, SampleReview
from investigations.playbooks.brakes import DAY, Gate
from investigations.policy.sampling import Shares, is_drawn, stratum_of


def draw(gate: Gate, dismissals: Sequence[tuple[Decision, int]], moment: datetime) -> None:
    """Store the samples among these decisions, each with the fence of its claim. Call it in their transaction.

    Beyond the day's cap nothing is drawn, so on a busy day its first dismissals are looked at, and the measured rate
    speaks for them; `Estimate.population` tells how many it does not speak for.
    """
    settings = gate.automation
    shares = Shares(
        settings.sample_percent / 100, settings.new_rule_percent / 100, timedelta(days=settings.new_rule_days)
    )
    drawn = []
    for decision, fence in dismissals:
        first = gate.allowances[decision.rule].brake.first_dismissal or moment
        stratum = stratum_of(decision.rule, first, moment, shares)
        if is_drawn(settings.sample_seed, decision.rule, decision.investigation_id, fence, stratum.share):
            drawn.append(_sample(decision, stratum.name, stratum.share, moment))
    if drawn:
        today = SampleReview.objects.filter(drawn__gt=moment - DAY).count()
        SampleReview.objects.bulk_create(drawn[: max(0, settings.sample_per_day - today)])


def _sample(decision: Decision, stratum: str, share: float, moment: datetime) -> SampleReview:
    return SampleReview(
        decision=decision,
        investigation_id=decision.investigation_id,
        rule=decision.rule,
        stratum=stratum,
        share=share,
        drawn=moment,
    )
