"""Investigations: one source and its alerts in a window. The only place that writes `status`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.timezone import now

from investigations.choices import (
    ADDRESS_KINDS,
    SEVERITY_ORDER,
    ArtifactKind,
    Disposition,
    Severity,
    Status,
    Targeting,
    TimelineKind,
    Verdict,
)
from investigations.models.audit import AUTOMATION, Actor, AuditEvent
from investigations.models.timeline import TimelineEvent


class InvalidTransition(Exception):
    """The investigation is not (or no longer) in the state that the change needs; the message is for people."""


AUDITED = ("status", "severity", "disposition", "assignee_id")


class _Seconds(models.Func):
    """A number as an interval."""

    template = "make_interval(secs => %(expressions)s)"
    output_field = models.DurationField()


class InvestigationQuerySet(models.QuerySet["Investigation"]):
    """Reads by purpose, and the queue: PostgreSQL is the queue, a claim is a lease with a fence number."""

    def open(self) -> InvestigationQuerySet:
        """Waiting for a person."""
        return self.filter(closed=None, status__in=[Status.ESCALATED, Status.NEEDS_REVIEW])

    def overdue(self, seconds: float) -> InvestigationQuerySet:
        """Due for longer than a hint takes."""
        return self.filter(due__lte=Now() - timedelta(seconds=seconds))

    def claim(self, limit: int, lease: float) -> list[tuple[int, int]]:
        """Take up to `limit` due investigations for `lease` seconds: pairs of id and fence, the most overdue first.

        Safe with any number of workers. A claim is over when it is settled or its lease has run out; whoever claims
        next gets a higher fence, and writes under an older fence are refused.
        """
        sql = """
            UPDATE investigations_investigation SET
                fence = fence + 1, attempts = attempts + 1, due = now() + make_interval(secs => %s),
                deadline = COALESCE(GREATEST(deadline, now() + interval '5 s'), now() + make_interval(secs => %s))
            WHERE id IN (
                SELECT id FROM investigations_investigation WHERE due <= now()
                ORDER BY due, id LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING id, fence"""
        with connection.cursor() as cursor:
            cursor.execute(sql, [lease, settings.INVESTIGATION_DEADLINE, limit])
            return sorted(cursor.fetchall())

    def renew(self, claims: Sequence[tuple[int, int]], lease: float) -> set[int]:
        """Extend leases; the ids that are still ours."""
        sql = """
            UPDATE investigations_investigation AS i SET due = now() + make_interval(secs => %s)
            FROM unnest(%s::bigint[], %s::bigint[]) AS claim(id, fence)
            WHERE i.id = claim.id AND i.fence = claim.fence AND i.due IS NOT NULL
            RETURNING i.id"""
        with connection.cursor() as cursor:
            cursor.execute(sql, [lease, [pk for pk, _ in claims], [fence for _, fence in claims]])
            return {pk for (pk,) in cursor.fetchall()}

    def take_grown(self, limit: int, quiet: float) -> list[Investigation]:
        """Open investigations whose alerts went on after they were last described; marked as described now.

        Call it in a transaction: the rows stay locked, and no other worker gets them.
        """
        grown = self.open().filter(described__lt=models.F("activity"), described__lte=Now() - timedelta(seconds=quiet))
        rows = list(grown.order_by("described", "pk").select_for_update(skip_locked=True)[:limit])
        self.filter(pk__in=[row.pk for row in rows]).update(described=Now())
        return rows

    def take_grown_dismissals(self, limit: int, quiet: float) -> list[Investigation]:
        """Automatic dismissals whose alerts went on, like take_grown(); the larger the scan, the rarer."""
        pause = _Seconds(models.F("alert_count") / 100 + quiet)
        grown = self.filter(
            status=Status.DISMISSED,
            judged=None,
            assignee=None,
            described__lt=models.F("activity"),
            described__lte=Now() - pause,
        )
        rows = list(grown.order_by("described", "pk").select_for_update(skip_locked=True)[:limit])
        self.filter(pk__in=[row.pk for row in rows]).update(described=Now())
        return rows

    def postpone(self, claims: Sequence[tuple[int, int]], seconds: float) -> None:
        """Give claims back, to be due again after `seconds`: for work that failed on our side."""
        for pk, fence in claims:
            self.filter(pk=pk, fence=fence, due__isnull=False).update(due=Now() + timedelta(seconds=seconds))


_severity_rank = models.Case(
    *[models.When(severity=severity.value, then=models.Value(rank)) for severity, rank in SEVERITY_ORDER.items()],
    default=models.Value(0),
    output_field=models.SmallIntegerField(),
)
_priority = models.Case(
    models.When(closed__isnull=False, then=models.Value(0)),
    models.When(status=Status.ESCALATED.value, then=models.Value(30) + _severity_rank),
    models.When(status=Status.NEEDS_REVIEW.value, then=models.Value(20) + _severity_rank),
    default=models.Value(10),
    output_field=models.SmallIntegerField(),
)


class Investigation(models.Model):
    """What analysts work on. `subject` is the source address, or a domain that a person submitted."""

    kind = models.CharField(max_length=12, choices=ArtifactKind)
    subject = models.CharField(max_length=255)
    source = models.GenericIPAddressField(null=True)  # the subject as an address, for searches by network
    status = models.CharField(max_length=12, choices=Status, default=Status.ENRICHING)
    severity = models.CharField(max_length=13, choices=Severity, default=Severity.LOW)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.UNKNOWN)
    targeting = models.CharField(max_length=13, choices=Targeting, default=Targeting.UNKNOWN)
    disposition = models.CharField(max_length=20, choices=Disposition, blank=True)
    headline = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=120, blank=True)  # country and network in a few words
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="investigations")
    submitted = models.BooleanField(default=False)  # a person asked for it
    simulated = models.BooleanField(default=False)  # some answer came from the simulator
    first_signature = models.CharField(max_length=300, blank=True)  # of the first alert
    judged = models.DateTimeField(null=True)  # when a person closed it; null while nobody has
    opened = models.DateTimeField(default=now)
    activity = models.DateTimeField(default=now)  # the last alert or submission that arrived
    decided = models.DateTimeField(null=True)
    described = models.DateTimeField(null=True)  # when the headline was last written
    closed = models.DateTimeField(null=True)  # nobody needs to look any more
    # Sums over the alerts
    alert_count = models.PositiveIntegerField(default=0)
    port_count = models.PositiveIntegerField(default=0)
    target_count = models.PositiveIntegerField(default=0)
    first_alert = models.DateTimeField(null=True)
    last_alert = models.DateTimeField(null=True)
    # The queue of work
    due = models.DateTimeField(null=True)  # when a worker shall look at it; null: nothing to do
    fence = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    deadline = models.DateTimeField(null=True)
    # Escalated before needs review before enriching before closed, the severest first
    priority = models.GeneratedField(expression=_priority, output_field=models.SmallIntegerField(), db_persist=True)

    objects = InvestigationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="closed_has_disposition", condition=models.Q(closed=None) | ~models.Q(disposition="")
            ),
            models.CheckConstraint(
                name="enriching_is_due", condition=~models.Q(status=Status.ENRICHING) | models.Q(due__isnull=False)
            ),
            models.CheckConstraint(
                name="dismissed_is_closed",
                condition=~models.Q(status=Status.DISMISSED) | models.Q(closed__isnull=False),
            ),
        ]
        indexes = [
            # claim(): only what is due, however many are finished
            models.Index(fields=["due", "id"], name="due_work", condition=models.Q(due__isnull=False)),
            # take_grown(): open ones that more alerts arrived for
            models.Index(
                fields=["described", "id"],
                name="grown_scans",
                condition=models.Q(closed__isnull=True, described__lt=models.F("activity")),
            ),
            # take_grown_dismissals(): the same for what the automation has dismissed
            models.Index(
                fields=["described", "id"],
                name="grown_dismissals",
                condition=models.Q(status=Status.DISMISSED.value, judged=None, described__lt=models.F("activity")),
            ),
            # The memory: what people decided about a source, its network, a signature
            *[
                models.Index(fields=[name, "-judged"], name=f"judged_{name}", condition=models.Q(judged__isnull=False))
                for name in ("subject", "source", "first_signature")
            ],
            # The queue of a shift, and its pages
            models.Index(
                fields=["-priority", "-activity", "-id"], name="open_queue", condition=models.Q(closed__isnull=True)
            ),
            models.Index(fields=["-priority", "-activity", "-id"], name="whole_queue"),
            models.Index(fields=["status", "-priority", "-activity", "-id"], name="queue_by_status"),
            models.Index(
                fields=["assignee", "-priority", "-activity", "-id"],
                name="queue_of_person",
                condition=models.Q(assignee__isnull=False),
            ),
            # Grouping, and the earlier history of a subject
            models.Index(fields=["subject", "-last_alert"], name="investigation_subject"),
            models.Index(fields=["source"], name="investigation_source", condition=models.Q(source__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"INV-{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("investigation_detail", args=[self.pk])

    @property
    def is_enriching(self) -> bool:
        return self.status == Status.ENRICHING

    @property
    def is_open(self) -> bool:
        return self.closed is None and not self.is_enriching

    @property
    def is_address(self) -> bool:
        return self.kind in ADDRESS_KINDS

    # What the automation adds while alerts go on arriving

    def describe(self, headline: str) -> None:
        Investigation.objects.filter(pk=self.pk).update(headline=headline[:300])

    def complete(self, severity: str, verdict: str, targeting: str, headline: str) -> None:
        """All answers of an early escalation are in: what they add."""
        changes = {"severity": severity, "verdict": verdict, "targeting": targeting}
        Investigation.objects.filter(pk=self.pk).update(**changes, headline=headline[:300])

    def raise_to(self, status: str, severity: str, verdict: str, targeting: str, headline: str) -> bool:
        """A graver outcome for an open investigation; False if somebody else changed it meanwhile."""
        seen = {"status": self.status, "severity": self.severity, "closed": None, "assignee_id": None}
        changes = {"status": status, "severity": severity, "verdict": verdict, "targeting": targeting}
        return bool(
            Investigation.objects.filter(pk=self.pk, **seen).update(**changes, headline=headline[:300], decided=now())
        )

    def look_again(self, text: str) -> bool:
        """Have an automatic dismissal investigated anew; False if a person has spoken, or somebody was quicker."""
        before = {"status": self.status, "disposition": self.disposition}
        with transaction.atomic():
            rows = Investigation.objects.filter(
                pk=self.pk, status=Status.DISMISSED, judged=None, assignee=None, decided=self.decided
            )
            changes = {"status": Status.ENRICHING, "disposition": "", "closed": None}
            if not rows.update(**changes, due=Now(), deadline=None, attempts=0):
                return False
            TimelineEvent.objects.create(
                investigation=self, kind=TimelineKind.REOPENED, actor=AUTOMATION.name, automatic=True, text=text
            )
            AuditEvent.objects.record(
                AUTOMATION,
                "investigation.reopened",
                f"investigation {self.pk}",
                before=before,
                after={"status": Status.ENRICHING.value},
                reason=text,
            )
        return True

    # Transitions by people

    def assign(self, assignee_id: int | None, actor: Actor, text: str) -> None:
        kind = TimelineKind.CLAIMED if assignee_id else TimelineKind.RELEASED
        self._transition({"assignee_id": assignee_id}, actor, kind, text)

    def escalate(self, actor: Actor, disposition: Disposition, text: str, reason: str) -> None:
        self._must_be_open()
        changes = {"status": Status.ESCALATED, "disposition": disposition, **_closed_by_person()}
        self._transition(changes, actor, TimelineKind.ESCALATED, text, reason=reason)

    def dismiss(self, actor: Actor, disposition: Disposition, text: str, reason: str) -> None:
        self._must_be_open()
        changes = {"status": Status.DISMISSED, "disposition": disposition, **_closed_by_person()}
        self._transition(changes, actor, TimelineKind.DISMISSED, text, reason=reason)

    def reopen(self, actor: Actor, text: str, reason: str) -> None:
        if self.closed is None:
            raise InvalidTransition("It is open already.")
        changes = {"status": Status.NEEDS_REVIEW, "disposition": "", "closed": None, "judged": None}
        self._transition(changes, actor, TimelineKind.REOPENED, text, reason=reason)

    def _must_be_open(self) -> None:
        if self.closed is not None:
            raise InvalidTransition("It is closed already: reopen it first.")

    def _transition(
        self, changes: dict[str, Any], actor: Actor, kind: TimelineKind, text: str, *, reason: str = ""
    ) -> None:
        """Compare and set: nothing happens if somebody else changed what this person saw."""
        seen = {"status": self.status, "closed": self.closed, "assignee_id": self.assignee_id}
        # A person's word ends the machine's work: a claim that is under way may not write any more
        fenced = {"fence": models.F("fence") + 1} if "status" in changes else {}
        before = {name: getattr(self, name) for name in AUDITED}
        with transaction.atomic():
            if Investigation.objects.filter(pk=self.pk, **seen).update(**changes, **fenced) != 1:
                raise InvalidTransition("Somebody else has just changed this investigation. Look again.")
            TimelineEvent.objects.create(
                investigation=self, kind=kind, actor=actor.name, automatic=actor.automatic, text=text
            )
            after = before | {name: value for name, value in changes.items() if name in AUDITED}
            AuditEvent.objects.record(
                actor, f"investigation.{kind}", f"investigation {self.pk}", before=before, after=after, reason=reason
            )
        self.refresh_from_db()


def _closed_by_person() -> dict[str, Any]:
    moment = now()
    return {"closed": moment, "judged": moment, "due": None}


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of one claim, as the columns that `settle` writes, in their order."""

    investigation: int
    fence: int
    status: str
    severity: str
    verdict: str
    targeting: str
    disposition: str
    headline: str
    place: str
    simulated: bool
    decided: datetime


def settle(rows: Iterable[Settlement]) -> set[int]:
    """Write automatic outcomes where their fence still holds; the ids that were written. Call it in a transaction."""
    rows = list(rows)
    sql = """
        UPDATE investigations_investigation AS i SET
            status = s.status, severity = s.severity, verdict = s.verdict, targeting = s.targeting,
            disposition = s.disposition, headline = left(s.headline, 300), place = left(s.place, 120),
            simulated = s.simulated, decided = s.decided, described = s.decided,
            closed = CASE WHEN s.status = 'dismissed' THEN s.decided END,
            due = NULL, attempts = 0, deadline = NULL
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                    %s::text[], %s::boolean[], %s::timestamptz[])
            AS s(id, fence, status, severity, verdict, targeting, disposition, headline, place, simulated, decided)
        WHERE i.id = s.id AND i.fence = s.fence AND i.status = 'enriching'
        RETURNING i.id"""
    columns = list(zip(*(astuple(row) for row in rows), strict=True))
    if not columns:
        return set()
    with connection.cursor() as cursor:
        # In the order of the ids, so that two workers cannot wait for each other
        lock = "SELECT id FROM investigations_investigation WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
        cursor.execute(lock, [list(columns[0])])
        cursor.execute(sql, [list(column) for column in columns])
        return {pk for (pk,) in cursor.fetchall()}
