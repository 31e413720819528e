"""What a person needs to judge one investigation: the decision, its reasons, the evidence, what was before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from investigations.choices import Outcome, Verdict
from investigations.models import Decision, Investigation, Proposal
from investigations.queries.answers import SILENT, label_of
from investigations.queries.evidence import (
    ArtifactEvidence,
    SourceFacts,
    evidence_of,
    frozen_evidence,
    frozen_scan,
    latest_decisions,
    source_facts,
)
from investigations.queries.history import History, history_of
from investigations.queries.own import Exposure, OwnWord, exposure_of, lists_of, memory_of
from investigations.queries.queue_rows import progress_of
from investigations.queries.voices import AGAINST, Voices, voices_of

MARKS = ("rule", "scan", "list", "memory")  # kinds of reasons that are their own shape


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision. `shape` is of queries.answers, or one of MARKS; `own` is the list entry or the earlier
    decision that it tells of."""

    text: str
    shape: str
    words: str  # what the shape says
    quiet: bool = False
    asked: datetime | None = None
    note: str = ""  # stands where the age stands if no single answer is behind the reason
    own: OwnWord | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """`decision` counts; `automatic` is the automation's own, with the reasons, and `voices` is who stands where.

    `disagreement` is a sentence, where the evidence does not tell more; `shadow` is what a policy in the shadow
    proposed instead; `held` says that a brake was on.
    """

    investigation: Investigation
    decision: Decision | None
    automatic: Decision | None
    reasons: list[Reason]
    evidence: list[ArtifactEvidence]
    source: SourceFacts
    history: History
    voices: Voices = field(default_factory=Voices)
    disagreement: str = ""
    exposure: Exposure | None = None
    lists: list[OwnWord] = field(default_factory=list)
    memory: list[OwnWord] = field(default_factory=list)
    shadow: list[Proposal] = field(default_factory=list)
    held: bool = False

    @property
    def pending(self) -> int:
        """Lookups that nobody has answered yet."""
        return sum(row.enrichment.outcome == Outcome.PENDING for artifact in self.evidence for row in artifact.rows)

    @property
    def is_early(self) -> bool:
        """Whether it was decided before all answers were in, and they still come."""
        return self.pending > 0 and not self.investigation.is_enriching and self.automatic is not None

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
    evidence, frozen = evidence_of(investigation), frozen_evidence(automatic)
    return Overview(
        investigation,
        decision,
        automatic,
        list(reasons_of(automatic, grown=has_grown(investigation, automatic))),
        evidence,
        source_facts(evidence, automatic),
        history_of(investigation),
        voices_of(automatic),
        _disagreement(automatic),
        exposure_of(frozen),
        lists_of(frozen),
        memory_of(frozen),
        _shadow(automatic),
        bool(frozen.get("held")),
    )


def _shadow(decision: Decision | None) -> list[Proposal]:
    """What another version of the policy proposed; proposals of the same one are among the reasons."""
    rows = decision.proposals.exclude(policy=decision.policy_id) if decision else Proposal.objects.none()
    return list(rows.order_by("pk"))


def _disagreement(decision: Decision | None) -> str:
    """The frozen sentence."""
    told: dict[str, Any] = next(filter(_tells_of_disagreement, decision.reasons if decision else ()), {})
    return str(told.get("text", ""))


def _tells_of_disagreement(reason: dict[str, Any]) -> bool:
    """The one reason that speaks against a decision without being a single answer."""
    return reason.get("kind") == AGAINST and not reason.get("provider")


def has_grown(investigation: Investigation, decision: Decision | None) -> bool:
    """Whether alerts went on arriving after the decision: what it says about the scan was true then."""
    scan = frozen_scan(decision)
    return bool(scan) and scan.get("alerts") != investigation.alert_count


def reasons_of(decision: Decision | None, *, grown: bool = False) -> Iterator[Reason]:
    """The frozen reasons, as policy.reasons.Reason wrote them; a disagreement has a place of its own."""
    frozen = frozen_evidence(decision)
    own = {"list": iter(lists_of(frozen)), "memory": iter(memory_of(frozen))}
    for reason in decision.reasons if decision else ():
        if not _tells_of_disagreement(reason):
            yield _reason(reason, "when decided" if grown else "alerts", own)


def _reason(reason: dict[str, Any], scan_note: str, own: dict[str, Iterator[OwnWord]]) -> Reason:
    text, kind = str(reason.get("text", "")), str(reason.get("kind", ""))
    if kind in MARKS:
        # Our own words were written in the order of the evidence, one reason for each
        return Reason(
            text, kind, kind, note=scan_note if kind == "scan" else kind, own=next(own.get(kind, iter(())), None)
        )
    verdict = reason.get("verdict", "")
    provider = str(reason.get("provider", ""))
    known = verdict if verdict in Verdict.values else Verdict.UNKNOWN.value
    shape = SILENT if kind == "silent" and not provider else known
    words = f"{label_of(provider)}: {Verdict(known).label.lower()}" if provider else kind
    return Reason(text, shape, words, kind == "silent", parse_datetime(str(reason.get("asked") or "")))
