"""What the engine reads and writes, always for many cases at once: one statement, whatever their number."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.timezone import now

from investigations.artifacts import domain_scope, scope_of
from investigations.choices import ADDRESS_KINDS, ArtifactKind, Outcome, Scope, Strength, Verdict
from investigations.models import Artifact, Investigation, InvestigationArtifact
from investigations.playbooks.base import Run, StepRecord
from investigations.playbooks.case import Case, CaseArtifact, Lookup
from investigations.playbooks.desks import Desk
from investigations.queries.networks import own_networks


def do_not_wait_for_disk(on: bool = True) -> None:
    """Let commits of this connection return before they are on the disk.

    What a crash of PostgreSQL can take away is unfinished work, which is due again. A decision waits: the log is
    written in order, so when it is on the disk, everything it rests on is.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off" if on else "RESET synchronous_commit")


def wait_for_disk() -> None:
    """Make the present transaction's commit durable, as the server is configured."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO DEFAULT")


def load_cases(claims: Sequence[tuple[int, int]]) -> list[Case]:
    """The claimed investigations as cases, in the order of the claims."""
    rows = Investigation.objects.in_bulk([pk for pk, _ in claims])
    return [_case(rows[pk], fence) for pk, fence in claims if pk in rows]


def _case(row: Investigation, fence: int) -> Case:
    kind = ArtifactKind(row.kind)
    subject = CaseArtifact(
        row.subject, kind, scope_of_value(row.subject, kind), "submitted" if row.submitted else "source"
    )
    case = Case(row.pk, fence, subject, deadline=row.deadline or now(), submitted=row.submitted)
    if row.attempts > settings.MAX_ATTEMPTS:
        # Whatever it is in this case that kills workers, it does not get a fourth one
        case.error = f"{settings.MAX_ATTEMPTS} workers ended while they worked on it"
    return case


def scope_of_value(value: str, kind: ArtifactKind) -> Scope:
    if kind in ADDRESS_KINDS:
        return scope_of(value, own_networks(), test_networks=settings.ALLOW_TEST_NETWORKS)
    return domain_scope(value, test_networks=settings.ALLOW_TEST_NETWORKS)


def store_artifacts(pairs: Sequence[tuple[Case, CaseArtifact]]) -> None:
    """Give the artifacts their rows and link them to their cases."""
    keys = {(artifact.value, artifact.kind) for _, artifact in pairs}
    Artifact.objects.bulk_create(
        [Artifact(value=value, kind=kind) for value, kind in sorted(keys)], ignore_conflicts=True
    )
    rows = Artifact.objects.filter(value__in=[value for value, _ in keys])
    known = {(row.value, row.kind): row.pk for row in rows}
    for _, artifact in pairs:
        artifact.pk = known[artifact.value, artifact.kind]
    InvestigationArtifact.objects.bulk_create(
        [
            InvestigationArtifact(investigation_id=case.investigation, artifact_id=artifact.pk, origin=artifact.origin)
            for case, artifact in pairs
        ],
        ignore_conflicts=True,
    )


CACHED = """
SELECT DISTINCT ON (e.artifact_id, e.provider) e.artifact_id, e.provider, e.outcome, e.verdict, e.strength, e.summary,
    e.facts, e.domains, e.link, e.asked
FROM jsonb_to_recordset(%s::jsonb) AS want(artifact bigint, provider text, since double precision, simulated boolean)
JOIN investigations_enrichment AS e ON e.artifact_id = want.artifact AND e.provider = want.provider
WHERE e.outcome IN ('ok', 'not_found') AND NOT e.cached AND e.simulated = want.simulated
    AND e.asked >= to_timestamp(want.since)
ORDER BY e.artifact_id, e.provider, e.asked DESC"""


def use_cache(pairs: Sequence[tuple[Desk, Lookup]], moment: datetime) -> None:
    """Answer those lookups for which a fresh answer is there already; its age stays visible in `asked`."""
    wanted = [
        {
            "artifact": lookup.artifact.pk,
            "provider": desk.name,
            "since": moment.timestamp() - desk.freshness,
            "simulated": desk.simulated,
        }
        for desk, lookup in pairs
        if desk.freshness and not desk.provider.offline
    ]
    if not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute(CACHED, [json.dumps(wanted)])
        found = {(row[0], row[1]): row[2:] for row in cursor.fetchall()}
    for desk, lookup in pairs:
        row = found.get((lookup.artifact.pk, desk.name))
        if row is not None and not desk.provider.offline:
            _apply_cached(lookup, row, moment)


def _apply_cached(lookup: Lookup, row: Sequence[Any], moment: datetime) -> None:
    outcome, verdict, strength, lookup.summary, facts, domains, lookup.link, lookup.asked = row
    lookup.outcome, lookup.verdict, lookup.strength = Outcome(outcome), Verdict(verdict), Strength(strength)
    lookup.facts = json.loads(facts) if isinstance(facts, str) else facts
    lookup.domains = tuple(json.loads(domains) if isinstance(domains, str) else domains)
    lookup.answered, lookup.latency_ms, lookup.cached = moment, 0, True


# In the order of the ids, so that two workers cannot wait for each other
HITS = """
WITH locked AS (SELECT id FROM investigations_listentry WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE)
UPDATE investigations_listentry AS e SET hits = e.hits + n.hits, last_hit = now()
FROM unnest(%(ids)s::bigint[], %(hits)s::bigint[]) AS n(id, hits) JOIN locked ON locked.id = n.id WHERE e.id = n.id"""


def count_list_hits(runs: Iterable[Run]) -> None:
    """Count the decisions that each entry of our lists was part of. Last in a transaction: it holds up the others."""
    hits = Counter(entry.entry for run in runs for entry in run.case.lists)
    if hits:
        ids = sorted(hits)
        with connection.cursor() as cursor:
            cursor.execute(HITS, {"ids": ids, "hits": [hits[pk] for pk in ids]})


SAVE = """
INSERT INTO investigations_enrichment AS e (
    investigation_id, artifact_id, provider, outcome, verdict, strength, summary, facts, domains, link, asked, answered,
    latency_ms, cached, simulated)
