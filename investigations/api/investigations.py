"""Investigations out, and the workflow, for scripts and other systems."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http import JsonResponse as Json
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router

from investigations.api.auth import Bearer, token_actor
from investigations.api.inputs import Input
from investigations.choices import Disposition, Role, TokenScope
from investigations.models import InvalidTransition, Investigation, User
from investigations.queries.keyset import InvalidCursor
from investigations.queries.listing import BadFilter, list_investigations
from investigations.queries.shapes import latest_decisions, load_shapes, summary_shape
from investigations.services import investigations as workflow

router = Router(tags=["investigations"])
READ = Bearer(TokenScope.READ)
WRITE = Bearer(TokenScope.WRITE)


class Submission(Input):
    artifacts: list[str] = Field(..., min_length=1, max_length=500, description="addresses or domains, defanged or not")
    reason: str = Field("", max_length=2000)


class Filters(Input):
    status: str = ""
    source: str = Field("", max_length=100, description="an address or a network")
    q: str = Field("", max_length=200)
    cursor: str = Field("", max_length=200)
    limit: int = Field(50, ge=1, le=200)


class Decision(Input):
    disposition: Disposition
    comment: str = Field("", max_length=5000)


class Comment(Input):
    comment: str = Field("", max_length=5000)


class Assignment(Input):
    assignee: str | None = Field(None, max_length=150, description="a user name; null releases it")


@router.post("", auth=WRITE, response={201: Any, 400: Any})
def submit(request: HttpRequest, body: Submission) -> Json:
    """Investigate addresses and domains."""
    result = workflow.submit_values(body.artifacts, reason=body.reason, actor=_actor(request))
    shapes = load_shapes([item.investigation_id for item in result.accepted])
    refused = [{"value": item.text, "error": item.reason} for item in result.refused]
    return Json({"investigations": shapes, "refused": refused}, status=201 if shapes else 400)


@router.get("", auth=READ)
def listing(request: HttpRequest, filters: Query[Filters]) -> Json:
    """A page, the most urgent first; `next` is the cursor of the following page, or null."""
    try:
        page = list_investigations(**filters.model_dump())
    except (BadFilter, InvalidCursor) as error:
        return Json({"error": str(error)}, status=400)
    decisions = latest_decisions([row.pk for row in page.rows])
    rows = [summary_shape(row, decisions.get(row.pk)) for row in page.rows]
    return Json({"investigations": rows, "next": page.older or None})


@router.get("/{int:pk}", auth=READ)
def detail(request: HttpRequest, pk: int) -> Json:
    """One investigation with its artifacts, answers and timeline."""
    shapes = load_shapes([pk])
    return Json(shapes[0]) if shapes else Json({"error": "there is no such investigation"}, status=404)


@router.post("/{int:pk}/escalate", auth=WRITE)
def escalate(request: HttpRequest, pk: int, body: Decision) -> Json:
    return _act(pk, workflow.escalate, disposition=body.disposition, comment=body.comment, actor=_actor(request))


@router.post("/{int:pk}/dismiss", auth=WRITE)
def dismiss(request: HttpRequest, pk: int, body: Decision) -> Json:
    return _act(pk, workflow.dismiss, disposition=body.disposition, comment=body.comment, actor=_actor(request))


@router.post("/{int:pk}/reopen", auth=WRITE)
def reopen(request: HttpRequest, pk: int, body: Comment) -> Json:
    return _act(pk, workflow.reopen, comment=body.comment, actor=_actor(request))


@router.post("/{int:pk}/comments", auth=WRITE)
def comment(request: HttpRequest, pk: int, body: Comment) -> Json:
    if not workflow.clean(body.comment):
        return Json({"error": "comment: needs some words"}, status=400)
    return _act(pk, workflow.comment, text=body.comment, actor=_actor(request))


@router.post("/{int:pk}/assign", auth=WRITE)
def assign(request: HttpRequest, pk: int, body: Assignment) -> Json:
    user = None
    if body.assignee is not None:
        user = (
            User.objects.filter(username=body.assignee, is_active=True)
            .exclude(role__in=[Role.VIEWER, Role.AUDITOR])
            .first()
        )
        if user is None:
            return Json({"error": "nobody of this name can hold an investigation"}, status=400)
    return _act(pk, workflow.assign, user=user, actor=_actor(request))


def _act(pk: int, action: Any, **arguments: Any) -> Json:
    """Do it and answer with the investigation as it is now; 409 where its state does not allow it."""
    row = get_object_or_404(Investigation, pk=pk)
    try:
        action(row, **arguments)
    except InvalidTransition as error:
        return Json({"error": str(error)}, status=409)
    return Json(load_shapes([pk])[0])


def _actor(request: HttpRequest) -> Any:
    return token_actor(request.auth, request)  # type: ignore[attr-defined]
