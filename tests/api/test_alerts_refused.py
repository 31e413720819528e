"""What is not let in: each with its own status and one line, and nothing of it stored."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from investigations.choices import TokenScope
from investigations.models import Actor, Alert, ApiToken
from investigations.services.tokens import revoke_token
from tests.api.conftest import ALERTS, Caller, MakeToken, alert

pytestmark = pytest.mark.django_db


def assert_refused(answer: Any, status: int) -> None:
    assert answer.status_code == status, answer.content
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]
    assert not Alert.objects.exists()


def spoiled(token: str) -> dict[str, str]:
    public_id, _, secret = token.partition(".")
    return {
        "none": "",
        "another secret": f"{public_id}.{'A' * len(secret)}",
        "cut": token[:-1],
        "only the id": public_id,
        "no prefix": token.removeprefix("rsoc_"),
        "unknown id": f"rsoc_000000000000.{secret}",
        "not ASCII": token + "é",
        "huge": token + "A" * 10_000,
        "SQL": f"rsoc_' OR '1'='1.{secret}",
    }


@pytest.mark.parametrize("fault", list(spoiled("rsoc_1.2")))
@pytest.mark.parametrize("place", ["header", "path"])
def test_it_refuses_a_wrong_token(make_token: MakeToken, fault: str, place: str) -> None:
    token = spoiled(make_token(TokenScope.INGEST))[fault]
    answer = Caller(token).post(ALERTS, alert()) if place == "header" else Client().post(f"{ALERTS}/in/{token or '-'}")

    assert_refused(answer, 401)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic {token}", "{token}", "Bearer {token} x", "Token\t"])
def test_it_refuses_an_odd_header(make_token: MakeToken, header: str) -> None:
    value = header.format(token=make_token(TokenScope.INGEST))
    answer = Client().post(ALERTS, b"{}", content_type="application/json", headers={"Authorization": value})

    assert_refused(answer, 401)


@pytest.mark.parametrize("scope", [scope for scope in TokenScope if scope != TokenScope.INGEST])
def test_it_refuses_a_token_of_another_scope(make_token: MakeToken, scope: TokenScope) -> None:
    assert_refused(Caller(make_token(scope)).post(ALERTS, alert()), 401)


def test_it_refuses_a_token_that_has_ended(make_token: MakeToken) -> None:
    revoked, expired = make_token(TokenScope.INGEST, name="a"), make_token(TokenScope.INGEST, name="b")
    revoke_token(ApiToken.objects.get(name="a"), actor=Actor("ada"))
    ApiToken.objects.filter(name="b").update(expires=now() - timedelta(seconds=1))

    assert_refused(Caller(revoked).post(ALERTS, alert()), 401)
    assert_refused(Caller(expired).post(ALERTS, alert()), 401)


def test_it_refuses_by_the_announced_length_without_reading(sensor: Caller, settings: Any) -> None:
    settings.MAX_BODY = 100
    announced = Client().generic(
        "POST", ALERTS, b"{}", headers={"Authorization": f"Bearer {sensor.token}"}, CONTENT_LENGTH="101"
    )
    assert_refused(announced, 413)


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5000, 413), ("-1", 400), ("many", 400), ("1e3", 400), ("٣", 400)]
)
def test_it_refuses_an_absurd_length(sensor: Caller, length: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {sensor.token}"}
    assert_refused(Client().generic("POST", ALERTS, b"{}", headers=headers, CONTENT_LENGTH=length), status)


def test_it_refuses_a_gzip_bomb_before_it_unfolds(sensor: Caller, settings: Any) -> None:
    settings.MAX_BODY = 1_000_000
    bomb = gzip.compress(b"[" + b" " * 60_000_000)

    assert len(bomb) < settings.MAX_BODY
    assert_refused(sensor.post(ALERTS, bomb, Content_Encoding="gzip"), 413)


@pytest.mark.parametrize("body", [b"", b"\x1f\x8b", b"plain", gzip.compress(json.dumps(alert()).encode())[:-9]])
def test_it_refuses_a_broken_gzip(sensor: Caller, body: bytes) -> None:
    assert_refused(sensor.post(ALERTS, body, Content_Encoding="gzip"), 400)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x-gzip", "zstd"])
def test_it_refuses_other_encodings(sensor: Caller, encoding: str) -> None:
    assert_refused(sensor.post(ALERTS, b"{}", Content_Encoding=encoding), 415)


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"[]", b"[ ]", b'{"events": []}'])
def test_it_refuses_a_body_without_any_record(sensor: Caller, body: bytes) -> None:
    assert_refused(sensor.post(ALERTS, body), 400)


@pytest.mark.parametrize("name", ["nonsense", "AUTO", "", "../suricata", "\0"])
def test_it_names_the_formats_there_are(sensor: Caller, name: str) -> None:
    answer = sensor.client.post(
        f"{ALERTS}?{'format='}{name!s}" if name != "\0" else f"{ALERTS}?format=%00",
        b"{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {sensor.token}"},
    )
    assert_refused(answer, 400)
    assert "suricata" in answer.json()["error"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
@pytest.mark.parametrize("path", [ALERTS, f"{ALERTS}/in/{{token}}"])
def test_it_only_takes_posts(sensor: Caller, method: str, path: str) -> None:
    answer = Client().generic(
        method, path.format(token=sensor.token), headers={"Authorization": f"Bearer {sensor.token}"}
    )

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize("call", ["refused", "method", "slash"])
def test_it_keeps_a_token_in_the_path_out_of_the_log(sensor: Caller, caplog: Any, call: str) -> None:
    path = f"{ALERTS}/in/{sensor.token}"
    if call == "slash":
        answer = Client().post(f"{path}/", b"{}", content_type="application/json")
    else:
        answer = Client().generic("POST" if call == "refused" else "GET", path)

    assert answer.status_code in (400, 404, 405)
    assert caplog.records
    secret = sensor.token.partition(".")[2]
    assert secret not in caplog.text
    assert not any(secret in str(record.__dict__.get("request", "")) for record in caplog.records)
