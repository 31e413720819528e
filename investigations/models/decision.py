"""Decisions with their frozen evidence."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from investigations.choices import Disposition, Severity, Status, Targeting, Verdict
from investigations.models.policy import PolicyVersion


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
        indexes = [
            models.Index(fields=["investigation", "-id"], name="decision_of_investigation"),
            # What one rule dismissed since: caps, usual rates, undo, samples
            models.Index(
                fields=["rule", "decided"],
                name="dismissals_of_rule",
                condition=models.Q(automatic=True, outcome=Status.DISMISSED.value),
            ),
            # The stored evidence of the last days, in the order of a backtest
            models.Index(fields=["decided", "id"], name="automatic_decisions", condition=models.Q(automatic=True)),
            # What people decided lately: the memory
            models.Index(fields=["decided"], name="decisions_of_people", condition=models.Q(automatic=False)),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} by {self.actor}"
