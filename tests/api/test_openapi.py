"""The description of the API, unknown addresses, and what load balancers and Prometheus read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now, timedelta

from investigations.models import Investigation
from investigations.services.ingest import store
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
CALLS = {
    ("post", "/api/v1/investigations"),
    ("get", "/api/v1/investigations"),
    ("get", "/api/v1/investigations/{pk}"),
    ("post", "/api/v1/investigations/{pk}/escalate"),
    ("post", "/api/v1/investigations/{pk}/dismiss"),
    ("post", "/api/v1/investigations/{pk}/reopen"),
    ("post", "/api/v1/investigations/{pk}/assign"),
    ("post", "/api/v1/investigations/{pk}/comments"),
    ("get", "/api/v1/audit"),
    ("post", "/api/v1/alerts"),
    ("post", "/api/v1/alerts/in/{token}"),
}


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


def test_it_describes_every_call_of_the_contract(client: Client) -> None:
    answer = client.get("/api/v1/openapi.json")

    schema = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "application/json")
    assert schema["openapi"].startswith("3.")
    assert {(method, path) for path, item in schema["paths"].items() for method in item} == CALLS
    assert all(operation["responses"] for item in schema["paths"].values() for operation in item.values())


def test_it_is_a_description_that_holds_together(client: Client) -> None:
    schema = json.loads(client.get("/api/v1/openapi.json").content)

    for reference in references(schema):
        target: Any = schema
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    names = [operation["operationId"] for item in schema["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    open_calls = {path for path, item in schema["paths"].items() for call in item.values() if not call["security"]}
    assert open_calls == {"/api/v1/alerts/in/{token}"}
    assert schema["components"]["securitySchemes"]["Bearer"] == {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize(
    "path", ["nothing", "alerts/", "alerts/in/", "investigations/", "docs", "a/b/c", "%00", "..", "<b>"]
)
def test_it_answers_unknown_addresses_in_json(client: Client, path: str) -> None:
    for answer in (client.get(f"/api/v1/{path}"), client.post(f"/api/v1/{path}", b"x", content_type="text/plain")):
        assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_it_is_alive_and_ready(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")

    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "oldest_due_seconds": 0.0, "redis": "ok"})


def test_it_is_not_ready_when_nobody_does_the_work(client: Client) -> None:
    store([make_alert()])
    Investigation.objects.update(due=now() - timedelta(hours=1))
    ready = client.get("/readyz")

    assert ready.status_code == 503
    assert "worker" in ready.json()["status"]


def test_it_counts_for_prometheus(client: Client) -> None:
    store([make_alert("203.0.113.1"), make_alert("203.0.113.2")])
    text = client.get("/metrics").content.decode()

    assert 'reconsoc_investigations{status="enriching"} 2.0' in text
    assert 'reconsoc_investigations{status="escalated"} 0.0' in text
    assert "reconsoc_oldest_due_seconds" in text
