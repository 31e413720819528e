"""What an HTTP API is: pure functions from a request to an answer in the provider's real shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request, without the transport."""

    path: str  # without query and without the provider's prefix, decoded
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    used: int  # requests this provider has seen, this one included
    now: datetime

    @property
    def last_segment(self) -> str:
        return self.path.rpartition("/")[2]

    def ago(self, **span: float) -> datetime:
        """A moment before now, in the words of `timedelta`."""
        return self.now - timedelta(**span)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, headers and the body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """One provider's HTTP API. `key_header` is empty where no key is needed."""

    name: str
    answer: Callable[[Request], Answer]
    asked: Callable[[Request], str]  # the artifact in a request, for the journal; empty if there is none
    rate_limited: Callable[[Request, int], Answer]  # (request, seconds to wait)
    unavailable: Answer
    key_header: str = ""
    missing_key: Answer | None = None
    wrong_key: Answer | None = None

    def refused(self, request: Request) -> Answer | None:
        """The answer to a missing or wrong key; a key that starts with "bad" is wrong, any other is right."""
        if not self.key_header:
            return None
        key = request.headers.get(self.key_header, "")
        if not key:
            return self.missing_key
        return self.wrong_key if key.startswith("bad") else None


def as_json(status: int, content: Any, **headers: str) -> Answer:
    """A JSON answer; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


def address_in(text: str) -> IPv4Address | IPv6Address | None:
    """The address that `text` spells, or None."""
    try:
        return ip_address(text)
    except ValueError:
        return None
