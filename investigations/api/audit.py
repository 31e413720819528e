"""The audit history for the auditor's scope."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from ninja import Field, Query, Router

from investigations.api.auth import Bearer
from investigations.api.inputs import Input
from investigations.choices import TokenScope
from investigations.models import AuditEvent
from investigations.queries.shapes import stamp

router = Router(tags=["audit"])


class Filters(Input):
    actor: str = Field("", max_length=150)
    action: str = Field("", max_length=60)
    subject: str = Field("", max_length=200)
    before: int = Field(0, ge=0, le=2**62, description="only events with a lower id: the cursor of the next page")
    limit: int = Field(100, ge=1, le=1000)


@router.get("", auth=Bearer(TokenScope.AUDIT))
def listing(request: HttpRequest, filters: Query[Filters]) -> JsonResponse:
    """Events, the newest first; `next` is the `before` of the following page, or null."""
    chosen = {name: getattr(filters, name) for name in ("actor", "action", "subject") if getattr(filters, name)}
    events = AuditEvent.objects.filter(**chosen).order_by("-pk")
    if filters.before:
        events = events.filter(pk__lt=filters.before)
    rows = list(events[: filters.limit + 1])
    shapes = [_shape(event) for event in rows[: filters.limit]]
    return JsonResponse({"events": shapes, "next": shapes[-1]["id"] if len(rows) > filters.limit else None})


def _shape(event: AuditEvent) -> dict[str, object]:
    return {
        "id": event.pk,
        "at": stamp(event.at),
        "actor": event.actor,
        "address": event.address,
        "action": event.action,
        "subject": event.subject,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
    }
