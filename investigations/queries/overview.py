"""What a person needs to judge one investigation: the decision, its reasons, the evidence, what was before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from investigations.choices import Verdict
from investigations.models import Decision, Investigation
from investigations.queries.answers import SILENT, label_of
from investigations.queries.evidence import ArtifactEvidence, SourceFacts, evidence_of, latest_decisions, source_facts
from investigations.queries.history import History, history_of
from investigations.queries.queue_rows import progress_of


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision. `shape` is of queries.answers, or "rule" or "scan"."""

    text: str
    shape: str
    words: str  # what the shape says
    quiet: bool = False
    asked: datetime | None = None
    note: str = ""  # stands where the age stands if no single answer is behind the reason


@dataclass(frozen=True, slots=True)
class Overview:
    """`decision` counts; `automatic` is the automation's own, with the reasons."""

    investigation: Investigation
    decision: Decision | None
    automatic: Decision | None
    reasons: list[Reason]
    evidence: list[ArtifactEvidence]
    source: SourceFacts
    history: History

    @property
    def asked(self) -> int:
        return sum(len(artifact.rows) for artifact in self.evidence)

    @property
    def progress(self) -> str:
        return progress_of([row.enrichment.outcome for artifact in self.evidence for row in artifact.rows])

    @property
    def overruled(self) -> bool:
        """Whether a person decided after the automation had."""
        return self.decision is not None and self.automatic is not None and self.decision.pk != self.automatic.pk


def overview_of(investigation: Investigation) -> Overview:
    decision, automatic = latest_decisions(investigation)
    evidence = evidence_of(investigation)
    return Overview(
        investigation,
        decision,
        automatic,
        list(reasons_of(automatic, grown=has_grown(investigation, automatic))),
        evidence,
        source_facts(evidence, automatic),
        history_of(investigation),
    )


def has_grown(investigation: Investigation, decision: Decision | None) -> bool:
    """Whether alerts went on arriving after the decision: what it says about the scan was true then."""
    scan = decision.evidence.get("scan", {}) if decision else {}
    return bool(scan) and scan.get("alerts") != investigation.alert_count


def reasons_of(decision: Decision | None, *, grown: bool = False) -> Iterator[Reason]:
    """The frozen reasons, as policy.reasons.Reason wrote them."""
    for reason in decision.reasons if decision else ():
        yield _reason(reason, "when decided" if grown else "alerts")


def _reason(reason: dict[str, Any], scan_note: str) -> Reason:
    text, kind = str(reason.get("text", "")), reason.get("kind", "")
    if kind in ("rule", "scan"):
        return Reason(text, kind, kind, note="rule" if kind == "rule" else scan_note)
    verdict = reason.get("verdict", "")
    provider = str(reason.get("provider", ""))
    known = verdict if verdict in Verdict.values else Verdict.UNKNOWN.value
    shape = SILENT if kind == "silent" and not provider else known
    words = f"{label_of(provider)}: {Verdict(known).label.lower()}" if provider else kind
    return Reason(text, shape, words, kind == "silent", parse_datetime(str(reason.get("asked") or "")))
