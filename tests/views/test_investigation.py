"""The page of one investigation: decision before data, everything explained, nothing hostile alive."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from investigations.models import (
    PlaybookRun,
    PlaybookStep,
    PolicyVersion,
    ScannedPort,
    TimelineEvent,
)
from investigations.policy.decide import decide
from investigations.queries.policies import active_policy
from tests.policy.makers import evidence, malicious, noise
from tests.views.conftest import HOSTILE, part


def page(client, investigation, **query):
    response = client.get(investigation.get_absolute_url(), query)
    assert response.status_code == 200
    return response.text


@pytest.fixture
def decided(make_investigation, add_decision):
    """One with a decision that the policy really made."""
    version, policy = active_policy()
    facts = evidence(noise("malicious", "decisive"), malicious("abuseipdb"), malicious("spamhaus"))
    made = decide(policy, facts)
    investigation = make_investigation(subject=facts.source, status=made.outcome, headline=made.headline)
    add_decision(
        investigation,
        outcome=made.outcome,
        rule=made.rule,
        policy_id=version,
        severity=made.severity,
        disposition=made.disposition,
        verdict=made.verdict,
        targeting=made.targeting,
        headline=made.headline,
        reasons=made.as_json()["reasons"],
        flip="Would be dismissed if nobody had complained",
        evidence=facts.as_json(),
        evidence_digest=facts.digest,
    )
    return investigation


def test_it_gives_the_reasons_with_rule_and_policy(as_analyst, decided):
    decision = decided.decisions.get()
    body = page(as_analyst, decided)
    assert f"by rule <b>{decision.rule}</b>" in body and f"policy {decision.policy_id}" in body
    assert all(reason["text"] in body for reason in decision.reasons if "'" not in reason["text"])
    assert decision.flip in body


def test_it_shows_a_persons_decision_above_the_automations(as_analyst, decided, add_decision):
    add_decision(
        decided,
        automatic=False,
        actor="lea",
        outcome="dismissed",
        rule="",
        disposition="false_positive",
        comment="ours",
    )
    body = page(as_analyst, decided)
    assert body.index("<b>lea</b>: dismissed as false positive") < body.index("What the automation had found")
    assert "<q>ours</q>" in body


def test_it_survives_reasons_it_cannot_read(as_analyst, make_investigation, add_decision):
    investigation = make_investigation()
    add_decision(investigation, reasons=[{}, {"text": "x", "kind": "?", "verdict": "?", "asked": "yesterday"}])
    assert "<span>x</span>" in page(as_analyst, investigation)


def test_it_shows_answers_and_silence(as_analyst, make_investigation, add_evidence):
    investigation = make_investigation()
    add_evidence(investigation, "greynoise", summary="seen by 214 sensors", link="https://viz.greynoise.io/ip/1")
    add_evidence(investigation, "virustotal", outcome="throttled", verdict="unknown", summary="waits until 14:06")
    body = page(as_analyst, investigation)
    assert "seen by 214 sensors" in body and "waits until 14:06" in body
    assert "2 asked · 1 answered" in body and "Throttled" in body
    assert '<a href="https://viz.greynoise.io/ip/1" rel="noreferrer noopener nofollow external"' in body


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://", "http://a\u202e"]
)
def test_it_links_to_nothing_but_the_web(as_analyst, make_investigation, add_evidence, link):
    investigation = make_investigation()
    add_evidence(investigation, link=link)
    assert link not in page(as_analyst, investigation)


def test_it_says_whether_a_name_is_confirmed(as_analyst, make_investigation, add_evidence):
    investigation = make_investigation()
    facts = {"names": ["a.example", "xn--mnchen-3ya.example"], "confirmed": ["a.example"], "country": "NL"}
    add_evidence(investigation, "dns", verdict="unknown", facts=facts)
    body = page(as_analyst, investigation)
    assert 'a[.]example</code> <span class="tag">confirmed' in body
    assert "(münchen[.]example)" in body and "not confirmed" in body


@pytest.mark.parametrize("facts", [{"names": "x", "confirmed": 1}, {"names": [None, {}]}, [], {"asn": {"a": 1}}])
def test_it_survives_facts_of_another_shape(as_analyst, make_investigation, add_evidence, facts):
    investigation = make_investigation()
    add_evidence(investigation, "dns", facts=facts)
    page(as_analyst, investigation)


def test_it_draws_the_scan_and_says_it_in_words(as_analyst, make_investigation, add_alert):
    investigation = make_investigation()
    for minutes, port in [(0, 22), (1, 22), (5, 23)]:
        add_alert(investigation, minutes=minutes, victim_port=port, answered=port == 23)
    ScannedPort.objects.create(investigation=investigation, port=22, alerts=2)
    body = page(as_analyst, investigation)
    assert "3 probes over 5 minutes: 22 SSH 2; 23 Telnet 1, of which 1 answered" in body
    assert 'class="answered"' in body


def test_it_pages_through_the_alerts(as_analyst, make_investigation, add_alert):
    investigation = make_investigation()
    for minutes in range(52):
        add_alert(investigation, minutes=minutes, signature=f"Number {minutes:02}")
    response = as_analyst.get(investigation.get_absolute_url())
    older = response.context["alerts"].older
    assert "Number 51" in response.text and "Number 01" not in response.text
    assert "Number 01" in page(as_analyst, investigation, alerts=older)
    assert "not valid any more" in page(as_analyst, investigation, alerts="forged")


def test_it_hands_out_the_raw_alert_as_a_harmless_file(as_analyst, make_investigation, add_alert):
    alert = add_alert(make_investigation(), raw="<script>alert(1)</script>")
    response = as_analyst.get(reverse("alert_raw", args=[alert.pk]))
    assert response.text == alert.raw
    assert response["Content-Type"].startswith("text/plain")
    assert response["Content-Disposition"].startswith("attachment")
    assert (
        "sandbox" in response["Content-Security-Policy"] and "default-src 'none'" in response["Content-Security-Policy"]
    )
    assert response["X-Content-Type-Options"] == "nosniff"


def test_it_keeps_raw_alerts_off_the_page(as_analyst, make_investigation, add_alert):
    investigation = make_investigation()
    add_alert(investigation, raw="RAW TEXT OF THE ALERT")
    assert "RAW TEXT" not in page(as_analyst, investigation)


def test_it_merges_events_and_steps_in_the_order_of_time(as_analyst, make_investigation):
    investigation = make_investigation()
    start = now() - timedelta(minutes=9)
    run = PlaybookRun.objects.create(investigation=investigation, playbook="recon", version="1", fence=1, started=start)
    PlaybookStep.objects.create(
        run=run, position=1, name="Enrich", started=start, finished=start + timedelta(milliseconds=900),
        status="completed", output={"asked": 8, "ok": 6},
    )  # fmt: skip
    PlaybookStep.objects.create(
        run=run, position=2, name="Decide", started=start + timedelta(seconds=1), status="failed", error="it broke"
    )
    for seconds, text in [(-5, "Opened it"), (5, "Decided it")]:
        TimelineEvent.objects.create(
            investigation=investigation, at=start + timedelta(seconds=seconds), kind="opened", actor="x", text=text
        )
    body = page(as_analyst, investigation)
    places = [
        body.index(text)
        for text in ("Opened it", "Enrich: 900 ms", "ok 6, asked 8", "Decide …", "it broke", "Decided it")
    ]
    assert places == sorted(places)


def test_it_tells_what_was_before_and_next_door(as_analyst, make_investigation):
    make_investigation(subject="203.0.113.7", status="dismissed")
    make_investigation(subject="203.0.113.9", status="escalated")
    investigation = make_investigation(subject="203.0.113.7")
    response = as_analyst.get(investigation.get_absolute_url())
    history = response.context["overview"].history
    assert (history.count, history.network, history.neighbours, history.escalated) == (1, "203.0.113.0/24", 1, 1)
    assert "Dismissed, internet noise" in response.text


def test_it_escapes_every_hostile_value(as_analyst, make_investigation, add_evidence, add_alert, add_decision):
    investigation = make_investigation(headline=HOSTILE, place=HOSTILE[:100], status="dismissed")
    add_evidence(investigation, summary=HOSTILE, provider=HOSTILE[:40], facts={"as_name": HOSTILE, "prefix": HOSTILE})
    add_alert(investigation, signature=HOSTILE, sensor=HOSTILE, protocol="<b>", domain="evil.example")
    add_decision(investigation, reasons=[{"text": HOSTILE}], flip=HOSTILE, rule=HOSTILE, comment=HOSTILE)
    TimelineEvent.objects.create(investigation=investigation, kind="comment", actor=HOSTILE, text=HOSTILE)
    body = page(as_analyst, investigation)
    assert "<script>alert" not in body and '<b hx-get="/users/">' not in body
    assert "\u202e" not in body and "\u200b" not in body
    assert "evil[.]example" in body


def test_it_renews_itself_only_while_it_is_investigated(as_analyst, make_investigation):
    running, done = make_investigation(status="enriching"), make_investigation()
    assert f'hx-get="{running.get_absolute_url()}" hx-trigger="every 2s"' in page(as_analyst, running)
    assert "hx-trigger" not in page(as_analyst, done)


def test_it_sends_the_renewed_part_without_forms_while_it_runs(as_analyst, make_investigation):
    investigation = make_investigation(status="enriching")
    body = as_analyst.get(investigation.get_absolute_url(), headers=part("live")).text
    assert 'id="live"' in body and 'id="summary" hx-swap-oob="true"' in body
    assert "<form" not in body and "announcements" not in body


def test_it_announces_the_end_and_brings_the_actions_up_to_date(as_analyst, make_investigation):
    investigation = make_investigation(status="dismissed")
    body = as_analyst.get(investigation.get_absolute_url(), headers=part("live")).text
    assert 'hx-swap-oob="innerHTML:#announcements">Decided: Dismissed.' in body
    assert "/reopen/" in body and "/dismiss/" not in body and "hx-trigger" not in body


def test_it_exports_the_frozen_evidence(as_analyst, decided):
    response = as_analyst.get(reverse("investigation_evidence", args=[decided.pk]))
    assert response["Content-Disposition"].startswith("attachment")
    content = json.loads(response.content)
    decision = decided.decisions.get()
    assert content["evidence"] == decision.evidence and content["evidence_digest"] == decision.evidence_digest
    assert content["policy"]["document"] == PolicyVersion.objects.get(pk=decision.policy_id).document


def test_it_has_no_evidence_to_export_before_a_decision(as_analyst, make_investigation):
    assert as_analyst.get(reverse("investigation_evidence", args=[make_investigation().pk])).status_code == 404


def test_it_replays_to_the_same_decision(as_analyst, decided):
    assert "Replayed: the same decision" in as_analyst.get(reverse("investigation_replay", args=[decided.pk])).text


def test_it_notices_a_decision_that_does_not_replay(as_analyst, decided):
    decided.decisions.update(outcome="dismissed")
    body = as_analyst.get(reverse("investigation_replay", args=[decided.pk])).text
    assert "does not come out the same" in body and "differs" in body


@pytest.mark.parametrize("number", [0, 999_999, 10**30])
def test_it_knows_nothing_of_other_numbers(as_analyst, number):
    assert as_analyst.get(f"/investigations/{number}/").status_code == 404
