"""What views read from a request: who asks, where to go next, which part of the page is wanted."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from investigations.accounts import actor_of
from investigations.models import Actor, User


class PersonRequest(HttpRequest):
    """A request of somebody who is logged in; for types alone."""

    user: User
    htmx: HtmxDetails
    theme: str


def actor(request: HttpRequest) -> Actor:
    return actor_of(cast(User, request.user), request)


def next_url(request: HttpRequest, otherwise: str) -> str:
    """The address of ours that the form asked to go on to."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return otherwise


def wanted_part(request: PersonRequest, *parts: str) -> str:
    """The element that htmx will replace, if it is one of `parts`; empty for the whole page."""
    target = request.htmx.target if request.htmx else None
    return target if target in parts else ""
