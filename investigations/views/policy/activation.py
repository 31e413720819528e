"""Putting a version in force, by one person or by two, and judging in the shadow."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.forms.policy import ActivationForm, AnswerForm
from investigations.models import ActivationRequest, PolicyVersion
from investigations.queries import policies as queries
from investigations.queries.automation import automation
from investigations.queries.drafts import check
from investigations.services import policies as services
from investigations.views.policy.differences import difference
from investigations.views.requests import PersonRequest, actor


@require_safe
@needs("write_policy")
def policy_activation(request: PersonRequest, pk: int) -> HttpResponse:
    return _page(request, get_object_or_404(PolicyVersion, pk=pk))


@require_POST
@needs("write_policy")
def policy_activate(request: PersonRequest, pk: int) -> HttpResponse:
    """Put it in force, or ask for it where another person has to approve."""
    version, form = get_object_or_404(PolicyVersion, pk=pk), ActivationForm(request.POST)
    if not form.is_valid():
        return _page(request, version, form=form)
    reason, seen = form.cleaned_data["reason"], form.cleaned_data["seen"]
    try:
        if automation().four_eyes:
            services.ask(pk, reason=reason, user=request.user, actor=actor(request))
            done = f"Asked for policy {pk}: it is put in force when another person approves."
        else:
            services.activate(pk, reason=reason, seen=seen, actor=actor(request))
            done = f"Policy {pk} is in force. Decisions that were made stay as they are."
    except ValueError as refused:
        form.add_error(None, str(refused))
        return _page(request, version, form=form)
    messages.success(request, done)
    return HttpResponseRedirect(reverse("policy"))


@require_POST
@needs("write_policy")
def policy_request_answer(request: PersonRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(ActivationRequest.objects.select_related("version"), pk=pk)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, row.version, answer_form=form)
    try:
        services.answer(pk, **form.cleaned_data, user=request.user, actor=actor(request))
    except ValueError as refused:
        form.add_error(None, str(refused))
        return _page(request, row.version, answer_form=form)
    approved = form.cleaned_data["approve"]
    messages.success(
        request,
        f"Policy {row.version_id} is in force. Decisions that were made stay as they are."
        if approved
        else "The request is refused; nothing has changed.",
    )
    return HttpResponseRedirect(reverse("policy"))


@require_POST
@needs("write_policy")
def policy_shadow(request: PersonRequest, pk: int) -> HttpResponse:
    try:
        services.put_in_shadow(get_object_or_404(PolicyVersion, pk=pk).pk, actor=actor(request))
    except ValueError as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(reverse("policy_version", args=[pk]))
    messages.success(request, f"Policy {pk} judges in the shadow: it proposes, and decides nothing.")
    return HttpResponseRedirect(reverse("policy_agreement", args=[pk]))


@require_POST
@needs("write_policy")
def policy_shadow_end(request: PersonRequest) -> HttpResponse:
    try:
        ended = services.end_shadow(actor=actor(request))
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Policy {ended} does not judge in the shadow any more; its proposals are kept.")
    return HttpResponseRedirect(reverse("policy"))


def _page(
    request: PersonRequest,
    version: PolicyVersion,
    form: ActivationForm | None = None,
    answer_form: AnswerForm | None = None,
) -> HttpResponse:
    """What would change, what a backtest found, and the form that the present state asks for."""
    active = queries.active_version()
    seen = {"seen": active.pk if active else None}
    context = {
        "version": version,
        "active": active,
        "check": check(version.document),
        "diff": difference(active, version) if active and active != version else None,
        "backtest": queries.latest_backtest(version.digest),
        "running": queries.waiting_backtest(version.digest),
        "four_eyes": automation().four_eyes,
        "waiting": queries.open_requests().filter(version=version).first(),
        "form": form or ActivationForm(initial=seen),
        "answer_form": answer_form or AnswerForm(initial=seen),
        "seen": seen["seen"],
    }
    return render(request, "policy/activation.html", context)
