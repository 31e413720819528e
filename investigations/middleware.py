"""What every request carries: the person's time zone and theme, kept by cookies that the page's script sets."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

THEMES = {"light", "dark"}


class PersonMiddleware:
    """Pages show local times: the browser tells its zone once, by the cookie `tz`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        theme = request.COOKIES.get("theme", "")
        request.theme = theme if theme in THEMES else ""  # type: ignore[attr-defined]
        name = request.COOKIES.get("tz", "")
        try:
            # ZoneInfo refuses paths that leave its own folder
            zone = zoneinfo.ZoneInfo(name) if name and len(name) < 64 else None
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            zone = None
        with timezone.override(zone or timezone.get_default_timezone()):
            response = self.get_response(request)
            # Pages hold what an alert said: no copy may stay in a shared or browser cache
            if "Cache-Control" not in response.headers:
                response.headers["Cache-Control"] = "no-store"
            return response
