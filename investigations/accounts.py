"""Log-in by allauth: nobody signs up by themselves, and every log-in, failure and log-out is in the audit history."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from investigations.artifacts import normalise_address
from investigations.models import Actor, AuditEvent, User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No banners for logging in and out: the page itself shows it."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """The right password of an account that is switched off."""
        messages.error(request, "This account is switched off. Ask an admin.")
        return HttpResponseRedirect(reverse("account_login"))


def client_address(request: HttpRequest | None) -> str | None:
    """The address the request came from; behind proxies only as far as RECONSOC_TRUSTED_PROXIES says."""
    if request is None:
        return None
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    if trusted and len(hops) >= trusted:
        return normalise_address(hops[-trusted])
    return request.META.get("REMOTE_ADDR") or None


def actor_of(user: User, request: HttpRequest | None) -> Actor:
    return Actor(user.username, user_id=user.pk, address=client_address(request))


def _logged_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    AuditEvent.objects.record(actor_of(user, request), "login.succeeded", f"user {user.username}")


def _logged_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        AuditEvent.objects.record(actor_of(user, request), "login.ended", f"user {user.username}")


def _login_failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    # The name is what a stranger typed: it may be a password typed into the wrong field, so only known names are kept
    name = str(credentials.get("username", ""))[:150].replace("\x00", "")
    known = User.objects.filter(username=name).exists()
    AuditEvent.objects.record(
        Actor(name if known else "unknown", address=client_address(request)),
        "login.failed",
        f"user {name if known else '?'}",
    )


def _password_changed(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    AuditEvent.objects.record(actor_of(user, request), "user.password_changed", f"user {user.username}")


def connect() -> None:
    password_changed.connect(_password_changed)
    user_logged_in.connect(_logged_in)
    user_logged_out.connect(_logged_out)
    user_login_failed.connect(_login_failed)
