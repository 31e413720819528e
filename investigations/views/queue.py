"""The queue: a list beside a preview; the URL is its whole state."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from investigations.access import needs
from investigations.forms.queue import QueueForm
from investigations.models import Investigation
from investigations.queries.keyset import InvalidCursor, Page, after
from investigations.queries.overview import overview_of
from investigations.queries.queue import KEYS, TEXT_DEPTH, Tab, investigations_in, narrowed, queue_page, tab_counts
from investigations.queries.queue_rows import rows_of
from investigations.views.investigations import action_forms
from investigations.views.requests import PersonRequest, wanted_part

TEMPLATE = "queue/queue.html"
LIST, PREVIEW = "queue-list", "preview"
SOON, LATER = 3, 20  # seconds until the list looks again, while something is being investigated and otherwise


@require_safe
@needs("read")
def queue(request: PersonRequest) -> HttpResponse:
    """The whole page, or for htmx its list or its preview."""
    form = QueueForm(request.GET)
    form.is_valid()
    part = wanted_part(request, LIST, PREVIEW)
    context: dict[str, Any] = {"form": form, "tab": form.tab_shown}
    if part != PREVIEW:
        context |= _list(request, form)
    context["selected"] = _selected(request, context.get("rows", []))
    if part != LIST and context["selected"]:
        context |= _preview(request, form, context["selected"])
    return render(request, f"{TEMPLATE}#{part}" if part else TEMPLATE, context)


def _list(request: PersonRequest, form: QueueForm) -> dict[str, Any]:
    page, problem = _page(request, form)
    counts = tab_counts(request.user.pk)
    return {
        "rows": rows_of(page.rows),
        "page": page,
        "problem": problem,
        "text_depth": TEXT_DEPTH,
        "tabs": [(tab, counts[tab]) for tab in Tab],
        "pause": SOON if counts[Tab.ENRICHING] else LATER,
    }


def _page(request: PersonRequest, form: QueueForm) -> tuple[Page[Investigation], str]:
    """The page that is asked for, or an empty one and what is wrong with the question."""
    if not form.is_valid():
        return Page(), "The filters cannot be used as they are; see above."
    cursor = request.GET.get("cursor", "")
    try:
        return queue_page(form.tab_shown, form.filters, request.user.pk, cursor), ""
    except InvalidCursor as error:
        return Page(), str(error)


def _selected(request: PersonRequest, rows: list[Any]) -> Investigation | None:
    """The investigation that the URL names, else the first of the list."""
    number = request.GET.get("selected", "")
    if number.isdecimal() and len(number) < 19:
        named = Investigation.objects.select_related("assignee").filter(pk=int(number)).first()
        if named is not None:
            return named
    return rows[0].investigation if rows else None


def _preview(request: PersonRequest, form: QueueForm, selected: Investigation) -> dict[str, Any]:
    return {
        "overview": overview_of(selected),
        "explicit": "selected" in request.GET,
        "next_url": _following(request, form, selected),
        **action_forms(request, selected),
    }


def _following(request: PersonRequest, form: QueueForm, selected: Investigation) -> str:
    """Where a person goes on after deciding: the same list, at the investigation below."""
    query = request.GET.copy()
    query.pop("selected", None)
    if form.is_valid():
        rows = narrowed(investigations_in(form.tab_shown, request.user.pk), form.filters)
        below = after(rows, KEYS, [getattr(selected, key) for key in KEYS]).first()
        if below is not None:
            query["selected"] = str(below.pk)
    return f"{reverse('queue')}?{query.urlencode()}"
