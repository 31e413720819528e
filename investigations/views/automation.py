"""The automation: its state, what each rule dismisses, and the brakes in people's hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from investigations.access import may, needs
from investigations.forms.automation import CapsForm, ReasonForm, SettingsForm, SinceForm, UndoForm
from investigations.models import Decision, RuleBrake
from investigations.queries import automation as queries
from investigations.queries.audit import AuditFilters, audit_page
from investigations.queries.keyset import capped_count
from investigations.queries.policies import active_version
from investigations.services import automation as services
from investigations.views.gauges import RuleCard, card_of, cards, day_of, measured
from investigations.views.requests import PersonRequest, actor, next_url

SHOWN = 50  # investigations of an undo that are named


@require_safe
@needs("read")
def automation(request: PersonRequest) -> HttpResponse:
    return _dashboard(request)


def _dashboard(request: PersonRequest, start_form: ReasonForm | None = None) -> HttpResponse:
    moment, settings = now(), queries.automation()
    context = {
        "automation": settings,
        "measured": measured(queries.false_dismissals(moment)),
        "sample_days": queries.SAMPLE_DAYS,
        "waiting": queries.waiting_samples().count(),
        "day": day_of(moment),
        "cards": cards(settings, moment),
        "history": queries.history(),
        "start_form": start_form or ReasonForm(auto_id="start_%s"),
    }
    return render(request, "automation/automation.html", context)


@require_POST
@needs("stop")
def automation_stop(request: PersonRequest) -> HttpResponse:
    """The kill switch: one click from any page; a reason that is too long is cut rather than refused."""
    reason = request.POST.get("reason", "")
    if services.stop(reason=reason, actor=actor(request)):
        messages.success(request, "Automatic dismissals are stopped. What would be dismissed goes to people.")
    else:
        messages.success(request, "Automatic dismissals were stopped already.")
    return HttpResponseRedirect(next_url(request, reverse("automation")))


@require_POST
@needs("brake")
def automation_start(request: PersonRequest) -> HttpResponse:
    form = ReasonForm(request.POST, auto_id="start_%s")
    if not form.is_valid():
        return _dashboard(request, form)
    _tell(request, lambda: services.start(actor=actor(request), **form.cleaned_data), "Automatic dismissals are on.")
    return HttpResponseRedirect(reverse("automation"))


@require_safe
@needs("brake")
def automation_settings(request: PersonRequest) -> HttpResponse:
    return render(request, "automation/settings.html", {"form": _settings_form(request)})


@require_POST
@needs("brake")
def automation_configure(request: PersonRequest) -> HttpResponse:
    form = _settings_form(request, request.POST)
    if not form.is_valid():
        return render(request, "automation/settings.html", {"form": form})
    done = "Saved." if form.changes else "Nothing was changed."
    _tell(request, lambda: services.configure(form.changes, actor=actor(request)), done)
    return HttpResponseRedirect(reverse("automation"))


def _settings_form(request: PersonRequest, data: Any = None) -> SettingsForm:
    return SettingsForm(data, instance=queries.automation(), four_eyes=may(request.user, "configure"))


@require_safe
@needs("read")
def rule(request: PersonRequest, name: str) -> HttpResponse:
    return _rule_page(request, name)


@require_POST
@needs("brake")
def rule_trip(request: PersonRequest, name: str) -> HttpResponse:
    return _answer(request, name, ReasonForm, "trip", lambda **data: services.trip(name, **data), "is tripped.")


@require_POST
@needs("brake")
def rule_release(request: PersonRequest, name: str) -> HttpResponse:
    return _answer(
        request, name, ReasonForm, "release", lambda **data: services.release(name, **data), "may act again."
    )


@require_POST
@needs("brake")
def rule_caps(request: PersonRequest, name: str) -> HttpResponse:
    return _answer(request, name, CapsForm, "caps", lambda **data: services.set_caps(name, **data), "has new caps.")


def _answer(
    request: PersonRequest,
    name: str,
    form_class: type[forms.Form],
    what: str,
    service: Callable[..., Any],
    done: str,
) -> HttpResponse:
    """Call the service with what the form holds, or show the rule again with what is wrong."""
    _card(name)
    form = form_class(request.POST, auto_id=f"{what}_%s")
    if not form.is_valid():
        return _rule_page(request, name, **{f"{what}_form": form})
    _tell(request, lambda: service(actor=actor(request), **form.cleaned_data), f"Rule {name} {done}")
    return HttpResponseRedirect(reverse("rule", args=[name]))


def _tell(request: PersonRequest, act: Callable[[], Any], done: str) -> None:
    """Do it and say so, or say why not: somebody else may have been quicker."""
    try:
        act()
    except ValueError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done)


def _rule_page(request: PersonRequest, name: str, **bound: forms.Form) -> HttpResponse:
    card = _card(name)
    caps = {"per_hour": card.row.brake.per_hour, "per_day": card.row.brake.per_day}
    context = {
        "automation": queries.automation(),
        "card": card,
        "version": active_version(),
        "history": audit_page(AuditFilters(subject=f"rule {name}"), "").rows,
        "trip_form": ReasonForm(auto_id="trip_%s"),
        "release_form": ReasonForm(auto_id="release_%s"),
        "caps_form": CapsForm(initial=caps, auto_id="caps_%s"),
        **bound,
    }
    return render(request, "automation/rule.html", context)


def _card(name: str) -> RuleCard:
    """The rule as the dashboard shows it, or one that only has a past. Raises Http404."""
    settings = queries.automation()
    found = next((card for card in cards(settings, now()) if card.row.rule == name), None)
    if found:
        return found
    brake = RuleBrake.objects.filter(rule=name).first()
    if brake is None and not Decision.objects.filter(rule=name, outcome="dismissed", automatic=True).exists():
        raise Http404
    row = queries.RuleRow(name, brake or RuleBrake(rule=name), None, settings.per_hour, settings.per_day)
    return card_of(row, settings)


@require_safe
@needs("brake")
def rule_undo(request: PersonRequest, name: str) -> HttpResponse:
    """What would be undone since when, before anything is."""
    since = now() - timedelta(hours=24)
    chosen = SinceForm(request.GET if "since" in request.GET else None, initial={"since": since})
    if chosen.is_bound:
        if not chosen.is_valid():
            return _undo_page(request, name, chosen, None, None)
        since = chosen.cleaned_data["since"]
    return _undo_page(request, name, chosen, since, UndoForm(initial={"since": since.isoformat(), "trip": True}))


@require_POST
@needs("brake")
def rule_undo_now(request: PersonRequest, name: str) -> HttpResponse:
    """Undo it; a second time finds nothing more to undo."""
    _card(name)
    form = UndoForm(request.POST)
    if not form.is_valid():
        since = form.cleaned_data.get("since")
        return _undo_page(request, name, SinceForm(initial={"since": since}), since, form if since else None)
    since, reason, who = form.cleaned_data["since"], form.cleaned_data["reason"], actor(request)
    if form.cleaned_data["trip"]:
        services.trip(name, reason=reason, actor=who)
    count = services.undo(name, since=since, reason=reason, actor=who)
    given = f"{count:,} dismissal{' was' if count == 1 else 's were'} undone and given to people"
    messages.success(request, f"Rule {name}: {given if count else 'there was nothing left to undo'}.")
    return HttpResponseRedirect(reverse("rule", args=[name]))


def _undo_page(
    request: PersonRequest, name: str, chosen: SinceForm, since: datetime | None, form: UndoForm | None
) -> HttpResponse:
    standing = queries.standing(name, since) if since else None
    version = active_version()
    moment = now()
    shortcuts = [("the last hour", moment - timedelta(hours=1)), ("the last 24 hours", moment - timedelta(hours=24))]
    if version and version.activated:
        shortcuts.append((f"since policy {version.pk} is in force", version.activated))
    context = {
        "card": _card(name),
        "since_form": chosen,
        "since": since,
        "count": capped_count(standing) if standing is not None else 0,
        "rows": standing[:SHOWN] if standing is not None else [],
        "shown": SHOWN,
        "shortcuts": [(words, start.isoformat()) for words, start in shortcuts],
        "form": form,
    }
    return render(request, "automation/undo.html", context)
