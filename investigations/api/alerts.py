"""Alerts in: a plain view, since this is the path that a scan storm takes. The answer comes after the commit."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.db import Error as DatabaseRefusal
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from investigations.api.auth import bearer_token, hide_token
from investigations.choices import TokenScope
from investigations.ingest import FORMATS, parse
from investigations.ingest.fields import clean
from investigations.models import ApiToken
from investigations.queries.health import backlog
from investigations.queries.networks import own_networks
from investigations.services.ingest import store
from investigations.services.tokens import authenticate

RETRY_SECONDS = 30
MAX_SENSOR = 100
MAX_DIGITS = 18  # of a Content-Length


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
    return _receive(request, lambda: bearer_token(request, TokenScope.INGEST))


@csrf_exempt
def receive_alerts_in(request: HttpRequest, token: str) -> HttpResponse:
    """`POST alerts/in/TOKEN`: for senders that cannot set a header."""
    hide_token(request)
    return _receive_in(request, token)


@require_POST
def _receive_in(request: HttpRequest, token: str) -> HttpResponse:
    return _receive(request, lambda: authenticate(token, TokenScope.INGEST))


def _receive(request: HttpRequest, find_token: Callable[[], ApiToken | None]) -> HttpResponse:
    try:
        if find_token() is None:
            raise Refused(401, "a token with the scope ingest:write is needed")
        return JsonResponse(_store(request), status=202)
    except Refused as refused:
        return refused.response()
    except DatabaseRefusal:
        return Refused(503, "cannot be stored now; nothing of it was", RETRY_SECONDS).response()


def _store(request: HttpRequest) -> dict[str, Any]:
    format_name = request.GET.get("format", "auto")
    if format_name != "auto" and format_name not in FORMATS:
        raise Refused(400, f"unknown format; there are auto, {', '.join(FORMATS)}")
    if backlog(settings.MAX_BACKLOG) >= settings.MAX_BACKLOG:
        raise Refused(429, "too much work is waiting; nothing of this request was stored", RETRY_SECONDS)
    batch = parse(
        read_body(request),
        received=now(),
        format=format_name,
        sensor=clean(request.GET.get("sensor", ""), MAX_SENSOR),
        own_networks=own_networks(),
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
    if not (length.isascii() and length.isdecimal()):
        raise Refused(400, "the Content-Length is not a number")
    if len(length) > MAX_DIGITS or int(length) > limit:
        raise too_large
    encoding = request.headers.get("Content-Encoding", "").lower()
    if encoding not in ("", "identity", "gzip"):
        raise Refused(415, "only gzip is unpacked")
    try:
        body = _stream(request).read(limit + 1)
        if len(body) > limit:
            raise too_large
        if encoding == "gzip":
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
                body = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error, RawPostDataException):
        raise Refused(400, "the body could not be read") from None
    if len(body) > limit:
        raise too_large
    return body


def _stream(request: HttpRequest) -> BinaryIO:
    """Where the body is read from: a sender that does not know its length sends chunks, which Django would not read."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        return cast(BinaryIO, request.META["wsgi.input"])
    return cast(BinaryIO, request)
