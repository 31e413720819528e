"""What an admin has set for a provider, and how it was when last tested."""

from __future__ import annotations

from django.db import models

from investigations.crypto import fingerprint, seal, unseal


class ProviderSettings(models.Model):
    """One row per registered provider. The key is write-only: it goes in, is used, and is never shown again."""

    name = models.CharField(max_length=40, unique=True)
    enabled = models.BooleanField(default=False)
    sealed_key = models.TextField(blank=True)
    key_fingerprint = models.CharField(max_length=12, blank=True)
    url = models.CharField(max_length=200, blank=True)
    timeout = models.FloatField(default=10.0)  # seconds for one lookup
    freshness = models.PositiveIntegerField()  # seconds an answer may be reused
    per_minute = models.PositiveIntegerField(default=0)  # lookups; 0: no limit
    per_day = models.PositiveIntegerField(default=0)
    minute_used = models.PositiveIntegerField(default=0)
    minute_start = models.DateTimeField(null=True)
    day_used = models.PositiveIntegerField(default=0)
    day_start = models.DateTimeField(null=True)
    blocked_until = models.DateTimeField(null=True)  # the provider itself told us to wait
    tested = models.DateTimeField(null=True)
    test_ok = models.BooleanField(null=True)
    test_message = models.CharField(max_length=300, blank=True)
    test_status = models.PositiveIntegerField(default=0)
    test_plan = models.CharField(max_length=100, blank=True)
    test_latency_ms = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name_plural = "provider settings"

    def __str__(self) -> str:
        return self.name

    @property
    def has_key(self) -> bool:
        return bool(self.sealed_key)

    @property
    def key(self) -> str:
        """The key in clear: only for the lookup that needs it."""
        return unseal(self.sealed_key, self._context) if self.sealed_key else ""

    def set_key(self, key: str) -> None:
        """Seal the key into this row; an empty one removes it. The caller saves."""
        self.sealed_key = seal(key, self._context) if key else ""
        self.key_fingerprint = fingerprint(key) if key else ""

    @property
    def _context(self) -> str:
        # Bound to the row: a sealed key that is copied into another provider's row does not open
        return f"provider:{self.name}:key"
