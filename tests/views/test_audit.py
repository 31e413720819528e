"""The audit history: what changed from what to what, found by who, what, where and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent
from tests.views.conftest import HOSTILE

OURS = ("investigation", "provider")  # not the log-in, nor what was installed


@pytest.fixture
def as_auditor(client, auditor):
    client.force_login(auditor)
    return client


@pytest.fixture
def events(db):
    def record(actor, action, subject, **rest):
        return AuditEvent.objects.record(Actor(actor), action, subject, **rest)

    return [
        record(
            "anna",
            "investigation.dismissed",
            "investigation 1",
            before={"status": "escalated"},
            after={"status": "dismissed"},
        ),
        record("anna", "investigation.claimed", "investigation 2"),
        record("ada", "provider.changed", "provider dns", before={"enabled": True}, after={"enabled": False}),
    ]


def shown(client, **query):
    response = client.get(reverse("audit"), query)
    assert response.status_code == 200
    return [event.action for event in response.context["page"].rows if event.action.split(".")[0] in OURS]


@pytest.mark.parametrize(
    "query, expected",
    [
        ({}, ["provider.changed", "investigation.claimed", "investigation.dismissed"]),
        ({"actor": "ada"}, ["provider.changed"]),
        ({"action": "investigation"}, ["investigation.claimed", "investigation.dismissed"]),
        ({"action": "investigation.claimed"}, ["investigation.claimed"]),
        ({"subject": "investigation 1"}, ["investigation.dismissed"]),
        ({"since": "2099-01-01T00:00"}, []),
        ({"until": "2001-01-01T00:00"}, []),
        ({"since": "yesterday"}, []),
        ({"cursor": "forged"}, []),
        ({"actor": "a\x00"}, []),
    ],
)
def test_it_finds_events_by_what_the_url_says(as_auditor, events, query, expected):
    assert shown(as_auditor, **query) == expected


def test_it_reads_times_in_the_persons_zone(as_auditor, events):
    as_auditor.cookies["tz"] = "Pacific/Kiritimati"  # UTC+14
    ahead = f"{now() + timedelta(hours=15):%Y-%m-%dT%H:%M}"
    assert shown(as_auditor, until=ahead) == shown(as_auditor)
    assert shown(as_auditor, since=ahead) == []


def test_it_shows_each_field_before_and_after(as_auditor, events):
    body = as_auditor.get(reverse("audit")).text
    assert "<del>escalated</del> → <ins>dismissed</ins>" in body
    assert "<del>True</del> → <ins>False</ins>" in body


def test_it_pages_through_a_long_history(as_auditor):
    for number in range(130):
        AuditEvent.objects.record(Actor("anna"), "token.created", f"token {number}")
    first = as_auditor.get(reverse("audit")).context["page"]
    second = as_auditor.get(reverse("audit"), {"cursor": first.older}).context["page"]
    assert len(first.rows) == 100 and second.rows[0].pk < first.rows[-1].pk and second.newer


def test_it_shows_hostile_history_as_text(as_auditor):
    AuditEvent.objects.record(
        Actor(HOSTILE), HOSTILE[:60], HOSTILE, before={HOSTILE: HOSTILE}, after={"x": [HOSTILE]}, reason=HOSTILE
    )
    body = as_auditor.get(reverse("audit")).text
    assert "<script>alert" not in body and "\u202e" not in body
