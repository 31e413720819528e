"""The audit history: who changed what, from what, to what."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from investigations.access import needs
from investigations.forms.audit import AuditForm
from investigations.models import AuditEvent
from investigations.queries.audit import audit_page
from investigations.queries.keyset import InvalidCursor, Page
from investigations.views.requests import PersonRequest


@require_safe
@needs("read_audit")
def audit(request: PersonRequest) -> HttpResponse:
    form = AuditForm(request.GET)
    page: Page[AuditEvent] = Page()
    problem = ""
    if form.is_valid():
        try:
            page = audit_page(form.filters, request.GET.get("cursor", ""))
        except InvalidCursor as error:
            problem = str(error)
    return render(request, "audit/audit.html", {"form": form, "page": page, "problem": problem})
