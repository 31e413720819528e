"""The timeline: what happened in one investigation, for the analyst."""

from __future__ import annotations

from django.db import models
from django.utils.timezone import now

from investigations.choices import TimelineKind


class TimelineEvent(models.Model):
    """One thing that happened. `text` is a sentence; it may hold hostile text and is shown as plain text."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="timeline", db_index=False)
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=12, choices=TimelineKind)
    actor = models.CharField(max_length=150)
    automatic = models.BooleanField(default=False)
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["investigation", "at", "id"], name="timeline_of_investigation")]

    def __str__(self) -> str:
        return self.text
