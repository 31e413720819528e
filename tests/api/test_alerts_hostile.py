"""Whatever an attacker sends: an answer of the contract, never a 5xx, and only JSON text comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investigations.choices import TokenScope
from investigations.models import Alert, Investigation
from investigations.playbooks.engine import Engine
from tests.api.conftest import ALERTS, INVESTIGATIONS, Caller, alert

pytestmark = pytest.mark.django_db
NASTY = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "'; DROP TABLE investigations_alert; --",
    "\\N\t\\.\n{{ 7*7 }} {% debug %}",
    "\x1b]0;owned\x07\x1b[2J",
    "a\x00b",
    "\u202egnp.exe",
    "\ud800 lone",
    "%s %(x)s {0}",
    "🙈" * 300,
    "A" * 5000,
)
FIELDS = (
    "source_ip", "destination_ip", "source_port", "destination_port", "protocol", "signature", "signature_id",
    "category", "severity", "timestamp", "id", "domain", "answered", "techniques", "sensor", "host", "event_type",
    "alert", "flow",
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(NASTY)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
records = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=10), values, max_size=12)
whole = st.fixed_dictionaries({"source_ip": st.ip_addresses().map(str)}, optional=dict.fromkeys(FIELDS[1:], values))
batches = st.lists(records | whole | values, max_size=6).map(lambda items: json.dumps(items).encode())
bodies = st.binary(max_size=400) | batches
# The fixtures hold for all examples: each of them is one more request to the same installation
many = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(bodies, st.sampled_from(["auto", "suricata", "generic"]), st.text(max_size=120))
def test_it_never_fails_whatever_the_body(sensor: Caller, body: bytes, format_name: str, name: str) -> None:
    before = Alert.objects.count()
    answer = sensor.client.post(
        ALERTS,
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {sensor.token}"},
        query_params={"format": format_name, "sensor": name.encode("utf-8", "replace").decode()},
    )

    assert answer.status_code in (202, 400), answer.content
    assert Alert.objects.count() - before == answer.json().get("accepted", 0)


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("field", ["signature", "category", "signature_id", "sensor", "protocol", "id", "severity"])
def test_it_keeps_a_hostile_field_harmless(sensor: Caller, field: str, nasty: str) -> None:
    """Stored or refused by itself, and the good record beside it is kept."""
    body = sensor.post(ALERTS, [alert("203.0.113.1", **{field: nasty}), alert("203.0.113.2")]).json()

    assert body["accepted"] + len(body["rejected"]) == 2
    assert Alert.objects.filter(attacker="203.0.113.2").count() == 1
    for stored in Alert.objects.filter(attacker="203.0.113.1"):
        texts = (
            stored.signature,
            stored.category,
            stored.signature_id,
            stored.sensor,
            stored.protocol,
            stored.raw_severity,
        )
        assert not any(character in text for text in texts for character in "\x00\x1b\n\t\x07")


@pytest.mark.parametrize("nasty", NASTY)
def test_it_takes_a_hostile_sensor_name_from_the_url(sensor: Caller, nasty: str) -> None:
    query = {"sensor": nasty.encode("utf-8", "replace").decode()}
    headers = {"Authorization": f"Bearer {sensor.token}"}
    answer = sensor.client.post(ALERTS, alert(), content_type="application/json", headers=headers, query_params=query)

    assert answer.status_code == 202
    assert len(Alert.objects.get().sensor) <= 100


def test_it_cuts_a_megabyte_field(sensor: Caller) -> None:
    huge = alert("203.0.113.1", signature="A" * 1_000_000)
    larger = alert("203.0.113.2", signature="A" * 1_100_000)
    body = sensor.post(ALERTS, [huge, larger, alert("203.0.113.3")]).json()

    assert (body["accepted"], [item["index"] for item in body["rejected"]]) == (2, [1])
    stored = Alert.objects.get(attacker="203.0.113.1")
    assert (len(stored.signature), len(stored.raw)) == (500, 16 * 1024)


@pytest.mark.parametrize("depth", [500, 200_000])
def test_it_refuses_absurd_nesting(sensor: Caller, depth: int) -> None:
    deep = b'{"source_ip": "203.0.113.1", "x": ' + b"[" * depth + b"]" * depth + b"}"
    body = sensor.post(ALERTS, deep + b"\n" + json.dumps(alert("203.0.113.2")).encode())

    assert body.status_code == 202
    assert Alert.objects.filter(attacker="203.0.113.2").exists()


@pytest.mark.parametrize(
    "stamp", ["0001-01-01", "9999-12-31T23:59:59Z", 1e308, -1, "tomorrow", 10**30, [], {"$date": 1}]
)
def test_it_takes_its_own_time_for_an_absurd_one(sensor: Caller, stamp: Any) -> None:
    assert sensor.post(ALERTS, alert(timestamp=stamp)).json()["accepted"] == 1
    assert Alert.objects.get().time_guessed


def test_it_gives_html_and_formulas_back_only_as_json(sensor: Caller, make_token: Any) -> None:
    sensor.post(ALERTS, [alert(signature=nasty, number=place) for place, nasty in enumerate(NASTY)])
    with Engine() as engine:
        engine.run(30)
    reader = Caller(make_token(TokenScope.READ, name="reader"))
    pk = Investigation.objects.get().pk

    for answer in (
        reader.get(INVESTIGATIONS, q=NASTY[0]),
        reader.get(f"{INVESTIGATIONS}/{pk}"),
        reader.get(INVESTIGATIONS, source="<script>"),
        reader.get(INVESTIGATIONS, status="=1+1"),
        reader.get(f"{INVESTIGATIONS}/<script>"),
        sensor.post(ALERTS, alert("<img src=x onerror=alert(1)>")),
    ):
        assert answer["Content-Type"].partition(";")[0] == "application/json"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "no-store"
        json.loads(answer.content)
