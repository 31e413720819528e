"""Routes of the API; the names are those of the contract."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path
from ninja import NinjaAPI

from investigations.api import alerts, audit, investigations
from reconsoc import __version__

api = NinjaAPI(
    title="ReconSOC",
    version=__version__,
    docs_url=None,  # its page needs scripts from elsewhere; the schema is at openapi.json
    openapi_url="/openapi.json",
    urls_namespace="api",
    description="Alerts are sent to `POST alerts` (JSON, NDJSON or log lines), with a token of the scope ingest:write.",
)
api.add_router("/investigations", investigations.router)
api.add_router("/audit", audit.router)


def unknown(request: HttpRequest, rest: str) -> JsonResponse:
    return JsonResponse({"error": "there is no such call"}, status=404)


urlpatterns = [
    path("alerts", alerts.receive_alerts, name="receive_alerts"),
    path("alerts/in/<str:token>", alerts.receive_alerts_in, name="receive_alerts_in"),
    path("", api.urls),
    path("<path:rest>", unknown),
]
