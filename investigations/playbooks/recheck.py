"""A provider has changed its mind: dismissals that rest on what it said before are looked at again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial

from django.db import connection, transaction

from investigations.choices import Verdict
from investigations.models import Investigation
from investigations.playbooks.base import Run
from investigations.policy.wording import plain

# An older and milder answer of the same provider about the same artifact, under an automatic dismissal of the last
# week. Who is looked at again then holds one that is as bad, or younger: no two can go on waking each other
FLIPPED = """
SELECT DISTINCT ON (i.id) i.id, n.label, n.verdict, n.summary
FROM jsonb_to_recordset(%s::jsonb) AS n(
    investigation bigint, artifact bigint, provider text, label text, verdict text, summary text, asked timestamptz)
JOIN investigations_investigationartifact AS link
    ON link.artifact_id = n.artifact AND link.investigation_id <> n.investigation
JOIN investigations_investigation AS i ON i.id = link.investigation_id AND i.status = 'dismissed'
    AND i.judged IS NULL AND i.assignee_id IS NULL AND i.decided > now() - interval '7 days'
JOIN investigations_enrichment AS e ON e.investigation_id = i.id AND e.artifact_id = n.artifact
    AND e.provider = n.provider AND e.outcome IN ('ok', 'not_found') AND e.asked < n.asked
    AND e.verdict NOT IN ('malicious', n.verdict)
ORDER BY i.id, n.verdict, n.provider LIMIT 100"""


def recheck_flipped(runs: Iterable[Run]) -> int:
    """Have those dismissals investigated anew once the present transaction is committed; how many there are.

    Not before: this one holds the rows of its own investigations, and two that wait for each other's would fail.
    """
    news = list(_bad_answers(runs))
    if not news:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(FLIPPED, [json.dumps(news)])
        found = {pk: _words(label, verdict, summary) for pk, label, verdict, summary in cursor.fetchall()}
    if found:
        transaction.on_commit(partial(_look_again, found), robust=True)
    return len(found)


def _look_again(found: dict[int, str]) -> None:
    for row in Investigation.objects.filter(pk__in=found).order_by("pk"):
        row.look_again(found[row.pk])


def _bad_answers(runs: Iterable[Run]) -> Iterator[dict[str, object]]:
    for run in runs:
        for lookup in run.case.lookups:
            if lookup.verdict in (Verdict.MALICIOUS, Verdict.SUSPICIOUS) and lookup.artifact.pk and lookup.asked:
                yield {
                    "investigation": run.case.investigation,
                    "artifact": lookup.artifact.pk,
                    "provider": lookup.provider,
                    "label": lookup.label,
                    "verdict": Verdict(lookup.verdict).value,
                    "summary": lookup.summary,
                    "asked": lookup.asked.isoformat(),
                }


def _words(label: str, verdict: str, summary: str) -> str:
    told = plain(summary)
    if not told.lower().startswith(verdict):
        told = f"{verdict}: {told}" if told else verdict
    return f"Looked at again: {label} has changed its mind: {told}"
