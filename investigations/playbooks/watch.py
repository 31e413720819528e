"""What looks after the automation: the usual rate of each rule, and whether the providers still answer."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.utils.timezone import now

from investigations.models import AuditEvent, Automation, ProviderSettings
from investigations.models.audit import AUTOMATION
from investigations.providers import PROVIDERS

EVERY = 10.0  # seconds between two looks, over all workers
MEASURE = 300.0  # seconds between two measurements of the usual rates
WATCH_LOCK = 7_021  # advisory: one worker at a time
ENOUGH = 5  # lookups of a provider in the window, below which it is not judged
WINDOW = timedelta(minutes=10)
MOSTLY = 0.5  # a provider that answers more than this share of its lookups answers

# Over the hours since the rule's first dismissal, at most a week, without the present one; null below a day
USUAL = """
UPDATE investigations_rulebrake AS b SET measured = now(), usual_per_hour = CASE
    WHEN b.first_dismissal > now() - interval '24 hours' THEN NULL
    ELSE (SELECT count(*) FROM investigations_decision AS d
        WHERE d.automatic AND d.outcome = 'dismissed' AND d.rule = b.rule
            AND d.decided > now() - interval '7 days' AND d.decided <= now() - interval '1 hour')
        / (least(extract(epoch FROM now() - b.first_dismissal) / 3600, 168) - 1) END
WHERE b.first_dismissal IS NOT NULL AND (b.measured IS NULL OR b.measured < now() - make_interval(secs => %s))"""

ANSWERING = """
SELECT provider, count(*) FILTER (WHERE outcome IN ('ok', 'not_found')), count(*) FROM investigations_enrichment
WHERE provider = ANY(%s) AND NOT cached AND outcome NOT IN ('pending', 'skipped') AND asked > %s
GROUP BY provider HAVING count(*) >= %s ORDER BY provider"""

log = structlog.get_logger(__name__)


def watch() -> None:
    """Look once; another worker that looks now makes this one go."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [WATCH_LOCK])
        if not cursor.fetchone()[0]:
            return
        cursor.execute(USUAL, [MEASURE])
        automation = Automation.objects.select_for_update().filter(pk=1, stopped=None).first()
        if automation and (reason := too_few_answer(automation.min_answering)):
            _trip(automation, reason)


def too_few_answer(percent: int) -> str:
    """Why dismissals cannot be trusted now, in words; empty while enough providers with an opinion answer."""
    enabled = set(ProviderSettings.objects.filter(enabled=True).values_list("name", flat=True))
    asked = [name for name, one in PROVIDERS.items() if name in enabled and one.reputation and not one.offline]
    with connection.cursor() as cursor:
        cursor.execute(ANSWERING, [asked, now() - WINDOW, ENOUGH])
        rows = cursor.fetchall()
    silent = [name for name, answered, total in rows if answered <= total * MOSTLY]
    if not rows or (len(rows) - len(silent)) * 100 >= percent * len(rows):
        return ""
    names = ", ".join(PROVIDERS[name].label for name in silent)
    return f"{len(silent)} of {len(rows)} providers do not answer: {names}"


def _trip(automation: Automation, reason: str) -> None:
    automation.stopped, automation.stopped_by, automation.stop_reason = now(), AUTOMATION.name, reason[:500]
    automation.tripped = True
    automation.save()
    AuditEvent.objects.record(
        AUTOMATION, "automation.tripped", "automation", before={"stopped": False}, after={"stopped": True},
        reason=reason,
    )  # fmt: skip
    log.warning("automation_tripped", reason=reason)
