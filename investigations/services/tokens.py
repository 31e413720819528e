"""API tokens: `rsoc_ID.SECRET`, of which the database keeps the id and a keyed digest of the secret."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from investigations.choices import TokenScope
from investigations.crypto import keyed_digest
from investigations.models import Actor, ApiToken, AuditEvent

PREFIX = "rsoc_"
PURPOSE = "api-token"
DEFAULT_DAYS = 365
# Written at most this often: a busy sensor must not mean a write per request
LAST_USED_EVERY = timedelta(minutes=1)


def create_token(name: str, *, scopes: Iterable[str], days: int = DEFAULT_DAYS, actor: Actor) -> tuple[ApiToken, str]:
    """A new token and its text, which is shown once. ValidationError says what is wrong."""
    chosen = sorted({TokenScope(scope).value for scope in scopes})
    if not chosen:
        raise ValidationError("A token needs at least one scope.")
    if not 1 <= days <= 3650:
        raise ValidationError("A token lasts from 1 to 3650 days.")
    secret = secrets.token_urlsafe(32)
    token = ApiToken(
        name=name.strip(),
        public_id=secrets.token_hex(6),
        digest=keyed_digest(secret, PURPOSE),
        scopes=chosen,
        created_by=actor.name,
        expires=now() + timedelta(days=days),
    )
    token.full_clean(exclude=["revoked", "last_used"])
    with transaction.atomic():
        token.save()
        after = {"name": token.name, "scopes": chosen, "expires": token.expires.isoformat()}
        AuditEvent.objects.record(actor, "token.created", f"token {token.name}", after=after)
    return token, f"{PREFIX}{token.public_id}.{secret}"


def revoke_token(token: ApiToken, *, actor: Actor) -> None:
    """End a token at once. Repeating it changes nothing."""
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked=None).update(revoked=now()):
            AuditEvent.objects.record(actor, "token.revoked", f"token {token.name}")


def authenticate(text: str, scope: TokenScope) -> ApiToken | None:
    """The token behind the text, if it is real, alive and may do this."""
    public_id, _, secret = text.removeprefix(PREFIX).partition(".")
    if not text.startswith(PREFIX) or not secret or len(text) > 200 or not text.isascii() or not text.isprintable():
        return None
    token = ApiToken.objects.filter(public_id=public_id).first()
    if token is None or not hmac.compare_digest(token.digest, keyed_digest(secret, PURPOSE)):
        return None
    if not token.is_active or scope not in token.scopes:
        return None
    idle = Q(last_used=None) | Q(last_used__lt=now() - LAST_USED_EVERY)
    ApiToken.objects.filter(idle, pk=token.pk).update(last_used=now())
    return token
