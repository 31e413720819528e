"""The editor: drafts are started, checked, saved without overwriting what nobody has seen, stored or discarded."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from investigations.access import may, needs
from investigations.forms.policy import DraftForm, NewDraftForm, RevisionForm, StoreForm, TextForm
from investigations.models import PolicyDraft
from investigations.policy.diff import text_lines
from investigations.queries import policies as queries
from investigations.queries.drafts import check, facts, words
from investigations.services import drafts as services
from investigations.views.policy.differences import MAX_LINES, numbered
from investigations.views.policy.versions import as_file, policy_page
from investigations.views.requests import PersonRequest, actor

RESCUED = "The draft was stored or discarded meanwhile. What you wrote is in this new draft; nothing is lost."


@require_POST
@needs("write_policy")
def policy_draft_create(request: PersonRequest) -> HttpResponse:
    form = NewDraftForm(request.POST, request.FILES)
    if not form.is_valid():
        return policy_page(request, form)
    version = form.cleaned_data["version"]
    draft = services.create_draft(form.document, base=version, note=form.note, actor=actor(request))
    return HttpResponseRedirect(_address(draft))


@require_safe
@needs("read")
def policy_draft(request: PersonRequest, pk: int) -> HttpResponse:
    draft = get_object_or_404(PolicyDraft.objects.select_related("base"), pk=pk)
    return _page(request, draft, _form_of(draft))


@require_safe
@needs("read")
def policy_draft_export(request: PersonRequest, pk: int) -> HttpResponse:
    draft = get_object_or_404(PolicyDraft, pk=pk)
    return as_file(draft.document, f"policy-draft-{draft.pk}.toml")


@require_POST
@needs("write_policy")
def policy_draft_save(request: PersonRequest, pk: int) -> HttpResponse:
    form = DraftForm(request.POST)
    if not form.is_valid():
        return _page(request, get_object_or_404(PolicyDraft, pk=pk), form, unsaved=True)
    try:
        draft = services.save_draft(pk, **form.cleaned_data, actor=actor(request))
    except services.Stale as conflict:
        return _conflict(request, conflict.draft, form)
    except services.Gone:
        data = form.cleaned_data
        draft = services.create_draft(data["document"], note=data["note"], actor=actor(request))
        messages.error(request, RESCUED)
    else:
        messages.success(request, "Saved.")
    return HttpResponseRedirect(_address(draft))


@require_POST
@needs("write_policy")
def policy_draft_check(request: PersonRequest, pk: int) -> HttpResponse:
    """Check what is in the form without saving it; htmx gets the result alone."""
    form = TextForm(request.POST)
    if request.htmx:
        checked = check(form.cleaned_data["document"]) if form.is_valid() else None
        return render(request, "policy/check.html", {"check": checked, "form": form})
    draft = get_object_or_404(PolicyDraft.objects.select_related("base"), pk=pk)
    return _page(request, draft, DraftForm(request.POST), unsaved=True)


@require_POST
@needs("write_policy")
def policy_draft_store(request: PersonRequest, pk: int) -> HttpResponse:
    form = StoreForm(request.POST)
    draft = get_object_or_404(PolicyDraft.objects.select_related("base"), pk=pk)
    if not form.is_valid():
        return _page(request, draft, _form_of(draft), store_form=form)
    try:
        version = services.store_draft(pk, **form.cleaned_data, actor=actor(request))
    except ValueError as refused:
        form.add_error(None, str(refused))
        draft.refresh_from_db()
        return _page(request, draft, _form_of(draft), store_form=form)
    messages.success(request, f"Stored as policy {version.pk}. It decides nothing until it is put in force.")
    return HttpResponseRedirect(reverse("policy_version", args=[version.pk]))


@require_POST
@needs("write_policy")
def policy_draft_discard(request: PersonRequest, pk: int) -> HttpResponse:
    form = RevisionForm(request.POST)
    if not form.is_valid():
        return HttpResponseRedirect(reverse("policy_draft", args=[pk]))
    try:
        services.discard_draft(pk, revision=form.cleaned_data["revision"], actor=actor(request))
    except services.Stale as conflict:
        messages.error(request, f"{conflict} Look at it before you discard it.")
        return HttpResponseRedirect(reverse("policy_draft", args=[pk]))
    except services.Gone as gone:
        messages.error(request, str(gone))
    else:
        messages.success(request, f"Draft {pk} is discarded.")
    return HttpResponseRedirect(reverse("policy"))


def _page(request: PersonRequest, draft: PolicyDraft, form: DraftForm, **more: Any) -> HttpResponse:
    """The editor, with what the form holds and what is right and wrong with it."""
    document = form["document"].value() or ""
    if form.is_bound and form.is_valid():
        document = form.cleaned_data["document"]
    checked = check(document)
    context = {
        "draft": draft,
        "form": form,
        "store_form": StoreForm(initial={"revision": draft.revision, "note": draft.note}),
        "check": checked,
        "lines": numbered(document),
        "same": queries.same_text(checked.digest),
        "backtest": queries.latest_backtest(checked.digest),
        "running": queries.waiting_backtest(checked.digest),
        "facts": facts(),
        "words": words(),
        "may_write": may(request.user, "write_policy"),
    }
    return render(request, "policy/draft.html", context | more)


def _conflict(request: PersonRequest, theirs: PolicyDraft, form: DraftForm) -> HttpResponse:
    """Both texts, and what differs; saving again, on top of what is shown now, is a decision."""
    data = form.cleaned_data
    mine = DraftForm(initial={**data, "revision": theirs.revision})
    context = {
        "draft": theirs,
        "form": mine,
        "lines": list(islice(text_lines(theirs.document, data["document"]), MAX_LINES)),
    }
    return render(request, "policy/conflict.html", context, status=409)


def _form_of(draft: PolicyDraft) -> DraftForm:
    return DraftForm(initial={"document": draft.document, "note": draft.note, "revision": draft.revision})


def _address(draft: PolicyDraft) -> str:
    return reverse("policy_draft", args=[draft.pk])
