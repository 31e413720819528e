"""Drafts of the policy: texts that people work on until one becomes a version."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent, PolicyDraft, PolicyVersion
from investigations.services.policies import MAX_REASON, required, store


class Gone(ValueError):
    """The draft was stored as a version or discarded meanwhile."""


class Stale(ValueError):
    """Somebody else has saved the draft since the person saw it; `draft` is what it is now."""

    def __init__(self, draft: PolicyDraft) -> None:
        super().__init__("Somebody else has saved this draft meanwhile: nothing was overwritten.")
        self.draft = draft


def create_draft(document: str, *, base: PolicyVersion | None = None, note: str = "", actor: Actor) -> PolicyDraft:
    """A draft with this text, which may be wrong."""
    with transaction.atomic():
        draft = PolicyDraft.objects.create(document=document, base=base, note=note.strip(), author=actor.name)
        AuditEvent.objects.record(actor, "draft.created", _subject(draft), after=_shape(draft))
    return draft


def save_draft(draft: int, *, document: str, note: str, revision: int, actor: Actor) -> PolicyDraft:
    """Replace the text that the person has seen as `revision`. Raises Stale or Gone; the same text is no change."""
    with transaction.atomic():
        row = _seen(draft, revision)
        before, note = _shape(row), note.strip()[:MAX_REASON]
        if (row.document, row.note) == (document, note):
            return row
        row.document, row.note, row.updated, row.revision = document, note, now(), row.revision + 1
        row.save()
        AuditEvent.objects.record(actor, "draft.saved", _subject(row), before=before, after=_shape(row))
    return row


def discard_draft(draft: int, *, revision: int, actor: Actor) -> None:
    """Throw a draft away as it was seen. Raises Stale or Gone."""
    with transaction.atomic():
        row = _seen(draft, revision)
        AuditEvent.objects.record(actor, "draft.discarded", _subject(row), before=_shape(row))
        row.delete()


def store_draft(draft: int, *, note: str, revision: int, actor: Actor) -> PolicyVersion:
    """Make a version of a draft that nothing is wrong with; the draft has done its work and goes.

    Raises Stale or Gone, and ValueError with what is wrong, or if this text is a version already.
    """
    note = required(note)
    with transaction.atomic():
        row = _seen(draft, revision)
        version, created = store(row.document, note=note, actor=actor, source=_subject(row))
        if not created:
            raise ValueError(f"This is policy {version.pk} already, word for word: there is nothing to store.")
        row.delete()
    return version


def _seen(draft: int, revision: int) -> PolicyDraft:
    """The draft, locked, if it is still what the person saw."""
    row = PolicyDraft.objects.select_for_update().filter(pk=draft).first()
    if row is None:
        raise Gone("This draft was stored as a version or discarded meanwhile.")
    if row.revision != revision:
        raise Stale(row)
    return row


def _subject(draft: PolicyDraft) -> str:
    return f"draft {draft.pk}"


def _shape(draft: PolicyDraft) -> dict[str, object]:
    """What the audit history keeps of a draft: not its text, but enough to recognise it."""
    digest = hashlib.sha256(draft.document.encode()).hexdigest()
    return {"revision": draft.revision, "digest": digest, "note": draft.note, "base": draft.base_id}
