"""How HTTP replies are read: what is an answer, and in which words everything else is told."""

from __future__ import annotations

import json
from collections.abc import Container
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from investigations.choices import Outcome
from investigations.providers.base import ProviderError, Reply

MAX_WAIT = 86_400.0  # seconds; whatever the reply says, ask again after a day


def json_body(reply: Reply) -> dict[str, Any]:
    """The JSON object that the reply holds; ProviderError if it is anything else."""
    try:
        body = json.loads(reply.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ProviderError(f"The answer is not JSON ({_status(reply)})") from None
    if not isinstance(body, dict):
        raise ProviderError(f"The answer is not a JSON object ({_status(reply)})")
    return body


def refuse(reply: Reply, accepted: Container[int] = (200,)) -> None:
    """Raise the ProviderError for every status that is not an answer."""
    status = reply.status
    if status in accepted:
        return
    if status in (401, 403):
        words = "The key was refused" if status == 401 else "Access was refused"
        raise ProviderError(f"{words} ({_status(reply)})", outcome=Outcome.AUTH_ERROR)
    if status == 429:
        raise ProviderError("The rate limit is reached", outcome=Outcome.THROTTLED, retry_after=retry_after(reply))
    if 300 <= status < 400:
        raise ProviderError(f"The server redirects elsewhere; not followed ({_status(reply)})")
    if status >= 500:
        raise ProviderError(f"The provider has a fault ({_status(reply)})", retry_after=retry_after(reply))
    raise ProviderError(f"Not an answer ({_status(reply)})")


def retry_after(reply: Reply) -> float | None:
    """Seconds to wait according to the Retry-After header, between 1 and MAX_WAIT; None if it does not say.

    A date counts from the reply's own Date, so that neither clock nor time zone of this machine matters.
    """
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        seconds = float(value[:9])
    else:
        then, now = _date(value), _date(reply.headers.get("date", ""))
        if then is None or now is None:
            return None
        seconds = (then - now).total_seconds()
    return max(1.0, min(MAX_WAIT, seconds))


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _status(reply: Reply) -> str:
    return f"HTTP {reply.status}"


def _no_number(_: str) -> Any:
    raise ValueError("NaN and Infinity are not JSON")
