"""Which policy is in force."""

from __future__ import annotations

from django.db import transaction

from investigations.models import Actor, AuditEvent, PolicyVersion


def activate(version: int, *, actor: Actor) -> PolicyVersion:
    """Put a stored version in force. Decisions that were made stay as they are. ValueError if there is none."""
    with transaction.atomic():
        chosen = PolicyVersion.objects.select_for_update().filter(pk=version).first()
        if chosen is None:
            raise ValueError(f"there is no policy version {version}")
        before = list(PolicyVersion.objects.filter(active=True).values_list("pk", flat=True))
        PolicyVersion.objects.filter(active=True).update(active=False)
        PolicyVersion.objects.filter(pk=version).update(active=True)
        AuditEvent.objects.record(
            actor, "policy.activated", f"policy {version}", before={"active": before}, after={"active": [version]}
        )
    return chosen
