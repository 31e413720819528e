"""The policy: its stored versions, drafts on the way to one, requests to activate, and what rules propose."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.timezone import now

from investigations.choices import Disposition, Severity, Status


class PolicyVersion(models.Model):
    """One text of the policy, kept for ever so that its decisions can be replayed. The number is the primary key."""

    name = models.CharField(max_length=100)
    document = models.TextField()
    digest = models.CharField(max_length=64, unique=True)
    note = models.CharField(max_length=500, blank=True)  # what changed, and why
    created = models.DateTimeField(default=now)
    created_by = models.CharField(max_length=150)
    active = models.BooleanField(default=False)
    activated = models.DateTimeField(null=True)  # the last time it was put in force
    shadow = models.BooleanField(default=False)  # judges beside the active one, and only proposes
    shadowed = models.DateTimeField(null=True)  # since when, or since when last

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["active"], condition=models.Q(active=True), name="one_active_policy"),
            models.UniqueConstraint(fields=["shadow"], condition=models.Q(shadow=True), name="one_shadow_policy"),
            models.CheckConstraint(
                name="shadow_is_not_active", condition=models.Q(active=False) | models.Q(shadow=False)
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.pk}"


class PolicyDraft(models.Model):
    """A text that somebody works on. It may be wrong; it becomes a version when nothing is wrong with it."""

    document = models.TextField()
    base = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="drafts")  # what it began as
    note = models.CharField(max_length=500, blank=True)
    author = models.CharField(max_length=150)
    created = models.DateTimeField(default=now)
    updated = models.DateTimeField(default=now)
    revision = models.PositiveIntegerField(default=1)  # counts the saves: nobody overwrites what he has not seen

    class Meta:
        indexes = [models.Index(fields=["-updated", "-id"], name="drafts_latest")]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class ActivationRequest(models.Model):
    """With four eyes: one person asks to put a version in force, another approves or refuses."""

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="requests")
    asked = models.DateTimeField(default=now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    answered = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    approved = models.BooleanField(null=True)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(answered=None), name="one_open_request_per_version"
            ),
            models.CheckConstraint(
                name="four_eyes",
                condition=models.Q(answered_by=None)
                | models.Q(approved=False)
                | ~models.Q(answered_by=models.F("asked_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"request for {self.version}"


class Proposal(models.Model):
    """What a rule that only proposes, or the shadow policy, would have done; compared with what people did."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="proposals")
    decision = models.ForeignKey("Decision", models.CASCADE, related_name="proposals")  # what was decided instead
    policy = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="proposals")
    rule = models.CharField(max_length=100)
    outcome = models.CharField(max_length=12, choices=Status)
    severity = models.CharField(max_length=13, choices=Severity)
    disposition = models.CharField(max_length=20, choices=Disposition, blank=True)
    made = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["decision", "policy", "rule"], name="one_proposal_per_decision_and_rule"),
        ]
        indexes = [
            models.Index(fields=["policy", "rule", "-id"], name="proposals_of_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} proposes {self.outcome}"
