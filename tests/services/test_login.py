"""Logging in and out: in the audit history with the address, throttled, by cookies that only travel where they may."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from investigations.models import AuditEvent, User
from tests.conftest import PASSWORD
from tests.processes import ROOT, environment, python

pytestmark = pytest.mark.django_db
LOGIN, LOGOUT = "/accounts/login/", "/accounts/logout/"


@pytest.fixture(autouse=True)
def _forget_attempts() -> None:
    cache.clear()


def log_in(client: Client, name: str, password: str, **meta: str) -> Any:
    return client.post(LOGIN, {"login": name, "password": password}, **meta)  # type: ignore[arg-type]


def events(action: str) -> list[tuple[str, str | None, str]]:
    rows = AuditEvent.objects.filter(action=action).order_by("pk")
    return [(row.actor, row.address, row.subject) for row in rows]


def test_it_tells_the_audit_who_came_and_went(client: Client, analyst: User) -> None:
    assert log_in(client, "anna", PASSWORD, REMOTE_ADDR="192.0.2.9").status_code == 302
    client.post(LOGOUT, REMOTE_ADDR="2001:db8::9")

    assert events("login.succeeded") == [("anna", "192.0.2.9", "user anna")]
    assert events("login.ended") == [("anna", "2001:db8::9", "user anna")]
    assert client.get("/").status_code == 302


def test_it_tells_the_audit_who_changed_the_password(client: Client, analyst: User) -> None:
    log_in(client, "anna", PASSWORD)
    new = "another horse altogether"
    data = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/", data, REMOTE_ADDR="192.0.2.9").status_code == 302

    assert events("user.password_changed") == [("anna", "192.0.2.9", "user anna")]
    assert new not in json.dumps(list(AuditEvent.objects.values("before", "after", "reason")))


def test_it_tells_the_audit_who_failed_but_not_what_was_typed(client: Client, analyst: User) -> None:
    log_in(client, "anna", "wrong", REMOTE_ADDR="192.0.2.9")
    log_in(client, "my secret password", "x")
    log_in(client, "nul\x00", "x")

    assert events("login.failed")[0] == ("anna", "192.0.2.9", "user anna")
    assert {actor for actor, _, _ in events("login.failed")[1:]} <= {"unknown"}
    everything = str(list(AuditEvent.objects.values()))
    assert "wrong" not in everything and "my secret password" not in everything


def test_it_does_not_believe_a_forwarded_address_without_a_proxy(client: Client, analyst: User, settings: Any) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "198.51.100.1, 198.51.100.2", "REMOTE_ADDR": "192.0.2.9"}
    log_in(client, "anna", "wrong", **forwarded)
    settings.TRUSTED_PROXIES = 1
    log_in(client, "anna", "wrong", **forwarded)

    assert [address for _, address, _ in events("login.failed")] == ["192.0.2.9", "198.51.100.2"]


def test_it_does_not_take_the_right_password_after_too_many_wrong_ones(analyst: User) -> None:
    for _ in range(6):
        log_in(Client(), "anna", "wrong")
    late = log_in(Client(), "anna", PASSWORD)

    assert late.status_code in (200, 429)
    assert not events("login.succeeded")
    assert "too many" in late.content.decode().lower()
    # Others are not locked out by that, from another address
    assert log_in(Client(), "anna", "wrong", REMOTE_ADDR="192.0.2.77").status_code in (200, 429)


def test_it_gives_the_same_answer_for_an_unknown_name(analyst: User) -> None:
    def shown(name: str) -> str:
        return log_in(Client(), name, "wrong").content.decode().replace(name, "NAME")

    known, unknown = shown("anna"), shown("nobody")
    assert "csrf" in known
    assert len(known) == len(unknown)


def test_it_lets_nobody_in_who_is_switched_off(analyst: User) -> None:
    User.objects.update(is_active=False)
    client = Client()
    answer = log_in(client, "anna", PASSWORD)

    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    assert "switched off" in client.get(LOGIN).content.decode()
    assert client.get("/").status_code == 302
    assert not events("login.succeeded")
    assert events("login.failed") == [("anna", "127.0.0.1", "user anna")]


def test_it_offers_no_other_account_pages(client: Client) -> None:
    for path in ("signup/", "password/reset/", "email/", "3rdparty/", "reauthenticate/"):
        assert client.get(f"/accounts/{path}").status_code == 404
    assert client.get(LOGOUT).status_code in (302, 405)


COOKIES = """
import json, django
django.setup()
from django.test import Client
from django.conf import settings
from investigations.models import User
User.objects.create_user("somebody", password="correct horse battery", role="viewer")
client = Client()
typed = {"login": "somebody", "password": "correct horse battery"}
answer = client.post("/accounts/login/", typed, secure=settings.HTTPS)
plain = client.get("/accounts/login/")
kinds = ("secure", "httponly", "samesite", "path", "domain")
print(json.dumps({
    "cookies": {name: {kind: morsel[kind] for kind in kinds} for name, morsel in answer.cookies.items()},
    "status": answer.status_code, "plain": plain.status_code,
    "headers": dict(client.get("/accounts/login/", secure=settings.HTTPS).headers)}))
"""


def browsed(https: str) -> dict[str, Any]:
    names = {
        "DJANGO_SETTINGS_MODULE": "reconsoc.settings",
        "RECONSOC_HTTPS": https,
        "RECONSOC_ALLOWED_HOSTS": "testserver",
    }
    done = subprocess.run(python("-c", COOKIES), cwd=ROOT, env=environment(**names), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("https", ["1", "0"])
def test_it_marks_the_session_cookie_for_the_way_it_travels(https: str) -> None:
    seen = browsed(https)

    assert seen["status"] == 302
    session = seen["cookies"]["__Host-session" if https == "1" else "reconsoc-session"]
    assert session["httponly"] is True and session["samesite"] == "Lax" and session["path"] == "/"
    assert session["domain"] == ""
    if https == "1":
        assert session["secure"] is True
        assert seen["plain"] == 301
        assert "max-age=31536000" in seen["headers"]["Strict-Transport-Security"]
    assert "frame-ancestors 'none'" in seen["headers"]["Content-Security-Policy"]
    assert seen["headers"]["X-Frame-Options"] == "DENY"
