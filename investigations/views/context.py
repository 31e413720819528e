"""What every page's frame needs; numbers are only read where a template shows them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import get_current_timezone_name

from investigations.queries import shell as numbers
from investigations.queries.automation import automation


def shell(request: HttpRequest) -> dict[str, Any]:
    return {
        "simulated": settings.SIMULATED,
        "zone": get_current_timezone_name(),
        "open_count": numbers.open_count,
        "broken_providers": numbers.broken_providers,
        "decided_today": numbers.decided_today,
        "waiting_since": numbers.waiting_since,
        "automation_state": SimpleLazyObject(automation),
        "samples_waiting": lambda: numbers.samples_waiting(request.user.get_username()),
    }
