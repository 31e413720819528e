"""The guarantees of the decision, by enumeration: every combination of answers of up to five providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from investigations.choices import FAILED, Mode, Outcome, Status, Strength, Verdict
from investigations.policy.decide import Ruling, rule_on
from investigations.policy.document import Policy, default_policy, parse_policy
from investigations.policy.edit import with_mode
from investigations.policy.evidence import Answer, Held, Listed, Remembered, ScanFacts
from investigations.policy.facts import facts_from, read
from tests.policy.makers import QUIET, evidence, listed, named, noise, scanner, service

RANK = {Status.DISMISSED: 0, Status.NEEDS_REVIEW: 1, Status.ESCALATED: 2}
# What stands on one word that cannot fail: a list that is shipped, or our own
STANDS_ALONE = {"known-scanner-published-range", "authorised-scanner"}
OWN_WORDS = {"lists", "memory"}

GREYNOISE = {"scanner": scanner(), "service": service(), "noise": noise()}
REPORTED = Answer("abuseipdb", "AbuseIPDB", "203.0.113.66", "ipv4-addr", "ok", facts={"reports": 3})
ENGINES = replace(REPORTED, provider="virustotal", label="VirusTotal", facts={})
ON_NAME = replace(ENGINES, artifact="scan-07.census.example", kind="domain-name")

Vector = tuple[int, ...]


def variants(best: Answer, malicious: Strength) -> list[Answer]:
    """One provider in eleven states, the last three with ever worse opinions; `best` is the most harmless answer."""
    silent = replace(best, verdict=Verdict.UNKNOWN.value, strength=Strength.CONTEXT.value, facts={})
    ends = [*sorted(FAILED), Outcome.PENDING, Outcome.SKIPPED, Outcome.NOT_FOUND]
    unseen = {"noise_seen": False} if best.provider == "greynoise" else {}
    ended = [replace(silent, outcome=end.value, facts=unseen if end == Outcome.NOT_FOUND else {}) for end in ends]
    worse = [(Verdict.SUSPICIOUS, Strength.WEAK), (Verdict.MALICIOUS, malicious)]
    opinions = [replace(best, verdict=verdict.value, strength=strength.value) for verdict, strength in worse]
    return [*ended, replace(best, fresh=False), best, *opinions]


EMPTY, STALE, BEST, MALICIOUS = 6, 7, 8, 10
SILENT = (0, 1, 2, 3, 4, STALE)


class World:
    """Every vector of states of some providers in one setting, each decided once."""

    def __init__(
        self, providers: list[list[Answer]], scan: ScanFacts, policy: Policy | None = None, **more: Any
    ) -> None:
        self.providers = providers
        self.scan = scan
        self.policy = policy or default_policy()
        self.more = more  # of the evidence
        self.rules = {rule.name: rule for rule in self.policy.rules}
        sizes = [range(len(states)) for states in providers]
        self.rulings: dict[Vector, Ruling] = {vector: self.decide(vector) for vector in product(*sizes)}

    def answers(self, vector: Vector) -> tuple[Answer, ...]:
        return tuple(states[state] for states, state in zip(self.providers, vector, strict=True))

    def decide(self, vector: Vector) -> Ruling:
        reading = read(evidence(*self.answers(vector), scan=self.scan, **self.more), self.policy.signals)
        return rule_on(self.policy, reading, facts_from(reading))

    def changed(self, vector: Vector, states: tuple[int, ...]) -> Iterator[tuple[int, Ruling]]:
        """The rulings with one provider in one of `states` instead, and which provider it was."""
        for place in range(len(vector)):
            for state in states:
                yield place, self.rulings[(*vector[:place], state, *vector[place + 1 :])]


def assert_every_dismissal_stands_on_explicit_fresh_answers(world: World) -> None:
    for vector, ruling in world.rulings.items():
        if ruling.outcome != Status.DISMISSED:
            continue
        rule = world.rules[ruling.rule]
        assert not rule.proposes, vector
        answers = read(evidence(*world.answers(vector))).counted
        vouching = {answer.provider for answer in answers if answer.fresh and answer.outcome == Outcome.OK}
        own = set(rule.quorum) & OWN_WORDS
        assert set(rule.quorum) - own <= vouching, vector
        if rule.complete:
            assert not any(answer.failed for answer in answers if answer.reputation), vector
            assert vouching or own, vector


def assert_a_failure_never_dismisses(world: World) -> None:
    """Only a word that cannot fail may win when a contradiction falls silent, and never against an escalation."""
    for vector, ruling in world.rulings.items():
        for place, other in world.changed(vector, SILENT):
            if vector[place] > BEST and not world.providers[place][BEST].reputation:
                continue  # a provider of mere context accuses nobody in real life
            if other.outcome == Status.DISMISSED and ruling.outcome != Status.DISMISSED:
                assert ruling.outcome == Status.NEEDS_REVIEW, (vector, place)
                assert other.rule in STANDS_ALONE, (vector, place)


def assert_a_worse_opinion_never_lowers_the_outcome(world: World) -> None:
    for vector, ruling in world.rulings.items():
        for place, state in enumerate(vector):
            if BEST <= state < MALICIOUS:
                worse = world.rulings[(*vector[:place], state + 1, *vector[place + 1 :])]
                assert RANK[worse.outcome] >= RANK[ruling.outcome], (vector, place)


def assert_silence_is_never_better_than_a_benign_answer(world: World) -> None:
    for vector, ruling in world.rulings.items():
        if ruling.outcome == Status.DISMISSED:
            for place, other in world.changed(vector, (BEST,)):
                if vector[place] in (*SILENT, EMPTY):
                    assert other.outcome == Status.DISMISSED, (vector, place)


def assert_all(world: World, *, best_is_harmless: bool = True) -> None:
    assert {ruling.outcome for ruling in world.rulings.values()} <= RANK.keys()
    assert_every_dismissal_stands_on_explicit_fresh_answers(world)
    assert_a_failure_never_dismisses(world)
    assert_a_worse_opinion_never_lowers_the_outcome(world)
    if best_is_harmless:
        assert_silence_is_never_better_than_a_benign_answer(world)


def five_providers(greynoise: str) -> list[list[Answer]]:
    return [
        variants(GREYNOISE[greynoise], Strength.DECISIVE),
        variants(REPORTED, Strength.STRONG),
        variants(ENGINES, Strength.STRONG),
        variants(named(), Strength.STRONG),
        variants(listed(), Strength.STRONG),
    ]


@pytest.mark.slow
def test_it_keeps_every_guarantee_for_every_vector_of_five_providers() -> None:
    world = World(five_providers("scanner"), QUIET)
    assert len(world.rulings) == 11**5
    assert {ruling.outcome for ruling in world.rulings.values()} == RANK.keys()
    assert_all(world)


LISTED = {
    "allowed": Listed("allow", 1, "203.0.113.66", "Partner", "lea", "monitoring"),
    "our scanner": Listed("authorised_scanner", 2, "203.0.113.66", "Scanner", "lea", "audit"),
    "out of its window": Listed(
        "authorised_scanner", 2, "203.0.113.66", "Scanner", "lea", "audit", state="outside_window"
    ),
    "denied": Listed("deny", 3, "203.0.113.66", "Bad", "lea", "an attack"),
}
REMEMBERED = Remembered("source", "203.0.113.66", "false_positive", "dismissed", "2026-11-20T06:00:00+00:00", "anna", 7)
USER_POLICY = """
name = "what a user might write"

