"""How far proposals agree with what people did in the end: of one rule, or of a whole version of the policy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from investigations.choices import Status
from investigations.models import Automation
from investigations.policy.statistics import wilson

SHOWN = 100  # disagreements that are listed

# The final word of people after the proposal: their latest decision, else the opinion of a blind review. Only the last
# proposal on an investigation counts, so that one case that was judged ten times is one case
WORDS = """
WITH latest AS (
    SELECT DISTINCT ON (investigation_id, rule) id, investigation_id, decision_id, rule, outcome, made
    FROM investigations_proposal
    WHERE policy_id = %(policy)s AND (%(rule)s = '' OR rule = %(rule)s) AND outcome IN ('dismissed', 'escalated')
    ORDER BY investigation_id, rule, id DESC)
SELECT p.id, p.investigation_id, p.rule, p.outcome, p.made, coalesce(d.outcome, s.opinion), coalesce(d.actor, s.actor),
    coalesce(d.decided, s.reviewed)
FROM latest AS p
LEFT JOIN LATERAL (
    SELECT outcome, actor, decided FROM investigations_decision
    WHERE investigation_id = p.investigation_id AND NOT automatic AND outcome IN ('dismissed', 'escalated')
        AND id > p.decision_id
    ORDER BY id DESC LIMIT 1) AS d ON true
LEFT JOIN LATERAL (
    SELECT CASE r.opinion WHEN 'dismiss' THEN 'dismissed' ELSE 'escalated' END AS opinion, u.username AS actor, reviewed
    FROM investigations_samplereview AS r LEFT JOIN investigations_user AS u ON u.id = r.reviewer_id
    WHERE r.investigation_id = p.investigation_id AND r.opinion IN ('dismiss', 'escalate') AND r.reviewed >= p.made
    ORDER BY r.id DESC LIMIT 1) AS s ON true"""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A proposal, and the person's word that was another."""

    investigation: int
    rule: str
    proposed: Status
    person: Status
    by: str
    when: datetime


@dataclass(slots=True)
class Agreement:
    """`n` proposals have a person's word, `waiting` have none yet; shares between 0 and 1."""

    n: int = 0
    agreed: int = 0
    waiting: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)  # newest first, at most SHOWN

    @property
    def rate(self) -> float:
        return wilson(self.agreed, self.n).rate

    @property
    def low(self) -> float:
        return wilson(self.agreed, self.n).low

    @property
    def high(self) -> float:
        return wilson(self.agreed, self.n).high

    @property
    def disagreed(self) -> int:
        return self.n - self.agreed


def agreement(policy: int, rule: str = "") -> Agreement:
    """Of all rules of a version together, or of one."""
    total = Agreement()
    for row in _rows(policy, rule):
        _count(total, row)
    return _sorted(total)


def rules_agreement(policy: int) -> dict[str, Agreement]:
    """Of each rule that has proposed anything, by its name."""
    found: dict[str, Agreement] = defaultdict(Agreement)
    for row in _rows(policy, ""):
        _count(found[row[2]], row)
    return {rule: _sorted(one) for rule, one in found.items()}


def why_not_yet(found: Agreement, automation: Automation) -> str:
    """Why people do not agree enough to let it act; empty when they do."""
    if found.n < automation.graduate_reviews:
        return f"{found.n} of {automation.graduate_reviews} proposals that are needed have a person's word."
    if found.low * 100 < automation.graduate_percent:
        return (
            f"People agreed with {found.rate:.0%}, but that may be as little as {found.low:.0%}; "
            f"at least {automation.graduate_percent} % is needed."
        )
    return ""


def _rows(policy: int, rule: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(WORDS, {"policy": policy, "rule": rule})
        rows: list[Any] = cursor.fetchall()
    return rows


def _count(total: Agreement, row: Any) -> None:
    _, investigation, rule, proposed, _, word, actor, when = row
    if word is None:
        total.waiting += 1
        return
    total.n += 1
    if word == proposed:
        total.agreed += 1
    else:
        total.disagreements.append(Disagreement(investigation, rule, Status(proposed), Status(word), actor or "", when))


def _sorted(total: Agreement) -> Agreement:
    total.disagreements.sort(key=lambda one: one.when, reverse=True)
    del total.disagreements[SHOWN:]
    return total
