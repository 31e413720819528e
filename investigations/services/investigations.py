"""What people ask for: submit, claim, escalate, dismiss, reopen, comment. One transaction each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.artifacts import MAX_SHOWN, Refused, find_artifacts
from investigations.choices import ADDRESS_KINDS, ArtifactKind, Disposition, Status, TimelineKind
from investigations.jobs import hint
from investigations.models import Actor, AuditEvent, InvalidTransition, Investigation, TimelineEvent, User
from investigations.services.ingest import LOCK_CLASS, hash_bucket

MAX_COMMENT = 5000


@dataclass(frozen=True, slots=True)
class Submitted:
    """One accepted value. `existing`: it joined an investigation that was there."""

    value: str
    kind: str
    investigation_id: int
    existing: bool


@dataclass(slots=True)
class Submission:
    """What became of a pasted text, value by value."""

    accepted: list[Submitted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def submit(text: str, *, reason: str, actor: Actor) -> Submission:
    """Investigate every address and domain in the text; who asked and why goes into each timeline."""
    found = find_artifacts(text)
    result = Submission(refused=list(found.refused))
    reason = clean(reason)
    with transaction.atomic():
        # In the order of the locks, so that two submissions cannot wait for each other
        places = {item.value: place for place, item in enumerate(found.accepted)}
        for item in sorted(found.accepted, key=lambda item: (hash_bucket(item.value), item.value)):
            result.accepted.append(_submit_one(item.value, ArtifactKind(item.kind), reason, actor))
        result.accepted.sort(key=lambda item: places[item.value])
        transaction.on_commit(hint, robust=True)
    return result


def submit_values(values: Iterable[str], *, reason: str, actor: Actor) -> Submission:
    """The same for single values: each is accepted, or refused with its reason; none is passed over as prose."""
    values = list(values)
    result = submit("\n".join(values), reason=reason, actor=actor)
    for value in values:
        found = find_artifacts(value)
        if not found.accepted and not found.refused:
            result.refused.append(Refused(value[:MAX_SHOWN], "neither an address nor a domain"))
    return result


def _submit_one(value: str, kind: ArtifactKind, reason: str, actor: Actor) -> Submitted:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, hash_bucket(value)])
    since = now() - timedelta(seconds=settings.GROUPING_WINDOW)
    rows = Investigation.objects.filter(subject=value, activity__gte=since).order_by("-activity", "-pk")
    row = rows.select_for_update().first()
    existing = row is not None
    if row is None:
        row = Investigation.objects.create(
            kind=kind, subject=value, source=value if kind in ADDRESS_KINDS else None, submitted=True, due=now()
        )
        AuditEvent.objects.record(
            actor,
            "investigation.opened",
            f"investigation {row.pk}",
            after={"status": row.status, "subject": value},
            reason=reason,
        )
    else:
        _look_again(row, actor, reason)
    text = f"Submitted by {actor.name}: {reason}" if reason else f"Submitted by {actor.name}"
    TimelineEvent.objects.create(investigation=row, kind=TimelineKind.SUBMITTED, actor=actor.name, text=text)
    return Submitted(value, kind.value, row.pk, existing)


def _look_again(row: Investigation, actor: Actor, reason: str) -> None:
    """A submission counts as activity; what only the automation has decided so far is looked at again."""
    changes = {"activity": now(), "submitted": True}
    last = row.decisions.order_by("-pk").first()
    if not row.is_enriching and (last is None or last.automatic) and row.assignee_id is None:
        changes |= {"status": Status.ENRICHING, "disposition": "", "closed": None}
        changes |= {"due": now(), "deadline": None, "attempts": 0}
        AuditEvent.objects.record(
            actor,
            "investigation.requeued",
            f"investigation {row.pk}",
            before={"status": row.status},
            after={"status": Status.ENRICHING},
            reason=reason,
        )
    Investigation.objects.filter(pk=row.pk).update(**changes)


def claim(investigation: Investigation, *, user: User, actor: Actor) -> None:
    """Hold it, if nobody does."""
    if investigation.assignee_id and investigation.assignee_id != user.pk:
        raise InvalidTransition(f"{investigation.assignee} holds it already.")
    if investigation.assignee_id is None:
        investigation.assign(user.pk, actor, f"Claimed by {user}")


def release(investigation: Investigation, *, actor: Actor) -> None:
    if investigation.assignee_id is not None:
        investigation.assign(None, actor, f"Released by {actor.name}")


def assign(investigation: Investigation, *, user: User | None, actor: Actor) -> None:
    """Give it to somebody, whoever holds it."""
    if user is None:
        release(investigation, actor=actor)
    elif investigation.assignee_id != user.pk:
        investigation.assign(user.pk, actor, f"Given to {user} by {actor.name}")


def escalate(investigation: Investigation, *, disposition: str, comment: str, actor: Actor) -> None:
    """A person confirms or makes an escalation."""
    with transaction.atomic():
        word = "Confirmed the escalation" if investigation.status == Status.ESCALATED else "Escalated"
        investigation.escalate(actor, Disposition(disposition), _said(word, disposition, comment), clean(comment))
        _decide(investigation, actor, comment)


def dismiss(investigation: Investigation, *, disposition: str, comment: str, actor: Actor) -> None:
    """A person dismisses; why is required."""
    with transaction.atomic():
        investigation.dismiss(actor, Disposition(disposition), _said("Dismissed", disposition, comment), clean(comment))
        _decide(investigation, actor, comment)


def reopen(investigation: Investigation, *, comment: str, actor: Actor) -> None:
    with transaction.atomic():
        text = f"Reopened: {clean(comment)}" if clean(comment) else "Reopened"
        investigation.reopen(actor, text, clean(comment))
        _decide(investigation, actor, comment)


def comment(investigation: Investigation, *, text: str, actor: Actor) -> None:
    """Add a comment to the timeline."""
    text = clean(text)
    if not text:
        raise InvalidTransition("A comment needs some words.")
    with transaction.atomic():
        TimelineEvent.objects.create(
            investigation=investigation, kind=TimelineKind.COMMENT, actor=actor.name, text=text
        )
        AuditEvent.objects.record(
            actor, "investigation.commented", f"investigation {investigation.pk}", after={"comment": text}
        )


def clean(text: str) -> str:
    """A person's words as they are stored: no control characters but new lines, no more than MAX_COMMENT characters."""
    kept = "".join(character for character in text if character == "\n" or character.isprintable())
    return kept.strip()[:MAX_COMMENT]


def _said(word: str, disposition: str, comment: str) -> str:
    text = f"{word} as {Disposition(disposition).label.lower()}"
    return f"{text}: {clean(comment)}" if clean(comment) else text


def _decide(investigation: Investigation, actor: Actor, comment: str) -> None:
    """A person's decision stands beside the automatic ones, with the evidence that lay before that person."""
    last = investigation.decisions.order_by("-pk").first()
    investigation.decisions.create(
        outcome=investigation.status,
        automatic=False,
        actor=actor.name,
        severity=investigation.severity,
        disposition=investigation.disposition,
        verdict=investigation.verdict,
        targeting=investigation.targeting,
        headline=investigation.headline,
        evidence=last.evidence if last else {},
        evidence_digest=last.evidence_digest if last else "",
        reasons=[{"text": clean(comment), "kind": "rule", "verdict": investigation.verdict}] if clean(comment) else [],
        comment=clean(comment),
    )
