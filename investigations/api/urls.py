"""Routes of the API; the names are those of the contract."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from investigations.api import alerts, audit, investigations
from investigations.api.auth import hide_token
from investigations.api.description import alert_paths
from investigations.api.errors import answer_errors
from reconsoc import __version__


class Api(NinjaAPI):
    """Described whole: the ingest calls stand in the schema too."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["paths"] |= alert_paths()
        return schema


api = Api(
    title="ReconSOC",
    version=__version__,
    docs_url=None,  # its page needs scripts from elsewhere; the schema is at openapi.json
    openapi_url="/openapi.json",
    urls_namespace="api",
    description="Alerts are sent to `POST alerts` (JSON, NDJSON or log lines), with a token of the scope ingest:write.",
)
api.add_router("/investigations", investigations.router)
api.add_router("/audit", audit.router)
answer_errors(api)


def unknown(request: HttpRequest, rest: str) -> JsonResponse:
    hide_token(request)
    return JsonResponse({"error": "there is no such call"}, status=404)


urlpatterns = [
    path("alerts", alerts.receive_alerts, name="receive_alerts"),
    path("alerts/in/<str:token>", alerts.receive_alerts_in, name="receive_alerts_in"),
    path("", api.urls),
    path("<path:rest>", unknown),
]
