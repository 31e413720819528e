"""Versions of the policy: stored once, put in force by one person or by two, judged in the shadow.

Whoever changes which version decides holds the row of the automation: two changes at once are one after the other.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now

from investigations.models import ActivationRequest, Actor, AuditEvent, Automation, PolicyVersion, User
from investigations.policy.document import validate
from investigations.providers import PROVIDERS
from investigations.queries.drafts import check

MAX_REASON = 500
MOVED = "Another version was put in force meanwhile: look at what would change now, and decide again."


def store(document: str, *, note: str, actor: Actor, source: str = "") -> tuple[PolicyVersion, bool]:
    """The version with this text, and whether it is new. ValueError says why the text cannot be one.

    `source` tells the audit history where the text comes from, for example `draft 7`.
    """
    checked = check(document)
    if checked.policy is None or checked.blocking:
        raise ValueError(" ".join(checked.blocking))
    with transaction.atomic():
        version, created = PolicyVersion.objects.get_or_create(
            digest=checked.policy.digest,
            defaults={
                "name": checked.policy.name[:100],
                "document": document,
                "note": note.strip()[:MAX_REASON],
                "created_by": actor.name,
            },
        )
        if created:
            after = {"name": version.name, "digest": version.digest} | ({"source": source} if source else {})
            AuditEvent.objects.record(actor, "policy.stored", f"policy {version.pk}", after=after, reason=version.note)
    return version, created


def activate(
    version: int, *, reason: str, actor: Actor, seen: int | None = None, emergency: bool = False
) -> PolicyVersion:
    """Put a stored version in force. Decisions that were made stay as they are.

    `seen` is the version that was in force when the person looked at what would change. ValueError says why not: no
    such version, it cannot be used, another person has to approve it (unless it is an emergency).
    """
    reason = required(reason)
    with transaction.atomic():
        if gate().four_eyes and not emergency:
            raise ValueError("Four eyes are on: ask for the activation, so that another person can approve it.")
        return put_in_force(version, reason=reason, actor=actor, seen=seen, emergency=emergency)


def ask(version: int, *, reason: str, user: User, actor: Actor) -> ActivationRequest:
    """Ask another person to put a version in force; ValueError says why not."""
    reason = required(reason)
    with transaction.atomic():
        if not gate().four_eyes:
            raise ValueError("Four eyes are off: nobody has to approve it.")
        return open_request(version, reason=reason, user=user, actor=actor)


def open_request(version: int, *, reason: str, user: User, actor: Actor) -> ActivationRequest:
    """The request itself; call it within the gate."""
    chosen = usable(version)
    if chosen.active:
        raise ValueError(f"Policy {version} is in force already.")
    if waiting := chosen.requests.filter(answered=None).select_related("asked_by").first():
        raise ValueError(f"{waiting.asked_by} has asked for policy {version} already.")
    request = chosen.requests.create(asked_by=user, reason=reason)
    AuditEvent.objects.record(
        actor, "policy.activation_asked", f"policy {version}", after={"request": request.pk}, reason=reason
    )
    return request


def answer(
    request: int, *, approve: bool, comment: str, user: User, actor: Actor, seen: int | None = None
) -> ActivationRequest:
    """Approve a request, which puts its version in force, or refuse it. Nobody approves what he asked for."""
    with transaction.atomic():
        gate()
        row = ActivationRequest.objects.select_for_update().filter(pk=request).first()
        if row is None or row.answered:
            raise ValueError("This request has been answered already.")
        if approve and row.asked_by_id == user.pk:
            raise ValueError("You asked for this yourself: another person has to approve it.")
        row.answered, row.answered_by, row.approved, row.answer = now(), user, approve, comment.strip()[:MAX_REASON]
        row.save()
        subject, after = f"policy {row.version_id}", {"request": row.pk, "approved": approve}
        AuditEvent.objects.record(actor, "policy.activation_answered", subject, after=after, reason=row.answer)
        if approve:
            put_in_force(row.version_id, reason=row.reason, actor=actor, seen=seen)
    return row


def put_in_force(
    version: int, *, reason: str, actor: Actor, seen: int | None = None, emergency: bool = False
) -> PolicyVersion:
    """Exactly this version decides from now on; call it within the gate."""
    chosen = usable(version)
    before = PolicyVersion.objects.filter(active=True).values_list("pk", flat=True).first()
    if chosen.active:
        raise ValueError(f"Policy {version} is in force already.")
    if seen is not None and seen != before:
        raise ValueError(MOVED)
    PolicyVersion.objects.filter(active=True).update(active=False)
    PolicyVersion.objects.filter(pk=version).update(active=True, activated=now(), shadow=False)
    ActivationRequest.objects.filter(version=version, answered=None).update(
        answered=now(), approved=False, answer="It was put in force without this request."
    )
    AuditEvent.objects.record(
        actor,
        "policy.activated_in_emergency" if emergency else "policy.activated",
        f"policy {version}",
        before={"active": [before] if before else []} | ({"shadow": version} if chosen.shadow else {}),
        after={"active": [version]},
        reason=reason,
    )
    chosen.refresh_from_db()
    return chosen


def put_in_shadow(version: int, *, actor: Actor) -> PolicyVersion:
    """This version judges beside the one in force, and only proposes. ValueError says why not."""
    with transaction.atomic():
        gate()
        chosen, old = usable(version), _in_shadow()
        if chosen.active:
            raise ValueError(f"Policy {version} is in force: it cannot be its own shadow.")
        if chosen.shadow:
            raise ValueError(f"Policy {version} is in the shadow already.")
        PolicyVersion.objects.filter(shadow=True).update(shadow=False)
        PolicyVersion.objects.filter(pk=version).update(shadow=True, shadowed=now())
        before, after = {"shadow": old}, {"shadow": version}
        AuditEvent.objects.record(actor, "policy.shadowed", f"policy {version}", before=before, after=after)
        chosen.refresh_from_db()
    return chosen


def end_shadow(*, actor: Actor) -> int:
    """Nothing judges in the shadow any more; the number of the version that did. ValueError if none did."""
    with transaction.atomic():
        gate()
        old = _in_shadow()
        if old is None:
            raise ValueError("No version is in the shadow.")
        PolicyVersion.objects.filter(shadow=True).update(shadow=False)
        before, after = {"shadow": old}, {"shadow": None}
        AuditEvent.objects.record(actor, "policy.shadow_ended", f"policy {old}", before=before, after=after)
    return old


def _in_shadow() -> int | None:
    return PolicyVersion.objects.filter(shadow=True).values_list("pk", flat=True).first()


def gate() -> Automation:
    """The lock behind which it is decided which version is in force; call it in a transaction."""
    row, _ = Automation.objects.select_for_update().get_or_create(pk=1)
    return row


def usable(version: int) -> PolicyVersion:
    """A stored version whose text is still a policy today; call it within the gate."""
    chosen = PolicyVersion.objects.filter(pk=version).first()
    if chosen is None:
        raise ValueError(f"there is no policy version {version}")
    if problems := validate(chosen.document, PROVIDERS):
        raise ValueError(f"Policy {version} cannot be used: {problems[0]}")
    return chosen


def required(reason: str) -> str:
    reason = reason.strip()[:MAX_REASON]
    if not reason:
        raise ValueError("Say why: the reason stays in the history.")
    return reason
