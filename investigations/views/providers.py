"""Providers, for admins: what is asked, with which key and limits, and whether it works."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.forms.settings import ProviderForm
from investigations.models import ProviderSettings
from investigations.providers import PROVIDERS
from investigations.providers.base import Provider
from investigations.services import providers as services
from investigations.views.requests import PersonRequest, actor

DESCRIBED = ("label", "needs_key", "offline", "homepage", "base_url", "sends")
LIMITS = ("url", "timeout", "freshness", "per_minute", "per_day")
STATES = {
    "off": "Off",
    "no_key": "Needs a key",
    "untested": "On, not tested yet",
    "ok": "On",
    "failing": "On, but its last test failed",
    "waiting": "On, waiting for its quota",
}


@require_safe
@needs("configure")
def providers(request: PersonRequest) -> HttpResponse:
    rows = [_shown(row) for row in services.provider_rows()]
    return render(request, "providers/providers.html", {"providers": rows})


@require_safe
@needs("configure")
def provider_detail(request: PersonRequest, name: str) -> HttpResponse:
    row = _find(name)
    return _page(request, row, ProviderForm(initial={"enabled": row.enabled, **_limits(row)}))


@sensitive_post_parameters("key")
@require_POST
@needs("configure")
def provider_configure(request: PersonRequest, name: str) -> HttpResponse:
    row = _find(name)
    form = ProviderForm(request.POST)
    if form.is_valid():
        try:
            services.configure(name, actor=actor(request), **_changes(row, form.cleaned_data))
        except ValueError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{PROVIDERS[name].label}: saved.")
            return HttpResponseRedirect(reverse("provider_detail", args=[name]))
    return _page(request, row, form)


@require_POST
@needs("configure")
def provider_test(request: PersonRequest, name: str) -> HttpResponse:
    row = services.test(_find(name).name, actor=actor(request))
    show = messages.success if row.test_ok else messages.error
    show(request, f"{PROVIDERS[name].label}: {'the connection works' if row.test_ok else row.test_message}")
    return HttpResponseRedirect(reverse("provider_detail", args=[name]))


def _find(name: str) -> ProviderSettings:
    row = next((row for row in services.provider_rows() if row.name == name), None)
    if row is None:
        raise Http404
    return row


def _shown(row: ProviderSettings) -> dict[str, Any]:
    health = services.health(row)
    return {"row": row, "provider": _described(PROVIDERS[row.name]), "health": health, "state": STATES[health]}


def _described(provider: type[Provider]) -> dict[str, Any]:
    # Not the class itself: a template would call it
    return {name: getattr(provider, name) for name in DESCRIBED}


def _limits(row: ProviderSettings) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LIMITS}


def _changes(row: ProviderSettings, data: dict[str, Any]) -> dict[str, Any]:
    """What the form changes. An empty key field changes nothing: the key is never sent to the page."""
    given = {name: data[name] for name in LIMITS if data[name] != getattr(row, name)}
    if data["enabled"] != row.enabled:
        given["enabled"] = data["enabled"]
    if data["remove_key"]:
        return given | {"key": ""}
    return given | ({"key": data["key"]} if data["key"] else {})


def _page(request: PersonRequest, row: ProviderSettings, form: ProviderForm) -> HttpResponse:
    return render(request, "providers/provider_detail.html", {"form": form, **_shown(row)})
