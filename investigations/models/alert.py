"""Alerts as received, and the small sums that pages and decisions read instead of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from investigations.choices import Severity


class Alert(models.Model):
    """One signal from a detection tool; immutable. The columns are those of ingest.base.AlertRecord."""

    investigation = models.ForeignKey("Investigation", models.PROTECT, related_name="alerts", db_index=False)
    received = models.DateTimeField()
    happened = models.DateTimeField()
    time_guessed = models.BooleanField()
    sensor = models.CharField(max_length=100, blank=True)
    format = models.CharField(max_length=20)
    dedup_key = models.CharField(max_length=64, unique=True)
    attacker = models.GenericIPAddressField()
    attacker_reason = models.CharField(max_length=200)
    victim = models.GenericIPAddressField(null=True)
    victim_port = models.PositiveIntegerField(null=True)
    source = models.GenericIPAddressField(null=True)
    source_port = models.PositiveIntegerField(null=True)
    destination = models.GenericIPAddressField(null=True)
    destination_port = models.PositiveIntegerField(null=True)
    protocol = models.CharField(max_length=20, blank=True)
    signature = models.CharField(max_length=500)
    signature_id = models.CharField(max_length=60, blank=True)
    category = models.CharField(max_length=500, blank=True)
    severity = models.CharField(max_length=13, choices=Severity)
    raw_severity = models.CharField(max_length=60, blank=True)
    domain = models.CharField(max_length=255, blank=True)
    techniques = ArrayField(models.CharField(max_length=12))
    answered = models.BooleanField(null=True)
    is_recon = models.BooleanField()
    raw = models.TextField()

    class Meta:
        indexes = [
            # The alert list and the sums of one investigation
            models.Index(fields=["investigation", "-happened", "-id"], name="alert_of_investigation"),
        ]

    def __str__(self) -> str:
        return f"{self.signature} from {self.attacker}"


class AlertBin(models.Model):
    """How many alerts of an investigation fell into one minute: the sparkline."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="bins", db_index=False)
    start = models.DateTimeField()
    alerts = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investigation", "start"], name="bin_once")]

    def __str__(self) -> str:
        return f"{self.alerts} alerts from {self.start}"


class ScannedPort(models.Model):
    """One port that an investigation's source probed."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="ports", db_index=False)
    port = models.PositiveIntegerField()
    alerts = models.PositiveIntegerField()
    answered = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investigation", "port"], name="port_once")]

    def __str__(self) -> str:
        return str(self.port)


class ScannedHost(models.Model):
    """One address of ours that an investigation's source probed."""

    investigation = models.ForeignKey("Investigation", models.CASCADE, related_name="hosts", db_index=False)
    address = models.GenericIPAddressField()
    alerts = models.PositiveIntegerField()
    answered = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["investigation", "address"], name="host_once")]

    def __str__(self) -> str:
        return self.address
