"""What an admin does with providers: configure, set a key, test the connection."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent, ProviderSettings
from investigations.playbooks.desks import desk_of
from investigations.providers import PROVIDERS

LIMITS: dict[str, tuple[float, float]] = {
    "timeout": (1, 60),
    "freshness": (0, 30 * 86_400),
    "per_minute": (0, 100_000),
    "per_day": (0, 10_000_000),
}
AUDITED = ("enabled", "url", "key_fingerprint", *LIMITS)


class UnknownProvider(ValueError):
    """There is no provider of this name."""


def provider_rows() -> list[ProviderSettings]:
    """The settings of every registered provider, in the registry's order."""
    rows = {row.name: row for row in ProviderSettings.objects.all()}
    return [rows[name] for name in PROVIDERS if name in rows]


def configure(
    name: str,
    *,
    actor: Actor,
    enabled: bool | None = None,
    key: str | None = None,
    url: str | None = None,
    **limits: float | None,
) -> ProviderSettings:
    """Change what is given; None leaves a setting as it is, an empty key removes the key. ValueError for bad values.

    Setting a key enables the provider, unless `enabled` says otherwise.
    """
    if name not in PROVIDERS:
        raise UnknownProvider(f"there is no provider {name!r}; there are {', '.join(PROVIDERS)}")
    with transaction.atomic():
        row = ProviderSettings.objects.select_for_update().get(name=name)
        before = _audited(row)
        if key is not None:
            row.set_key(checked_key(key))
            row.enabled = bool(key) or (row.enabled and not PROVIDERS[name].needs_key)
        if enabled is not None:
            row.enabled = enabled
        if row.enabled and PROVIDERS[name].needs_key and not row.has_key:
            raise ValueError(f"{PROVIDERS[name].label} needs a key before it can be enabled")
        if url is not None:
            row.url = checked_url(url)
        for limit, value in limits.items():
            if value is not None:
                setattr(row, limit, checked_limit(limit, value))
        if key is not None or url is not None:
            # What was tested was something else
            row.tested, row.test_ok, row.test_message, row.blocked_until = None, None, "", None
        row.save()
        after = _audited(row)
        if after != before:
            action = "provider.key_changed" if key is not None else "provider.changed"
            AuditEvent.objects.record(actor, action, f"provider {name}", before=before, after=after)
    return row


def test(name: str, *, actor: Actor) -> ProviderSettings:
    """Make one real call with the stored key and store what happened. No transaction is open meanwhile."""
    if name not in PROVIDERS:
        raise UnknownProvider(f"there is no provider {name!r}; there are {', '.join(PROVIDERS)}")
    row = ProviderSettings.objects.get(name=name)
    desk = desk_of(PROVIDERS[name], row)
    started = time.monotonic()
    if desk.broken:
        ok, message, status, plan = False, desk.broken, 0, ""
    elif desk.provider.needs_key and not row.has_key:
        ok, message, status, plan = False, "no key is set", 0, ""
    else:
        result = desk.provider.test_connection()
        ok, message, status, plan = result.ok, result.message, result.status, result.plan
    changes = {
        "tested": now(),
        "test_ok": ok,
        "test_message": message[:300],
        "test_status": status,
        "test_plan": plan[:100],
        "test_latency_ms": round((time.monotonic() - started) * 1000),
    }
    with transaction.atomic():
        ProviderSettings.objects.filter(pk=row.pk).update(**changes)
        AuditEvent.objects.record(
            actor, "provider.tested", f"provider {name}", after={"ok": ok, "message": message[:300]}
        )
    row.refresh_from_db()
    return row


def health(row: ProviderSettings) -> str:
    """The state of a provider in one word, for lists: off, no_key, untested, ok, failing, waiting."""
    if PROVIDERS[row.name].needs_key and not row.has_key:
        return "no_key"
    if not row.enabled:
        return "off"
    if row.blocked_until and row.blocked_until > now():
        return "waiting"
    if row.test_ok is None:
        return "untested"
    return "ok" if row.test_ok else "failing"


def quota(row: ProviderSettings) -> dict[str, Any]:
    """Lookups used and allowed in the present windows; 0 allowed means no limit."""
    return {
        "minute": {"used": row.minute_used, "limit": row.per_minute},
        "day": {"used": row.day_used, "limit": row.per_day},
        "blocked_until": row.blocked_until.isoformat() if row.blocked_until else None,
    }


def checked_key(key: str) -> str:
    key = key.strip()
    if len(key) > 500 or not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("a key has no spaces, at most 500 characters, and only printable ASCII")
    return key


def checked_url(url: str) -> str:
    """An address without path secrets: https, or http for servers inside the house; no user, query or fragment."""
    url = url.strip().rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or len(url) > 200:
        raise ValueError("a URL starts with https:// (or http://) and names a host")
    if any(mark in url for mark in " ?#") or "@" in parts.netloc or not url.isprintable():
        raise ValueError("a URL holds no user name, query, fragment or space")
    return url


def checked_limit(name: str, value: float) -> float:
    low, high = LIMITS[name]
    if not low <= value <= high:
        raise ValueError(f"{name} is a number from {low:g} to {high:g}")
    return value


def _audited(row: ProviderSettings) -> dict[str, Any]:
    # Which key there is, by its fingerprint; never the key
    return {name: getattr(row, name) for name in AUDITED}
