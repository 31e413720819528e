"""The brakes in people's hands: stop and start, caps, trip and release a rule, undo what a rule did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent, Automation, RuleBrake

SUBJECT = "automation"
MAX_REASON = 500
UNDO_BATCH = 1000
CONFIGURABLE = (
    "per_hour", "per_day", "trip_factor", "trip_floor", "min_answering", "sample_percent", "new_rule_percent",
    "new_rule_days", "sample_per_day", "graduate_reviews", "graduate_percent", "four_eyes",
)  # fmt: skip

NAMES = [field.name for field in Automation._meta.get_fields()]

# What stands: the rule's dismissal is still the last word. Locked, so that a person's word that comes now waits
STANDING = """
SELECT i.id, d.disposition FROM investigations_decision AS d
JOIN investigations_investigation AS i ON i.id = d.investigation_id AND i.status = 'dismissed'
WHERE d.automatic AND d.outcome = 'dismissed' AND d.rule = %(rule)s AND d.decided >= %(since)s
    AND NOT EXISTS (
        SELECT FROM investigations_decision AS later WHERE later.investigation_id = i.id AND later.id > d.id)
ORDER BY i.id LIMIT %(limit)s FOR UPDATE OF i"""
UNDO = """
WITH undone AS (
    UPDATE investigations_investigation SET status = 'needs_review', disposition = '', closed = NULL, judged = NULL,
        fence = fence + 1
    WHERE id = ANY(%(ids)s) RETURNING id, severity, verdict, targeting, headline),
decided AS (
    INSERT INTO investigations_decision (investigation_id, outcome, automatic, actor, decided, rule, severity,
        disposition, verdict, targeting, headline, reasons, flip, evidence, evidence_digest, comment)
    SELECT id, 'needs_review', false, %(actor)s, now(), '', severity, '', verdict, targeting, headline, '[]', '', '{}',
        '', %(comment)s
    FROM undone),
told AS (
    INSERT INTO investigations_timelineevent (investigation_id, at, kind, actor, automatic, text)
    SELECT id, now(), 'reopened', %(actor)s, false, %(text)s FROM undone)
INSERT INTO investigations_auditevent (at, actor, user_id, address, action, subject, before, after, reason)
SELECT now(), %(actor)s, %(user)s, %(address)s, 'investigation.reopened', 'investigation ' || u.id,
    jsonb_build_object('status', 'dismissed', 'disposition', b.disposition),
    jsonb_build_object('status', 'needs_review', 'undone', %(rule)s), %(comment)s
