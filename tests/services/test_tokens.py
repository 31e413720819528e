"""API tokens: only a keyed digest is kept, scopes and ends hold at once, and using one costs no write a request."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from investigations.choices import TokenScope
from investigations.models import Actor, ApiToken, AuditEvent
from investigations.services.tokens import authenticate, create_token, revoke_token

pytestmark = pytest.mark.django_db
ADA = Actor("ada", address="192.0.2.9")


def make(*scopes: TokenScope, name: str = "sensor", days: int = 1) -> str:
    return create_token(name, scopes=scopes or (TokenScope.INGEST,), days=days, actor=ADA)[1]


def whole_database() -> str:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        texts = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {connection.ops.quote_name(table)} AS t")
            texts += [row for (row,) in cursor.fetchall()]
    return "\n".join(texts)


def test_it_keeps_no_secret_anywhere() -> None:
    text = make()
    assert authenticate(text, TokenScope.INGEST)
    public_id, _, secret = text.removeprefix("rsoc_").partition(".")

    stored = whole_database()
    assert public_id in stored and "token.created" in stored
    assert secret not in stored
    assert len(secret) >= 40  # 240 random bits


def test_it_knows_the_token_and_its_scopes() -> None:
    text = make(TokenScope.READ, TokenScope.WRITE)

    assert authenticate(text, TokenScope.READ) == authenticate(text, TokenScope.WRITE) == ApiToken.objects.get()
    assert authenticate(text, TokenScope.INGEST) is None
    assert authenticate(text, TokenScope.AUDIT) is None


def test_it_does_not_open_with_the_secret_of_another_token() -> None:
    one, other = make(name="one"), make(name="other")
    mixed = f"{one.partition('.')[0]}.{other.partition('.')[2]}"

    assert authenticate(mixed, TokenScope.INGEST) is None


def test_it_ends_at_once_when_revoked_and_says_so_once() -> None:
    text = make()
    token = ApiToken.objects.get()
    revoke_token(token, actor=ADA)
    revoke_token(token, actor=ADA)

    assert authenticate(text, TokenScope.INGEST) is None
    event = AuditEvent.objects.get(action="token.revoked")
    assert (event.actor, event.address, event.subject) == ("ada", "192.0.2.9", "token sensor")


def test_it_ends_when_it_expires() -> None:
    text = make(days=1)
    ApiToken.objects.update(expires=now() + timedelta(seconds=30))
    assert authenticate(text, TokenScope.INGEST)
    ApiToken.objects.update(expires=now() - timedelta(microseconds=1))
    assert authenticate(text, TokenScope.INGEST) is None


def test_it_notes_its_use_once_a_minute() -> None:
    text = make()
    authenticate(text, TokenScope.INGEST)
    first = ApiToken.objects.get().last_used
    assert first is not None
    authenticate(text, TokenScope.INGEST)
    assert ApiToken.objects.get().last_used == first

    ApiToken.objects.update(last_used=now() - timedelta(seconds=61))
    authenticate(text, TokenScope.INGEST)
    again = ApiToken.objects.get().last_used
    assert again is not None and again > first


def test_it_notes_no_use_of_a_refused_token() -> None:
    text = make()
    authenticate(text[:-1] + ("A" if text[-1] != "A" else "B"), TokenScope.INGEST)
    authenticate(text, TokenScope.AUDIT)

    assert ApiToken.objects.get().last_used is None


@pytest.mark.parametrize(
    "text", ["", "rsoc_", "rsoc_.", "rsoc_x.", ".x", "rsoc_\x00.x", "rsoc_é.x", "rsoc_x." + "a" * 300, "rsoc_\n.x"]
)
def test_it_asks_nobody_about_what_cannot_be_a_token(text: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert authenticate(text, TokenScope.INGEST) is None
    assert not [query for query in queries if "UPDATE" in query["sql"]]


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", [TokenScope.INGEST], 1),
        ("   ", [TokenScope.INGEST], 1),
        ("n" * 101, [TokenScope.INGEST], 1),
        ("taken", [TokenScope.INGEST], 1),
        ("fresh", [], 1),
        ("fresh", ["everything"], 1),
        ("fresh", [TokenScope.INGEST], 0),
        ("fresh", [TokenScope.INGEST], 3651),
    ],
)
def test_it_refuses_what_makes_no_token(name: str, scopes: list[str], days: int) -> None:
    make(name="taken")
    with pytest.raises((ValidationError, ValueError)):
        create_token(name, scopes=scopes, days=days, actor=ADA)
    assert ApiToken.objects.count() == 1


def test_it_tells_the_audit_who_made_it_for_what() -> None:
    make(TokenScope.WRITE, TokenScope.READ)

    event = AuditEvent.objects.get(action="token.created")
    assert (event.actor, event.address) == ("ada", "192.0.2.9")
    assert event.after["scopes"] == sorted([TokenScope.READ, TokenScope.WRITE])
