"""Recompute a decision from its frozen evidence and its policy version, and say whether it is the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from investigations.models import Decision
from investigations.policy.decide import Decided, decide
from investigations.policy.evidence import Evidence, canonical
from investigations.queries.policies import parsed

COMPARED = ("outcome", "rule", "severity", "disposition", "verdict", "targeting", "headline", "reasons")


@dataclass(frozen=True, slots=True)
class Replay:
    """Both decisions, and the names of what differs; `evidence_intact`: the evidence still has its digest.

    `again` is None where somebody has changed the evidence so much that it cannot be read any more.
    """

    decision: Decision
    again: Decided | None
    differences: tuple[str, ...]
    evidence_intact: bool

    @property
    def same(self) -> bool:
        return self.evidence_intact and not self.differences

    def as_json(self) -> dict[str, Any]:
        return {
            "investigation": self.decision.investigation_id,
            "decision": self.decision.pk,
            "policy_version": self.decision.policy_id,
            "same": self.same,
            "evidence_intact": self.evidence_intact,
            "differences": list(self.differences),
            "stored": {name: getattr(self.decision, name) for name in COMPARED},
            "replayed": recomputed(self.again),
        }


def replay(decision: Decision) -> Replay:
    """Decide again. Only automatic decisions can be replayed: a person's has no policy."""
    assert decision.policy is not None
    try:
        evidence = Evidence.from_json(decision.evidence)
        again = decide(parsed(decision.policy.document), evidence)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Replay(decision, None, COMPARED, evidence_intact=False)
    now = recomputed(again)
    differences = tuple(name for name in COMPARED if canonical(getattr(decision, name)) != canonical(now[name]))
    return Replay(decision, again, differences, evidence.digest == decision.evidence_digest)


def recomputed(decided: Decided | None) -> dict[str, Any]:
    """The compared parts of a fresh decision, as the database would hold them."""
    if decided is None:
        return dict.fromkeys(COMPARED)
    values: dict[str, Any] = {name: getattr(decided, name) for name in COMPARED if name != "reasons"}
    values = {name: getattr(value, "value", value) for name, value in values.items()}
    values["headline"] = decided.headline[:300]
    return values | {"reasons": [asdict(reason) for reason in decided.reasons]}
