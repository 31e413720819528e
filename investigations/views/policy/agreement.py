"""Whether people agree with what a version or a rule proposes, and letting a rule act or only propose."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.choices import Mode
from investigations.forms.policy import ModeForm
from investigations.models import PolicyVersion
from investigations.policy.document import Rule
from investigations.queries import policies as queries
from investigations.queries.agreement import agreement, rules_agreement
from investigations.queries.automation import automation
from investigations.services.graduation import set_mode
from investigations.views.policy.shares import share_of
from investigations.views.requests import PersonRequest, actor


@require_safe
@needs("read")
def policy_agreement(request: PersonRequest, pk: int) -> HttpResponse:
    """Of a whole version, with one row for each rule that has proposed."""
    version, settings = get_object_or_404(PolicyVersion, pk=pk), automation()
    rules = {name: share_of(found, settings) for name, found in rules_agreement(pk).items()}
    context = {
        "version": version,
        "share": share_of(agreement(pk), settings),
        "rules": sorted(rules.items()),
        "proposing": _proposing(version),
        "automation": settings,
    }
    return render(request, "policy/agreement.html", context)


@require_safe
@needs("read")
def policy_rule_agreement(request: PersonRequest, pk: int, name: str) -> HttpResponse:
    return _rule_page(request, get_object_or_404(PolicyVersion, pk=pk), name)


@require_POST
@needs("write_policy")
def policy_rule_mode(request: PersonRequest, pk: int, name: str) -> HttpResponse:
    """Let a rule of the version in force act, or only propose."""
    version, form = get_object_or_404(PolicyVersion, pk=pk), ModeForm(request.POST)
    if not form.is_valid():
        return _rule_page(request, version, name, form)
    mode, reason = Mode(form.cleaned_data["mode"]), form.cleaned_data["reason"]
    try:
        changed = set_mode(name, mode, seen=pk, reason=reason, user=request.user, actor=actor(request))
    except ValueError as refused:
        form.add_error(None, str(refused))
        return _rule_page(request, version, name, form)
    does = "acts" if mode == Mode.ACT else "only proposes"
    number = changed.version.pk
    if changed.request:
        messages.success(request, f"Asked for policy {number}: rule {name} {does} when another person approves.")
    else:
        messages.success(request, f"Rule {name} {does} from now on: policy {number} is in force.")
    return HttpResponseRedirect(reverse("policy"))


def _rule_page(request: PersonRequest, version: PolicyVersion, name: str, form: ModeForm | None = None) -> HttpResponse:
    settings, rule = automation(), _rule(version, name)
    found = agreement(version.pk, name)
    if rule is None and not found.n and not found.waiting:
        raise Http404
    context = {
        "version": version,
        "name": name,
        "rule": rule,
        "share": share_of(found, settings),
        "form": form or ModeForm(),
        "automation": settings,
        "disagreements": found.disagreements,
    }
    return render(request, "policy/rule.html", context)


def _rule(version: PolicyVersion, name: str) -> Rule | None:
    policy = queries.readable(version)
    return next((rule for rule in policy.rules if rule.name == name), None) if policy else None


def _proposing(version: PolicyVersion) -> list[Rule]:
    policy = queries.readable(version)
    return [rule for rule in policy.rules if rule.proposes] if policy else []
