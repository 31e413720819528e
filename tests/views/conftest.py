"""Investigations as the pages meet them, written directly: the automation itself is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.timezone import now

from investigations.models import (
    Alert,
    AlertBin,
    Artifact,
    Decision,
    Enrichment,
    Investigation,
    InvestigationArtifact,
    User,
)
from tests.makers import make_alert


@pytest.fixture(scope="session", autouse=True)
def _static_root() -> None:
    """WhiteNoise warns of a folder that only `collectstatic` makes."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


HOSTILE = '"><script>alert(1)</script> <b hx-get="/users/">\u202egnp.exe\u200b'
_numbers = count(1)


@pytest.fixture
def make_investigation(db: None) -> Callable[..., Investigation]:
    """One that waits for a person, unless said otherwise; each with its own address."""

    def make(**changes: Any) -> Investigation:
        number = next(_numbers)
        subject = changes.pop("subject", f"198.51.{number // 250}.{number % 250 + 1}")
        values: dict[str, Any] = {"kind": "ipv4-addr", "status": "needs_review", "headline": f"Sentence {number}"}
        values |= changes
        values.setdefault("source", None if values["kind"] == "domain-name" else subject)
        if values["status"] == "enriching":
            values.setdefault("due", now() + timedelta(hours=1))
        if values["status"] == "dismissed":
            values |= {"closed": now(), "disposition": values.get("disposition", "noise")}
        return Investigation.objects.create(subject=subject, **values)

    return make


@pytest.fixture
def add_evidence() -> Callable[..., Enrichment]:
    def add(investigation: Investigation, provider: str = "greynoise", **changes: Any) -> Enrichment:
        artifact, _ = Artifact.objects.get_or_create(kind=investigation.kind, value=investigation.subject)
        InvestigationArtifact.objects.get_or_create(
            investigation=investigation, artifact=artifact, defaults={"origin": "source"}
        )
        values: dict[str, Any] = {"outcome": "ok", "verdict": "malicious", "strength": "strong", "asked": now()}
        return Enrichment.objects.create(
            investigation=investigation, artifact=artifact, provider=provider, **(values | changes)
        )

    return add


@pytest.fixture
def add_alert() -> Callable[..., Alert]:
    def add(investigation: Investigation, **changes: Any) -> Alert:
        record = make_alert(investigation.subject, **changes)
        names = {field.name for field in Alert._meta.fields} & set(record.__slots__)
        values = {name: getattr(record, name) for name in names}
        alert = Alert.objects.create(
            investigation=investigation, received=now(), **values | {"techniques": list(record.techniques)}
        )
        bin_, _ = AlertBin.objects.get_or_create(
            investigation=investigation, start=record.happened, defaults={"alerts": 0}
        )
        AlertBin.objects.filter(pk=bin_.pk).update(alerts=bin_.alerts + 1)
        investigation.alert_count += 1
        investigation.first_alert = min(filter(None, [investigation.first_alert, record.happened]))
        investigation.last_alert = max(filter(None, [investigation.last_alert, record.happened]))
        investigation.save(update_fields=["alert_count", "first_alert", "last_alert"])
        return alert

    return add


@pytest.fixture
def add_decision() -> Callable[..., Decision]:
    def add(investigation: Investigation, **changes: Any) -> Decision:
        values: dict[str, Any] = {"outcome": investigation.status, "automatic": True, "actor": "automation"}
        values |= {"severity": "high", "verdict": "malicious", "rule": "malicious-active"}
        return Decision.objects.create(investigation=investigation, **(values | changes))

    return add


@pytest.fixture
def as_analyst(client: Client, analyst: User) -> Client:
    client.force_login(analyst)
    return client


@pytest.fixture
def as_admin(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def part(name: str) -> dict[str, str]:
    """Headers with which htmx asks for one element of the page."""
    return {"HX-Request": "true", "HX-Target": name}
