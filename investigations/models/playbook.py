"""One execution of a playbook, and its recorded steps."""

from __future__ import annotations

from django.db import models

from investigations.choices import RunStatus


class PlaybookRun(models.Model):
    """One execution. `fence` is the claim that it ran under: an older claim's run writes nothing any more."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="runs")
    playbook = models.CharField(max_length=60)
    version = models.CharField(max_length=20)
    fence = models.PositiveBigIntegerField()
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.RUNNING)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investigation", "fence"], name="run_once_per_claim")]

    def __str__(self) -> str:
        return f"{self.playbook} {self.version}"


class PlaybookStep(models.Model):
    """One recorded part of a run. Input and output are small summaries in words and numbers, never raw answers."""

    run = models.ForeignKey(PlaybookRun, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.RUNNING)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    input = models.JSONField(default=dict)
    output = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="step_once")]

    def __str__(self) -> str:
        return self.name
