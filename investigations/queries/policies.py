"""The policy in force, and any version that ever decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.db import connection
from django.db.models import QuerySet

from investigations.choices import BacktestState
from investigations.models import ActivationRequest, Backtest, PolicyDraft, PolicyVersion
from investigations.policy.document import Policy, PolicyError, parse_policy
from investigations.queries.keyset import COUNT_CAP, Page, page_of

PAGE_SIZE = 20
DRAFTS = 50  # that the page shows

# How many decisions each version made, counted up to a cap: a version in use for a year costs no more than a new one
DECISIONS = """
SELECT v.id, c.n FROM unnest(%s::bigint[]) AS v(id), LATERAL (
    SELECT count(*) AS n FROM (
        SELECT FROM investigations_decision WHERE policy_id = v.id LIMIT %s) AS counted) AS c"""


@dataclass(frozen=True, slots=True)
class Row:
    """A version in the history; `decisions` is a capped count."""

    version: PolicyVersion
    decisions: int


def active_policy() -> tuple[int, Policy]:
    """Number and rules of the policy in force. Raises PolicyVersion.DoesNotExist on a database that is not prepared."""
    version = PolicyVersion.objects.get(active=True)
    return version.pk, parsed(version.document)


@lru_cache(maxsize=32)
def parsed(document: str) -> Policy:
    """A policy's text, compiled once in each process."""
    return parse_policy(document)


def readable(version: PolicyVersion) -> Policy | None:
    """The rules of a stored version; None if its text is no policy for this release any more."""
    try:
        return parsed(version.document)
    except PolicyError:
        return None


def active_version() -> PolicyVersion | None:
    return PolicyVersion.objects.filter(active=True).first()


def shadow_version() -> PolicyVersion | None:
    return PolicyVersion.objects.filter(shadow=True).first()


def history(cursor: str) -> Page[PolicyVersion]:
    """All versions, the newest first. Raises InvalidCursor."""
    return page_of(PolicyVersion.objects.defer("document"), ("id",), cursor, PAGE_SIZE)


def with_decisions(versions: list[PolicyVersion]) -> list[Row]:
    """Each version with the number of decisions it made."""
    with connection.cursor() as cursor:
        cursor.execute(DECISIONS, [[version.pk for version in versions], COUNT_CAP + 1])
        counts = dict(cursor.fetchall())
    return [Row(version, counts[version.pk]) for version in versions]


def open_drafts() -> QuerySet[PolicyDraft]:
    """The drafts that were worked on last, without their texts."""
    return (
        PolicyDraft.objects.select_related("base")
        .defer("document", "base__document")
        .order_by("-updated", "-id")[:DRAFTS]
    )


def open_requests() -> QuerySet[ActivationRequest]:
    """Who waits for a second person."""
    rows = ActivationRequest.objects.filter(answered=None)
    return rows.select_related("version", "asked_by").defer("version__document").order_by("asked")


def requests_of(version: PolicyVersion) -> QuerySet[ActivationRequest]:
    return version.requests.select_related("asked_by", "answered_by").order_by("-asked")[:PAGE_SIZE]


def latest_backtest(digest: str) -> Backtest | None:
    """The last finished backtest of exactly this text."""
    return Backtest.objects.filter(digest=digest, state=BacktestState.DONE).order_by("-asked", "-id").first()


def waiting_backtest(digest: str) -> Backtest | None:
    """One of this text that has not ended yet."""
    going = (BacktestState.WAITING, BacktestState.RUNNING)
    return Backtest.objects.filter(state__in=going, digest=digest).order_by("-asked", "-id").first()


def same_text(digest: str) -> PolicyVersion | None:
    """The stored version with this text."""
    return PolicyVersion.objects.defer("document").filter(digest=digest).first()
