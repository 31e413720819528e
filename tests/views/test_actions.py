"""What people do: claim, decide, reopen, comment; and what happens when two of them do it at once."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from investigations.choices import Role
from investigations.models import AuditEvent
from investigations.views.investigations import seen


def send(client, investigation, verb, **data):
    return client.post(reverse(f"investigation_{verb}", args=[investigation.pk]), data)


def told(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_it_claims_and_releases(as_analyst, analyst, make_investigation):
    investigation = make_investigation()
    assert send(as_analyst, investigation, "claim").status_code == 302
    investigation.refresh_from_db()
    assert investigation.assignee == analyst
    send(as_analyst, investigation, "release")
    investigation.refresh_from_db()
    assert investigation.assignee is None


@pytest.mark.parametrize("verb, status", [("escalate", "escalated"), ("dismiss", "dismissed")])
def test_it_decides_with_a_disposition(as_analyst, make_investigation, verb, status):
    investigation = make_investigation()
    response = send(as_analyst, investigation, verb, disposition="undetermined", comment="looked at it")
    assert response["Location"] == investigation.get_absolute_url()
    investigation.refresh_from_db()
    assert (investigation.status, investigation.disposition) == (status, "undetermined")
    assert investigation.closed
    assert "looked at it" in as_analyst.get(investigation.get_absolute_url()).text
    event = AuditEvent.objects.filter(subject=f"investigation {investigation.pk}").latest("pk")
    assert event.actor == "anna" and event.address == "127.0.0.1"


@pytest.mark.parametrize("disposition", ["", "true_positive", "nonsense"])
def test_it_dismisses_only_for_a_reason_that_fits(as_analyst, make_investigation, disposition):
    investigation = make_investigation()
    response = send(as_analyst, investigation, "dismiss", disposition=disposition, comment="half a thought")
    assert response.status_code == 200
    # What was typed is not lost, and the form is open again
    assert "half a thought" in response.text and "errorlist" in response.text
    assert 'hx-preserve="true" open>' in response.text
    investigation.refresh_from_db()
    assert investigation.status == "needs_review"


def test_it_reopens_what_is_closed(as_analyst, make_investigation):
    investigation = make_investigation(status="dismissed")
    send(as_analyst, investigation, "reopen", comment="it came back")
    investigation.refresh_from_db()
    assert investigation.status == "needs_review" and investigation.closed is None


def test_it_comments_in_the_timeline(as_analyst, make_investigation):
    investigation = make_investigation()
    send(as_analyst, investigation, "comment", text="one <b>bold</b> line\nand another")
    body = as_analyst.get(investigation.get_absolute_url()).text
    assert "one &lt;b&gt;bold&lt;/b&gt; line\nand another" in body


def test_it_refuses_an_empty_comment(as_analyst, make_investigation):
    investigation = make_investigation()
    assert send(as_analyst, investigation, "comment", text="  ").status_code == 200
    assert not investigation.timeline.exists()


def test_it_does_not_decide_over_somebody_elses_decision(as_analyst, make_investigation):
    investigation = make_investigation()
    before = seen(investigation)
    investigation.assignee_id = None
    type(investigation).objects.filter(pk=investigation.pk).update(
        status="dismissed", disposition="noise", closed="2026-11-24T12:00Z"
    )
    response = send(as_analyst, investigation, "escalate", disposition="true_positive", seen=before)
    assert response["Location"] == investigation.get_absolute_url()
    assert "Somebody else has changed" in told(response)
    investigation.refresh_from_db()
    assert investigation.status == "dismissed"


def test_it_notices_that_somebody_claimed_it_meanwhile(as_analyst, make_investigation, make_user):
    investigation = make_investigation()
    before = seen(investigation)
    type(investigation).objects.filter(pk=investigation.pk).update(assignee=make_user("otto", Role.ANALYST))
    response = send(as_analyst, investigation, "dismiss", disposition="noise", seen=before)
    assert "Somebody else has changed" in told(response)
    investigation.refresh_from_db()
    assert investigation.status == "needs_review"


def test_it_shows_the_services_own_conflict(as_analyst, make_investigation):
    investigation = make_investigation()
    response = send(as_analyst, investigation, "reopen", comment="why not")
    assert response.status_code == 302 and "It is open already." in told(response)


def test_it_lets_only_a_lead_take_it_from_somebody(as_analyst, client, lead, make_investigation, make_user):
    otto = make_user("otto", Role.ANALYST)
    investigation = make_investigation(assignee=otto)
    assert send(as_analyst, investigation, "release").status_code == 403
    assert send(as_analyst, investigation, "assign", user="").status_code == 403
    client.force_login(lead)
    send(client, investigation, "assign", user=lead.pk)
    investigation.refresh_from_db()
    assert investigation.assignee == lead


def test_it_hands_over_only_to_those_who_may_work(client, lead, viewer, make_investigation):
    client.force_login(lead)
    investigation = make_investigation()
    assert send(client, investigation, "assign", user=viewer.pk).status_code == 200
    investigation.refresh_from_db()
    assert investigation.assignee is None


@pytest.mark.parametrize(
    "wanted, goes_on",
    [
        ("/?tab=mine&selected=3", True),
        ("https://evil.example/", False),
        ("//evil.example", False),
        ("javascript:x", False),
    ],
)
def test_it_goes_on_only_to_pages_of_ours(as_analyst, make_investigation, wanted, goes_on):
    investigation = make_investigation()
    response = send(as_analyst, investigation, "dismiss", disposition="noise", next=wanted)
    assert response["Location"] == (wanted if goes_on else investigation.get_absolute_url())


def test_it_refuses_a_post_from_elsewhere(analyst, make_investigation):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(analyst)
    investigation = make_investigation()
    response = send(strict, investigation, "dismiss", disposition="noise")
    assert response.status_code == 403 and "The page was too old" in response.text
    investigation.refresh_from_db()
    assert investigation.status == "needs_review"


def test_it_offers_what_the_state_allows(as_analyst, make_investigation, analyst):
    opened = as_analyst.get(make_investigation().get_absolute_url()).text
    assert "/claim/" in opened and "/escalate/" in opened and "/reopen/" not in opened
    mine = as_analyst.get(make_investigation(assignee=analyst).get_absolute_url()).text
    assert "/claim/" not in mine and "/release/" in mine
    closed = as_analyst.get(make_investigation(status="dismissed").get_absolute_url()).text
    assert "/reopen/" in closed and "/escalate/" not in closed and "/dismiss/" not in closed
