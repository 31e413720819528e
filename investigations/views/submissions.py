"""Ask for an investigation by hand: paste anything, see what was taken and what was not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.forms.decisions import SubmissionForm
from investigations.models import Investigation
from investigations.queries.queue_rows import rows_of
from investigations.services.investigations import submit
from investigations.views.requests import PersonRequest, actor

SHOWN = 100  # investigations that the result follows live


@require_safe
@needs("submit")
def submission(request: PersonRequest) -> HttpResponse:
    return render(request, "submissions/submission.html", {"form": SubmissionForm(initial=request.GET.dict())})


@require_POST
@needs("submit")
def submission_create(request: PersonRequest) -> HttpResponse:
    """The result is shown at once and not redirected to: only this answer knows what was refused."""
    form = SubmissionForm(request.POST)
    if not form.is_valid():
        return render(request, "submissions/submission.html", {"form": form})
    result = submit(form.cleaned_data["text"], reason=form.cleaned_data["reason"], actor=actor(request))
    if not result.accepted and not result.refused:
        messages.error(request, "There is no address and no domain in this text.")
        return render(request, "submissions/submission.html", {"form": form})
    existing = {item.investigation_id for item in result.accepted if item.existing}
    numbers = list(dict.fromkeys(item.investigation_id for item in result.accepted))
    context = {"result": result, "existing": len(existing), **_progress(numbers)}
    return render(request, "submissions/submission_result.html", context)


@require_safe
@needs("submit")
def submission_progress(request: PersonRequest) -> HttpResponse:
    """How far the investigations in `ids` have come; the result page asks until all are decided."""
    numbers = [int(word) for word in request.GET.get("ids", "").split(",") if word.isdecimal() and len(word) < 19]
    return render(request, "submissions/submission_result.html#progress", _progress(numbers))


def _progress(numbers: list[int]) -> dict[str, Any]:
    rows = Investigation.objects.select_related("assignee").in_bulk(numbers[:SHOWN])
    investigations = [rows[number] for number in numbers[:SHOWN] if number in rows]
    return {
        "rows": rows_of(investigations),
        "ids": ",".join(str(investigation.pk) for investigation in investigations),
        "unshown": max(len(numbers) - SHOWN, 0),
        "running": any(investigation.is_enriching for investigation in investigations),
    }
