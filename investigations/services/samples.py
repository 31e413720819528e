"""The opinion of a person on a sampled dismissal. A miss trips the rule and reopens the investigation."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now

from investigations.choices import Opinion, Status, TimelineKind
from investigations.models import Actor, AuditEvent, Investigation, SampleReview, TimelineEvent, User
from investigations.services import automation
from investigations.services.investigations import clean, reopen


def review(sample: SampleReview, *, opinion: str, comment: str, user: User, actor: Actor) -> SampleReview:
    """Store the opinion; once only, and not by somebody who had decided on this investigation. ValueError says why."""
    opinion, comment = Opinion(opinion), clean(comment)
    with transaction.atomic():
        row = SampleReview.objects.select_for_update().get(pk=sample.pk)
        if row.reviewed is not None:
            raise ValueError("Somebody else has reviewed it already.")
        if knows(row, user):
            raise ValueError("You have decided on this investigation yourself: somebody else has to review it.")
        row.opinion, row.comment, row.reviewer, row.reviewed = opinion, comment, user, now()
        row.save()
        AuditEvent.objects.record(
            actor, "sample.reviewed", f"investigation {row.investigation_id}",
            after={"opinion": opinion.value, "rule": row.rule}, reason=comment,
        )  # fmt: skip
        if opinion == Opinion.ESCALATE:
            _miss(row, comment, actor)
    return row


def knows(sample: SampleReview, user: User) -> bool:
    """Whether this person has decided on the investigation before."""
    return sample.investigation.decisions.filter(automatic=False, actor=user.username).exists()


def _miss(sample: SampleReview, comment: str, actor: Actor) -> None:
    investigation = Investigation.objects.select_for_update().get(pk=sample.investigation_id)
    reason = f"a review of {investigation} found a false dismissal" + (f": {comment}" if comment else "")
    automation.trip(sample.rule, reason=reason, actor=actor)
    if investigation.status == Status.DISMISSED:
        reopen(investigation, comment=f"A review would have escalated it. {comment}".strip(), actor=actor)
        return
    TimelineEvent.objects.create(
        investigation=investigation,
        kind=TimelineKind.COMMENT,
        actor=actor.name,
        text=f"A review of the dismissal by rule {sample.rule} would have escalated it. {comment}".strip(),
    )
