"""The policy: what is in force, what was, and what changed in between."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from investigations.access import needs
from investigations.forms.policy import CompareForm, NewDraftForm
from investigations.models import PolicyDraft, PolicyVersion
from investigations.queries import policies as queries
from investigations.queries.agreement import agreement
from investigations.queries.automation import automation
from investigations.queries.drafts import check
from investigations.queries.keyset import InvalidCursor, Page
from investigations.views.policy.differences import difference, numbered
from investigations.views.policy.rules import rules_of
from investigations.views.policy.shares import share_of
from investigations.views.requests import PersonRequest


@require_safe
@needs("read")
def policy(request: PersonRequest) -> HttpResponse:
    return policy_page(request)


def policy_page(request: PersonRequest, form: NewDraftForm | None = None) -> HttpResponse:
    page: Page[PolicyVersion] = Page()
    problem = ""
    try:
        page = queries.history(request.GET.get("cursor", ""))
    except InvalidCursor as error:
        problem = str(error)
    active, shadow = queries.active_version(), queries.shadow_version()
    context = {
        "active": active,
        "rules": rules_of(active),
        "shadow": shadow,
        "shadow_share": share_of(agreement(shadow.pk), automation()) if shadow else None,
        "drafts": queries.open_drafts(),
        "requests": queries.open_requests(),
        "rows": queries.with_decisions(page.rows),
        "page": page,
        "problem": problem,
        "form": form or NewDraftForm(),
    }
    return render(request, "policy/policy.html", context)


@require_safe
@needs("read")
def policy_version(request: PersonRequest, pk: int) -> HttpResponse:
    version = get_object_or_404(PolicyVersion, pk=pk)
    [row] = queries.with_decisions([version])
    context = {
        "version": version,
        "decisions": row.decisions,
        "active": queries.active_version(),
        "check": check(version.document),
        "rules": rules_of(version),
        "lines": numbered(version.document),
        "requests": queries.requests_of(version),
        "backtest": queries.latest_backtest(version.digest),
    }
    return render(request, "policy/version.html", context)


@require_safe
@needs("read")
def policy_export(request: PersonRequest, pk: int) -> HttpResponse:
    version = get_object_or_404(PolicyVersion, pk=pk)
    return as_file(version.document, f"policy-{version.pk}.toml")


@require_safe
@needs("read")
def policy_diff(request: PersonRequest) -> HttpResponse:
    """Between two versions, or from a version (else what is in force) to a draft."""
    form = CompareForm(request.GET)
    if not form.is_valid():
        return render(request, "policy/diff.html", {"form": form})
    data = form.cleaned_data
    old = _version(data["old"]) if data["old"] else queries.active_version()
    new = get_object_or_404(PolicyDraft, pk=data["draft"]) if data["draft"] else _version(data["new"])
    if old is None or new is None:
        return render(request, "policy/diff.html", {"form": form})
    context = {
        "form": CompareForm(initial={"old": old.pk, "new": data["new"]}),
        "old": old,
        "new": new,
        "is_draft": bool(data["draft"]),
        "diff": difference(old, new),
    }
    return render(request, "policy/diff.html", context)


def as_file(document: str, name: str) -> HttpResponse:
    """A download that no browser shows or runs as a page."""
    response = HttpResponse(document.encode(), content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _version(number: int | None) -> PolicyVersion | None:
    if number is None:
        return None
    version = PolicyVersion.objects.filter(pk=number).first()
    if version is None:
        raise Http404
    return version
