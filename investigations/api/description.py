"""What openapi.json says about the ingest calls, which are plain views and so not described by themselves."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from investigations.ingest import AUTO, FORMATS

COUNT = {"type": "integer", "minimum": 0}
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
RECEIVED = {
    "type": "object",
    "required": ["accepted", "duplicates", "skipped", "rejected", "investigations"],
    "properties": {
        "accepted": COUNT,
        "duplicates": COUNT,
        "skipped": COUNT,
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "error"],
                "properties": {"index": COUNT, "error": {"type": "string"}},
            },
        },
        "investigations": {"type": "array", "items": {"type": "integer"}},
    },
}
REFUSALS = {
    "400": "no record in it, an unknown format, or a broken body",
    "401": "no token with the scope ingest:write",
    "413": "too large: send it in parts",
    "415": "an encoding other than gzip",
    "429": "too much work is waiting; come back after Retry-After seconds",
    "503": "the database cannot store it now; come back after Retry-After seconds",
}
TOKEN = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}


def alert_paths() -> dict[str, Any]:
    """The paths of the ingest calls, as OpenAPI 3.1 writes them."""
    path = reverse("receive_alerts")
    by_header = _operation("receive_alerts", "Send alerts", [], [{"Bearer": []}])
    by_path = _operation("receive_alerts_in", "Send alerts, for senders that cannot set a header", [TOKEN], [])
    return {path: {"post": by_header}, f"{path}/in/{{token}}": {"post": by_path}}


def _operation(name: str, summary: str, parameters: list[Any], security: list[Any]) -> dict[str, Any]:
    anything = {"schema": {"description": "one object, an array, or one record a line"}}
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["alerts"],
        "security": security,
        "parameters": [*parameters, _query("format", [AUTO, *FORMATS]), _query("sensor")],
        "requestBody": {
            "required": True,
            "content": dict.fromkeys(("application/json", "application/x-ndjson", "text/plain"), anything),
        },
        "responses": {
            "202": _response("stored: it is in the database", RECEIVED),
            **{status: _response(text, ERROR) for status, text in REFUSALS.items()},
        },
    }


def _query(name: str, values: list[str] | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    return {"name": name, "in": "query", "schema": schema | ({"enum": values, "default": AUTO} if values else {})}


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
