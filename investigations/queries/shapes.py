"""Investigations as the API and the command line show them: plain JSON values, a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from investigations.models import Decision, Enrichment, Investigation, InvestigationArtifact, TimelineEvent

MAX_TIMELINE = 200  # the latest entries of one investigation


def load_shapes(ids: Sequence[int]) -> list[dict[str, Any]]:
    """The investigations of these ids, in this order; missing ones are left out."""
    rows = Investigation.objects.select_related("assignee").in_bulk(ids)
    links = _grouped(
        InvestigationArtifact.objects.filter(investigation__in=ids).select_related("artifact").order_by("pk")
    )
    enrichments = _grouped(Enrichment.objects.filter(investigation__in=ids).order_by("pk"))
    timeline = _grouped(TimelineEvent.objects.filter(investigation__in=ids).order_by("at", "pk"))
    decisions = latest_decisions(ids)
    return [
        _shape(rows[pk], decisions.get(pk), links[pk], enrichments[pk], timeline[pk][-MAX_TIMELINE:])
        for pk in ids
        if pk in rows
    ]


def latest_decisions(ids: Sequence[int]) -> dict[int, Decision]:
    """The decision that counts, of each investigation that has one."""
    rows = Decision.objects.filter(investigation__in=ids).order_by("investigation", "-pk").distinct("investigation")
    return {row.investigation_id: row for row in rows.defer("evidence")}


def _shape(
    row: Investigation,
    decision: Decision | None,
    links: Iterable[InvestigationArtifact],
    enrichments: Iterable[Enrichment],
    timeline: Iterable[TimelineEvent],
) -> dict[str, Any]:
    by_artifact: dict[int, list[Enrichment]] = defaultdict(list)
    for enrichment in enrichments:
        by_artifact[enrichment.artifact_id].append(enrichment)
    return summary_shape(row, decision) | {
        "artifacts": [
            {
                "kind": link.artifact.kind,
                "value": link.artifact.value,
                "origin": link.origin,
                "verdict": link.verdict,
                "enrichments": [_enrichment(enrichment) for enrichment in by_artifact[link.artifact_id]],
            }
            for link in links
        ],
        "timeline": [
            {"at": stamp(event.at), "kind": event.kind, "actor": event.actor, "text": event.text} for event in timeline
        ],
    }


def summary_shape(row: Investigation, decision: Decision | None) -> dict[str, Any]:
    """One row of a list."""
    return {
        "id": row.pk,
        "source": row.subject,
        "kind": row.kind,
        "status": row.status,
        "severity": row.severity,
        "verdict": row.verdict,
        "targeting": row.targeting,
        "disposition": row.disposition or None,
        "assignee": row.assignee.username if row.assignee else None,
        "headline": row.headline,
        "simulated": row.simulated,
        "opened": stamp(row.opened),
        "closed": stamp(row.closed),
        "decision": _decision(decision) if decision else None,
        "alerts": {
            "count": row.alert_count,
            "first": stamp(row.first_alert),
            "last": stamp(row.last_alert),
            "ports": row.port_count,
            "targets": row.target_count,
        },
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome,
        "rule": decision.rule or None,
        "policy_version": decision.policy_id,
        "reasons": [reason["text"] for reason in decision.reasons],
        "actor": decision.actor,
        "automatic": decision.automatic,
        "decided": stamp(decision.decided),
        "evidence_digest": decision.evidence_digest or None,
    }


def _enrichment(row: Enrichment) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "outcome": row.outcome,
        "verdict": row.verdict,
        "summary": row.summary,
        "asked": stamp(row.asked),
        "cached": row.cached,
        "latency_ms": row.latency_ms,
        "simulated": row.simulated,
    }


def stamp(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


def _grouped(rows: Iterable[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.investigation_id].append(row)
    return grouped
