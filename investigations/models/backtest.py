"""Backtests: a draft of the policy over stored evidence. PostgreSQL is their queue, as it is for investigations."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.timezone import now

from investigations.choices import BacktestState, Status
from investigations.models.policy import PolicyDraft, PolicyVersion


class Backtest(models.Model):
    """One run. `summary` is what policy.backtest makes of it; it grows while the run goes on."""

    document = models.TextField()  # the text that is tested, as it was when it was asked for
    digest = models.CharField(max_length=64)
    draft = models.ForeignKey(PolicyDraft, models.SET_NULL, null=True, related_name="backtests")
    base = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")  # in force when asked for
    days = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=BacktestState, default=BacktestState.WAITING)
    asked = models.DateTimeField(default=now)
    asked_by = models.CharField(max_length=150)
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    lease = models.DateTimeField(null=True)  # whoever runs it renews this; later than now: it is being run
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    summary: Any = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["asked", "id"],
                name="backtests_to_run",
                condition=models.Q(state__in=[BacktestState.WAITING.value, BacktestState.RUNNING.value]),
            ),
            models.Index(fields=["-asked", "-id"], name="backtests_latest"),
        ]

    def __str__(self) -> str:
        return f"backtest {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.state not in (BacktestState.WAITING, BacktestState.RUNNING)


class BacktestChange(models.Model):
    """One decision that the draft would have made otherwise. `grave`: a person had escalated what it would dismiss."""

    backtest = models.ForeignKey(Backtest, models.CASCADE, related_name="changes")
    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="+")
    decision = models.ForeignKey("Decision", models.CASCADE, related_name="+")
    before = models.CharField(max_length=12, choices=Status)
    before_rule = models.CharField(max_length=100)
    after = models.CharField(max_length=12, choices=Status)
    after_rule = models.CharField(max_length=100)
    person = models.CharField(max_length=12, choices=Status, blank=True)  # what a person decided in the end
    grave = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["backtest", "-grave", "id"], name="changes_grave_first")]

    def __str__(self) -> str:
        return f"{self.before} to {self.after}"