FROM undone AS u JOIN unnest(%(ids)s::bigint[], %(dispositions)s::text[]) AS b(id, disposition) ON b.id = u.id"""


def stop(*, reason: str, actor: Actor, tripped: bool = False) -> bool:
    """Nothing is dismissed automatically from now on; False if that was so already."""
    reason = reason.strip()[:MAX_REASON]
    with transaction.atomic():
        row = _automation()
        if row.stopped:
            return False
        row.stopped, row.stopped_by, row.stop_reason, row.tripped = now(), actor.name, reason, tripped
        row.save()
        action = "automation.tripped" if tripped else "automation.stopped"
        AuditEvent.objects.record(
            actor, action, SUBJECT, before={"stopped": False}, after={"stopped": True}, reason=reason
        )
    return True


def start(*, reason: str, actor: Actor) -> None:
    """Rules may dismiss again; why is required."""
    reason = _required(reason)
    with transaction.atomic():
        row = _automation()
        if not row.stopped:
            raise ValueError("Automatic dismissals are on already.")
        before = {"stopped": True, "by": row.stopped_by, "reason": row.stop_reason}
        row.stopped, row.stopped_by, row.stop_reason, row.tripped = None, "", "", False
        row.save()
        AuditEvent.objects.record(
            actor, "automation.started", SUBJECT, before=before, after={"stopped": False}, reason=reason
        )


def configure(changes: Mapping[str, Any], *, actor: Actor) -> Automation:
    """Change the settings of the brakes. ValueError names what cannot be set so."""
    if unknown := sorted(set(changes) - set(CONFIGURABLE)):
        raise ValueError(f"unknown setting: {', '.join(unknown)}")
    with transaction.atomic():
        row = _automation()
        before = {name: getattr(row, name) for name in changes}
        for name, value in changes.items():
            setattr(row, name, value)
        try:
            row.clean_fields(exclude=set(NAMES) - set(changes))
        except ValidationError as error:
            raise ValueError(
                "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            ) from None
        after = {name: getattr(row, name) for name in changes}
        if before != after:
            row.save()
            AuditEvent.objects.record(actor, "automation.configured", SUBJECT, before=before, after=after)
    return row


def set_caps(rule: str, *, per_hour: int | None, per_day: int | None, actor: Actor) -> None:
    """Caps of one rule: None as for every rule, 0 for none."""
    if min(per_hour or 0, per_day or 0) < 0:
        raise ValueError("A cap cannot be below zero.")
    with transaction.atomic():
        row = _brake(rule)
        before = {"per_hour": row.per_hour, "per_day": row.per_day}
        row.per_hour, row.per_day = per_hour, per_day
        row.save()
        after = {"per_hour": per_hour, "per_day": per_day}
        AuditEvent.objects.record(actor, "rule.capped", _subject(rule), before=before, after=after)


def trip(rule: str, *, reason: str, actor: Actor) -> bool:
    """The rule only proposes from now on; False if it was tripped already."""
    reason = _required(reason)
    with transaction.atomic():
        row = _brake(rule)
        if row.tripped:
            return False
        row.tripped, row.tripped_by, row.trip_reason = now(), actor.name, reason
        row.save()
        AuditEvent.objects.record(
            actor, "rule.tripped", _subject(rule), before={"tripped": False}, after={"tripped": True}, reason=reason
        )
    return True


def release(rule: str, *, reason: str, actor: Actor) -> None:
    """A tripped rule may act again; why is required."""
    reason = _required(reason)
    with transaction.atomic():
        row = _brake(rule)
        if row.tripped is None:
            raise ValueError("The rule is not tripped.")
        before = {"tripped": True, "by": row.tripped_by, "reason": row.trip_reason}
        row.tripped, row.tripped_by, row.trip_reason = None, "", ""
        # Its old rate was measured while something was wrong with it
        row.usual_per_hour = None
        row.save()
        AuditEvent.objects.record(
            actor, "rule.released", _subject(rule), before=before, after={"tripped": False}, reason=reason
        )


def undo(rule: str, *, since: datetime, reason: str, actor: Actor) -> int:
    """Give every dismissal of the rule since then that still stands to a person; how many there were.

    Each batch commits on its own, so a second call goes on where a first one was interrupted. What a person has
    decided since is left alone.
    """
    reason = _required(reason)
    with transaction.atomic():
        AuditEvent.objects.record(
            actor, "rule.undone", _subject(rule), after={"since": since.isoformat()}, reason=reason
        )
    undone = 0
    while count := _undo_batch(rule, since, reason, actor):
        undone += count
    return undone


def _undo_batch(rule: str, since: datetime, reason: str, actor: Actor) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STANDING, {"rule": rule, "since": since, "limit": UNDO_BATCH})
        rows = cursor.fetchall()
        if rows:
            values = {
                "ids": [pk for pk, _ in rows],
                "dispositions": [disposition for _, disposition in rows],
                "rule": rule,
                "actor": actor.name[:150],
                "user": actor.user_id,
                "address": actor.address,
                "comment": reason,
                "text": f"The dismissal by rule {rule} was undone: {reason}",
            }
            cursor.execute(UNDO, values)
    return len(rows)


def _automation() -> Automation:
    """The row, locked: dismissals under way are waited for."""
    return Automation.objects.select_for_update().get(pk=1)


def _brake(rule: str) -> RuleBrake:
    RuleBrake.objects.get_or_create(rule=rule)
    return RuleBrake.objects.select_for_update().get(rule=rule)


def _required(reason: str) -> str:
    reason = reason.strip()[:MAX_REASON]
    if not reason:
        raise ValueError("A reason is needed.")
    return reason


def _subject(rule: str) -> str:
    return f"rule {rule}"
