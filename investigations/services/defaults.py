"""What a new database needs before its first alert: provider rows, the brakes, and the policy that ships."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent, Automation, PolicyVersion, ProviderSettings
from investigations.policy.document import default_policy
from investigations.providers import PROVIDERS

INSTALLER = Actor("installation", automatic=True)


@transaction.atomic
def install() -> None:
    """Add what is missing; never change what an admin has set. Safe to repeat."""
    for name, provider in PROVIDERS.items():
        ProviderSettings.objects.get_or_create(
            name=name,
            defaults={
                "enabled": not provider.needs_key,
                "freshness": provider.freshness,
                "per_minute": provider.per_minute,
                "per_day": provider.per_day,
            },
        )
    Automation.objects.get_or_create(pk=1)
    shipped = default_policy()
    if PolicyVersion.objects.filter(digest=shipped.digest).exists():
        return
    current = PolicyVersion.objects.select_for_update().filter(active=True).first()
    # A newer shipped policy replaces an older shipped one. A policy that somebody wrote stays
    # in force, and with four eyes a person has to agree first: the new one is only stored
    alone = not Automation.objects.select_for_update().get(pk=1).four_eyes
    replaces = current is None or (alone and current.created_by == INSTALLER.name)
    if current and replaces:
        PolicyVersion.objects.filter(pk=current.pk).update(active=False)
    version = PolicyVersion.objects.create(
        name=shipped.name,
        document=shipped.text,
        digest=shipped.digest,
        created_by=INSTALLER.name,
        active=replaces,
        activated=now() if replaces else None,
    )
    AuditEvent.objects.record(
        INSTALLER,
        "policy.installed",
        f"policy {version.pk}",
        before={"active": current.pk} if current else {},
        after={"active": replaces, "digest": shipped.digest},
    )
