"""The three-way theme switch: system, light or dark, kept in a cookie so that the server writes it into the page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from investigations.access import needs
from investigations.middleware import THEMES
from investigations.views.requests import PersonRequest, next_url

YEAR = 365 * 24 * 3600


@require_POST
@needs("read")
def theme(request: PersonRequest) -> HttpResponse:
    response = HttpResponseRedirect(next_url(request, reverse("queue")))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        # Not HttpOnly: the page's script switches at once and writes the same cookie
        response.set_cookie("theme", chosen, max_age=YEAR, samesite="Lax", secure=settings.HTTPS)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
