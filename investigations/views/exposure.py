"""What of ours is open: the inventories, and the addresses in them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from investigations.access import needs
from investigations.forms.inventory import InventoryForm, OpenPortForm
from investigations.policy.wording import counted
from investigations.queries.inventory import OpenAddress, inventories, open_addresses
from investigations.services import inventory as services
from investigations.views.requests import PersonRequest, actor


@require_safe
@needs("read")
def exposure(request: PersonRequest) -> HttpResponse:
    return _page(request, InventoryForm())


def _page(request: PersonRequest, form: InventoryForm, problems: list[str] | None = None) -> HttpResponse:
    search = OpenPortForm(request.GET)
    rows: list[OpenAddress] = []
    last = ""
    if search.is_valid():
        rows, last = open_addresses(**search.wanted)
    context = {
        "form": form,
        "problems": problems,
        "search": search,
        "inventories": inventories(now()),
        "rows": rows,
        "last": last,
        "max_rows": services.MAX_ROWS,
    }
    return render(request, "lists/exposure.html", context)


@require_POST
@needs("keep_lists")
def exposure_upload(request: PersonRequest) -> HttpResponse:
    form = InventoryForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form)
    name, foreign = form.cleaned_data["name"], form.cleaned_data["foreign"]
    with form.lines as file:
        result = services.upload(file, name=name, foreign=foreign, actor=actor(request))
    if result.problems:
        return _page(request, form, result.problems)
    stored = f"{counted(result.rows, 'line')} about {counted(result.addresses, 'address')}"
    messages.success(request, f"{name} is stored: {stored}.")
    return HttpResponseRedirect(reverse("exposure"))


@require_POST
@needs("keep_lists")
def exposure_remove(request: PersonRequest) -> HttpResponse:
    name = request.POST.get("name", "").replace("\0", "")
    if services.remove(name, actor=actor(request)):
        messages.success(request, f"{name} is forgotten.")
    else:
        messages.error(request, "There is no such inventory any more.")
    return HttpResponseRedirect(reverse("exposure"))
