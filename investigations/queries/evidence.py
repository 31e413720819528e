"""The evidence of one investigation as a page shows it: per artifact, every answer and every silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from investigations.choices import ANSWERED, Outcome, Strength, Verdict
from investigations.models import Decision, Enrichment, Investigation, InvestigationArtifact
from investigations.queries.answers import RANK, fact, label_of, place_of, shape_of

KNOWN_AS = ("known_scanner", "known_service", "business_service")
WEIGHTS = (Strength.CONTEXT, Strength.WEAK, Strength.STRONG, Strength.DECISIVE)


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One provider on one artifact."""

    enrichment: Enrichment
    label: str
    shape: str  # of queries.answers
    verdict: str  # a word for people
    says: str
    weight: str

    @property
    def has_answered(self) -> bool:
        return self.enrichment.outcome in ANSWERED


@dataclass(slots=True)
class ArtifactEvidence:
    """Everything that was asked about one artifact."""

    link: InvestigationArtifact
    rows: list[EvidenceRow] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(row.has_answered for row in self.rows)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known about the source; an empty value is not known."""

    network: str = ""
    asn: str = ""
    operator: str = ""
    country: str = ""
    names: tuple[tuple[str, bool], ...] = ()  # reverse names, and whether each leads back
    service: str = ""
    techniques: tuple[str, ...] = ()


def evidence_of(investigation: Investigation) -> list[ArtifactEvidence]:
    """The subject first, then what was found on the way."""
    links = investigation.artifact_links.select_related("artifact").order_by("pk")
    by_artifact: dict[int, list[EvidenceRow]] = defaultdict(list)
    answers = investigation.enrichments.all()
    for answer in sorted(answers, key=_place):
        by_artifact[answer.artifact_id].append(_row(answer))
    found = [ArtifactEvidence(link, by_artifact[link.artifact_id]) for link in links]
    return sorted(found, key=lambda one: one.link.artifact.value != investigation.subject)


def _place(answer: Enrichment) -> tuple[int, int, tuple[int, str]]:
    """The worst and weightiest opinion first, then mere context, then the silent ones."""
    if answer.outcome not in ANSWERED:
        return 1, 0, place_of(answer.provider)
    return -RANK[Verdict(answer.verdict)], -WEIGHTS.index(answer.strength), place_of(answer.provider)


def _row(answer: Enrichment) -> EvidenceRow:
    shape = shape_of(answer.outcome, answer.verdict)
    word = Verdict(answer.verdict).label if shape == answer.verdict else Outcome(answer.outcome).label
    return EvidenceRow(answer, label_of(answer.provider), shape, word, _says(answer), _weight(answer))


def _says(answer: Enrichment) -> str:
    if answer.summary:
        return answer.summary
    if answer.outcome == Outcome.PENDING:
        return "has been asked"
    return "no opinion" if answer.outcome in ANSWERED else Outcome(answer.outcome).label.lower()


def _weight(answer: Enrichment) -> str:
    if answer.outcome not in ANSWERED:
        return ""
    return "no opinion" if answer.verdict == Verdict.UNKNOWN else Strength(answer.strength).label


def source_facts(evidence: Sequence[ArtifactEvidence], decision: Decision | None) -> SourceFacts:
    """Facts from the answers about the subject; names as they were claimed, each with its proof."""
    rows = evidence[0].rows if evidence else []
    about = [row.enrichment.facts for row in rows if isinstance(row.enrichment.facts, dict)]
    words = {name: str(fact(about, name) or "") for name in ("prefix", "asn", "as_name", "country", *KNOWN_AS)}
    return SourceFacts(
        network=words["prefix"],
        asn=words["asn"],
        operator=words["as_name"],
        country=words["country"],
        names=_names(about),
        service=next((words[name] for name in KNOWN_AS if words[name]), ""),
        techniques=tuple(str(technique) for technique in frozen_scan(decision).get("techniques", ())),
    )


def _names(about: Sequence[dict[str, Any]]) -> tuple[tuple[str, bool], ...]:
    names, confirmed = _texts(fact(about, "names")), _texts(fact(about, "confirmed"))
    return tuple((name, name in confirmed) for name in names[:5])


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def frozen_evidence(decision: Decision | None) -> dict[str, Any]:
    """What the decision was made from, as stored; empty if there is nothing that can be read."""
    return decision.evidence if decision and isinstance(decision.evidence, dict) else {}


def frozen_scan(decision: Decision | None) -> dict[str, Any]:
    """Its part that tells of the scan."""
    scan = frozen_evidence(decision).get("scan")
    return scan if isinstance(scan, dict) else {}


def latest_decisions(investigation: Investigation) -> tuple[Decision | None, Decision | None]:
    """The decision that counts, and the automation's own; they are one if nobody overruled it."""
    rows = investigation.decisions.select_related("policy").order_by("-id")
    latest = rows.first()
    if latest is None or latest.automatic:
        return latest, latest
    return latest, rows.filter(automatic=True).first()
