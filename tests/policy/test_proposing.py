"""Rules that only propose, brakes, and our own words in a quorum: what decides then, and what people read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from investigations.choices import Status, Strength
from investigations.policy.decide import HELD_BACK, INSUFFICIENT_DATA, ONLY_PROPOSES, Proposed, decide, ruling_of
from investigations.policy.document import Policy, parse_policy
from investigations.policy.evidence import Evidence, Held
from investigations.policy.own import lists_vouch, weight_of
from investigations.policy.verdicts import artifact_verdicts
from tests.policy.makers import DECIDED, answer, entry, evidence, failed, malicious, noise, not_found, remembered

DISMISSED, ESCALATED, REVIEW = Status.DISMISSED, Status.ESCALATED, Status.NEEDS_REVIEW
KNOWN = evidence(noise())  # GreyNoise knows it, and nobody speaks against it


def rule(name: str, outcome: str = "dismissed", when: str = "noise_seen", **more: Any) -> str:
    guard = 'disposition = "noise"\nquorum = ["greynoise"]' if outcome == "dismissed" else ""
    more = {"severity": "informational", "reason": f"By {name}: {{noise_seen_by}}"} | more
    lines = "\n".join(f'{key} = "{value}"' for key, value in more.items())
    return f'[[rule]]\nname = "{name}"\nwhen = \'{when}\'\noutcome = "{outcome}"\n{guard}\n{lines}\n'


def policy(*rules: str, before: str = "") -> Policy:
    return parse_policy(f'name = "ours"\n{before}\n' + "\n".join(rules))


def braked(*held: Held) -> Evidence:
    return replace(KNOWN, held=held)


def test_it_records_what_a_rule_proposes_and_decides_as_if_it_were_not_there() -> None:
    found = ruling_of(policy(rule("shy", mode="propose"), rule("bold")), KNOWN)

    assert (found.outcome, found.rule, found.blocked) == (DISMISSED, "bold", ())
    assert found.proposals == (Proposed("shy", DISMISSED, "informational", "noise", "By shy: 1", ONLY_PROPOSES),)


def test_it_hands_over_what_only_proposals_would_decide() -> None:
    found = ruling_of(policy(rule("first", mode="propose"), rule("second", mode="propose")), KNOWN)

    assert (found.outcome, found.rule, found.text) == (REVIEW, HELD_BACK, "Held back for a person: By first: 1")
    assert [one.rule for one in found.proposals] == ["first", "second"]


@pytest.mark.parametrize("graver", ["escalated", "needs_review"])
def test_it_does_not_dismiss_against_a_graver_proposal(graver: str) -> None:
    found = ruling_of(policy(rule("alarm", graver, mode="propose"), rule("bold")), KNOWN)

    assert (found.outcome, found.rule) == (REVIEW, HELD_BACK)
    assert found.blocked == ("Would have been dismissed by rule bold, but rule alarm proposes otherwise",)


def test_it_says_in_the_reasons_what_was_proposed_and_why_it_was_not_done() -> None:
    decision = decide(policy(rule("shy", mode="propose"), rule("bold")), KNOWN)

    assert [reason.text for reason in decision.reasons[:2]] == [
        "By bold: 1",
        f"Rule shy proposes “dismissed”, but {ONLY_PROPOSES}",
    ]
    assert decision.proposals[0].rule == "shy"


@pytest.mark.parametrize("name", ["bold", "*"])
def test_it_gives_a_braked_dismissal_to_a_person_at_once(name: str) -> None:
    rules = policy(rule("shy", mode="propose"), rule("bold"), rule("next"), rule("alarm", "escalated"))
    found = ruling_of(rules, braked(Held(name, "stopped by lea")))

    assert (found.outcome, found.rule, found.text) == (REVIEW, HELD_BACK, "Held back for a person: By bold: 1")
    assert [(one.rule, one.why) for one in found.proposals] == [("bold", "stopped by lea"), ("shy", ONLY_PROPOSES)]


def test_it_keeps_what_was_blocked_beside_what_is_held() -> None:
    needs = rule("needs").replace('["greynoise"]', '["virustotal"]')
    found = ruling_of(policy(needs, rule("bold")), braked(Held("bold", "tripped")))

    assert found.rule == HELD_BACK
    assert found.blocked == ("Would have been dismissed by rule needs, but virustotal gave no explicit, fresh answer",)


def test_it_does_not_brake_what_does_not_dismiss_nor_another_rule() -> None:
    assert ruling_of(policy(rule("alarm", "escalated")), braked(Held("*", "stopped"))).outcome == ESCALATED
    assert ruling_of(policy(rule("bold")), braked(Held("other", "tripped"))).outcome == DISMISSED


def test_it_keeps_blocks_and_proposals_when_a_rule_cannot_be_evaluated() -> None:
    needs = rule("needs").replace('["greynoise"]', '["virustotal"]')
    broken = rule("broken", "escalated", when="noise_seen && scope.nothing == 1")
    found = ruling_of(policy(needs, rule("shy", mode="propose"), broken), KNOWN)

    assert (found.outcome, found.rule) == (REVIEW, "broken")
    assert found.text.startswith("Rule broken could not be evaluated: ") and len(found.text) > 50
    assert len(found.blocked) == 1 and [one.rule for one in found.proposals] == ["shy"]


def test_it_keeps_blocks_when_nothing_is_left_to_decide() -> None:
    needs = rule("needs").replace('["greynoise"]', '["virustotal"]')
    found = ruling_of(policy(needs), KNOWN)

    assert (found.rule, len(found.blocked), found.proposals) == (INSUFFICIENT_DATA, 1, ())


@pytest.mark.parametrize(("provider", "outcome"), [("virustotal", ESCALATED), ("spamhaus", REVIEW)])
def test_it_reads_lists_in_conditions_each_time_anew(provider: str, outcome: Status) -> None:
    named = policy(rule("named", "escalated", when='"VirusTotal" in malicious_names && size(malicious_names) == 1'))

    for _ in range(2):
        assert ruling_of(named, evidence(malicious(provider))).outcome == outcome
        assert ruling_of(named, evidence(malicious("virustotal"), malicious("spamhaus"))).outcome == REVIEW


# Our own words in a quorum


def owned(word: str, guard: str = "") -> Policy:
    return policy(rule("own", when="true").replace('["greynoise"]', f'["{word}"]\n{guard}'))


@pytest.mark.parametrize(
    ("word", "given", "missing"),
    [
        ("lists", {"lists": (entry("allow"),)}, "an entry of our own lists gave no explicit, fresh answer"),
        (
            "memory",
            {"memory": (remembered("noise"),)},
            "an earlier decision of a person gave no explicit, fresh answer",
        ),
    ],
)
def test_it_takes_our_own_word_for_the_quorum(word: str, given: dict[str, Any], missing: str) -> None:
    assert ruling_of(owned(word), evidence(not_found("abuseipdb"), **given)).outcome == DISMISSED
    found = ruling_of(owned(word), evidence(not_found("abuseipdb")))
    assert found.blocked == (f"Would have been dismissed by rule own, but {missing}",)


def test_it_counts_our_own_word_as_knowing_the_source_only_where_the_rule_names_it() -> None:
    names = answer("dns", strength=Strength.CONTEXT, facts={"rdns": "a.example", "rdns_confirmed": True})
    silent = evidence(not_found("abuseipdb"), names, lists=(entry("allow"),))
    assert ruling_of(owned("lists", "complete = true"), silent).outcome == DISMISSED

    unnamed = policy(rule("any", when="true").replace('quorum = ["greynoise"]', "complete = true"))
    found = ruling_of(unnamed, silent)
    assert found.blocked == ("Would have been dismissed by rule any, but no provider knows the source",)


@pytest.mark.parametrize(
    "given",
    [
        {"lists": (entry("deny"),)},
        {"lists": (entry("own_network"),)},
        {"lists": (entry("authorised_scanner", state="outside_scope"),)},
        {"memory": (remembered("true_positive"),)},
        {"memory": (remembered("undetermined"),)},
        {"memory": (remembered("noise", about="network"),)},
        {"memory": (remembered("noise", days=90),)},
    ],
)
def test_it_takes_no_other_word_for_ours(given: dict[str, Any]) -> None:
    case = evidence(not_found("abuseipdb"), **given)

    assert not lists_vouch(case)
    assert ruling_of(owned("lists"), case).outcome == ruling_of(owned("memory"), case).outcome == REVIEW


@pytest.mark.parametrize(("days", "weight"), [(0, 100), (1, 98), (45, 50), (89, 1), (90, 0), (400, 0)])
def test_it_lets_a_word_fade_in_whole_numbers(days: int, weight: int) -> None:
    found = weight_of(remembered("noise", days=days), DECIDED)

    assert found == weight and type(found) is int


# Mappings and names


def test_it_judges_artifacts_by_the_mapping_of_the_policy() -> None:
    mapping = policy(rule("bold"), before="[signals]\nmalicious_quorum = 1").signals
    case = evidence(malicious("virustotal"))

    assert artifact_verdicts(case)[case.source] == "suspicious"
    assert artifact_verdicts(case, mapping)[case.source] == "malicious"


def test_it_decides_by_the_mapping_of_the_policy() -> None:
    strict = policy(
        rule("alarm", "escalated", when="malicious >= malicious_quorum"), before="[signals]\nmalicious_quorum = 1"
    )

    assert ruling_of(strict, evidence(malicious("virustotal"))).outcome == ESCALATED


def test_it_takes_a_name_with_a_dot_at_its_end_for_the_same_name() -> None:
    names = answer("dns", strength=Strength.CONTEXT, facts={"rdns": "Bad.Example.", "rdns_confirmed": True})
    accused = malicious("virustotal", artifact="bad.example")
    found = ruling_of(policy(rule("alarm", "escalated", when="domain_malicious == 1")), evidence(names, accused))

    assert found.outcome == ESCALATED


@pytest.mark.parametrize(
    ("given", "words"),
    [((), "no reputation provider was asked"), ((failed("virustotal"),), "VirusTotal did not answer")],
)
def test_it_says_what_is_missing(given: tuple[Any, ...], words: str) -> None:
    found = ruling_of(policy(rule("never", when="false")), evidence(*given))

    assert found.rule == INSUFFICIENT_DATA and words in found.text
