"""Recompute a decision from its frozen evidence and its policy version, and say whether it is the same."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from investigations.models import Decision, PolicyVersion
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


def from_record(record: Any) -> Decision:
    """The decision in an exported record, unsaved, with its policy; it needs no row of any database. ValueError."""
    try:
        decision, policy = record["decision"], record["policy"]
        version = PolicyVersion(pk=policy["version"], document=policy["document"], digest=policy["digest"])
        values = {name: decision[name] for name in COMPARED}
        evidence, digest = record["evidence"], record["evidence_digest"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no exported decision: {error} is missing") from None
    if hashlib.sha256(str(version.document).encode()).hexdigest() != version.digest:
        raise ValueError("the text of the policy in this record has been changed")
    return Decision(
        investigation_id=record.get("investigation"),
        automatic=True,
        policy=version,
        evidence=evidence,
        evidence_digest=digest,
        **values,
    )


def recomputed(decided: Decided | None) -> dict[str, Any]:
    """The compared parts of a fresh decision, as the database would hold them."""
    if decided is None:
        return dict.fromkeys(COMPARED)
    values: dict[str, Any] = {name: getattr(decided, name) for name in COMPARED if name != "reasons"}
    values = {name: getattr(value, "value", value) for name, value in values.items()}
    values["headline"] = decided.headline[:300]
    return values | {"reasons": [asdict(reason) for reason in decided.reasons]}
