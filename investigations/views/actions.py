"""What people do with an investigation. Every action is a POST that ends in a redirect, whether it succeeded or not."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from investigations.access import may, needs
from investigations.forms.decisions import AssignForm, CommentForm, DismissForm, EscalateForm, ReopenForm
from investigations.models import InvalidTransition, Investigation
from investigations.services import investigations as services
from investigations.views.investigations import detail_page, find, seen
from investigations.views.requests import PersonRequest, actor, next_url

MOVED = "Somebody else has changed this investigation meanwhile; here it is as it stands now. You changed nothing."


@require_POST
@needs("work")
def investigation_claim(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)

    def claim() -> None:
        services.claim(investigation, user=request.user, actor=actor(request))

    return _do(request, investigation, claim, "you hold it now.")


@require_POST
@needs("work")
def investigation_release(request: PersonRequest, pk: int) -> HttpResponse:
    investigation = find(pk)
    if investigation.assignee_id not in (None, request.user.pk) and not may(request.user, "reassign"):
        raise PermissionDenied

    def release() -> None:
        services.release(investigation, actor=actor(request))

    return _do(request, investigation, release, "nobody holds it now.")


@require_POST
@needs("reassign")
def investigation_assign(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(request, pk, AssignForm, "assign", services.assign, "handed over.")


@require_POST
@needs("work")
def investigation_escalate(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(request, pk, EscalateForm, "escalate", services.escalate, "escalated.")


@require_POST
@needs("work")
def investigation_dismiss(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(request, pk, DismissForm, "dismiss", services.dismiss, "dismissed.")


@require_POST
@needs("work")
def investigation_reopen(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(request, pk, ReopenForm, "reopen", services.reopen, "reopened.")


@require_POST
@needs("work")
def investigation_comment(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(request, pk, CommentForm, "comment", services.comment, "comment added.")


def _answer(
    request: PersonRequest,
    pk: int,
    form_class: type[forms.Form],
    name: str,
    service: Callable[..., None],
    done: str,
) -> HttpResponse:
    """Call the service with what the form holds, or show the page again with what is wrong."""
    investigation = find(pk)
    form = form_class(request.POST, auto_id=f"{name}_%s")
    if not form.is_valid():
        return detail_page(request, investigation, **{f"{name}_form": form, "open_form": name})

    def act() -> None:
        service(investigation, **form.cleaned_data, actor=actor(request))

    return _do(request, investigation, act, done)


def _do(request: PersonRequest, investigation: Investigation, act: Callable[[], None], done: str) -> HttpResponse:
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
    messages.success(request, f"{investigation}: {done}")
    return HttpResponseRedirect(next_url(request, here))