[signals]
malicious_quorum = 1
volume_sources = []

[[rule]]
name = "bad"
when = 'malicious >= malicious_quorum'
outcome = "escalated"
reason = "{malicious_names}"

[[rule]]
name = "watch"
when = 'suspicious > 0'
outcome = "escalated"
severity = "low"
mode = "propose"
reason = "{suspicious_names}"

[[rule]]
name = "scanner"
when = 'known_scanner || noise_seen'
outcome = "dismissed"
disposition = "noise"
complete = true
quorum = ["greynoise"]
reason = "noise"
"""


def changed(text: str, *changes: tuple[str, str]) -> Policy:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text)


def proposing() -> Policy:
    """The default policy with every dismissing rule only proposing."""
    text = default_policy().text
    for rule in default_policy().rules:
        if rule.dismisses:
            text = with_mode(text, rule.name, Mode.PROPOSE)
    return parse_policy(text)


TABLE = 'name = "default"\n'
VARIANTS: dict[str, Callable[[], tuple[Policy, dict[str, Any]]]] = {
    "only proposes": lambda: (proposing(), {}),
    "stopped": lambda: (default_policy(), {"held": (Held("*", "stopped"),)}),
    "one voice is enough": lambda: (
        changed(default_policy().text, (TABLE, f"{TABLE}[signals]\nmalicious_quorum = 1\n")),
        {},
    ),
    "three voices, some of them weak": lambda: (
        changed(
            default_policy().text,
            (TABLE, f'{TABLE}[signals]\nmalicious_quorum = 3\nceiling = {{ abuseipdb = "weak" }}\n'),
        ),
        {},
    ),
    "a user's own": lambda: (parse_policy(USER_POLICY), {}),
    "remembered": lambda: (default_policy(), {"memory": (REMEMBERED,)}),
    **{name: lambda entry=entry: (default_policy(), {"lists": (entry,)}) for name, entry in LISTED.items()},
}
NEVER_DISMISS = ("only proposes", "stopped", "denied", "out of its window")
# With all five providers; the others with four, which is a tenth of the work
FULL = ("only proposes", "stopped", "a user's own", "allowed")


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_it_keeps_every_guarantee_under_every_variant_of_the_policy(name: str) -> None:
    policy, more = VARIANTS[name]()
    providers = five_providers("scanner")
    world = World(providers if name in FULL else providers[:4], QUIET, policy, **more)
    assert len(world.rulings) == 11 ** len(world.providers)
    if name == "only proposes":
        # Taking rules out of a policy can make it less even, but never less safe
        assert_every_dismissal_stands_on_explicit_fresh_answers(world)
    else:
        assert_all(world)
    if name in NEVER_DISMISS:
        assert Status.DISMISSED not in {ruling.outcome for ruling in world.rulings.values()}
    else:
        assert Status.DISMISSED in {ruling.outcome for ruling in world.rulings.values()}


SETTINGS = {
    "quiet": QUIET,
    "answered": replace(QUIET, answered=True),
    "not told": replace(QUIET, answered=None),
    "beyond": replace(QUIET, beyond_recon=True),
    "critical": replace(QUIET, severity="critical"),
    "submitted": ScanFacts(),
}


@pytest.mark.slow
@pytest.mark.parametrize("scan", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("greynoise", GREYNOISE)
def test_it_keeps_every_guarantee_in_every_setting(greynoise: str, scan: ScanFacts) -> None:
    assert_all(World(five_providers(greynoise)[:4], scan))


@pytest.mark.slow
@pytest.mark.parametrize("greynoise", GREYNOISE)
def test_it_keeps_every_guarantee_for_an_address_and_its_name(greynoise: str) -> None:
    providers = five_providers(greynoise)
    world = World([providers[0], providers[1], providers[3], variants(ON_NAME, Strength.STRONG)], QUIET)
    assert_all(world, best_is_harmless=False)  # a confirmed name brings its own reputation with it


@pytest.mark.slow
@pytest.mark.parametrize("greynoise", GREYNOISE)
def test_it_keeps_every_guarantee_for_an_impostor(greynoise: str) -> None:
    providers = five_providers(greynoise)
    impostor = variants(named(confirmed=False), Strength.STRONG)
    assert_all(World([providers[0], providers[1], impostor, providers[4]], QUIET), best_is_harmless=False)


def test_it_covers_every_outcome_of_a_lookup() -> None:
    assert {state.outcome for state in variants(scanner(), Strength.STRONG)} == set(Outcome.values)