SELECT l.investigation, l.artifact, l.provider, l.outcome, l.verdict, l.strength, l.summary, l.facts, l.domains, l.link,
    l.asked, l.answered, l.latency_ms, l.cached, l.simulated
FROM jsonb_to_recordset(%s::jsonb) AS l(
    investigation bigint, fence bigint, artifact bigint, provider text, outcome text, verdict text, strength text,
    summary text, facts jsonb, domains jsonb, link text, asked timestamptz, answered timestamptz, latency_ms int,
    cached boolean, simulated boolean)
JOIN investigations_investigation AS i ON i.id = l.investigation AND (i.fence = l.fence OR (i.due IS NULL AND EXISTS (
    SELECT FROM investigations_enrichment AS p
    WHERE p.investigation_id = l.investigation AND p.artifact_id = l.artifact AND p.provider = l.provider
        AND p.outcome = 'pending' AND p.asked = l.asked)))
ORDER BY l.investigation, l.artifact, l.provider
ON CONFLICT (investigation_id, artifact_id, provider) DO UPDATE SET
    outcome = excluded.outcome, verdict = excluded.verdict, strength = excluded.strength, summary = excluded.summary,
    facts = excluded.facts, domains = excluded.domains, link = excluded.link, asked = excluded.asked,
    answered = excluded.answered, latency_ms = excluded.latency_ms, cached = excluded.cached,
    simulated = excluded.simulated"""


def save_lookups(pairs: Sequence[tuple[Case, Lookup]]) -> None:
    """Write lookups as they stand, where their case's fence still holds.

    Once a person has decided, an answer is still evidence: it is written where this very question is open and nobody
    works on the investigation any more.
    """
    if not pairs:
        return
    rows = [_row(case, lookup) for case, lookup in pairs]
    with connection.cursor() as cursor:
        cursor.execute(SAVE, [json.dumps(rows)])


def time_out(cases: Iterable[Case], why: str) -> None:
    """Nobody waits any more for what these cases still wait for."""
    waiting = [(case, lookup) for case in cases for lookup in case.waiting]
    for _, lookup in waiting:
        lookup.outcome, lookup.summary, lookup.answered = Outcome.TIMEOUT, why, now()
    save_lookups(waiting)


def _row(case: Case, lookup: Lookup) -> dict[str, Any]:
    return {
        "investigation": case.investigation,
        "fence": case.fence,
        "artifact": lookup.artifact.pk,
        "provider": lookup.provider,
        "outcome": lookup.outcome.value,
        "verdict": lookup.verdict.value,
        "strength": lookup.strength.value,
        "summary": lookup.summary[:500],
        "facts": lookup.facts,
        "domains": list(lookup.domains),
        "link": lookup.link[:500],
        "asked": (lookup.asked or now()).isoformat(),
        "answered": lookup.answered.isoformat() if lookup.answered else None,
        "latency_ms": lookup.latency_ms,
        "cached": lookup.cached,
        "simulated": lookup.simulated,
    }


SAVE_RUNS = """
WITH run AS (
    INSERT INTO investigations_playbookrun AS r (
        investigation_id, fence, playbook, version, status, started, finished, error)
    SELECT investigation, fence, playbook, version, status, started, finished, error
    FROM jsonb_to_recordset(%s::jsonb) AS run(
        investigation bigint, fence bigint, playbook text, version text, status text, started timestamptz,
        finished timestamptz, error text)
    ORDER BY investigation
    ON CONFLICT (investigation_id, fence) DO UPDATE SET
        status = excluded.status, finished = excluded.finished, error = excluded.error
    RETURNING id, investigation_id, fence)
INSERT INTO investigations_playbookstep (run_id, position, name, status, started, finished, input, output, error)
SELECT run.id, position, name, status, started, finished, input, output, error
FROM jsonb_to_recordset(%s::jsonb) AS step(
    investigation bigint, fence bigint, position int, name text, status text, started timestamptz,
    finished timestamptz, input jsonb, output jsonb, error text)
JOIN run ON run.investigation_id = step.investigation AND run.fence = step.fence
ON CONFLICT (run_id, position) DO UPDATE SET
    status = excluded.status, finished = excluded.finished, output = excluded.output, error = excluded.error"""


def save_runs(runs: Iterable[Run]) -> None:
    """Write runs and their steps as they stand; a run or step that is new gets its row."""
    runs = list(runs)
    steps = [_step(run, record) for run in runs for record in run.records]
    with connection.cursor() as cursor:
        cursor.execute(SAVE_RUNS, [json.dumps([_run(run) for run in runs]), json.dumps(steps)])


def _run(run: Run) -> dict[str, Any]:
    return {
        "investigation": run.case.investigation,
        "fence": run.case.fence,
        "playbook": run.playbook.name,
        "version": run.playbook.version,
        "status": run.status.value,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat() if run.finished else None,
        "error": run.error[:500],
    }


def _step(run: Run, record: StepRecord) -> dict[str, Any]:
    return {
        "investigation": run.case.investigation,
        "fence": run.case.fence,
        "position": record.position,
        "name": record.name,
        "status": record.status.value,
        "started": record.started.isoformat(),
        "finished": record.finished.isoformat() if record.finished else None,
        "input": record.input,
        "output": record.output,
        "error": record.error,
    }
