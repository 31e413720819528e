"""Tokens, and callers of the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from investigations.choices import TokenScope
from investigations.models import Actor
from investigations.services.tokens import create_token

ALERTS = "/api/v1/alerts"
INVESTIGATIONS = "/api/v1/investigations"
type MakeToken = Callable[..., str]


class Caller:
    """Calls with one token; `body` goes as JSON unless it is bytes."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.client = Client()

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query, headers=self._headers())

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        sent = self._headers() | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, data, content_type="application/json", headers=sent)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@pytest.fixture
def make_token(db: None) -> MakeToken:
    def make(*scopes: TokenScope, name: str = "sensor", days: int = 1) -> str:
        return create_token(name, scopes=scopes, days=days, actor=Actor("test"))[1]

    return make


@pytest.fixture
def sensor(make_token: MakeToken) -> Caller:
    """May send alerts, and nothing else."""
    return Caller(make_token(TokenScope.INGEST, name="sensor"))


@pytest.fixture
def script(make_token: MakeToken) -> Caller:
    """May read and decide."""
    return Caller(make_token(TokenScope.READ, TokenScope.WRITE, name="script"))


def alert(address: str = "203.0.113.66", number: int = 1, **fields: Any) -> dict[str, Any]:
    """One alert in our own format."""
    return {
        "source_ip": address,
        "destination_ip": "10.20.0.5",
        "destination_port": 22,
        "signature": "Port scan",
        "id": f"{address}-{number}",
        "timestamp": "2026-11-24T12:00:00Z",
        **fields,
    }
