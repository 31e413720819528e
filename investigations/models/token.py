"""API tokens: a public id that is looked up, a secret of which only a keyed digest is kept."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now

from investigations.choices import TokenScope


class ApiToken(models.Model):
    """One token of a sensor or script. Shown once, when it is made."""

    name = models.CharField(max_length=100, unique=True)
    public_id = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=20, choices=TokenScope))
    created = models.DateTimeField(default=now)
    created_by = models.CharField(max_length=150)
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.revoked is None and self.expires > now()
