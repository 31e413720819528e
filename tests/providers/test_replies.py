from __future__ import annotations

import pytest

from investigations.choices import Outcome
from investigations.providers.base import ProviderError, Reply
from investigations.providers.replies import json_body, refuse, retry_after

NOW = "Tue, 04 Nov 2025 10:00:00 GMT"


def refusal(reply: Reply) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        refuse(reply)
    return caught.value


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.AUTH_ERROR),
        (403, Outcome.AUTH_ERROR),
        (429, Outcome.THROTTLED),
        (301, Outcome.ERROR),
        (307, Outcome.ERROR),
        (204, Outcome.ERROR),
        (400, Outcome.ERROR),
        (404, Outcome.ERROR),
        (410, Outcome.ERROR),
        (500, Outcome.ERROR),
        (503, Outcome.ERROR),
        (0, Outcome.ERROR),
    ],
)
def test_it_gives_every_status_its_outcome(status: int, outcome: Outcome) -> None:
    assert refusal(Reply(status)).outcome == outcome


def test_it_names_the_status_of_a_redirect() -> None:
    error = refusal(Reply(302, {"location": "http://169.254.169.254/"}))

    assert "HTTP 302" in error.message
    assert "169.254" not in error.message


def test_it_lets_accepted_statuses_pass() -> None:
    refuse(Reply(200))
    refuse(Reply(206), accepted=(200, 206))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 29241 "}, 29241),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "9" * 50}, 86_400),
        ({"retry-after": "Tue, 04 Nov 2025 10:02:00 GMT", "date": NOW}, 120),
        ({"retry-after": "Tue, 04 Nov 2025 10:02:00 -0000", "date": NOW}, 120),
        ({"retry-after": "Tue, 04 Nov 2025 09:00:00 GMT", "date": NOW}, 1),
        ({"retry-after": "Tue, 04 Nov 2025 10:02:00 GMT"}, None),
        ({"retry-after": "soon", "date": NOW}, None),
        ({"retry-after": "-5", "date": NOW}, None),
        ({"retry-after": "٣"}, None),
        ({}, None),
    ],
)
def test_it_reads_how_long_to_wait(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(Reply(429, headers)) == expected
    assert refusal(Reply(429, headers)).retry_after == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'{"a": ',
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe\x00",
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_it_takes_nothing_but_a_json_object(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        json_body(Reply(200, {}, body))

    assert "HTTP 200" in caught.value.message
    assert "html" not in caught.value.message


def test_it_reads_a_json_object() -> None:
    assert json_body(Reply(200, {}, b'{"a": {"b": [1, null]}}')) == {"a": {"b": [1, None]}}
