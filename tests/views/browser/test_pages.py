"""In a real browser: accessible in both themes, clean under the policy, live without losing one's place."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import now
from playwright.sync_api import expect

from investigations.models import Investigation
from tests.views.browser.conftest import enter

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def scene(make_investigation, add_evidence, add_alert, add_decision) -> Investigation:
    """A queue with something in every state, and one investigation that has everything."""
    for status in ("needs_review", "dismissed", "enriching"):
        add_evidence(make_investigation(status=status), outcome="timeout", verdict="unknown")
    full = make_investigation(status="escalated", severity="high", place="NL · AS64496")
    for minutes in range(60):
        add_alert(full, minutes=minutes, victim_port=22 + minutes % 3, answered=minutes == 7)
    for provider, verdict in [
        ("greynoise", "malicious"),
        ("spamhaus", "suspicious"),
        ("dns", "unknown"),
        ("cymru", "benign"),
    ]:
        add_evidence(full, provider, verdict=verdict, summary="says something", link="https://provider.example/x")
    add_decision(full, reasons=[{"text": "Because", "kind": "for", "verdict": "malicious", "provider": "greynoise"}])
    return full


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_accessible_and_fits(browser, live_server, admin, scene, theme, width):
    # axe is a script of its own, which the policy refuses
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True)
    page = enter(context, live_server, "ada")
    paths = ["/", "/?tab=enriching", "/?tab=mine", scene.get_absolute_url(), "/submit/", "/providers/"]
    for path in [*paths, "/providers/virustotal/", "/users/", "/tokens/", "/audit/", "/accounts/password/"]:
        page.goto(live_server.url + path)
        violations = Axe().run(page).response["violations"]
        assert not [(item["id"], item["nodes"][0]["html"]) for item in violations], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_it_moves_by_keys_and_keeps_the_place_while_the_list_renews_itself(page, scene):
    page.reload()
    page.keyboard.press("j")
    second = page.locator(".row").nth(1)
    expect(second).to_be_focused()
    expect(page.locator("#preview [name=selected]")).to_have_value((second.get_attribute("id") or "")[4:])
    with page.expect_response(lambda response: response.request.headers.get("hx-target") == "queue-list"):
        pass
    expect(second).to_be_focused()
    expect(second).to_have_attribute("aria-current", "true")


def test_it_opens_the_form_of_a_key_and_decides(page, scene):
    page.reload()
    page.keyboard.press("d")
    page.keyboard.press("n")  # the select has the focus: chooses by letter
    expect(page.locator("details[open] [name=disposition]")).to_be_focused()
    page.select_option("details[open] [name=disposition]", "noise")
    page.click("details[open] button")
    expect(page.locator(".message.success")).to_contain_text("dismissed")
    scene.refresh_from_db()
    assert scene.status == "dismissed"


def test_it_brings_the_end_of_an_investigation_without_losing_what_is_typed(page, live_server, make_investigation):
    investigation = make_investigation(status="enriching", headline="")
    page.goto(live_server.url + investigation.get_absolute_url())
    page.keyboard.press("m")
    page.keyboard.type("half a thought")
    Investigation.objects.filter(pk=investigation.pk).update(
        status="escalated", severity="high", headline="It was a scanner", due=None, decided=now()
    )
    expect(page.locator("h1")).to_have_text("It was a scanner")
    expect(page.locator("#announcements")).to_contain_text("Decided: Escalated")
    expect(page.locator("#actions")).to_contain_text("Confirm escalation")
    expect(page.locator("[name=text]")).to_have_value("half a thought")
    expect(page.locator("#live")).not_to_have_attribute("hx-trigger", "every 2s")


def test_it_switches_the_theme_at_once_and_for_good(page):
    page.click("button[value=dark]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_it_works_without_script(browser, live_server, analyst, scene):
    page = enter(browser.new_context(java_script_enabled=False), live_server, "anna")
    page.click(".row >> nth=1")
    assert "selected=" in page.url
    page.click("#preview summary:has-text('Dismiss')")
    page.select_option("#preview details[open] [name=disposition]", "noise")
    page.click("#preview details[open] button")
    expect(page.locator(".message.success")).to_contain_text("dismissed")
