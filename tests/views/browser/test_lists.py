"""Our own lists and the inventory in a real browser: accessible, narrow enough, without a script."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils.timezone import now
from playwright.sync_api import Browser

from investigations.management.demo_lists import furnish
from investigations.models import Actor, ListEntry, User
from investigations.queries.networks import forget
from tests.views.browser.conftest import enter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _lists() -> Any:
    """Entries of every list, of which one has expired, and an inventory."""
    forget()
    furnish(Actor("lea"))
    ListEntry.objects.filter(kind="deny").update(expires=now() - timedelta(days=2))
    yield
    forget()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_accessible_and_fits(browser: Browser, live_server: Any, admin: User, theme: Any, width: int) -> None:
    # axe is a script of its own, which the policy refuses
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True)
    page = enter(context, live_server, "ada")
    scanner = ListEntry.objects.filter(kind="authorised_scanner").latest("pk").pk
    paths = ["/lists/", "/lists/?kind=authorised_scanner", "/lists/?kind=deny", "/lists/?kind=deny&q=nowhere"]
    paths += ["/lists/add/?kind=authorised_scanner&value=203.0.113.9", f"/lists/{scanner}/", "/lists/import/"]
    for path in [*paths, "/lists/exposure/", "/lists/exposure/?q=22"]:
        page.goto(live_server.url + path)
        for closed in page.locator("main details:not([open]) > summary").all():
            closed.click()
        violations = Axe().run(page).response["violations"]
        assert not [(item["id"], item["nodes"][0]["html"]) for item in violations], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_it_puts_a_scanner_on_the_list_without_a_script(browser: Browser, live_server: Any, lead: User) -> None:
    page = enter(browser.new_context(java_script_enabled=False), live_server, "lea")
    page.goto(f"{live_server.url}/lists/add/?kind=authorised_scanner&value=96.0.0.0/8")
    page.get_by_label("What it is").fill("Survey of the Internet")
    page.get_by_label("Reason").fill("Agreed with the board")
    page.get_by_label("Mon").first.check()
    page.get_by_label("Tue").first.check()
    page.get_by_label("From").first.fill("22:00")
    page.get_by_label("To").first.fill("04:00")
    page.get_by_label("May scan").fill("10.20.0.0/16")
    page.get_by_role("button", name="Add it").click()
    assert not ListEntry.objects.filter(label="Survey of the Internet").exists()
    page.get_by_label("I mean it").check()
    page.get_by_role("button", name="Add it").click()

    row = ListEntry.objects.get(label="Survey of the Internet")
    assert row.windows == [{"days": [0, 1], "from": "22:00", "to": "04:00"}]
    assert (row.value, row.targets, row.owner) == ("96.0.0.0/8", ["10.20.0.0/16"], "lea")
    assert "Mon, Tue 22:00–04:00 UTC" in page.inner_text("main")
