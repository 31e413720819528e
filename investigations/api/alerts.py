"""Alerts in: a plain view, since this is the path that a scan storm takes. The answer comes after the commit."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from investigations.api.auth import bearer_token
from investigations.choices import TokenScope
from investigations.ingest import FORMATS, parse
from investigations.models import ApiToken
from investigations.queries.health import backlog
from investigations.services.ingest import store
from investigations.services.tokens import authenticate

RETRY_SECONDS = 30
MAX_SENSOR = 100


class Refused(Exception):
    """The request is answered with `status` and one line; nothing of it was stored."""

    def __init__(self, status: int, error: str, retry_after: int | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.retry_after = retry_after

    def response(self) -> JsonResponse:
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else None
        return JsonResponse({"error": self.error}, status=self.status, headers=headers)


@csrf_exempt
@require_POST
def receive_alerts(request: HttpRequest) -> HttpResponse:
    """`POST alerts`: the token comes in the Authorization header."""
    return _receive(request, bearer_token(request, TokenScope.INGEST))


@csrf_exempt
@require_POST
def receive_alerts_in(request: HttpRequest, token: str) -> HttpResponse:
    """`POST alerts/in/TOKEN`: for senders that cannot set a header."""
    return _receive(request, authenticate(token, TokenScope.INGEST))


def _receive(request: HttpRequest, token: ApiToken | None) -> HttpResponse:
    try:
        if token is None:
            raise Refused(401, "a token with the scope ingest:write is needed")
        return JsonResponse(_store(request, token), status=202)
    except Refused as refused:
        return refused.response()
    except DatabaseError:
        return Refused(503, "cannot be stored now; nothing of it was", RETRY_SECONDS).response()


def _store(request: HttpRequest, token: ApiToken) -> dict[str, Any]:
    format_name = request.GET.get("format", "auto")
    if format_name != "auto" and format_name not in FORMATS:
        raise Refused(400, f"unknown format; there are auto, {', '.join(FORMATS)}")
    if backlog(settings.MAX_BACKLOG) >= settings.MAX_BACKLOG:
        raise Refused(429, "too much work is waiting; nothing of this request was stored", RETRY_SECONDS)
    batch = parse(
        read_body(request),
        received=now(),
        format=format_name,
        sensor=request.GET.get("sensor", "")[:MAX_SENSOR],
        own_networks=settings.OWN_NETWORKS,
    )
    if not batch.read:
        raise Refused(400, "the body holds no record")
    stored = store(batch)
    return {
        "accepted": stored.accepted,
        "duplicates": stored.duplicates,
        "skipped": batch.skipped,
        "rejected": [{"index": rejected.index, "error": rejected.error} for rejected in batch.rejected],
        "investigations": list(stored.investigations),
    }


def read_body(request: HttpRequest) -> bytes:
    """The body, unpacked; 413 as soon as it is larger than allowed, packed or not."""
    limit = settings.MAX_BODY
    too_large = Refused(413, f"the body is larger than {limit:,} bytes; send it in parts")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > limit:
        raise too_large
    encoding = request.headers.get("Content-Encoding", "").lower()
    if encoding not in ("", "identity", "gzip"):
        raise Refused(415, "only gzip is unpacked")
    try:
        body = request.read(limit + 1)
        if encoding == "gzip":
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
                body = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error, RawPostDataException):
        raise Refused(400, "the body could not be read") from None
    if len(body) > limit:
        raise too_large
    return body
