"""Who may be asked about what: the enabled providers as they are configured now, and one lookup at one of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.utils.timezone import now

from investigations.artifacts import normalise_address
from investigations.choices import Outcome, Scope
from investigations.crypto import SealBroken
from investigations.models import ProviderSettings
from investigations.playbooks.case import CaseArtifact, Lookup
from investigations.providers import PROVIDERS
from investigations.providers.base import Finding, Provider, ProviderConfig, ProviderError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """One enabled provider, ready to be asked. `broken` says why it cannot be, whatever one asks."""

    provider: Provider
    freshness: int
    limited: bool
    simulated: bool
    broken: str = ""

    @property
    def name(self) -> str:
        return self.provider.name

    def refuses(self, artifact: CaseArtifact) -> str:
        """Why this provider is not asked about this artifact; empty if it is."""
        if artifact.scope == Scope.PUBLIC or self.provider.offline:
            return ""
        return f"{artifact.scope.label.lower()}, never leaves the house"


@dataclass(frozen=True, slots=True)
class Reported:
    """What one lookup brought, as it comes back from its thread."""

    outcome: Outcome
    summary: str
    finding: Finding | None
    latency_ms: int
    retry_after: float | None = None

    def answer(self, lookup: Lookup, moment: datetime) -> None:
        """Put it into the lookup that asked for it."""
        lookup.outcome, lookup.summary = self.outcome, self.summary
        lookup.answered, lookup.latency_ms = moment, self.latency_ms
        if finding := self.finding:
            lookup.verdict, lookup.strength = finding.verdict, finding.strength
            lookup.facts, lookup.domains, lookup.link = dict(finding.facts), finding.domains, finding.link


def open_desks() -> dict[str, Desk]:
    """The enabled providers in the registry's order. One that needs a key and has none is not there to be asked."""
    rows = {row.name: row for row in ProviderSettings.objects.filter(enabled=True)}
    return {
        name: desk_of(provider, rows[name])
        for name, provider in PROVIDERS.items()
        if name in rows and (rows[name].has_key or not provider.needs_key)
    }


def desk_of(provider: type[Provider], row: ProviderSettings) -> Desk:
    broken, key = "", ""
    try:
        key = row.key
    except SealBroken as error:
        broken = str(error)
    return Desk(
        provider=provider(ProviderConfig(key=key, url=row.url, timeout=row.timeout)),
        freshness=row.freshness,
        limited=bool(row.per_minute or row.per_day or (row.blocked_until and row.blocked_until > now())),
        simulated=is_simulated(provider, row.url),
        broken=broken,
    )


def is_simulated(provider: type[Provider], url: str) -> bool:
    """Does this provider answer from the simulator? Labelled rather too often than once too seldom."""
    if provider.offline:
        return False
    host = urlsplit(url).hostname if url else settings.DNS_SERVER.rpartition(":")[0] if not provider.base_url else ""
    address = normalise_address(host or "")
    on_loopback = address is not None and (address.startswith("127.") or address == "::1")
    return bool(settings.SIMULATED or (settings.ALLOW_TEST_NETWORKS and on_loopback))


def ask(desk: Desk, artifact: CaseArtifact) -> Reported:
    """One lookup, in a thread of the pool; never raises."""
    started = time.monotonic()

    def report(outcome: Outcome, summary: str, finding: Finding | None = None, **more: Any) -> Reported:
        return Reported(outcome, summary, finding, round((time.monotonic() - started) * 1000), **more)

    if desk.broken:
        return report(Outcome.AUTH_ERROR, desk.broken)
    try:
        finding = desk.provider.lookup(artifact.value, artifact.kind)
    except ProviderError as error:
        return report(error.outcome, error.message, retry_after=error.retry_after)
    # A provider that fails in a way of its own is its own outcome; its text may hold anything, so only the type is kept
    except Exception as error:
        log.error("lookup_failed", provider=desk.name, error=type(error).__name__)
        return report(Outcome.ERROR, f"unexpected failure ({type(error).__name__})")
    return report(finding.outcome, finding.summary, finding)
