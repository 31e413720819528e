"""Our own lists: what is on them, and who put it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.choices import ListKind
from investigations.forms.lists import (
    EntryForm,
    ImportForm,
    ListForm,
    RemoveForm,
    RenewForm,
    WindowForms,
    initial_entry,
    values_of,
    windows_of,
)
from investigations.models import ListEntry
from investigations.queries.audit import AuditFilters, audit_page
from investigations.queries.keyset import InvalidCursor, Page, page_of
from investigations.queries.lists import SOON, kind_counts
from investigations.services import list_files
from investigations.services import lists as services
from investigations.views.requests import PersonRequest, actor

PAGE_SIZE = 100
SHOWN_PROBLEMS = 100  # of an import
# What an entry of each list does to decisions, under the policy that ships
EFFECTS = {
    ListKind.ALLOW: "A source on it is dismissed, as long as every provider has answered and none calls it malicious.",
    ListKind.DENY: "A source on it is escalated, whatever anybody else says.",
    ListKind.OWN_NETWORK: "It is never named to an outside provider, and a scan that comes from it is escalated.",
    ListKind.AUTHORISED_SCANNER: "Its scans are dismissed within its windows and its scope. Outside of them they are "
    "escalated, and for 30 days after it has expired.",
    ListKind.KNOWN_SERVICE: "A service that we use: dismissed like an allowed source.",
}


@require_safe
@needs("read")
def lists(request: PersonRequest) -> HttpResponse:
    """One list at a time; the URL is its whole state."""
    form = ListForm(request.GET)
    page: Page[ListEntry] = Page()
    problem = "" if form.is_valid() else "There is no such list."
    if not problem:
        try:
            page = page_of(form.rows, ("id",), request.GET.get("cursor", ""), PAGE_SIZE)
        except InvalidCursor as error:
            problem = str(error)
    kind = form.kind_shown
    context = {
        "kind": kind,
        "kinds": kind_counts(now()),
        "effect": EFFECTS[kind],
        "form": form,
        "page": page,
        "problem": problem,
        **_dates(),
    }
    return render(request, "lists/lists.html", context)


def _dates() -> dict[str, Any]:
    moment = now()
    return {"now": moment, "soon": moment + SOON, "soon_days": SOON.days}


@require_safe
@needs("keep_lists")
def list_add(request: PersonRequest) -> HttpResponse:
    """The form of a new entry; `kind` and `value` may come with the link."""
    kind = request.GET.get("kind", "")
    kind = ListKind(kind if kind in ListKind.values else ListKind.ALLOW)
    initial = initial_entry(kind, request.GET.dict(), request.user.get_username())
    return _add_page(request, EntryForm(kind=kind, initial=initial), WindowForms(prefix="windows"))


@require_POST
@needs("keep_lists")
def list_create(request: PersonRequest) -> HttpResponse:
    kind = request.POST.get("kind", "")
    if kind not in ListKind.values:
        return HttpResponseRedirect(reverse("list_add"))
    form, windows = EntryForm(request.POST, kind=ListKind(kind)), _windows(request, kind)

    def add(**options: Any) -> ListEntry:
        return services.add(form.entry_with(windows.windows), actor=actor(request), **options)

    row = _saved(form, windows, add)
    if row is None:
        return _add_page(request, form, windows)
    messages.success(request, f"{row.value} is on the list now: {row.get_kind_display()}.")
    return HttpResponseRedirect(reverse("list_entry", args=[row.pk]))


def _windows(request: PersonRequest, kind: str) -> Any:
    """The windows that were sent; only a scanner has any."""
    data = (
        request.POST if kind == ListKind.AUTHORISED_SCANNER else {"windows-TOTAL_FORMS": 0, "windows-INITIAL_FORMS": 0}
    )
    return WindowForms(data, prefix="windows")


def _saved(form: EntryForm, windows: Any, save: Callable[..., ListEntry]) -> ListEntry | None:
    """The stored entry; otherwise the form says what is wrong, or asks whether it is meant."""
    if not (form.is_valid() & windows.is_valid()):
        return None
    try:
        return save(confirmed=form.cleaned_data["confirmed"])
    except services.NeedsConfirmation as doubt:
        form.doubt = str(doubt)
    except ValueError as refused:
        form.add_error(None, str(refused))
    return None


def _add_page(request: PersonRequest, form: EntryForm, windows: Any) -> HttpResponse:
    context = {
        "form": form,
        "windows": windows,
        "kind": form.list_kind,
        "kinds": ListKind,
        "effect": EFFECTS[form.list_kind],
        "value": form["value"].value() or "",
    }
    return render(request, "lists/add.html", context)


@require_safe
@needs("read")
def list_entry(request: PersonRequest, pk: int) -> HttpResponse:
    return _entry_page(request, get_object_or_404(ListEntry, pk=pk))


def _entry_page(request: PersonRequest, entry: ListEntry, **bound: Any) -> HttpResponse:
    kind = ListKind(entry.kind)
    later = localtime(now() + timedelta(days=services.DEFAULT_DAYS)).date()
    context = {
        "entry": entry,
        "kind": kind,
        "effect": EFFECTS[kind],
        "history": audit_page(AuditFilters(subject=f"list entry {entry.pk}"), "").rows,
        "form": EntryForm(kind=kind, entry=entry, initial=values_of(entry)),
        "windows": WindowForms(prefix="windows", initial=windows_of(entry)),
        "renew_form": RenewForm(auto_id="renew_%s", initial={"expires": later}),
        "remove_form": RemoveForm(auto_id="remove_%s"),
        **_dates(),
    }
    return render(request, "lists/entry.html", context | bound)


@require_POST
@needs("keep_lists")
def list_change(request: PersonRequest, pk: int) -> HttpResponse:
    entry = get_object_or_404(ListEntry.objects.kept(), pk=pk)
    form = EntryForm(request.POST, kind=ListKind(entry.kind), entry=entry)
    windows = _windows(request, entry.kind)

    def change(**options: Any) -> ListEntry:
        return services.change(pk, form.entry_with(windows.windows), actor=actor(request), **options)

    row = _saved(form, windows, change)
    if row is None:
        return _entry_page(request, entry, form=form, windows=windows, changing=True)
    messages.success(request, f"{row.value}: saved.")
    return HttpResponseRedirect(reverse("list_entry", args=[pk]))


@require_POST
@needs("keep_lists")
def list_renew(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(request, pk, RenewForm, "renew", services.renew, "holds on.")


@require_POST
@needs("keep_lists")
def list_remove(request: PersonRequest, pk: int) -> HttpResponse:
    return _answer(
        request, pk, RemoveForm, "remove", services.remove, "is off the list. Decisions that were made stay."
    )


def _answer(
    request: PersonRequest,
    pk: int,
    form_class: type[forms.Form],
    what: str,
    service: Callable[..., ListEntry],
    done: str,
) -> HttpResponse:
    """Call the service with what the form holds, or show the entry again with what is wrong."""
    entry = get_object_or_404(ListEntry.objects.kept(), pk=pk)
    form = form_class(request.POST, auto_id=f"{what}_%s")
    if form.is_valid():
        try:
            service(pk, actor=actor(request), **form.cleaned_data)
        except ValueError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{entry.value} {done}")
            return HttpResponseRedirect(reverse("list_entry", args=[pk]))
    return _entry_page(request, entry, **{f"{what}_form": form})


@require_safe
@needs("keep_lists")
def list_import(request: PersonRequest) -> HttpResponse:
    return _import_page(request, ImportForm())


@require_POST
@needs("keep_lists")
def list_import_now(request: PersonRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _import_page(request, form)
    data = form.cleaned_data
    result = list_files.import_csv(data["file"], actor=actor(request), confirmed=data["confirmed"])
    if result.problems or result.doubts:
        return _import_page(request, form, result)
    words = [f"{result.added:,} added", f"{result.skipped:,} were there already"]
    words += [f"{result.expired:,} have expired and were passed over"] if result.expired else []
    messages.success(request, f"Imported: {', '.join(words)}.")
    return HttpResponseRedirect(reverse("lists"))


def _import_page(request: PersonRequest, form: ImportForm, result: list_files.Imported | None = None) -> HttpResponse:
    context = {"form": form, "result": result, "shown": SHOWN_PROBLEMS, "columns": list_files.COLUMNS}
    return render(request, "lists/import.html", context)


@require_safe
@needs("read")
def list_export(request: PersonRequest) -> HttpResponse:
    """Every entry that is kept, as an import takes it."""
    text = list_files.export_csv(ListEntry.objects.kept().order_by("kind", "pk"))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="lists.csv"'
    return response
