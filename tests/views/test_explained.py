"""The page of an investigation explains itself: who stands where, what we knew ourselves, what is still to come."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from investigations.choices import Outcome
from investigations.models import Decision, Investigation, PolicyVersion, Proposal, ScannedPort, User
from investigations.policy.decide import decide
from investigations.policy.evidence import Evidence, Held, Listed, Remembered, ScanFacts
from investigations.policy.flips import nearest_flip
from investigations.queries.policies import active_policy
from investigations.queries.voices import voices_of
from tests.policy.makers import (
    QUIET,
    SOURCE,
    answer,
    evidence,
    failed,
    harmless,
    malicious,
    named,
    noise,
    not_found,
    scanner,
    suspicious,
)
from tests.views.conftest import HOSTILE, part

pytestmark = pytest.mark.django_db
BENIGN = answer("virustotal", "benign", "weak", summary="belongs to a census")


@pytest.fixture
def explain(make_investigation: Any) -> Any:
    """Store what the policy in force makes of some evidence."""

    def made(facts: Evidence, **changes: Any) -> Investigation:
        version, policy = active_policy()
        decided = decide(policy, facts)
        row: Investigation = make_investigation(
            subject=facts.source, status=decided.outcome, headline=decided.headline, alert_count=facts.scan.alerts
        )
        shape = decided.as_json()
        Decision.objects.create(
            investigation=row, automatic=True, actor="automation", policy_id=version, evidence=facts.as_json(),
            evidence_digest=facts.digest, flip=nearest_flip(policy, facts) or "",
            **{name: shape[name] for name in ("outcome", "rule", "severity", "disposition", "verdict", "targeting",
                                              "headline", "reasons")}, **changes,
        )  # fmt: skip
        return row

    return made


def page(client: Client, investigation: Investigation) -> str:
    response = client.get(investigation.get_absolute_url())
    assert response.status_code == 200
    return " ".join(response.text.split())


def groups(investigation: Investigation) -> dict[str, list[str]]:
    return {group.name: [one.label for one in group.voices] for group in voices_of(last(investigation)).groups}


def last(investigation: Investigation) -> Decision:
    return investigation.decisions.latest("pk")


# For, against and silent


def test_it_puts_each_provider_on_its_side(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive"), malicious("abuseipdb"), BENIGN, failed("spamhaus"), named()))
    assert groups(row) == {
        "For escalating": ["GreyNoise", "AbuseIPDB"],
        "Against escalating": ["VirusTotal"],
        "Silent": ["Spamhaus"],
    }
    body = page(as_analyst, row)
    strip = body[body.index('<dl class="voices"') : body.index("</dl>", body.index('<dl class="voices"'))]
    assert f'VirusTotal<span class="unseen">: benign on {SOURCE}: belongs to a census</span>' in strip
    assert f'Spamhaus<span class="unseen">: no answer in time on {SOURCE}</span>' in strip
    assert "#malicious" in strip and "#benign" in strip and "#silent" in strip
    assert body.index("<dl class=") < body.index('<ul class="reasons">')
    assert "Only facts, no opinion: DNS" in body


def test_it_names_the_sides_after_the_outcome(explain: Any) -> None:
    assert "For dismissing" in groups(explain(evidence(named(), scanner())))
    undecided = groups(explain(evidence(suspicious("abuseipdb"), not_found("greynoise"), BENIGN)))
    assert undecided["Against the source"] == ["AbuseIPDB"] and undecided["For the source"] == ["VirusTotal"]


def test_it_shows_a_provider_once_on_a_side_with_all_it_said(explain: Any) -> None:
    domain = malicious("virustotal", artifact="scan-07.census.example")
    row = explain(evidence(named(), malicious("virustotal"), domain, noise("malicious")))
    voices = voices_of(last(row)).groups[0].voices
    assert [one.label for one in voices] == ["VirusTotal", "GreyNoise"] or len(voices) == 2
    told = next(one.says for one in voices if one.label == "VirusTotal")
    assert f"malicious on {SOURCE}" in told and "malicious on scan-07.census.example" in told


@pytest.mark.parametrize("outcome", [Outcome.THROTTLED, Outcome.AUTH_ERROR, Outcome.ERROR, Outcome.PENDING])
def test_it_counts_no_failure_as_an_opinion(explain: Any, outcome: Outcome) -> None:
    row = explain(evidence(noise("malicious", "decisive"), failed("virustotal", outcome)))
    assert groups(row)["Silent"] == ["VirusTotal"]
    shape = voices_of(last(row)).groups[-1].voices[0].shape
    assert shape == ("waiting" if outcome == Outcome.PENDING else "silent")


def test_it_counts_an_old_answer_as_silent(explain: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive"), replace(malicious("virustotal"), fresh=False)))
    silent = voices_of(last(row)).groups[-1]
    assert (silent.name, silent.voices[0].shape) == ("Silent", "silent") and "too old" in silent.voices[0].says


@pytest.mark.parametrize(
    "stored", [{}, [], {"answers": None}, {"answers": [None, 7, {}]}, {"scan": 3, "lists": [1], "memory": {"a": 1}},
               {"answers": [{"provider": "x", "artifact": "y", "outcome": "?", "verdict": "?"}]}]
)  # fmt: skip
def test_it_survives_evidence_of_another_shape(as_analyst: Client, explain: Any, stored: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive")))
    row.decisions.update(evidence=stored)
    page(as_analyst, row)


# Disagreement


def test_it_names_both_sides_of_a_disagreement(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive"), BENIGN))
    body = page(as_analyst, row)
    told = body[body.index('<p class="disagreement">') :].partition("</p>")[0]
    assert re.search(r"GreyNoise malicious</span>.*but.*VirusTotal benign", told)
    assert body.count("The providers disagree") == 1


def test_it_shows_a_disagreement_that_is_too_weak_for_the_policy(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(suspicious("abuseipdb"), not_found("greynoise"), BENIGN))
    assert "AbuseIPDB suspicious</span>" in page(as_analyst, row)


def test_it_sees_none_where_nobody_contradicts(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive"), malicious("abuseipdb"), harmless("virustotal"), named()))
    assert "disagree" not in page(as_analyst, row)


# What we know ourselves


OURS = Listed(
    "authorised_scanner", 4, "203.0.113.0/24", "Qualys <b>Frankfurt</b>", "lea", "Quarterly scan", "SEC-4412",
    "2026-12-24T00:00:00+00:00", "outside_window", "it may scan Mon–Fri 22:00–04:00 UTC",
)  # fmt: skip
EARLIER = Remembered("source", SOURCE, "true_positive", "escalated", "2026-11-20T10:00:00+00:00", "anna", 4711)


def test_it_tells_what_our_lists_say(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(not_found("greynoise"), lists=(OURS,)))
    body = page(as_analyst, row)
    for told in ("Quarterly scan; lea answers for it, SEC-4412, until 2026-12-24", "outside its window"):
        assert told in body, told
    assert f'href="/lists/{OURS.entry}/"' in body
    assert "Qualys &lt;b&gt;Frankfurt&lt;/b&gt;" in body


def test_it_links_to_what_people_decided_before(as_analyst: Client, explain: Any) -> None:
    second = replace(EARLIER, about="network", value="203.0.113.0/24", investigation=4712, by="lea")
    body = page(as_analyst, explain(evidence(not_found("greynoise"), memory=(EARLIER, second))))
    first = body.index("anna escalated it as true positive 3 days ago, INV-4711")
    assert body.index('href="/investigations/4711/"') > first
    assert body.index("lea escalated a neighbour") < body.index('href="/investigations/4712/"')


def test_it_tells_what_of_ours_is_open(as_analyst: Client, explain: Any, add_alert: Any) -> None:
    scan = ScanFacts(alerts=4, ports=900, targets=3, answered=False, exposed=3, exposed_ports=(22, 443, 8443))
    row = explain(evidence(not_found("greynoise"), scan=scan))
    add_alert(row)
    for port in (22, 23):
        ScannedPort.objects.create(investigation=row, port=port, alerts=2)
    body = page(as_analyst, row)
    assert "3 of 900 probed ports are open on you: 22 SSH, 443 HTTPS and 8443" in body
    marked = re.findall(r"<tr><td><code>(\d+)</code></td>.*?</tr>", body)
    assert marked == ["22", "23"]
    assert re.search(r"<code>22</code></td>[^/]*/td><td[^/]*/td><td><b class=\"suspicious\">open</b>", body)
    assert body.count(">open</b>") == 1


def test_it_says_nothing_of_exposure_that_is_not_known(as_analyst: Client, explain: Any, add_alert: Any) -> None:
    row = explain(evidence(not_found("greynoise")))
    add_alert(row)
    ScannedPort.objects.create(investigation=row, port=22, alerts=2)
    body = page(as_analyst, row)
    assert "open on you" not in body and "<th>On us</th>" not in body


@pytest.mark.parametrize("name, offered", [("lea", True), ("anna", False)])
def test_it_offers_to_add_the_source_to_a_list(
    client: Client, explain: Any, lead: User, analyst: User, name: str, offered: bool
) -> None:
    client.force_login(lead if name == "lea" else analyst)
    body = page(client, explain(evidence(not_found("greynoise"))))
    assert (f'href="/lists/add/?kind=allow&amp;value={SOURCE}"' in body) is offered


# Brakes, proposals, the shadow


def test_it_says_which_brake_held_a_dismissal(as_analyst: Client, explain: Any) -> None:
    held = (Held("*", "automatic dismissals were stopped by lea: odd"),)
    row = explain(evidence(named(), scanner(), held=held))
    body = page(as_analyst, row)
    assert row.status == "needs_review"
    assert "proposes “dismissed”, but automatic dismissals were stopped by lea: odd" in body
    assert "A brake was on when this was decided" in body and f'href="{reverse("automation")}"' in body


def test_it_tells_what_the_shadow_would_have_done(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive")))
    other = PolicyVersion.objects.create(name="x", document="x", digest="x" * 64, created_by="lea")
    values = {"investigation": row, "decision": last(row), "outcome": "dismissed", "severity": "low"}
    Proposal.objects.create(policy=other, rule="calmer", disposition="noise", **values)
    Proposal.objects.create(policy=PolicyVersion.objects.get(active=True), rule="own", **values)
    body = page(as_analyst, row)
    assert "would have decided: dismissed as internet noise, by rule calmer" in body
    assert "by rule own" not in body


def test_it_tells_the_nearest_change_that_would_flip_it(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(named(), scanner()))
    assert last(row).flip and last(row).flip in page(as_analyst, row)


# Answers still to come


def test_it_says_that_answers_are_still_to_come(as_analyst: Client, explain: Any, add_evidence: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive"), failed("virustotal", Outcome.PENDING)))
    for provider in ("virustotal", "spamhaus", "abuseipdb"):
        add_evidence(row, provider, outcome="pending", verdict="unknown")
    body = page(as_analyst, row)
    assert "Escalated at once; 3 answers still to come" in body
    assert f'hx-get="{row.get_absolute_url()}?late=1" hx-trigger="every 2s"' in body


def test_it_looks_again_without_announcing_the_decision_each_time(
    as_analyst: Client, explain: Any, add_evidence: Any
) -> None:
    row = explain(evidence(noise("malicious", "decisive")))
    late = add_evidence(row, "virustotal", outcome="pending", verdict="unknown")
    again = as_analyst.get(f"{row.get_absolute_url()}?late=1", headers=part("live")).text
    assert "announcements" not in again and "<form" not in again and 'hx-trigger="every 2s"' in again

    type(late).objects.filter(pk=late.pk).update(outcome="ok", answered=now() + timedelta(seconds=1))
    done = as_analyst.get(f"{row.get_absolute_url()}?late=1", headers=part("live")).text
    assert "All answers are in." in done and "hx-trigger" not in done and "Decided:" not in done


def test_it_announces_the_escalation_that_comes_before_the_rest(
    as_analyst: Client, explain: Any, add_evidence: Any
) -> None:
    row = explain(evidence(noise("malicious", "decisive")))
    add_evidence(row, "virustotal", outcome="pending", verdict="unknown")
    first = as_analyst.get(row.get_absolute_url(), headers=part("live")).text
    assert "Decided: Escalated." in first and "/escalate/" in first and "?late=1" in first


def test_it_shows_the_same_in_the_preview(as_analyst: Client, explain: Any) -> None:
    row = explain(evidence(noise("malicious", "decisive"), BENIGN))
    body = as_analyst.get(reverse("queue"), {"selected": row.pk}).text
    assert '<dl class="voices"' in body and "The providers disagree" in body


def test_it_escapes_what_providers_lists_and_people_say(as_analyst: Client, explain: Any) -> None:
    entry = replace(OURS, label=HOSTILE, owner=HOSTILE, reason=HOSTILE, ticket=HOSTILE, detail=HOSTILE)
    facts = evidence(
        noise("malicious", "decisive"), replace(BENIGN, summary=HOSTILE, label=HOSTILE), lists=(entry,),
        memory=(replace(EARLIER, by=HOSTILE),), held=(Held("*", HOSTILE),), scan=replace(QUIET, signatures=(HOSTILE,)),
    )  # fmt: skip
    body = page(as_analyst, explain(facts))
    assert "<script>alert" not in body and '<b hx-get="/users/">' not in body and "\u202e" not in body
