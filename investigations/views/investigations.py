"""One investigation: its page, its evidence as a file, its replay."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from investigations.access import may, needs
from investigations.forms.decisions import AssignForm, CommentForm, DismissForm, EscalateForm, ReopenForm
from investigations.models import Alert, Decision, Investigation
from investigations.queries.keyset import InvalidCursor, Page
from investigations.queries.overview import overview_of
from investigations.queries.probes import alerts_page, scan_of
from investigations.queries.timeline import timeline_of
from investigations.services.replay import replay
from investigations.views.requests import PersonRequest, wanted_part

TEMPLATE = "investigations/investigation_detail.html"
LIVE = "live"
# Whatever a browser makes of a file that an attacker wrote: no script, no form, no origin of ours
SANDBOX = {"default-src": ["'none'"], "sandbox": ""}


@require_safe
@needs("read")
def investigation_detail(request: PersonRequest, pk: int) -> HttpResponse:
    """The page, or for htmx the part that changes while the investigation runs."""
    return detail_page(request, find(pk))


def find(pk: int) -> Investigation:
    return get_object_or_404(Investigation.objects.select_related("assignee"), pk=pk)


def detail_page(request: PersonRequest, investigation: Investigation, **bound: Any) -> HttpResponse:
    """`bound` are forms that could not be accepted, to be shown again with what is wrong."""
    part = wanted_part(request, LIVE)
    alerts, problem = _alerts(request, investigation)
    context = {
        "investigation": investigation,
        "overview": overview_of(investigation),
        "scan": scan_of(investigation),
        "timeline": timeline_of(investigation),
        "alerts": alerts,
        "problem": problem,
        "updating": bool(part),
        "late": "late" in request.GET,
        "next_url": investigation.get_absolute_url(),
        "here": investigation.get_absolute_url(),
        **action_forms(request, investigation),
        **bound,
    }
    return render(request, f"{TEMPLATE}#{part}" if part else TEMPLATE, context)


def action_forms(request: PersonRequest, investigation: Investigation) -> dict[str, Any]:
    """The forms of what this person may do with it; nothing for those who only read."""
    if not may(request.user, "work"):
        return {}
    held_by_other = investigation.assignee_id not in (None, request.user.pk)
    return {
        "may_release": investigation.assignee_id and (not held_by_other or may(request.user, "reassign")),
        "escalate_form": EscalateForm(auto_id="escalate_%s", initial={"disposition": "true_positive"}),
        "dismiss_form": DismissForm(auto_id="dismiss_%s"),
        "reopen_form": ReopenForm(auto_id="reopen_%s"),
        "comment_form": CommentForm(auto_id="comment_%s"),
        "assign_form": AssignForm(auto_id="assign_%s", initial={"user": investigation.assignee_id})
        if may(request.user, "reassign")
        else None,
        "seen": seen(investigation),
    }


def seen(investigation: Investigation) -> str:
    """What a decision depends on, as a form remembers it: whether it is closed, and who holds it."""
    return f"{'closed' if investigation.closed else 'open'}-{investigation.assignee_id or 0}"


def _alerts(request: PersonRequest, investigation: Investigation) -> tuple[Page[Alert], str]:
    try:
        return alerts_page(investigation, request.GET.get("alerts", "")), ""
    except InvalidCursor as error:
        return Page(), str(error)


def automatic_decision(pk: int) -> Decision:
    rows = Decision.objects.select_related("policy").filter(investigation=pk, automatic=True, policy__isnull=False)
    return get_object_or_404(rows.order_by("-id")[:1])


@require_safe
@needs("read")
def investigation_evidence(request: PersonRequest, pk: int) -> HttpResponse:
    """The frozen evidence of the automation's last decision, with what is needed to replay it elsewhere."""
    decision = automatic_decision(pk)
    assert decision.policy is not None
    content = {
        "investigation": pk,
        "decision": {
            "outcome": decision.outcome,
            "rule": decision.rule,
            "severity": decision.severity,
            "disposition": decision.disposition,
            "verdict": decision.verdict,
            "targeting": decision.targeting,
            "headline": decision.headline,
            "reasons": decision.reasons,
            "decided": decision.decided,
        },
        "policy": {
            "version": decision.policy.pk,
            "digest": decision.policy.digest,
            "document": decision.policy.document,
        },
        "evidence": decision.evidence,
        "evidence_digest": decision.evidence_digest,
    }
    response = JsonResponse(content, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="INV-{pk}-evidence.json"'
    return response


@require_safe
@needs("read")
def investigation_replay(request: PersonRequest, pk: int) -> HttpResponse:
    """Decide again from the frozen evidence under the same policy, and say whether it comes out the same."""
    result = replay(automatic_decision(pk))
    shape = result.as_json()
    stored, replayed = shape["stored"], shape["replayed"]
    parts = [name for name in stored if name != "reasons"]
    rows = [(name, stored[name], replayed[name], name in result.differences) for name in parts]
    context = {"investigation": find(pk), "replay": result, "rows": rows}
    return render(request, "investigations/investigation_replay.html", context)


@require_safe
@needs("read")
@csp_override(SANDBOX)
def alert_raw(request: PersonRequest, pk: int) -> HttpResponse:
    """The original of an alert, byte for byte as it was kept; always a download, never a page."""
    alert = get_object_or_404(Alert.objects.only("raw"), pk=pk)
    response = HttpResponse(alert.raw, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="alert-{pk}.txt"'
    return response
