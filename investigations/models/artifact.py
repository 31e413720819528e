"""Artifacts, and their part in an investigation."""

from __future__ import annotations

from django.db import models

from investigations.choices import ADDRESS_KINDS, ArtifactKind, Verdict


class Artifact(models.Model):
    """An address or a domain, once for all investigations. The value is canonical text."""

    kind = models.CharField(max_length=12, choices=ArtifactKind)
    value = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["value", "kind"], name="artifact_once")]

    def __str__(self) -> str:
        return self.value

    @property
    def is_address(self) -> bool:
        return self.kind in ADDRESS_KINDS


class InvestigationArtifact(models.Model):
    """Why an artifact belongs to an investigation, and what the machine thinks of it there."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="artifact_links")
    artifact = models.ForeignKey(Artifact, models.PROTECT, related_name="investigation_links")
    origin = models.CharField(max_length=60)  # "source", "reverse DNS", "submitted"
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.UNKNOWN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investigation", "artifact"], name="artifact_link_once")]

    def __str__(self) -> str:
        return f"{self.artifact} ({self.origin})"
