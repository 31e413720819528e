"""Backtests: what a policy would have made of the past; asked for, followed, cancelled, read."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from investigations.access import may, needs
from investigations.choices import BacktestState
from investigations.forms.backtests import BacktestForm, ChangesForm
from investigations.models import Backtest, BacktestChange
from investigations.queries import backtests as queries
from investigations.queries.keyset import InvalidCursor, Page
from investigations.services import backtests as services
from investigations.views.requests import PersonRequest, actor, wanted_part

TEMPLATE = "backtests/backtest_detail.html"
PROGRESS = "progress"


@require_safe
@needs("read")
def backtests(request: PersonRequest) -> HttpResponse:
    return _list(request, BacktestForm())


@require_POST
@needs("write_policy")
def backtest_create(request: PersonRequest) -> HttpResponse:
    form = BacktestForm(request.POST)
    if not form.is_valid():
        return _list(request, form)
    data = form.cleaned_data
    try:
        backtest = services.ask(form.document, days=data["days"], draft=data["draft"], actor=actor(request))
    except ValueError as refused:
        form.add_error(None, str(refused))
        return _list(request, form)
    return HttpResponseRedirect(reverse("backtest_detail", args=[backtest.pk]))


@require_safe
@needs("read")
def backtest_detail(request: PersonRequest, pk: int) -> HttpResponse:
    """The whole page; htmx asks for the progress alone, and reloads the page when it is over."""
    backtest = get_object_or_404(queries.backtests(), pk=pk)
    part = wanted_part(request, PROGRESS)
    if part and backtest.is_over:
        return HttpResponseClientRefresh()
    context: dict[str, Any] = {"backtest": backtest, "may_write": may(request.user, "write_policy")}
    context["found"] = backtest.summary.get("graves", 0)
    if backtest.state == BacktestState.DONE:
        context |= queries.result(backtest, now()) | _changes(request, backtest)
    return render(request, f"{TEMPLATE}#{part}" if part else TEMPLATE, context)


@require_POST
@needs("write_policy")
def backtest_cancel(request: PersonRequest, pk: int) -> HttpResponse:
    get_object_or_404(Backtest, pk=pk)
    try:
        services.cancel(pk, actor=actor(request))
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The backtest is cancelled.")
    return HttpResponseRedirect(reverse("backtest_detail", args=[pk]))


def _list(request: PersonRequest, form: BacktestForm) -> HttpResponse:
    page: Page[Backtest] = Page()
    problem = ""
    try:
        page = queries.backtest_page(request.GET.get("cursor", ""))
    except InvalidCursor as error:
        problem = str(error)
    return render(request, "backtests/backtests.html", {"form": form, "page": page, "problem": problem})


def _changes(request: PersonRequest, backtest: Backtest) -> dict[str, Any]:
    form = ChangesForm(request.GET)
    page: Page[BacktestChange] = Page()
    problem = "" if form.is_valid() else "The filters cannot be used as they are."
    if form.is_valid():
        try:
            page = queries.change_page(backtest, form.filters, request.GET.get("cursor", ""))
        except InvalidCursor as error:
            problem = str(error)
    return {"form": form, "page": page, "rows": queries.with_people(page.rows), "problem": problem}
