"""Decisions with their frozen evidence, and the policy versions that made them."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from investigations.choices import Disposition, Severity, Status, Targeting, Verdict


class PolicyVersion(models.Model):
    """One text of the policy, kept for ever so that its decisions can be replayed. The number is the primary key."""

    name = models.CharField(max_length=100)
    document = models.TextField()
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(default=now)
    created_by = models.CharField(max_length=150)
    active = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["active"], condition=models.Q(active=True), name="one_active_policy"),
        ]

    def __str__(self) -> str:
        return f"policy {self.pk}"


class Decision(models.Model):
    """One outcome, by the automation or by a person; the latest one counts."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="decisions")
    outcome = models.CharField(max_length=12, choices=Status)
    automatic = models.BooleanField()
    actor = models.CharField(max_length=150)
    decided = models.DateTimeField(default=now)
    rule = models.CharField(max_length=100, blank=True)  # empty for a person's decision
    policy = models.ForeignKey(PolicyVersion, models.PROTECT, null=True)
    severity = models.CharField(max_length=13, choices=Severity)
    disposition = models.CharField(max_length=20, choices=Disposition, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.UNKNOWN)
    targeting = models.CharField(max_length=13, choices=Targeting, default=Targeting.UNKNOWN)
    headline = models.CharField(max_length=300, blank=True)
    reasons = models.JSONField(default=list)  # policy.decide.Reason as dicts, the weightiest first
    flip = models.CharField(max_length=300, blank=True)  # the nearest change that would have changed the outcome
    evidence = models.JSONField(default=dict)  # policy.evidence.Evidence, frozen
    evidence_digest = models.CharField(max_length=64, blank=True)
    comment = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["investigation", "-id"], name="decision_of_investigation")]

    def __str__(self) -> str:
        return f"{self.outcome} by {self.actor}"
