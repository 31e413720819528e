"""Bearer tokens and their scopes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from investigations.accounts import client_address
from investigations.choices import TokenScope
from investigations.models import Actor, ApiToken
from investigations.services.tokens import authenticate


class Bearer(HttpBearer):
    """Lets a request in whose token has the scope; the token is `request.auth` then."""

    def __init__(self, scope: TokenScope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Any | None:
        return authenticate(token, self.scope)


def bearer_token(request: HttpRequest, scope: TokenScope) -> ApiToken | None:
    """The same for plain views."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return authenticate(text.strip(), scope) if scheme.lower() == "bearer" else None


def hide_token(request: HttpRequest) -> None:
    """Take a token out of the request's path: Django writes the path of every refused request to the log."""
    start, found, _ = request.path.partition("/alerts/in/")
    request.path = f"{start}{found}TOKEN" if found else start


def token_actor(token: ApiToken, request: HttpRequest) -> Actor:
    return Actor(f"token {token.name}", address=client_address(request))
