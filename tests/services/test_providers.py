"""What an admin does with providers: settings with their rules, a real connection test, and the audit of both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent, ProviderSettings
from investigations.providers import PROVIDERS
from investigations.services.providers import UnknownProvider, configure, health, quota
from investigations.services.providers import test as check_connection

ADA = Actor("ada", user_id=7, address="192.0.2.9")
BAD_URLS = (
    "javascript:alert(1)", "file:///etc/passwd", "ftp://proxy.example", "//proxy.example", "proxy.example", "https://",
    "https:///path", "http://:8080", "https://user:pass@proxy.example", "https://user@proxy.example",
    "https://@proxy.example", "https://proxy.example/?key=1", "https://proxy.example/?", "https://proxy.example#part",
    "https://proxy.example/#", "https://proxy example", "https://proxy.example/a b", "https://proxy.example:99999",
    "https://proxy.example:0", "https://proxy.example:port", "https://[::1", "https://proxy\n.example",
    "https://proxy.example\r\nHost: evil", "https://proxy.example/\x00", "https://good.example\\@evil.example",
    "https://" + "a" * 300 + ".example", "data:text/html,<b>", "HTTPS//proxy.example",
)  # fmt: skip


@pytest.fixture
def row(db: None) -> ProviderSettings:
    return ProviderSettings.objects.get(name="virustotal")


@pytest.mark.parametrize("url", BAD_URLS)
def test_it_refuses_a_url_that_could_mislead(row: ProviderSettings, url: str) -> None:
    with pytest.raises(ValueError) as caught:
        configure("virustotal", actor=ADA, url=url)
    assert "\n" not in str(caught.value)
    row.refresh_from_db()
    assert row.url == ""
    assert not AuditEvent.objects.filter(action="provider.changed").exists()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://proxy.example", "https://proxy.example"),
        (" http://127.0.0.1:9000/virustotal/ ", "http://127.0.0.1:9000/virustotal"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("HTTPS://Proxy.Example", "HTTPS://Proxy.Example"),
        ("", ""),
    ],
)
def test_it_takes_a_url_without_its_last_slash(row: ProviderSettings, url: str, kept: str) -> None:
    assert configure("virustotal", actor=ADA, url=url).url == kept


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "tab\tkey", "nul\x00", "schlüssel", "k" * 501, "\x1b[2J"])
def test_it_refuses_a_key_that_could_break_a_header(row: ProviderSettings, key: str) -> None:
    with pytest.raises(ValueError, match="a key has no spaces"):
        configure("virustotal", actor=ADA, key=key)
    row.refresh_from_db()
    assert not row.has_key


def test_it_enables_a_provider_whose_key_is_set(row: ProviderSettings) -> None:
    with pytest.raises(ValueError, match="needs a key"):
        configure("virustotal", actor=ADA, enabled=True)
    changed = configure("virustotal", actor=ADA, key="  good-key\n")
    assert (changed.enabled, changed.key) == (True, "good-key")
    assert configure("virustotal", actor=ADA, enabled=False).has_key
    assert configure("virustotal", actor=ADA, enabled=True).enabled
    removed = configure("virustotal", actor=ADA, key="")
    assert (removed.enabled, removed.has_key, removed.key_fingerprint) == (False, False, "")


def test_it_can_set_a_key_without_enabling(row: ProviderSettings) -> None:
    assert not configure("virustotal", actor=ADA, key="good-key", enabled=False).enabled


@pytest.mark.django_db
def test_it_leaves_a_keyless_provider_on() -> None:
    assert configure("cymru", actor=ADA, per_minute=5).enabled
    assert configure("cymru", actor=ADA, key="").enabled


@pytest.mark.parametrize("change", [{"key": "another"}, {"url": "https://proxy.example"}])
def test_it_forgets_a_test_of_what_was_something_else(row: ProviderSettings, change: dict[str, Any]) -> None:
    configure("virustotal", actor=ADA, key="good-key")
    until = now() + timedelta(hours=1)
    ProviderSettings.objects.filter(pk=row.pk).update(
        tested=now(), test_ok=True, test_message="ok", blocked_until=until
    )
    kept = configure("virustotal", actor=ADA, per_day=100)
    assert (kept.test_ok, kept.blocked_until) == (True, until)
    changed = configure("virustotal", actor=ADA, **change)

    assert (changed.tested, changed.test_ok, changed.test_message, changed.blocked_until) == (None, None, "", None)


@pytest.mark.parametrize(
    "limits",
    [
        {"timeout": 0},
        {"timeout": 61},
        {"timeout": float("nan")},
        {"freshness": -1},
        {"freshness": 31 * 86_400},
        {"per_minute": -1},
        {"per_minute": 10**9},
        {"per_day": 10**12},
        {"per_day": float("inf")},
    ],
)
def test_it_refuses_a_limit_out_of_range(row: ProviderSettings, limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is a number from"):
        configure("virustotal", actor=ADA, **limits)


def test_it_audits_what_changed_by_whom_from_where(row: ProviderSettings) -> None:
    configure("virustotal", actor=ADA, key="good-key", per_minute=9)
    configure("virustotal", actor=ADA, per_minute=9)
    configure("virustotal", actor=ADA, enabled=False)

    keyed, switched = AuditEvent.objects.filter(subject="provider virustotal").order_by("pk")
    assert (keyed.action, keyed.actor, keyed.user_id, keyed.address) == ("provider.key_changed", "ada", 7, "192.0.2.9")
    assert (keyed.before["enabled"], keyed.after["enabled"]) == (False, True)
    assert (keyed.before["per_minute"], keyed.after["per_minute"]) == (4, 9)
    assert (keyed.before["key_fingerprint"], len(keyed.after["key_fingerprint"])) == ("", 8)
    assert (switched.action, switched.before["enabled"], switched.after["enabled"]) == ("provider.changed", True, False)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["nobody", "", "VirusTotal", "virustotal ", "a\x00b", "../virustotal"])
def test_it_knows_its_providers_by_name(name: str) -> None:
    for act in (lambda: configure(name, actor=ADA, enabled=True), lambda: check_connection(name, actor=ADA)):
        with pytest.raises(UnknownProvider, match="there are warninglists"):
            act()


@pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items()])
def test_it_reaches_every_provider(simulator: Any, name: str) -> None:
    row = check_connection(name, actor=ADA)

    assert row.test_ok, row.test_message
    assert row.tested and row.test_message
    assert row.test_latency_ms is not None and row.test_latency_ms >= 0
    assert health(row) == "ok"
    event = AuditEvent.objects.get(action="provider.tested")
    assert (event.subject, event.after) == (f"provider {name}", {"ok": True, "message": row.test_message})


def test_it_shows_the_plan_behind_a_key(simulator: Any) -> None:
    row = check_connection("greynoise", actor=ADA)

    assert (row.test_status, bool(row.test_plan)) == (200, True)


@pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items() if provider.needs_key])
def test_it_says_that_a_key_is_refused(simulator: Any, name: str) -> None:
    configure(name, actor=ADA, key="bad-key")
    row = check_connection(name, actor=ADA)

    assert (row.test_ok, row.test_status in (0, 401, 403)) == (False, True)
    assert "key" in row.test_message.lower()
    assert health(row) == "failing"


@pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items() if provider.base_url])
def test_it_says_that_nobody_is_there(simulator: Any, name: str) -> None:
    configure(name, actor=ADA, url="http://127.0.0.1:1")
    row = check_connection(name, actor=ADA)

    assert row.test_ok is False
    assert row.test_message and "\n" not in row.test_message
    assert AuditEvent.objects.get(action="provider.tested").after["ok"] is False


@pytest.mark.django_db
def test_it_asks_nobody_without_a_key() -> None:
    row = check_connection("virustotal", actor=ADA)

    assert (row.test_ok, row.test_message) == (False, "no key is set")


@pytest.mark.django_db
def test_it_sums_its_state_up_in_a_word() -> None:
    row = ProviderSettings.objects.get(name="virustotal")
    assert health(row) == "no_key"
    row = configure("virustotal", actor=ADA, key="k")
    assert health(row) == "untested"
    row.test_ok = False
    assert health(row) == "failing"
    row.blocked_until = now() + timedelta(minutes=1)
    assert health(row) == "waiting"
    row.enabled = False
    assert health(row) == "off"
    assert quota(row)["minute"] == {"used": 0, "limit": 4}
