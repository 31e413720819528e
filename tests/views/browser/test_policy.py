"""The editor in a real browser: suggestions by keyboard, checks while typing, jumps, and nothing lost by accident."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from investigations.models import PolicyDraft, PolicyVersion, User
from investigations.policy.document import default_policy
from tests.views.browser.conftest import enter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
DEFAULT = default_policy().text


@pytest.fixture
def draft(db: Any) -> PolicyDraft:
    return PolicyDraft.objects.create(document=DEFAULT, base=PolicyVersion.objects.get(active=True), author="lea")


@pytest.fixture
def desk(browser: Browser, live_server: Any, lead: User) -> Iterator[Page]:
    """A lead's window; whatever the browser complains about fails the test."""
    problems: list[str] = []
    page = enter(browser.new_context(viewport={"width": 1440, "height": 900}), live_server, "lea")
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert not problems


def test_it_writes_a_rule_by_keyboard(desk: Page, live_server: Any, draft: PolicyDraft) -> None:
    desk.goto(f"{live_server.url}{reverse('policy_draft', args=[draft.pk])}")
    text, keyboard = desk.locator("#id_document"), desk.keyboard
    text.click()
    keyboard.press("Control+End")
    keyboard.type('\n[[rule]]\nname = "mine"\nwhen = \'noise_seen_')
    expect(desk.locator("#completion")).to_be_visible()
    expect(text).to_have_attribute("aria-activedescendant", "completion-0")
    keyboard.press("Enter")
    keyboard.type(" > 2 && malcious > 0'\noutc")
    expect(desk.locator("#completion")).to_be_visible()
    keyboard.press("Enter")
    keyboard.type(" = ")
    keyboard.press("Control+Space")
    expect(desk.locator("#completion")).to_be_visible()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    keyboard.type('\nreason = "Because"')
    keyboard.press("Escape")
    assert text.input_value().endswith(
        'when = \'noise_seen_by > 2 && malcious > 0\'\noutcome = "needs_review"\nreason = "Because"'
    )

    # Checked while typing; the link leads to the very word
    desk.locator("#check li", has_text="malcious").locator("a[data-line]").click(timeout=10_000)
    assert text.evaluate("(it) => it.value.slice(it.selectionStart, it.selectionEnd)") == "malcious"
    keyboard.type("malicious")
    expect(desk.locator("#check")).to_contain_text("Can be stored", timeout=10_000)

    # Nothing is lost by accident
    asked = []
    desk.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    desk.get_by_role("link", name="Queue").click()
    desk.wait_for_timeout(300)
    assert asked == ["beforeunload"] and "/drafts/" in desk.url
    desk.get_by_role("button", name="Save and check").click()
    expect(desk.locator("main")).to_contain_text("Saved.")
    assert PolicyDraft.objects.get().document.endswith('reason = "Because"')


def test_it_finds_a_fact(desk: Page, live_server: Any, draft: PolicyDraft) -> None:
    desk.goto(f"{live_server.url}{reverse('policy_draft', args=[draft.pk])}")
    desk.fill("#fact-search", "reporters")
    expect(desk.locator("[data-fact]:visible").first).to_contain_text("heavy_noise")
    desk.fill("#fact-search", "no such fact")
    expect(desk.locator("#no-fact")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_accessible_and_fits(
    browser: Browser, live_server: Any, lead: User, draft: PolicyDraft, theme: Any, width: int
) -> None:
    document = DEFAULT.replace("business_service", "bussiness_service", 1)
    PolicyDraft.objects.create(document=document, author="lea")
    active = PolicyVersion.objects.get(active=True)
    other = PolicyVersion.objects.create(name="other", document=DEFAULT + "\n# x\n", digest="0" * 64, shadow=True)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = enter(context, live_server, "lea")
    addresses = [
        reverse("policy"),
        reverse("policy_version", args=[active.pk]),
        reverse("policy_activation", args=[other.pk]),
        reverse("policy_agreement", args=[other.pk]),
        reverse("policy_rule_agreement", args=[active.pk, "internet-noise"]),
        f"{reverse('policy_diff')}?old={active.pk}&new={other.pk}",
        *(reverse("policy_draft", args=[one.pk]) for one in PolicyDraft.objects.all()),
    ]
    for address in addresses:
        page.goto(f"{live_server.url}{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        results = Axe().run(page)
        assert results.violations_count == 0, f"{address}\n{results.generate_report()}"
