"""The audit history: who changed what, from what, to what. Append-only; triggers refuse anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.timezone import now


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a token, a command, or the automation itself under its own name."""

    name: str
    user_id: int | None = None
    address: str | None = None
    automatic: bool = False


AUTOMATION = Actor("automation", automatic=True)


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    def record(
        self,
        actor: Actor,
        action: str,
        subject: str,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        reason: str = "",
    ) -> AuditEvent:
        """Write one event; call it in the transaction of the change. Never pass a secret."""
        return self.create(
            actor=actor.name[:150],
            user_id=actor.user_id,
            address=actor.address,
            action=action,
            subject=subject[:200],
            before=before or {},
            after=after or {},
            reason=reason[:2000],
        )


class AuditEvent(models.Model):
    """One change. The user is a number and a name, not a foreign key: history outlives accounts."""

    at = models.DateTimeField(default=now)
    actor = models.CharField(max_length=150)
    user_id = models.BigIntegerField(null=True)
    address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=60)  # "investigation.dismissed", "provider.key_changed", "login.failed"
    subject = models.CharField(max_length=200)  # "investigation 12", "provider virustotal"
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        indexes = [
            # The history of one thing, newest first
            models.Index(fields=["subject", "-id"], name="audit_subject"),
            # The filters of the audit page
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor", "-id"], name="audit_actor"),
            models.Index(fields=["-at", "-id"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
