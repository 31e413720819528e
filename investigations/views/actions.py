"""What people do with an investigation. Every action is a POST that ends in a redirect, whether it succeeded or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from investigations.access import may, needs
from investigations.forms import AssignForm, CommentForm, DismissForm, EscalateForm, ReopenForm
from investigations.models import Investigation, InvalidTransition
from investigations.services import investigations as services
from investigations.views.investigations import detail_page, find, seen
from investigations.views.requests import PersonRequest, actor, next_url

MOVED = "Somebody else has changed this investigation meanwhile; it is shown as it is now. Nothing was changed by you."


def _done(request: PersonRequest, investigation: Investigation, act: Callable[[], None], text: str) -> HttpResponse:
    """Do it and go on; on a conflict tell the person and show the investigation as it is now."""
    here = investigation.get_absolute_url()
    if request.POST.get("seen", seen(investigation)) != seen(investigation):
        messages.error(request, MOVED)
        return HttpResponseRedirect(here)
    try:
        act()
    except InvalidTransition as conflict:
        messages.error(request, str(conflict))
        return HttpResponseRedirect(here)
    messages.success(request, f"{investigation}: {text}")
    return HttpResponseRedirect(next_url(request, here))


def _with(
    request: PersonRequest,
    investigation: Investigation,
    form: forms.Form,
    name: str,
    act: Callable[[dict[str, Any]], None],
    text: str,
) -> HttpResponse:
    """Do it with what the form holds, or show the page again with what is wrong."""
    if not form.is_valid():
        return detail_page(request, investigation, **{f"{name}_form": form, "open_form": name})
    return _done(request, investigation, lambda: act(form.cleaned_data), text)


@require_POST
@needs("work")
def investigation_claim(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def act() -> None:
        services.claim(investigation, user=request.user, actor=actor(request))

    return _done(request, investigation, act, "you hold it now.")


@require_POST
@needs("work")
def investigation_release(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)
    if investigation.assignee_id not in (None, request.user.pk) and not may(request.user, "reassign"):
        raise PermissionDenied
    return _done(
        request, investigation, lambda: services.release(investigation, actor=actor(request)), "nobody holds it now."
    )


@require_POST
@needs("reassign")
def investigation_assign(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def act(data: dict[str, Any]) -> None:
        services.assign(investigation, user=data["user"], actor=actor(request))

    return _with(request, investigation, AssignForm(request.POST, auto_id="assign_%s"), "assign", act, "handed over.")


@require_POST
@needs("work")
def investigation_escalate(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def act(data: dict[str, Any]) -> None:
        services.escalate(investigation, **data, actor=actor(request))

    return _with(
        request, investigation, EscalateForm(request.POST, auto_id="escalate_%s"), "escalate", act, "escalated."
    )


@require_POST
@needs("work")
def investigation_dismiss(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def act(data: dict[str, Any]) -> None:
        services.dismiss(investigation, **data, actor=actor(request))

    return _with(request, investigation, DismissForm(request.POST, auto_id="dismiss_%s"), "dismiss", act, "dismissed.")


@require_POST
@needs("work")
def investigation_reopen(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def act(data: dict[str, Any]) -> None:
        services.reopen(investigation, **data, actor=actor(request))

    return _with(request, investigation, ReopenForm(request.POST, auto_id="reopen_%s"), "reopen", act, "reopened.")


@require_POST
@needs("work")
def investigation_comment(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def act(data: dict[str, Any]) -> None:
        services.comment(investigation, text=data["comment"], actor=actor(request))

    return _with(
        request, investigation, CommentForm(request.POST, auto_id="comment_%s"), "comment", act, "comment added."
    )
