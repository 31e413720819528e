"""What one provider said about one artifact of one investigation."""

from __future__ import annotations

from django.db import models

from investigations.choices import Outcome, Strength, Verdict


class Enrichment(models.Model):
    """One lookup and its answer. `asked` is when the provider was really asked: older than the run if `cached`."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="enrichments", db_index=False)
    artifact = models.ForeignKey("Artifact", models.PROTECT, related_name="enrichments", db_index=False)
    # No choices: a new provider must not need a migration
    provider = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.PENDING)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.UNKNOWN)
    strength = models.CharField(max_length=10, choices=Strength, default=Strength.CONTEXT)
    summary = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)
    domains = models.JSONField(default=list)
    link = models.CharField(max_length=500, blank=True)
    asked = models.DateTimeField()
    answered = models.DateTimeField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    cached = models.BooleanField(default=False)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["investigation", "artifact", "provider"], name="enrichment_once"),
        ]
        indexes = [
            # The cache: the newest answer of a provider about an artifact, in whichever investigation
            models.Index(
                fields=["artifact", "provider", "-asked"],
                name="enrichment_cache",
                condition=models.Q(outcome__in=[Outcome.OK, Outcome.NOT_FOUND], cached=False),
            ),
            # What a worker that ended has left behind
            models.Index(
                fields=["asked"], name="enrichment_pending", condition=models.Q(outcome=Outcome.PENDING.value)
            ),
            # Health of a provider over the last day
            models.Index(fields=["provider", "-asked"], name="enrichment_of_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.outcome}"
