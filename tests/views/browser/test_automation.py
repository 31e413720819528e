"""The automation and the blind review in a real browser: accessible, narrow enough, by keyboard, without script."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import Browser, Page, expect

from investigations.choices import Outcome, Status
from investigations.models import Actor, Automation, Decision, Investigation, PolicyVersion, SampleReview, User
from investigations.playbooks.finish import decision_of
from investigations.services import automation
from tests.playbooks.makers import RULE, dismissed, judged
from tests.policy.makers import answer, evidence, failed, malicious, noise
from tests.views.browser.conftest import enter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LEA = Actor("lea")


@pytest.fixture
def samples(analyst: User) -> list[SampleReview]:
    """Three that wait and one that is reviewed, of a rule that is at its cap."""
    automation.configure({"new_rule_percent": 100}, actor=LEA)
    dismissed(4)
    automation.set_caps(RULE, per_hour=4, per_day=None, actor=LEA)
    automation.trip("internet-noise", reason="212 dismissals in an hour, where 9.3 are usual", actor=LEA)
    rows = list(SampleReview.objects.order_by("drawn", "pk"))
    SampleReview.objects.filter(pk=rows[3].pk).update(opinion="dismiss", reviewed=now(), reviewer=analyst)
    return rows[:3]


@pytest.fixture
def explained(add_evidence: Any) -> Investigation:
    """An escalation with two sides, a provider that failed, and an answer to come."""

    def contested(address: str) -> Any:
        voices = [noise("malicious", "decisive"), malicious("abuseipdb"), answer("virustotal", "benign", "weak")]
        return evidence(*voices, failed("spamhaus", Outcome.PENDING))

    run = judged(200, evidence_of=contested)
    decision_of(run, PolicyVersion.objects.get(active=True).pk, now()).save()
    row = Investigation.objects.get(pk=run.case.investigation)
    Investigation.objects.filter(pk=row.pk).update(status=Status.ESCALATED, due=None, headline="It was a scanner")
    add_evidence(row, "spamhaus", outcome="pending", verdict="unknown")
    return row


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_accessible_and_fits(
    browser: Browser,
    live_server: Any,
    admin: User,
    samples: list[SampleReview],
    explained: Investigation,
    theme: Any,
    width: int,
) -> None:
    # axe is a script of its own, which the policy refuses
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True)
    page = enter(context, live_server, "ada")
    rule = reverse("rule", args=[RULE])
    paths = ["/automation/", "/automation/settings/", rule, f"{rule}undo/", "/samples/"]
    for path in [*paths, reverse("sample_detail", args=[samples[0].pk]), explained.get_absolute_url()]:
        look(page, live_server.url + path, width)
    page.locator(".automation summary").click()
    look(page, "", width)
    page.get_by_role("button", name="Stop with this reason").click()
    look(page, f"{live_server.url}/automation/", width)


def look(page: Page, url: str, width: int) -> None:
    if url:
        page.goto(url)
    violations = Axe().run(page).response["violations"]
    assert not [(item["id"], item["nodes"][0]["html"]) for item in violations], url
    assert page.evaluate("document.documentElement.scrollWidth") <= width, url


def test_it_reviews_by_keyboard(page: Page, live_server: Any, samples: list[SampleReview]) -> None:
    page.goto(f"{live_server.url}/samples/")
    page.get_by_role("link", name="Begin with the oldest").click()
    expect(page.locator("h1")).to_have_text("What would you have done?")
    page.keyboard.press("e")
    expect(page.locator("[value=escalate]")).to_be_focused()
    page.keyboard.press("d")  # thought again
    expect(page.locator("[value=dismiss]")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(".revealed")).to_contain_text(RULE)
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    expect(page.locator(".revealed")).to_contain_text("neither as right nor as wrong")
    opinions = SampleReview.objects.filter(pk__in=[one.pk for one in samples]).order_by("drawn", "pk")
    assert list(opinions.values_list("opinion", flat=True)) == ["dismiss", "unsure", ""]


@pytest.mark.parametrize("script", [True, False])
def test_it_stops_in_one_click(browser: Browser, live_server: Any, analyst: User, script: bool) -> None:
    page = enter(browser.new_context(java_script_enabled=script), live_server, "anna")
    page.get_by_role("button", name="Stop automatic dismissals").click()
    expect(page.locator(".bar")).to_contain_text("Dismissals stopped by anna")
    assert Automation.objects.get().stopped_by == "anna"


def test_it_stops_by_keyboard(page: Page, live_server: Any) -> None:
    page.locator("#search").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stop automatic dismissals")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".message.success")).to_contain_text("are stopped")


def test_it_says_when_the_last_answers_are_in(page: Page, live_server: Any, explained: Investigation) -> None:
    page.goto(live_server.url + explained.get_absolute_url())
    expect(page.locator(".early")).to_contain_text("Escalated at once; 1 answer still to come")
    explained.enrichments.update(outcome="ok", answered=now())
    expect(page.locator("#announcements")).to_have_text("All answers are in.", timeout=10_000)
    expect(page.locator(".early")).to_have_count(0)
    assert Decision.objects.filter(investigation=explained).count() == 1
