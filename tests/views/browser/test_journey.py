"""One shift in a real browser: from a running investigation to the audit history, with a real engine."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from investigations.models import Investigation, User
from investigations.playbooks.engine import Engine
from investigations.services.ingest import store
from tests.makers import make_alert
from tests.views.browser.conftest import enter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def worker(simulator: Any) -> Iterator[Any]:
    """Starts a worker's engine in a thread, on providers that take their time."""
    threads: list[threading.Thread] = []

    def work() -> None:
        try:
            with Engine() as engine:
                engine.run(30)
        finally:
            connection.close()

    def start() -> None:
        simulator.faults.latency_ms = 1500
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


def press(page: Page, key: str, form: str) -> None:
    """Open a form by its key, as an analyst does who keeps the hands on the keyboard."""
    page.locator("body").press(key)
    expect(page.locator(f"details[id^={form}][open]")).to_be_visible()


def test_it_carries_a_shift(page: Page, worker: Any, browser: Browser, live_server: Any, lead: User) -> None:
    store([make_alert("203.0.113.66", answered=True)])
    investigation = Investigation.objects.get()

    # Live while it is investigated, and finished without a reload
    page.goto(f"{live_server.url}{investigation.get_absolute_url()}")
    expect(page.locator("h1")).to_contain_text("investigated")
    worker()
    expect(page.locator("h1")).to_contain_text("malicious", timeout=20_000)
    expect(page.locator("#announcements")).to_contain_text("Escalated")
    expect(page.get_by_text("GreyNoise: malicious: Mirai")).to_be_visible()

    # Confirm, by keyboard
    press(page, "e", "escalate")
    page.select_option("details[id^=escalate] select", "true_positive")
    page.fill("details[id^=escalate] textarea", "Seen on the bastion as well")
    page.click("details[id^=escalate] form button")
    page.goto(f"{live_server.url}{investigation.get_absolute_url()}")
    expect(page.get_by_text("Confirmed the escalation as true positive: Seen on the bastion as well")).to_be_visible()

    # Reopen, dismiss; why is required
    press(page, "r", "reopen")
    page.fill("details[id^=reopen] textarea", "Wrong host")
    page.click("details[id^=reopen] form button")
    press(page, "d", "dismiss")
    page.select_option("details[id^=dismiss] select", "authorised_scan")
    page.click("details[id^=dismiss] form button")
    investigation.refresh_from_db()
    assert (investigation.status, investigation.disposition) == ("dismissed", "authorised_scan")

    # Another person reads what happened
    other = enter(browser.new_context(), live_server, "lea")
    other.goto(f"{live_server.url}/audit/?subject=investigation {investigation.pk}")
    for action in ("opened", "decided", "escalated", "reopened", "dismissed"):
        expect(other.get_by_role("link", name=f"investigation.{action}")).to_be_visible()
    expect(other.get_by_role("link", name="anna").first).to_be_visible()


def test_it_submits_by_hand_and_sees_the_outcome(page: Page, worker: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/submit/")
    page.fill("textarea", "Please look at 198[.]51[.]100[.]10 and hxxp://malicious[.]example/x, not at 10.0.0.0/8")
    page.fill("main input[name=reason]", "Asked by the help desk")
    page.click("main form button")
    expect(page.get_by_text("10.0.0.0/8")).to_be_visible()
    worker()
    expect(page.locator("main")).to_contain_text(re.compile("known scanner", re.IGNORECASE), timeout=20_000)

    assert set(Investigation.objects.values_list("subject", "status")) == {
        ("198.51.100.10", "dismissed"),
        ("malicious.example", "escalated"),
    }
