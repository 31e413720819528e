"""Blind review: a person judges a sampled dismissal without knowing what the machine decided."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.forms.automation import OpinionForm
from investigations.models import Alert, SampleReview
from investigations.queries.automation import samples_for, waiting_samples
from investigations.queries.keyset import InvalidCursor, Page, page_of
from investigations.queries.overview import overview_of
from investigations.queries.probes import alerts_page, scan_of
from investigations.services import samples as services
from investigations.views.requests import PersonRequest, actor

SHOWN = 50


@require_safe
@needs("review")
def samples(request: PersonRequest) -> HttpResponse:
    """What waits for this person, and what was reviewed."""
    mine = samples_for(request.user.username)
    try:
        page, problem = _reviewed(request.GET.get("cursor", "")), ""
    except InvalidCursor as error:
        page, problem = Page(), str(error)
    context = {
        "waiting": mine[:SHOWN],
        "mine": mine.count(),
        "others": waiting_samples().count() - mine.count(),
        "page": page,
        "problem": problem,
        "before": _before(request),
    }
    return render(request, "samples/samples.html", context)


@require_safe
@needs("review")
def sample_detail(request: PersonRequest, pk: int) -> HttpResponse:
    return _page(request, _find(pk))


@require_POST
@needs("review")
def sample_review(request: PersonRequest, pk: int) -> HttpResponse:
    """Store the opinion and go on to the next one, which also shows what the machine had decided on this one."""
    row, form = _find(pk), OpinionForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    try:
        services.review(row, user=request.user, actor=actor(request), **form.cleaned_data)
    except ValueError as refused:
        messages.error(request, str(refused))
        return HttpResponseRedirect(reverse("samples"))
    following = samples_for(request.user.username).first()
    place = reverse("sample_detail", args=[following.pk]) if following else reverse("samples")
    return HttpResponseRedirect(f"{place}?before={row.pk}")


def _reviewed(cursor: str) -> Page[SampleReview]:
    """With the machine's decision, which is no secret any more; the latest first. Raises InvalidCursor."""
    rows = SampleReview.objects.filter(reviewed__isnull=False).select_related("investigation", "decision", "reviewer")
    return page_of(rows, ("reviewed", "id"), cursor, SHOWN)


def _find(pk: int) -> SampleReview:
    return get_object_or_404(
        SampleReview.objects.select_related("investigation", "decision", "decision__policy", "reviewer"), pk=pk
    )


def _page(request: PersonRequest, row: SampleReview, form: OpinionForm | None = None) -> HttpResponse:
    """Everything about the source, and nothing of the decision before there is an opinion."""
    if row.reviewed is None and services.knows(row, request.user):
        return render(request, "samples/known.html", {"sample": row}, status=403)
    investigation = row.investigation
    alerts, problem = _alerts(request, row)
    context: dict[str, Any] = {
        "sample": row,
        "investigation": investigation,
        "overview": overview_of(investigation),
        "scan": scan_of(investigation),
        "alerts": alerts,
        "problem": problem,
        "here": reverse("sample_detail", args=[row.pk]),
        "form": form or OpinionForm(),
        "before": _before(request),
        "left": samples_for(request.user.username).count(),
    }
    return render(request, "samples/sample_detail.html", context)


def _alerts(request: PersonRequest, row: SampleReview) -> tuple[Page[Alert], str]:
    try:
        return alerts_page(row.investigation, request.GET.get("alerts", "")), ""
    except InvalidCursor as error:
        return Page(), str(error)


def _before(request: PersonRequest) -> SampleReview | None:
    """The sample that this person has just reviewed; nobody learns anything of one that still waits."""
    number = request.GET.get("before", "")
    if not number.isdecimal() or len(number) > 18:
        return None
    rows = SampleReview.objects.select_related("investigation", "decision", "reviewer")
    return rows.filter(pk=int(number), reviewed__isnull=False, reviewer=request.user).first()
