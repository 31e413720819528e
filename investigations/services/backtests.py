"""Backtests as people ask for them, and as rows of a queue: taken under a lease, renewed while they run, ended once.

The lease is the fence, too: whoever writes names the lease that he was given last. Somebody whose lease has run out,
and whose row another process has taken, writes nothing any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from investigations.choices import BacktestState
from investigations.models import Actor, AuditEvent, Backtest, BacktestChange, PolicyDraft
from investigations.models.audit import AUTOMATION
from investigations.policy.document import MAX_TEXT
from investigations.queries.drafts import check
from investigations.queries.policies import active_version

MAX_DAYS = 365
MAX_WAITING = 10  # that have not ended; a run takes the machine's time
MAX_ATTEMPTS = 3
UNFINISHED = (BacktestState.WAITING, BacktestState.RUNNING)

TAKE = """
UPDATE investigations_backtest SET state = 'running', lease = clock_timestamp() + make_interval(secs => %s),
    started = COALESCE(started, now()), done = 0,
    summary = jsonb_build_object('attempts', COALESCE((summary->>'attempts')::int, 0) + 1)
WHERE id = (
    SELECT id FROM investigations_backtest
    WHERE state IN ('waiting', 'running') AND (lease IS NULL OR lease < clock_timestamp())
    ORDER BY asked, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, lease, (summary->>'attempts')::int"""
RENEW = """
UPDATE investigations_backtest SET lease = clock_timestamp() + make_interval(secs => %s), done = %s, total = %s,
    summary = summary || %s::jsonb
WHERE id = %s AND state = 'running' AND lease = %s RETURNING lease"""

GIVE_BACK = """
UPDATE investigations_backtest SET state = 'waiting', lease = NULL, done = 0,
    summary = jsonb_build_object('attempts', (summary->>'attempts')::int - 1)
WHERE id = %s AND state = 'running' AND lease = %s"""


class Lost(Exception):
    """It was cancelled, or another process has taken it: nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one backtest until `until`."""

    backtest: int
    until: datetime


def ask(document: str, *, days: int, actor: Actor, draft: PolicyDraft | None = None) -> Backtest:
    """Have a text tried on the decisions of the last days. ValueError says why it cannot be."""
    checked = check(document) if len(document) <= MAX_TEXT else None
    if checked is None:
        raise ValueError(f"The text is longer than {MAX_TEXT:,} characters.")
    if checked.policy is None:
        raise ValueError(f"This text is no policy yet: {checked.problems[0]}.")
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"The days must be from 1 to {MAX_DAYS}.")
    if Backtest.objects.filter(state__in=UNFINISHED).count() >= MAX_WAITING:
        raise ValueError(f"{MAX_WAITING} backtests wait already: cancel one, or ask again when they have ended.")
    with transaction.atomic():
        backtest = Backtest.objects.create(
            document=document,
            digest=hashlib.sha256(document.encode()).hexdigest(),
            draft=draft,
            base=active_version(),
            days=days,
            asked_by=actor.name,
        )
        after = {"days": days, "digest": backtest.digest, "base": backtest.base_id, "draft": backtest.draft_id}
        AuditEvent.objects.record(actor, "backtest.asked", _subject(backtest), after=after)
    return backtest


def cancel(backtest: int, *, actor: Actor) -> Backtest:
    """End it before it is done; whoever runs it sees that within a second. ValueError if it has ended."""
    with transaction.atomic():
        row = Backtest.objects.select_for_update().get(pk=backtest)
        if row.is_over:
            raise ValueError(f"It has ended already: {row.get_state_display().lower()}.")
        before = {"state": row.state}
        row.state, row.finished, row.lease = BacktestState.CANCELLED, now(), None
        row.save(update_fields=["state", "finished", "lease"])
        AuditEvent.objects.record(
            actor, "backtest.cancelled", _subject(row), before=before, after={"state": row.state, "done": row.done}
        )
    return row


def waiting() -> bool:
    """Whether there is one that nobody runs."""
    free = Q(lease=None) | Q(lease__lt=Now())
    return Backtest.objects.filter(free, state__in=UNFINISHED).exists()


def take() -> Lease | None:
    """The oldest that nobody runs, from its beginning; one that has ended several processes is given up."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, [settings.LEASE_SECONDS])
        row = cursor.fetchone()
        if row is None:
            return None
        lease = Lease(row[0], row[1])
        BacktestChange.objects.filter(backtest=lease.backtest).delete()
    if row[2] > MAX_ATTEMPTS:
        fail(lease, f"{MAX_ATTEMPTS} processes ended while they ran it")
        return None
    return lease


def renew(
    lease: Lease, *, done: int, total: int, summary: dict[str, Any], changes: Iterable[BacktestChange] = ()
) -> Lease:
    """Store how far it has come and keep it for longer. Raises Lost."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RENEW, [settings.LEASE_SECONDS, done, total, json.dumps(summary), lease.backtest, lease.until])
        row = cursor.fetchone()
        if row is None:
            raise Lost
        BacktestChange.objects.bulk_create(changes, batch_size=1000)
    return Lease(lease.backtest, row[0])


def give_back(lease: Lease) -> None:
    """Let another process begin it anew; this try does not count."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, [lease.backtest, lease.until])


def finish(lease: Lease) -> None:
    """All is stored. Raises Lost."""
    _end(lease, BacktestState.DONE, "")


def fail(lease: Lease, error: str) -> None:
    """It cannot be run; `error` says why, in words. Raises Lost."""
    _end(lease, BacktestState.FAILED, error[:500])


def _end(lease: Lease, state: BacktestState, error: str) -> None:
    with transaction.atomic():
        rows = Backtest.objects.filter(pk=lease.backtest, state=BacktestState.RUNNING, lease=lease.until)
        if not rows.update(state=state, error=error, finished=now(), lease=None):
            raise Lost
        row = Backtest.objects.get(pk=lease.backtest)
        found = {name: row.summary.get(name) for name in ("decisions", "changes", "graves") if name in row.summary}
        AuditEvent.objects.record(
            AUTOMATION, f"backtest.{state.value}", _subject(row), after={"state": state.value, **found}, reason=error
        )


def _subject(backtest: Backtest) -> str:
    return f"backtest {backtest.pk}"
