"""The page of the automation: its state everywhere, its numbers in words, and the brakes in people's hands."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime, now

from investigations.choices import Mode, Role, Status
from investigations.models import (
    Actor,
    AuditEvent,
    Automation,
    Decision,
    Investigation,
    PolicyVersion,
    Proposal,
    RuleBrake,
    SampleReview,
    User,
)
from investigations.policy.edit import with_mode
from investigations.services import automation
from investigations.services.policies import activate
from investigations.views.gauges import measured
from tests.playbooks.makers import RULE, dismissed

pytestmark = pytest.mark.django_db
LEA = Actor("lea")
HOSTILE = "<b>odd</b>\u202e"


def get(client: Client, name: str, *args: Any, **query: Any) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return words(response)


def words(response: Any) -> str:
    return " ".join(response.text.split())


@pytest.fixture
def as_lead(client: Client, lead: User) -> Client:
    client.force_login(lead)
    return client


# In the bar of every page


def test_it_stops_in_one_click_from_any_page(as_analyst: Client) -> None:
    page = get(as_analyst, "queue")
    assert "Automatic dismissals on" in page
    form = re.search(r'<form action="/automation/stop/" method="post">.*?</form>', page)
    assert form and "<button" in form[0] and 'type="text"' not in form[0]

    response = as_analyst.post("/automation/stop/", {"next": "/?tab=all"}, follow=True)
    assert Automation.objects.get().stopped_by == "anna"
    assert response.redirect_chain == [("/?tab=all", 302)]
    assert "Dismissals stopped by anna" in words(response)
    assert 'action="/automation/stop/"' not in words(response)


def test_it_says_why_it_was_stopped(as_analyst: Client, lead: User) -> None:
    as_analyst.post("/automation/stop/", {"reason": HOSTILE})
    as_analyst.force_login(lead)
    page = get(as_analyst, "queue")
    assert "&lt;b&gt;odd&lt;/b&gt;⟨U+202E⟩" in page and HOSTILE not in page


def test_it_tells_a_trip_from_a_stop(as_analyst: Client) -> None:
    automation.stop(reason="2 of 3 providers do not answer", actor=LEA, tripped=True)
    page = get(as_analyst, "queue")
    assert re.search(r"Dismissals tripped <time[^>]*>[^<]*</time>: 2 of 3 providers do not answer", page)


def test_it_stops_only_once(as_analyst: Client) -> None:
    automation.stop(reason="first", actor=LEA)
    assert "were stopped already" in words(as_analyst.post("/automation/stop/", follow=True))
    assert Automation.objects.get().stopped_by == "lea"


def test_it_gives_viewers_no_switch(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    for name in ("queue", "automation"):
        assert "Automatic dismissals" in get(client, name) and "/automation/stop/" not in get(client, name)


def test_it_starts_again_only_with_a_reason(as_lead: Client) -> None:
    automation.stop(reason="odd", actor=LEA)
    assert "This field is required" in words(as_lead.post("/automation/start/", {"reason": " "}))
    assert Automation.objects.get().stopped
    as_lead.post("/automation/start/", {"reason": "mended"})
    assert Automation.objects.get().stopped is None
    assert AuditEvent.objects.get(action="automation.started").reason == "mended"
    assert "Automatic dismissals are on already" in words(
        as_lead.post("/automation/start/", {"reason": "again"}, follow=True)
    )


@pytest.mark.parametrize("action", ["start", "configure", *(f"rules/{RULE}/{verb}" for verb in (
    "trip", "release", "caps", "undo/now"))])  # fmt: skip
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.AUDITOR])
def test_it_lets_only_leads_at_the_brakes(client: Client, make_user: Any, role: Role, action: str) -> None:
    client.force_login(make_user("somebody", role))
    assert client.post(f"/automation/{action}/", {"reason": "x"}).status_code == 403
    body = get(client, "rule", RULE)
    assert "/trip/" not in body and "/undo/" not in body


# The numbers


def test_it_says_the_measured_rate_with_its_interval(as_lead: Client, analyst: User) -> None:
    automation.configure({"new_rule_percent": 100}, actor=LEA)
    dismissed(4)
    for sample in SampleReview.objects.order_by("pk")[:3]:
        SampleReview.objects.filter(pk=sample.pk).update(opinion="dismiss", reviewed=now(), reviewer=analyst)
    page = get(as_lead, "automation")
    assert "0 of 3 reviewed dismissals were wrong: 0 %, at most 56.1 %" in page
    assert "4 dismissals, 4 drawn for a blind review" in page
    assert "<b>1 dismissal</b> waits for a review" in page

    SampleReview.objects.filter(opinion="dismiss").update(opinion="escalate")
    assert "3 of 3 reviewed were wrong: about 100 %, between 43.9 and 100 %" in get(as_lead, "automation")


def test_it_says_that_nothing_is_known_without_reviews(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    page = get(client, "automation")
    assert "No dismissal has been reviewed yet: nobody knows how many are wrong" in page
    assert "Nothing was decided automatically in the last 24 hours" in page


def test_it_counts_the_decisions_of_a_day_by_outcome(as_lead: Client, make_investigation: Any) -> None:
    dismissed(3)
    for hours, outcome in [(0, "escalated"), (5, "escalated"), (30, "escalated"), (2, "needs_review")]:
        row = make_investigation(status=outcome)
        Decision.objects.create(
            investigation=row, outcome=outcome, automatic=True, actor="automation", severity="low",
            decided=now() - timedelta(hours=hours),
        )  # fmt: skip
    response = as_lead.get(reverse("automation"))
    day = response.context["day"]
    assert {row.status: (row.last_hour, row.total) for row in day.rows} == {
        Status.DISMISSED: (3, 3),
        Status.NEEDS_REVIEW: (0, 1),
        Status.ESCALATED: (1, 2),
    }
    assert day.hours[0] == ("the last hour", [3, 0, 1]) and day.highest == 4
    assert "the last hour: 3 dismissed" in response.text  # each part of the picture says its number


def test_it_shows_each_rule_against_its_brakes(as_lead: Client) -> None:
    dismissed(2)
    RuleBrake.objects.filter(rule=RULE).update(usual_per_hour=40.0)
    automation.set_caps(RULE, per_hour=300, per_day=0, actor=LEA)
    card = next(card for card in as_lead.get(reverse("automation")).context["cards"] if card.row.rule == RULE)
    assert (card.limit, card.trips_at, card.hour_words) == (120, 120, "2 of 120, usually 40.0")
    assert (card.day_words, card.state) == ("2, no cap", "acts")
    assert card.hour.used.width == 2.0 and card.hour.usual.x == 39.0

    automation.set_caps(RULE, per_hour=2, per_day=None, actor=LEA)
    assert "cap reached" in get(as_lead, "rule", RULE)


def test_it_says_who_tripped_a_rule_and_why(as_lead: Client) -> None:
    as_lead.post(reverse("rule_trip", args=[RULE]), {"reason": HOSTILE})
    page = get(as_lead, "automation")
    assert re.search(r'tripped</span> <span class="small">by lea, <time[^>]*>[^<]*</time>: &lt;b&gt;odd', page)
    assert HOSTILE not in page


def test_it_shows_how_people_agree_with_a_rule_that_only_proposes(as_lead: Client, make_investigation: Any) -> None:
    active = PolicyVersion.objects.get(active=True)
    policy = with_mode(active.document, RULE, Mode.PROPOSE)
    version = PolicyVersion.objects.create(name="x", document=policy, digest="d" * 64, created_by="lea")
    activate(version.pk, reason="slowly", actor=LEA)
    for _ in range(3):
        row = make_investigation()
        decision = row.decisions.create(outcome="needs_review", automatic=True, actor="automation", severity="low")
        Proposal.objects.create(
            investigation=row, decision=decision, policy=version, rule=RULE, outcome="dismissed", severity="low"
        )
        row.decisions.create(outcome="dismissed", automatic=False, actor="anna", severity="low")
    page = get(as_lead, "automation")
    assert "only proposes" in page and "people agreed with 3 of 3 (100 %)" in page


def test_it_knows_a_rule_that_only_has_a_past(as_lead: Client) -> None:
    dismissed(1, moment=now() - timedelta(days=3))
    Decision.objects.update(rule="gone")
    assert "not in the policy in force" in get(as_lead, "rule", "gone")
    assert as_lead.get(reverse("rule", args=["never"])).status_code == 404
    assert as_lead.post(reverse("rule_trip", args=["never"]), {"reason": "x"}).status_code == 404
    assert not RuleBrake.objects.filter(rule="never").exists()


def test_it_says_no_more_than_one_review_tells() -> None:
    from investigations.queries.automation import Estimate

    one = measured(Estimate(population=9, drawn=1, reviewed=1, rate=0.0, low=0.0, high=0.793))
    assert one.words == "0 of 1 reviewed dismissal was wrong: 0 %, at most 79.3 %"
    assert one.picture and one.picture.top == 1.0


# The brakes


def test_it_trips_caps_and_releases_a_rule(as_lead: Client) -> None:
    assert "This field is required" in words(as_lead.post(reverse("rule_trip", args=[RULE]), {"reason": ""}))
    as_lead.post(reverse("rule_trip", args=[RULE]), {"reason": "odd"})
    as_lead.post(reverse("rule_caps", args=[RULE]), {"per_hour": "7", "per_day": ""})
    row = RuleBrake.objects.get(rule=RULE)
    assert (row.trip_reason, row.per_hour, row.per_day) == ("odd", 7, None)
    page = get(as_lead, "rule", RULE)
    assert 'name="per_hour" value="7"' in page and "/release/" in page and "/trip/" not in page

    as_lead.post(reverse("rule_release", args=[RULE]), {"reason": "fine"})
    assert RuleBrake.objects.get(rule=RULE).tripped is None
    again = words(as_lead.post(reverse("rule_release", args=[RULE]), {"reason": "fine"}, follow=True))
    assert "The rule is not tripped" in again


@pytest.mark.parametrize("caps", [{"per_hour": "-1"}, {"per_day": "many"}, {"per_hour": "99999999999"}])
def test_it_refuses_caps_that_are_none(as_lead: Client, caps: dict[str, str]) -> None:
    response = as_lead.post(reverse("rule_caps", args=[RULE]), caps)
    assert response.status_code == 200 and "errorlist" in response.text
    assert not RuleBrake.objects.filter(rule=RULE).exists()


def settings_form(**changes: Any) -> dict[str, Any]:
    row = Automation.objects.get()
    names = [name for name in automation.CONFIGURABLE if name != "four_eyes"]
    return {name: getattr(row, name) for name in names} | changes


def test_it_keeps_four_eyes_to_those_who_configure(as_lead: Client, admin: User, lead: User) -> None:
    assert "four_eyes" not in get(as_lead, "automation_settings")
    as_lead.post("/automation/configure/", settings_form(per_hour=5, four_eyes="on"))
    assert (Automation.objects.get().per_hour, Automation.objects.get().four_eyes) == (5, False)

    as_lead.force_login(admin)
    as_lead.post("/automation/configure/", settings_form(four_eyes="on"))
    assert Automation.objects.get().four_eyes
    # Whoever may not switch them does not switch them off either, by leaving them out
    as_lead.force_login(lead)
    as_lead.post("/automation/configure/", settings_form(per_hour=6))
    assert (Automation.objects.get().per_hour, Automation.objects.get().four_eyes) == (6, True)
    assert AuditEvent.objects.filter(action="automation.configured").count() == 3


@pytest.mark.parametrize(
    "wrong", [{"trip_factor": "0.5"}, {"trip_factor": "nan"}, {"min_answering": "101"}, {"per_hour": "-1"}]
)
def test_it_shows_what_is_wrong_with_settings(as_lead: Client, wrong: dict[str, str]) -> None:
    response = as_lead.post("/automation/configure/", settings_form(**wrong))
    assert response.status_code == 200 and "errorlist" in response.text
    assert not AuditEvent.objects.filter(action="automation.configured").exists()


def test_it_tells_the_history_of_the_brakes(as_lead: Client) -> None:
    as_lead.post("/automation/stop/", {"reason": "odd"})
    as_lead.post("/automation/start/", {"reason": "mended"})
    as_lead.post(reverse("rule_caps", args=[RULE]), {"per_hour": "7"})
    as_lead.post("/automation/configure/", settings_form(per_day=9))
    page = get(as_lead, "automation").partition("What was done with the brakes")[2]
    for told in ("stopped all dismissals", "“odd”", "started dismissals again", f"<b>rule {RULE}</b>",
                 "<del>10000</del> → <ins>9</ins>"):  # fmt: skip
        assert told.strip("“”") in page, told
    assert "per_hour" in get(as_lead, "rule", RULE)


# Undo


def since(**ago: float) -> str:
    return localtime(now() - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%S")


def test_it_shows_what_an_undo_would_do(as_lead: Client) -> None:
    old, recent = dismissed(1, moment=now() - timedelta(hours=5)), dismissed(2, start=11)
    page = get(as_lead, "rule_undo", RULE)
    assert "3 dismissals since" in page
    page = get(as_lead, "rule_undo", RULE, since=since(hours=1))
    assert "2 dismissals since" in page and "Undo 2 dismissals" in page
    assert all(f"/investigations/{one.investigation_id}/" in page for one in recent)
    assert f"/investigations/{old[0].investigation_id}/" not in page


def test_it_takes_times_in_the_persons_zone(as_lead: Client) -> None:
    as_lead.cookies["tz"] = "Asia/Tokyo"
    response = as_lead.get(reverse("rule_undo", args=[RULE]), {"since": "2026-11-24T10:00"})
    assert response.context["since"].isoformat() == "2026-11-24T10:00:00+09:00"
    assert "24 Nov 2026 10:00:00 JST" in response.text


@pytest.mark.parametrize("wrong", ["", "yesterday", "2026-13-01T00:00"])
def test_it_asks_for_a_time_that_is_one(as_lead: Client, wrong: str) -> None:
    dismissed(1)
    page = get(as_lead, "rule_undo", RULE, since=wrong)
    assert "errorlist" in page and "/undo/now/" not in page


def test_it_offers_the_time_since_the_policy_is_in_force(as_lead: Client) -> None:
    version = PolicyVersion.objects.get(active=True)
    PolicyVersion.objects.update(activated=now() - timedelta(days=2))
    page = get(as_lead, "rule_undo", RULE)
    assert f"since policy {version.pk} is in force" in page and "the last hour" in page


def test_it_undoes_with_a_reason_and_trips(as_lead: Client) -> None:
    dismissed(2)
    url = reverse("rule_undo_now", args=[RULE])
    refused = as_lead.post(url, {"since": since(hours=1), "reason": " ", "trip": "on"})
    assert refused.status_code == 200 and "This field is required" in refused.text
    assert "2 dismissals since" in words(refused)
    assert Investigation.objects.filter(status=Status.DISMISSED).count() == 2

    done = as_lead.post(url, {"since": since(hours=1), "reason": "a bad feed", "trip": "on"}, follow=True)
    assert "2 dismissals were undone and given to people" in words(done)
    assert set(Investigation.objects.values_list("status", flat=True)) == {Status.NEEDS_REVIEW}
    assert RuleBrake.objects.get(rule=RULE).trip_reason == "a bad feed"


def test_it_can_be_repeated(as_lead: Client) -> None:
    dismissed(1)
    data = {"since": since(hours=1), "reason": "a bad feed"}
    as_lead.post(reverse("rule_undo_now", args=[RULE]), data)
    again = as_lead.post(reverse("rule_undo_now", args=[RULE]), data, follow=True)
    assert "there was nothing left to undo" in words(again)
    assert Decision.objects.filter(automatic=False).count() == 1
    assert RuleBrake.objects.get(rule=RULE).tripped is None
    assert "Nothing to undo" in get(as_lead, "rule_undo", RULE)
