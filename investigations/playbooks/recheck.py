"""A provider has changed its mind: dismissals that rest on what it said before are looked at again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from django.db import connection

from investigations.choices import Verdict
from investigations.models import Investigation
from investigations.playbooks.base import Run
from investigations.policy.wording import plain

# An older answer of the same provider about the same artifact that was not bad, under an automatic dismissal of the
# last week. Looked at again, that investigation holds the new answer, so it is not found a second time
FLIPPED = """
SELECT DISTINCT ON (i.id) i.id, n.label, n.summary
FROM jsonb_to_recordset(%s::jsonb) AS n(
    investigation bigint, artifact bigint, provider text, label text, summary text, asked timestamptz)
JOIN investigations_enrichment AS e ON e.artifact_id = n.artifact AND e.provider = n.provider
    AND e.investigation_id <> n.investigation AND e.outcome IN ('ok', 'not_found')
    AND e.verdict NOT IN ('malicious', 'suspicious') AND e.asked < n.asked
JOIN investigations_investigation AS i ON i.id = e.investigation_id AND i.status = 'dismissed' AND i.judged IS NULL
    AND i.decided > now() - interval '7 days'
ORDER BY i.id, n.provider LIMIT 100"""


def recheck_flipped(runs: Sequence[Run]) -> int:
    """Have those dismissals investigated anew; how many there were. Call it in the transaction of the decisions."""
    news = list(_bad_answers(runs))
    if not news:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(FLIPPED, [json.dumps(news)])
        found = {pk: (label, summary) for pk, label, summary in cursor.fetchall()}
    rows = Investigation.objects.filter(pk__in=found).order_by("pk")
    return sum(row.look_again(_words(*found[row.pk])) for row in rows)


def _bad_answers(runs: Iterable[Run]) -> Iterable[dict[str, object]]:
    for run in runs:
        for lookup in run.case.lookups:
            if lookup.verdict in (Verdict.MALICIOUS, Verdict.SUSPICIOUS) and lookup.artifact.pk and lookup.asked:
                yield {
                    "investigation": run.case.investigation,
                    "artifact": lookup.artifact.pk,
                    "provider": lookup.provider,
                    "label": lookup.label,
                    "summary": lookup.summary,
                    "asked": lookup.asked.isoformat(),
                }


def _words(label: str, summary: str) -> str:
    return f"Looked at again: {label} has changed its mind: {plain(summary) or 'not harmless any more'}"
