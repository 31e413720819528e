"""What would have changed a decision: the smallest single change of the evidence, in one sentence.

Only for reading: the changed evidence is made up, decided upon and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from investigations.choices import ListState, Outcome, Status, Strength, Verdict
from investigations.policy.decide import outcome_of
from investigations.policy.document import Policy
from investigations.policy.evidence import Answer, Evidence
from investigations.policy.facts import read
from investigations.policy.mapping import SignalMapping
from investigations.policy.wording import plain

_KEPT = {
    ListState.OUTSIDE_WINDOW: "our scanner {} had kept to its window",
    ListState.OUTSIDE_SCOPE: "our scanner {} had kept to its scope",
    ListState.EXPIRED: "the authorisation of our scanner {} were in force",
}
MAX_TRIES = 30  # decisions; some 2 ms

_WOULD = {
    Status.NEEDS_REVIEW: "Would need review",
    Status.ESCALATED: "Would be escalated",
    Status.DISMISSED: "Would be dismissed",
}


def nearest_flip(policy: Policy, evidence: Evidence) -> str | None:
    """The first single change that leads to another outcome; None if none of those tried does."""
    decided = outcome_of(policy, evidence)
    for _, (words, changed) in zip(range(MAX_TRIES), _changes(evidence, policy.signals), strict=False):
        outcome = outcome_of(policy, changed)
        if outcome != decided:
            return f"{_WOULD[outcome]} if {words}"
    return None


def _changes(evidence: Evidence, mapping: SignalMapping) -> Iterator[tuple[str, Evidence]]:
    """One change at a time: what the scan left open, who might have been silent, who might have said the worst."""
    if evidence.scan.alerts:
        yield from _other_scans(evidence)
    counted = read(evidence, mapping).counted
    for answer in counted:
        if answer.answered:
            yield f"{_named(answer, evidence)} were silent", _with(evidence, answer, _silent(answer))
    yield from _other_words_of_ours(evidence)
    for answer in counted:
        if answer.reputation:
            said = _with(evidence, answer, _said(answer, Verdict.MALICIOUS))
            yield f"{_named(answer, evidence)} called it malicious", said
    for answer in counted:
        if answer.reputation and answer.failed:
            yield f"{_named(answer, evidence)} vouched for it", _with(evidence, answer, _said(answer, Verdict.BENIGN))


def _other_scans(evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    words = {True: "something of ours had answered", False: "nothing of ours had answered"}
    for answered, text in words.items():
        if evidence.scan.answered != answered:
            yield text, replace(evidence, scan=replace(evidence.scan, answered=answered))
    if evidence.scan.exposed:
        closed = replace(evidence.scan, exposed=0, exposed_ports=())
        yield "none of the probed ports were open on you", replace(evidence, scan=closed)


def _other_words_of_ours(evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    """Our own lists and memory, one thing less at a time; and a scanner that keeps to its window."""
    for entry in evidence.lists:
        others = tuple(one for one in evidence.lists if one is not entry)
        if entry.state != ListState.IN_FORCE:
            kept = replace(entry, state=ListState.IN_FORCE.value, detail="")
            words = _KEPT[ListState(entry.state)].format(plain(entry.label))
            yield words, replace(evidence, lists=(kept, *others))
        yield f"it were not on our list as {plain(entry.label)}", replace(evidence, lists=others)
    if evidence.memory:
        yield "nobody had decided on it before", replace(evidence, memory=())
    if evidence.held:
        yield "no brake were on", replace(evidence, held=())


def _silent(answer: Answer) -> Answer:
    return replace(answer, outcome=Outcome.TIMEOUT, verdict=Verdict.UNKNOWN, strength=Strength.CONTEXT, facts={})


def _said(answer: Answer, verdict: Verdict) -> Answer:
    return replace(answer, outcome=Outcome.OK, verdict=verdict, strength=Strength.STRONG, fresh=True)


def _with(evidence: Evidence, old: Answer, new: Answer) -> Evidence:
    return replace(evidence, answers=tuple(new if answer is old else answer for answer in evidence.answers))


def _named(answer: Answer, evidence: Evidence) -> str:
    label = plain(answer.label)
    return label if answer.artifact == evidence.source else f"{label} on {plain(answer.artifact)}"
