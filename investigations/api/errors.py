"""What the API answers when it cannot do what was asked: `{"error": "one line"}`, whatever went wrong."""

from __future__ import annotations

from typing import Any

from django.db import Error as DatabaseRefusal
from django.http import Http404, HttpRequest, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

RETRY_SECONDS = 30


def answer_errors(api: NinjaAPI) -> None:
    """Have every call of this API answer its errors in this way."""
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _refused)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(DatabaseRefusal, _database_away)


def _invalid(request: HttpRequest, error: Any) -> JsonResponse:
    problems = (f"{'.'.join(map(str, _place(problem)))}: {problem['msg']}" for problem in error.errors)
    return JsonResponse({"error": "; ".join(problems)}, status=400)


def _place(problem: dict[str, Any]) -> list[Any]:
    # "query", "filters", "limit": the reader knows the first, and never saw the name of our argument
    return list(problem["loc"][2:]) or list(problem["loc"])


def _refused(request: HttpRequest, error: Any) -> JsonResponse:
    text = "a token with the right scope is needed" if error.status_code == 401 else str(error)
    return JsonResponse({"error": text}, status=error.status_code)


def _missing(request: HttpRequest, error: Any) -> JsonResponse:
    return JsonResponse({"error": "there is no such thing"}, status=404)


def _database_away(request: HttpRequest, error: Any) -> JsonResponse:
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return JsonResponse({"error": "cannot be done now; nothing was changed"}, status=503, headers=headers)
