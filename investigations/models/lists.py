"""Our own lists, each entry with an owner, a reason and an expiry; and what of ours is known to be open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.utils.timezone import now
from netfields import CidrAddressField

from investigations.choices import ListKind


class ListQuerySet(models.QuerySet["ListEntry"]):
    def kept(self) -> ListQuerySet:
        """Not removed; expired ones are still shown."""
        return self.filter(removed=None)

    def in_force(self, moment: datetime) -> ListQuerySet:
        return self.kept().filter(models.Q(expires=None) | models.Q(expires__gt=moment))


class ListEntry(models.Model):
    """One address, network or domain that somebody vouches for, or warns of. Exactly one of both is set."""

    kind = models.CharField(max_length=20, choices=ListKind)
    network = CidrAddressField(null=True)  # an ipaddress network; a single address is a /32 or /128
    domain = models.CharField(max_length=253, blank=True)  # the name and everything below it
    label = models.CharField(max_length=100)  # what it is, for people: “Qualys scanner, Frankfurt”
    owner = models.CharField(max_length=150)  # who answers for the entry
    reason = models.CharField(max_length=500)
    ticket = models.CharField(max_length=100, blank=True)
    expires = models.DateTimeField(null=True)  # null only for an own network
    # An authorised scanner only; empty: any time, anywhere. A window: {"days": [0..6], "from": "22:00", "to": "04:00"}
    windows: Any = models.JSONField(default=list)
    zone = models.CharField(max_length=64, default="UTC")  # the time zone of the windows
    targets = ArrayField(models.CharField(max_length=50), default=list)  # networks that it may scan
    created = models.DateTimeField(default=now)
    created_by = models.CharField(max_length=150)
    removed = models.DateTimeField(null=True)
    removed_by = models.CharField(max_length=150, blank=True)
    hits = models.PositiveBigIntegerField(default=0)  # decisions that it was part of
    last_hit = models.DateTimeField(null=True)

    objects = ListQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="network_or_domain",
                condition=models.Q(network__isnull=False, domain="") | (models.Q(network=None) & ~models.Q(domain="")),
            ),
            models.CheckConstraint(
                name="entry_expires",
                condition=models.Q(expires__isnull=False) | models.Q(kind=ListKind.OWN_NETWORK.value),
            ),
        ]
        indexes = [
            GistIndex(fields=["network"], opclasses=["inet_ops"], name="entries_of_address"),
            models.Index(fields=["domain"], name="entries_of_domain", condition=~models.Q(domain="")),
            models.Index(fields=["kind", "-id"], name="entries_by_kind"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def value(self) -> str:
        """The network or domain; a network of one address without its prefix."""
        if self.network is None:
            return self.domain
        single = self.network.prefixlen == self.network.max_prefixlen
        return str(self.network.network_address if single else self.network)


class OpenPort(models.Model):
    """One port of ours that is open on purpose, from an uploaded inventory. Port 0: the address has been looked at."""

    address = models.GenericIPAddressField()
    port = models.PositiveIntegerField()
    service = models.CharField(max_length=100, blank=True)
    inventory = models.CharField(max_length=100)  # the name of the upload
    uploaded = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            # Also the counts of one inventory, and its replacement
            models.UniqueConstraint(fields=["inventory", "address", "port"], name="open_port_once_per_inventory")
        ]
        indexes = [
            # What of a probed address is open, and the page of one address after the other
            models.Index(fields=["address", "port"], name="open_ports_of_address"),
        ]

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"
