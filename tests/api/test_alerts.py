"""Alerts in over HTTP: the answer of the contract for every shape of body."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from investigations.choices import TokenScope
from investigations.models import Alert, Investigation
from tests.api.conftest import ALERTS, Caller, alert

pytestmark = pytest.mark.django_db
COUNTS = ("accepted", "duplicates", "skipped", "rejected", "investigations")


def assert_adds_up(body: dict[str, Any], sent: int) -> None:
    """read = alerts + skipped + rejected, alerts = accepted + duplicates."""
    assert body["accepted"] + body["duplicates"] + body["skipped"] + len(body["rejected"]) == sent


def test_it_answers_as_the_contract_says(sensor: Caller) -> None:
    answer = sensor.post(ALERTS, alert())

    investigation = Investigation.objects.get()
    assert (answer.status_code, answer["Content-Type"]) == (202, "application/json")
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 0,
        "skipped": 0,
        "rejected": [],
        "investigations": [investigation.pk],
    }
    assert tuple(answer.json()) == COUNTS
    assert (investigation.subject, investigation.alert_count) == ("203.0.113.66", 1)


@pytest.mark.parametrize("shape", ["array", "ndjson", "ndjson without end", "wrapped", "gzip"])
def test_it_takes_many_alerts_in_every_shape(sensor: Caller, shape: str) -> None:
    alerts = [alert(f"203.0.113.{number}") for number in range(1, 6)]
    lines = "\n".join(json.dumps(item) for item in alerts).encode()
    bodies: dict[str, bytes] = {
        "array": json.dumps(alerts, indent=1).encode(),
        "ndjson": lines + b"\n",
        "ndjson without end": lines,
        "wrapped": json.dumps({"events": alerts}).encode(),
        "gzip": gzip.compress(lines),
    }
    answer = sensor.post(ALERTS, bodies[shape], **({"Content_Encoding": "gzip"} if shape == "gzip" else {}))

    assert (answer.status_code, answer.json()["accepted"], len(answer.json()["investigations"])) == (202, 5, 5)
    assert Alert.objects.count() == 5


def test_it_takes_an_eve_line_and_skips_what_is_no_alert(sensor: Caller) -> None:
    flow = {"event_type": "flow", "timestamp": "2026-11-24T12:00:00.000000+0000", "src_ip": "203.0.113.66"}
    seen = flow | {
        "event_type": "alert",
        "dest_ip": "10.20.0.5",
        "dest_port": 22,
        "proto": "TCP",
        "alert": {"signature": "ET SCAN Potential SSH Scan", "signature_id": 2001219, "severity": 2},
    }
    answer = sensor.post(f"{ALERTS}?format=suricata&sensor=edge-7", [flow, seen, flow]).json()

    assert (answer["accepted"], answer["skipped"], answer["rejected"]) == (1, 2, [])
    assert Alert.objects.get().sensor == "edge-7"


def test_it_takes_the_token_in_the_path(make_token: Any) -> None:
    token = make_token(TokenScope.INGEST)
    answer = Caller("").post(f"{ALERTS}/in/{token}?format=generic&sensor=splunk", alert())

    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert Alert.objects.get().sensor == "splunk"


def test_it_stores_a_repeated_delivery_once(sensor: Caller) -> None:
    alerts = [alert(number=1), alert(number=2)]
    first = sensor.post(ALERTS, alerts).json()
    again = sensor.post(ALERTS, [*alerts, alert(number=3)]).json()

    assert (first["accepted"], first["duplicates"]) == (2, 0)
    assert (again["accepted"], again["duplicates"]) == (1, 2)
    assert Investigation.objects.get().alert_count == Alert.objects.count() == 3


def test_it_gives_each_bad_record_its_own_index_and_keeps_the_good(sensor: Caller) -> None:
    records: list[Any] = [
        alert("203.0.113.1"),
        {"signature": "from nobody"},
        alert("203.0.113.2"),
        alert("not an address"),
        42,
        alert("203.0.113.3", destination_port=70_000),
        alert("203.0.113.4"),
        alert("203.0.113.1"),
    ]
    answer = sensor.post(ALERTS, records)

    body = answer.json()
    assert answer.status_code == 202
    assert [item["index"] for item in body["rejected"]] == [1, 3, 4, 5]
    assert "no source address" in body["rejected"][0]["error"]
    assert "not an address" in body["rejected"][1]["error"]
    assert all(set(item) == {"index", "error"} and "\n" not in item["error"] for item in body["rejected"])
    assert (body["accepted"], body["duplicates"]) == (3, 1)
    assert_adds_up(body, len(records))
    assert set(Alert.objects.values_list("attacker", flat=True)) == {"203.0.113.1", "203.0.113.2", "203.0.113.4"}


def test_it_counts_lines_that_are_broken(sensor: Caller) -> None:
    lines = [
        json.dumps(alert("203.0.113.1")),
        '{"source_ip": "203.0.113.2',
        "garbage",
        json.dumps(alert("203.0.113.3")),
    ]
    body = sensor.post(ALERTS, "\n".join(lines).encode()).json()

    assert body["accepted"] == 2
    assert [item["index"] for item in body["rejected"]] == [1, 2]


def test_it_accepts_exactly_as_much_as_allowed(sensor: Caller, settings: Any) -> None:
    body = json.dumps(alert()).encode()
    settings.MAX_BODY = len(body)
    assert sensor.post(ALERTS, body).status_code == 202
    settings.MAX_BODY = len(body) - 1
    assert sensor.post(ALERTS, body).status_code == 413


def test_it_says_when_to_come_back_before_anything_is_stored(sensor: Caller, settings: Any) -> None:
    settings.MAX_BACKLOG = 2
    assert sensor.post(ALERTS, [alert("203.0.113.1"), alert("203.0.113.2")]).status_code == 202
    refused = sensor.post(ALERTS, alert("203.0.113.3"))

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert set(refused.json()) == {"error"}
    assert Alert.objects.count() == Investigation.objects.count() == 2
