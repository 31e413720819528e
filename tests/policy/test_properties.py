"""Properties of the decision over evidence that nobody would think of, hostile values included."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from investigations.choices import (
    Disposition,
    ListKind,
    ListState,
    Outcome,
    Remembers,
    Scope,
    Severity,
    Status,
    Strength,
    Targeting,
    Verdict,
)
from investigations.policy.decide import Decided, decide
from investigations.policy.dependent import possible
from investigations.policy.document import default_policy, parse_policy
from investigations.policy.evidence import Answer, Evidence, Held, Listed, Remembered, ScanFacts
from investigations.policy.facts import FACTS, facts_of
from investigations.policy.flips import nearest_flip
from investigations.policy.verdicts import artifact_verdicts
from tests.policy.makers import CONTEXT_ONLY, SOURCE

RANK = {Status.DISMISSED: 0, Status.NEEDS_REVIEW: 1, Status.ESCALATED: 2}
VERDICTS = [Verdict.BENIGN, Verdict.UNKNOWN, Verdict.SUSPICIOUS, Verdict.MALICIOUS]
STRENGTHS = list(Strength)
NAME = "scan-07.census.example"

hostile_text = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", "\x1b]0;x\x07", "{malicious}", "‮evil.example"]
)
junk = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | hostile_text
    | st.lists(st.integers(), max_size=2)
)


def fact_values(plausible: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: values | junk for name, values in plausible.items()})


IDENTITY = {"tor": st.booleans(), "reporters": st.integers(0, 300), "noise_seen": st.booleans()}
FACTS_OF = {
    "greynoise": fact_values(
        {
            **IDENTITY,
            "actor": hostile_text,
            "business_service": hostile_text,
            "trust_level": st.integers(0, 3),
            "sensors": st.integers(0, 500),
        }
    ),
    "dns": fact_values({"rdns": st.sampled_from([NAME, "host.example"]), "rdns_confirmed": st.booleans()}),
    "warninglists": fact_values({"known_scanner": hostile_text, "published_range": st.booleans()}),
    "abuseipdb": fact_values(IDENTITY),
}
PROVIDERS = ["greynoise", "abuseipdb", "virustotal", "spamhaus", "dshield", "dns", "warninglists", "tor"]


@st.composite
def answers_of(draw: st.DrawFn, provider: str) -> Answer:
    context = provider in CONTEXT_ONLY
    artifact = NAME if provider in ("virustotal", "spamhaus") and draw(st.booleans()) else SOURCE
    return Answer(
        provider=provider,
        label=draw(st.just(provider) | hostile_text),
        artifact=artifact,
        kind="domain-name" if artifact == NAME else "ipv4-addr",
        outcome=draw(st.sampled_from(Outcome.values) | st.just("ok")),
        verdict=draw(st.sampled_from(["benign", "unknown"] if context else Verdict.values)),
        strength=draw(st.sampled_from(Strength.values)),
        summary=draw(hostile_text),
        facts=draw(FACTS_OF.get(provider, st.just({}))),
        asked=draw(st.sampled_from(["", "2026-11-24T06:00:00+00:00"])),
        fresh=draw(st.booleans() | st.just(True)),
        reputation=not context,
    )


scans = st.builds(
    ScanFacts,
    alerts=st.integers(0, 500),
    ports=st.integers(0, 70),
    targets=st.integers(0, 300),
    answered=st.none() | st.booleans(),
    answered_ports=st.lists(st.integers(0, 65_535), max_size=3).map(tuple),
    top_ports=st.lists(st.integers(0, 65_535), max_size=4).map(tuple),
    severity=st.sampled_from(Severity.values),
    signatures=st.lists(hostile_text, max_size=2).map(tuple),
    beyond_recon=st.booleans(),
    domains=st.lists(hostile_text, max_size=2).map(tuple),
    exposed=st.none() | st.integers(0, 70),
    exposed_ports=st.lists(st.integers(0, 65_535), max_size=3).map(tuple),
)
times = st.sampled_from(["2026-05-01", "2026-09-01", "2026-11-23", "2026-12-24"]).map("{}T06:00:00+00:00".format)
entries = st.builds(
    Listed,
    kind=st.sampled_from(ListKind.values),
    entry=st.integers(1, 9),
    value=hostile_text,
    label=hostile_text,
    owner=hostile_text,
    reason=hostile_text,
    ticket=hostile_text,
    expires=st.just("") | times,
    state=st.sampled_from(ListState.values) | st.just("in_force"),
    detail=hostile_text,
)
memories = st.builds(
    Remembered,
    about=st.sampled_from(Remembers.values),
    value=hostile_text,
    disposition=st.sampled_from(Disposition.values),
    outcome=st.sampled_from(["escalated", "dismissed"]),
    decided=times,
    by=hostile_text,
    investigation=st.integers(1, 2**40),
)
brakes = st.builds(Held, rule=st.sampled_from(["*", "internet-noise", "allow-listed"]), reason=hostile_text)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    providers = draw(st.lists(st.sampled_from(PROVIDERS), unique=True, max_size=8))
    return Evidence(
        source=SOURCE,
        kind="ipv4-addr",
        scope=draw(st.sampled_from(Scope.values) | st.just("public")),
        scan=draw(scans),
        answers=tuple(draw(answers_of(provider)) for provider in providers),
        decided="2026-11-24T06:00:05+00:00",
        submitted=draw(st.booleans()),
        error=draw(st.just("") | hostile_text),
        lists=tuple(draw(st.lists(entries, max_size=2))),
        memory=tuple(draw(st.lists(memories, max_size=3))),
        held=tuple(draw(st.lists(brakes, max_size=1))),
    )


def texts_of(decision: Decided) -> list[str]:
    return [decision.headline, *(reason.text for reason in decision.reasons)]


@settings(max_examples=400, deadline=None)
@given(evidences())
def test_it_always_decides_and_decides_the_same_again(evidence: Evidence) -> None:
    policy = default_policy()
    decision = decide(policy, evidence)
    assert decision.outcome in RANK
    assert decision.severity in Severity and decision.verdict in Verdict
    assert decision.targeting in Targeting.values and decision.disposition in ("", *Disposition.values)
    assert decision.reasons and decision.headline
    assert Evidence.from_json(evidence.as_json()) == evidence
    assert decide(parse_policy(policy.text), Evidence.from_json(evidence.as_json())) == decision


@settings(max_examples=300, deadline=None)
@given(evidences())
def test_it_writes_plain_text_only(evidence: Evidence) -> None:
    for text in texts_of(decide(default_policy(), evidence)):
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)
        assert "evil.example" not in text and NAME not in text


@settings(max_examples=300, deadline=None)
@given(evidences())
def test_it_gives_every_rule_every_fact_in_its_type(evidence: Evidence) -> None:
    facts = facts_of(evidence)
    assert facts.keys() == FACTS.keys()
    assert {name: type(value) for name, value in facts.items()} == {name: type(value) for name, value in FACTS.items()}


@settings(max_examples=500, deadline=None)
@given(evidences(), st.data())
def test_it_never_turns_an_escalation_into_a_dismissal_by_a_failure(evidence: Evidence, data: st.DataObject) -> None:
    assume(evidence.answers)
    failing = data.draw(st.sampled_from(evidence.answers))
    end = data.draw(st.sampled_from([Outcome.THROTTLED, Outcome.TIMEOUT, Outcome.ERROR, Outcome.PENDING]))
    silent = Answer(
        failing.provider, failing.label, failing.artifact, failing.kind, end.value, reputation=failing.reputation
    )
    changed = replace(evidence, answers=tuple(silent if one is failing else one for one in evidence.answers))
    before, after = decide(default_policy(), evidence), decide(default_policy(), changed)
    assert not (before.outcome == Status.ESCALATED and after.outcome == Status.DISMISSED)


@settings(max_examples=500, deadline=None)
@given(evidences(), st.data())
def test_it_never_lowers_the_outcome_for_a_worse_verdict(evidence: Evidence, data: st.DataObject) -> None:
    assume(evidence.answers)
    old = data.draw(st.sampled_from(evidence.answers))
    verdict = data.draw(st.sampled_from(VERDICTS[VERDICTS.index(Verdict(old.verdict)) :]))
    strength = data.draw(st.sampled_from(STRENGTHS[STRENGTHS.index(Strength(old.strength)) :]))
    worse = replace(old, verdict=verdict.value, strength=strength.value)
    changed = replace(evidence, answers=tuple(worse if one is old else one for one in evidence.answers))
    before, after = decide(default_policy(), evidence), decide(default_policy(), changed)
    assert RANK[after.outcome] >= RANK[before.outcome]


@settings(max_examples=300, deadline=None)
@given(evidences())
def test_it_dismisses_only_on_explicit_fresh_answers(evidence: Evidence) -> None:
    decision = decide(default_policy(), evidence)
    if decision.outcome == Status.DISMISSED:
        rule = next(rule for rule in default_policy().rules if rule.name == decision.rule)
        vouching = {answer.provider for answer in evidence.about(SOURCE) if answer.outcome == "ok" and answer.fresh}
        vouching |= own_words(evidence)
        assert vouching and set(rule.quorum) <= vouching
        assert not evidence.error and not any(one.rule in ("*", rule.name) for one in evidence.held)
        assert evidence.scope == "public" or decision.rule == "authorised-scanner"


def own_words(evidence: Evidence) -> set[str]:
    """Told anew, without the code that is tested: which of our own words vouch for the source."""
    vouching = {"allow", "known_service", "authorised_scanner"}
    lists = any(one.kind in vouching and one.state == "in_force" for one in evidence.lists)
    since = "2026-08-26T06:00:05"
    said = [one for one in evidence.memory if one.about == "source" and one.decided > since]
    said = [one for one in said if one.disposition not in ("undetermined", "duplicate")]
    last = max((one.decided for one in said), default="")
    memory = any(one.decided == last and one.disposition != "true_positive" for one in said)
    return {name for name, speaks in (("lists", lists), ("memory", memory)) if speaks}


@settings(max_examples=300, deadline=None)
@given(evidences())
def test_it_never_dismisses_while_everything_is_stopped(evidence: Evidence) -> None:
    stopped = replace(evidence, held=(Held("*", "stopped by lea"),))
    assert decide(default_policy(), stopped).outcome != Status.DISMISSED


@settings(max_examples=300, deadline=None)
@given(evidences(), st.integers(0, 200))
def test_it_forgets_with_time_and_never_remembers_more(evidence: Evidence, days: int) -> None:
    later = replace(evidence, decided=(datetime.fromisoformat(evidence.decided) + timedelta(days=days)).isoformat())
    for name in ("remembered_malicious", "remembered_benign"):
        before, after = facts_of(evidence)[name], facts_of(later)[name]
        assert isinstance(before, int) and isinstance(after, int)
        assert 0 <= after <= before <= 100


@settings(max_examples=500, deadline=None)
@given(evidences())
def test_it_knows_what_facts_can_be_together(evidence: Evidence) -> None:
    assert possible(facts_of(evidence))


@settings(max_examples=100, deadline=None)
@given(evidences())
def test_it_names_a_flip_or_none_for_any_evidence(evidence: Evidence) -> None:
    flip = nearest_flip(default_policy(), evidence)
    assert flip is None or flip.startswith("Would ")
    assert set(artifact_verdicts(evidence)) == {SOURCE, *(answer.artifact for answer in evidence.answers)}
