"""The decision: a total, pure function from a policy and evidence to exactly one outcome with its reasons.

The first rule whose condition holds decides. What no policy can switch off stands here: a dismissal needs explicit,
fresh answers; a rule that breaks, a run that broke, and a source that no rule knows all go to a human.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from investigations.choices import Outcome, Severity, Status, Verdict
from investigations.policy import signals
from investigations.policy.conditions import ConditionError, holds
from investigations.policy.document import FROM_ALERTS, Policy, Rule
from investigations.policy.evidence import Evidence
from investigations.policy.facts import Reading, facts_from, read
from investigations.policy.headline import headline
from investigations.policy.own import HARMLESS, LISTS, MEMORY, latest_on_source, lists_vouch
from investigations.policy.reasons import Kind, Reason, did_not_answer, reasons_of
from investigations.policy.templates import fill
from investigations.policy.wording import listed, plain

INSUFFICIENT_DATA = "insufficient-data"  # no rule matched
RUN_FAILED = "run-failed"  # the evidence itself says that the run could not be finished
HELD_BACK = "held-back"  # a rule would have decided, but it only proposes or a brake is on, and no other rule decided
EVERY_RULE = "*"
ONLY_PROPOSES = "it only proposes yet"
MAX_KNOWN = 500  # results that are kept for one condition


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a rule would have done, had it been allowed to act; `why` it was not, in words."""

    rule: str
    outcome: Status
    severity: str
    disposition: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, ready to be frozen with its evidence."""

    outcome: Status
    rule: str
    severity: Severity
    disposition: str  # a suggestion for an escalation; for a dismissal the reason it was closed
    headline: str
    reasons: tuple[Reason, ...]
    verdict: Verdict
    targeting: str
    policy: str  # digest of the policy's text
    evidence: str  # digest of the evidence
    proposals: tuple[Proposed, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "reasons": [asdict(reason) for reason in self.reasons]}


@dataclass(frozen=True, slots=True)
class Ruling:
    """Which rule decided, before anybody put it into words.

    `blocked`: dismissals that were not allowed, and why; `proposals`: what rules would have done that may not act.
    """

    outcome: Status
    rule: str
    text: str
    severity: str = FROM_ALERTS
    disposition: str = ""
    blocked: tuple[str, ...] = ()
    proposals: tuple[Proposed, ...] = ()


def decide(policy: Policy, evidence: Evidence) -> Decided:
    """The outcome for this evidence under this policy; the same input gives the same decision for ever."""
    reading = read(evidence, policy.signals)
    facts: Mapping[str, Any] = facts_from(reading)
    ruling = rule_on(policy, reading, facts)
    severity = evidence.scan.severity if ruling.severity == FROM_ALERTS else ruling.severity
    verdict = Verdict(facts["verdict"])
    would = [f"Rule {one.rule} proposes “{one.outcome.label.lower()}”, but {one.why}" for one in ruling.proposals]
    spoken = [Reason(text, Kind.RULE, verdict.value) for text in (ruling.text, *ruling.blocked, *would)]
    return Decided(
        outcome=ruling.outcome,
        rule=ruling.rule,
        severity=Severity(severity),
        disposition=ruling.disposition,
        headline=headline(evidence, facts),
        reasons=(*spoken, *reasons_of(reading, facts, ruling.outcome)),
        verdict=verdict,
        targeting=str(facts["targeting"]),
        policy=policy.digest,
        evidence=evidence.digest,
        proposals=ruling.proposals,
    )


def outcome_of(policy: Policy, evidence: Evidence) -> Status:
    """The outcome alone, without words: for what-if questions and backtests."""
    return ruling_of(policy, evidence).outcome


def ruling_of(policy: Policy, evidence: Evidence) -> Ruling:
    """The outcome and its rule, before anybody puts the reasons into words."""
    reading = read(evidence, policy.signals)
    return rule_on(policy, reading, facts_from(reading))


def matches(rule: Rule, facts: Mapping[str, Any]) -> bool:
    """Whether the condition of a rule holds for these facts. Raises ConditionError.

    A condition is a function of the facts that it names, and most of them have few values: what was found is kept.
    """
    named = {name: facts[name] for name in rule.variables}
    if rule.known is None:
        return holds(rule.program, named)
    key = tuple(named.values())
    found = rule.known.get(key)
    if found is None:
        if len(rule.known) >= MAX_KNOWN:
            rule.known.clear()
        found = rule.known[key] = holds(rule.program, named)
    return found


def rule_on(
    policy: Policy,
    reading: Reading,
    facts: Mapping[str, Any],
    matching: Callable[[Rule, Mapping[str, Any]], bool] = matches,
) -> Ruling:
    """Go through the rules in order until one decides; `matching` is `matches`, or something that remembers it.

    A rule that only proposes is passed over as if it were not there, with one exception: what it would keep from being
    dismissed is not dismissed by another. What a brake keeps a rule from dismissing goes to a person at once.
    """
    if reading.evidence.error:
        return Ruling(Status.NEEDS_REVIEW, RUN_FAILED, f"The run did not finish: {plain(reading.evidence.error)}")
    blocked: list[str] = []
    proposals: list[Proposed] = []
    for rule in policy.rules:
        try:
            found = matching(rule, facts)
        except ConditionError as error:
            text = f"Rule {rule.name} could not be evaluated: {plain(str(error))}"
            return Ruling(Status.NEEDS_REVIEW, rule.name, text, blocked=tuple(blocked), proposals=tuple(proposals))
        if not found:
            continue
        if obstacle := obstacle_to(rule, reading, proposals):
            blocked.append(f"Would have been dismissed by rule {rule.name}, but {obstacle}")
        elif rule.proposes:
            proposals.append(_proposed(rule, facts, ONLY_PROPOSES))
        elif brake := brake_on(rule, reading.evidence):
            return _held_back(_proposed(rule, facts, brake), blocked, proposals)
        else:
            return _ruling(rule, facts, blocked, proposals)
    return _undecided(facts, blocked, proposals)


def brake_on(rule: Rule, evidence: Evidence) -> str:
    """What holds the dismissals of a rule, in words; empty if nothing does, or if the rule does not dismiss."""
    if not rule.dismisses:
        return ""
    return next((plain(held.reason) for held in evidence.held if held.rule in (rule.name, EVERY_RULE)), "")


def obstacle_to(rule: Rule, reading: Reading, proposals: Sequence[Proposed] = ()) -> str:
    """Why a dismissing rule may not fire, in words; empty if it may, or if the rule does not dismiss.

    An answer that says "not found" is explicit, but it never vouches for anything: somebody has to know the source.
    """
    if not rule.dismisses:
        return ""
    if graver := [one.rule for one in proposals if one.outcome != Status.DISMISSED]:
        return f"rule {graver[0]} proposes otherwise"
    vouching = [answer for answer in reading.own if answer.answered and answer.outcome == Outcome.OK]
    missing = sorted(set(rule.quorum) - {answer.provider for answer in vouching} - own_voices(reading.evidence))
    if missing:
        labels = {answer.provider: plain(answer.label) for answer in reading.own}
        labels |= {LISTS: "an entry of our own lists", MEMORY: "an earlier decision of a person"}
        return f"{listed([labels.get(name, name) for name in missing])} gave no explicit, fresh answer"
    if not rule.complete:
        return ""
    if failed := signals.gaps(reading.counted, reading.evidence.source, reading.name):
        return f"these did not answer: {did_not_answer(failed)}"
    known = any(answer.reputation for answer in vouching) or own_voices(reading.evidence) & set(rule.quorum)
    return "" if known else "no provider knows the source"


def own_voices(evidence: Evidence) -> set[str]:
    """Which of our own words vouch for the source, as a quorum names them."""
    latest = latest_on_source(evidence)
    harmless = latest is not None and latest.disposition in HARMLESS
    return {name for name, speaks in ((LISTS, lists_vouch(evidence)), (MEMORY, harmless)) if speaks}


def what_is_missing(facts: Mapping[str, Any]) -> str:
    """Why no rule could decide."""
    missing = []
    if facts["failed"]:
        missing.append(f"{listed([plain(name) for name in facts['failed_names']])} did not answer")
    elif not facts["answered"]:
        missing.append("no reputation provider was asked")
    if facts["is_address"] and not facts["noise_sources_answered"]:
        missing.append("no source of Internet noise answered")
    if facts["scan_alerts"] and facts["scan_answered"] == "unknown":
        missing.append("the alerts do not tell whether anything of ours answered")
    return f"Insufficient data: {'; '.join(missing) or 'what is known fits no rule'}"


def _held_back(would: Proposed, blocked: list[str], proposals: list[Proposed]) -> Ruling:
    text = f"Held back for a person: {would.text}"
    return Ruling(Status.NEEDS_REVIEW, HELD_BACK, text, blocked=tuple(blocked), proposals=(would, *proposals))


def _undecided(facts: Mapping[str, Any], blocked: list[str], proposals: list[Proposed]) -> Ruling:
    """A person has to: nothing decided, or what would have decided only proposes."""
    if proposals:
        return _held_back(proposals[0], blocked, proposals[1:])
    text = what_is_missing(facts)
    return Ruling(Status.NEEDS_REVIEW, INSUFFICIENT_DATA, text, blocked=tuple(blocked))


def _proposed(rule: Rule, facts: Mapping[str, Any], why: str) -> Proposed:
    return Proposed(rule.name, rule.outcome, rule.severity, rule.disposition, fill(rule.reason, facts), why)


def _ruling(rule: Rule, facts: Mapping[str, Any], blocked: list[str], proposals: list[Proposed]) -> Ruling:
    return Ruling(
        rule.outcome,
        rule.name,
        fill(rule.reason, facts),
        rule.severity,
        rule.disposition,
        blocked=tuple(blocked),
        proposals=tuple(proposals),
    )
