"""What we know ourselves, as facts, decisions and words: our lists, earlier decisions of people, our open ports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from investigations.choices import Outcome, Status, Strength
from investigations.policy.decide import Decided, decide
from investigations.policy.document import default_policy
from investigations.policy.evidence import Answer, Listed, Remembered, ScanFacts
from investigations.policy.facts import facts_of
from tests.policy.makers import (
    QUIET,
    answer,
    entry,
    evidence,
    failed,
    harmless,
    listed,
    malicious,
    named,
    noise,
    not_found,
    our_scanner,
    remembered,
    scanner,
    suspicious,
)

ESCALATED, DISMISSED, REVIEW = Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW
INTERNAL: dict[str, Any] = {"source": "10.0.0.5", "scope": "internal"}
NO_NAME = answer("dns", outcome=Outcome.NOT_FOUND)
DECISIVE = malicious("greynoise", Strength.DECISIVE)
ALLOWED, SERVICE, DENIED = entry("allow"), entry("known_service"), entry("deny")
MISBEHAVING = ("outside_window", "outside_scope", "expired")
OPEN = replace(QUIET, exposed=2, exposed_ports=(22, 443))


def judge(
    *answers: Answer, lists: tuple[Listed, ...] = (), memory: tuple[Remembered, ...] = (), **rest: Any
) -> Decided:
    return decide(default_policy(), evidence(*answers, lists=lists, memory=memory, **rest))


def rule(*answers: Answer, **rest: Any) -> tuple[Status, str]:
    decision = judge(*answers, **rest)
    return decision.outcome, decision.rule


# Facts of lists


def facts_with(*lists: Listed) -> dict[str, Any]:
    return facts_of(evidence(lists=lists))


def test_it_knows_nothing_where_no_list_speaks() -> None:
    facts = facts_with()
    assert (facts["authorised_scan"], facts["list_label"], facts["list_ticket"]) == ("no", "", "")
    assert not (facts["deny_listed"] or facts["allow_listed"] or facts["known_service_listed"])


@pytest.mark.parametrize(
    ("one", "fact"), [(DENIED, "deny_listed"), (ALLOWED, "allow_listed"), (SERVICE, "known_service_listed")]
)
def test_it_tells_on_which_list_a_source_is_and_who_answers_for_it(one: Listed, fact: str) -> None:
    facts = facts_with(one)
    told = {name for name in ("deny_listed", "allow_listed", "known_service_listed") if facts[name]}
    assert told == {fact}
    assert (facts["list_label"], facts["list_owner"], facts["list_ticket"]) == ("Partner", "lea", "CHG-7")


def test_it_takes_an_own_network_for_no_opinion() -> None:
    assert facts_with(entry("own_network")) == facts_with()


def test_it_says_what_a_scanner_does_that_it_may_not_in_any_case() -> None:
    told = our_scanner("outside_window", detail="it may scan Mon–Fri 22:00–04:00")
    assert facts_with(told)["authorised_detail"] == "it may scan Mon–Fri 22:00–04:00"
    assert facts_with(our_scanner("expired"))["authorised_detail"] == "it is past the end of its authorisation"
    assert facts_with(our_scanner("in_force", detail="never shown"))["authorised_detail"] == ""


def test_it_lets_a_scanner_be_that_is_in_order_under_one_of_its_entries() -> None:
    assert facts_with(our_scanner("expired"), our_scanner())["authorised_scan"] == "in_force"
    assert facts_with(our_scanner("expired"), our_scanner("outside_scope"))["authorised_scan"] == "outside_scope"


def test_it_names_an_entry_by_its_value_if_it_has_no_label() -> None:
    facts = facts_with(entry("allow", label="", ticket=""))
    assert (facts["list_label"], facts["list_ticket"]) == ("203.0.113.0/24", "no ticket")


# Decisions on lists


@pytest.mark.parametrize("rest", [{}, INTERNAL])
def test_it_escalates_what_is_on_our_deny_list_whoever_vouches_for_it(rest: dict[str, Any]) -> None:
    decision = judge(listed(), scanner(), named(), lists=(ALLOWED, DENIED), **rest)
    assert (decision.outcome, decision.rule, decision.severity) == (ESCALATED, "deny-listed", "high")
    assert "lea" in decision.reasons[0].text


@pytest.mark.parametrize("rest", [{}, INTERNAL])
def test_it_dismisses_our_authorised_scanner_in_its_window_and_scope(rest: dict[str, Any]) -> None:
    decision = judge(failed("spamhaus"), lists=(our_scanner(),), **rest)
    assert (decision.outcome, decision.disposition) == (DISMISSED, "authorised_scan")
    assert (
        decision.reasons[0].text
        == "It is our authorised scanner Nightly scan (lea, CHG-7), within its window and scope"
    )


@pytest.mark.parametrize("rest", [{}, INTERNAL])
@pytest.mark.parametrize("state", MISBEHAVING)
def test_it_escalates_our_scanner_that_does_what_it_may_not(state: str, rest: dict[str, Any]) -> None:
    decision = judge(listed(), lists=(our_scanner(state, detail="it may scan on Sundays"), ALLOWED), **rest)
    assert (decision.outcome, decision.rule) == (ESCALATED, "authorised-scanner-misbehaving")
    assert decision.severity == "high"
    assert decision.reasons[0].text == (
        "Our authorised scanner Nightly scan (lea, CHG-7) does what it may not: it may scan on Sundays"
    )


@pytest.mark.parametrize(
    ("answers", "rest"),
    [
        ((), {"scan": replace(QUIET, beyond_recon=True)}),
        ((DECISIVE,), {}),
        ((malicious("abuseipdb"), malicious("virustotal")), {}),
        ((), {"memory": (remembered("true_positive"),)}),
    ],
)
def test_it_hands_over_an_authorised_scanner_that_does_more(answers: tuple[Answer, ...], rest: dict[str, Any]) -> None:
    assert rule(*answers, lists=(our_scanner(),), **rest) == (REVIEW, "authorised-scanner-does-more")


def test_it_does_not_dismiss_a_scanner_that_a_person_only_asked_about() -> None:
    assert judge(lists=(our_scanner(),), scan=ScanFacts(), submitted=True).outcome == REVIEW


@pytest.mark.parametrize("one", [ALLOWED, SERVICE])
def test_it_dismisses_what_we_vouch_for_while_nobody_calls_it_malicious(one: Listed) -> None:
    decision = judge(suspicious("virustotal"), NO_NAME, lists=(one,))
    assert (decision.outcome, decision.disposition) == (DISMISSED, "benign_positive")
    assert rule(lists=(one,)) == (DISMISSED, "allow-listed")


@pytest.mark.parametrize("one", [ALLOWED, SERVICE])
@pytest.mark.parametrize(
    ("answers", "rest", "expected"),
    [
        ((malicious("abuseipdb"),), {}, "listed-called-malicious"),
        ((), {"scan": replace(QUIET, beyond_recon=True)}, "listed-called-malicious"),
        ((), {"memory": (remembered("true_positive"),)}, "listed-called-malicious"),
        ((failed("virustotal"),), {}, "allow-listed-incomplete"),
        ((noise(tor=True),), {}, "allow-listed-incomplete"),
    ],
)
def test_it_hands_over_what_we_vouch_for_if_anything_speaks_against_it(
    one: Listed, answers: tuple[Answer, ...], rest: dict[str, Any], expected: str
) -> None:
    assert rule(*answers, lists=(one,), **rest) == (REVIEW, expected)


def test_it_escalates_what_we_vouch_for_on_two_voices() -> None:
    assert judge(malicious("abuseipdb"), malicious("virustotal"), lists=(ALLOWED,)).outcome == ESCALATED


def test_it_takes_no_entry_that_is_not_in_force_for_a_word() -> None:
    assert judge(lists=(entry("allow", state="expired"),)).outcome == REVIEW


# Memory


def weights(*memory: Remembered) -> tuple[Any, Any]:
    facts = facts_of(evidence(memory=memory))
    return facts["remembered_malicious"], facts["remembered_benign"]


@pytest.mark.parametrize(
    ("days", "about", "weight"),
    [
        (0, "source", 100),
        (45, "source", 50),
        (89, "source", 1),
        (90, "source", 0),
        (400, "source", 0),
        (-3, "source", 100),
        (0, "network", 50),
        (45, "network", 25),
        (0, "signature", 25),
        (60, "signature", 8),
    ],
)
def test_it_forgets_in_a_straight_line_in_whole_numbers(days: int, about: str, weight: int) -> None:
    assert weights(remembered("true_positive", days=days, about=about)) == (weight, 0)
    assert weights(remembered("noise", days=days, about=about)) == (0, weight)


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("true_positive", (100, 0)),
        *(
            (word, (0, 100))
            for word in ("false_positive", "benign_positive", "noise", "known_scanner", "authorised_scan")
        ),
        ("undetermined", (0, 0)),
        ("duplicate", (0, 0)),
    ],
)
def test_it_knows_what_a_disposition_says_about_a_source(disposition: str, expected: tuple[int, int]) -> None:
    assert weights(remembered(disposition, days=0)) == expected


def test_it_never_lets_many_neighbours_outweigh_the_source() -> None:
    same = [remembered("true_positive", days=0, about="signature")] * 9
    near = [remembered("true_positive", days=0, about="network")] * 9
    assert weights(*same) == (25, 0)
    assert weights(*near) == (50, 0)
    assert weights(*near, *same, remembered("true_positive", days=0)) == (100, 0)


def test_it_goes_by_the_last_word_on_the_source() -> None:
    facts = facts_of(evidence(memory=(remembered("noise", days=2, by="lea"), remembered("true_positive", days=9))))
    assert (facts["remembered_source"], facts["remembered_by"]) == ("benign", "lea")
    facts = facts_of(evidence(memory=(remembered("undetermined", days=2), remembered("true_positive", days=9))))
    assert (facts["remembered_source"], facts["remembered_by"]) == ("malicious", "anna")
    facts = facts_of(evidence(memory=(remembered("noise", days=90), remembered("noise", days=2, about="network"))))
    assert (facts["remembered_source"], facts["remembered_by"]) == ("none", "")


UNCERTAIN = (not_found("spamhaus"), harmless("virustotal"), NO_NAME)


def test_it_dismisses_what_a_person_has_called_harmless() -> None:
    assert judge(*UNCERTAIN).outcome == REVIEW
    decision = judge(*UNCERTAIN, memory=(remembered("false_positive"),))
    assert (decision.outcome, decision.rule, decision.disposition) == (
        DISMISSED,
        "remembered-harmless",
        "benign_positive",
    )
    assert decision.reasons[0].text.startswith("anna has called this source harmless before")


@pytest.mark.parametrize(
    "change",
    [
        {"answers": ()},
        {"answers": (*UNCERTAIN, failed("abuseipdb"))},
        {"answers": (*UNCERTAIN, suspicious("abuseipdb"))},
        {"answers": (*UNCERTAIN, malicious("abuseipdb"))},
        {"answers": (*UNCERTAIN, failed("tor"))},
        {"answers": (not_found("spamhaus"), harmless("virustotal"), failed("dns"))},
        {"scan": replace(QUIET, answered=True)},
        {"scan": replace(QUIET, answered=None)},
        {"scan": replace(QUIET, beyond_recon=True)},
        {"scan": replace(QUIET, severity="high")},
        {"scan": replace(QUIET, ports=1000)},
        {"scan": OPEN},
        {"memory": (remembered("false_positive", days=60),)},
        {"memory": (remembered("noise", about="network"),)},
        {"memory": (remembered("noise", days=3), remembered("true_positive", days=4))},
        {"memory": (remembered("noise", days=3), remembered("true_positive", days=4, about="network"))},
    ],
)
def test_it_does_not_dismiss_on_memory_alone_if_anything_is_different(change: dict[str, Any]) -> None:
    case = {"answers": UNCERTAIN, "memory": (remembered("false_positive"),), "scan": QUIET, **change}
    assert judge(*case.pop("answers"), **case).outcome != DISMISSED
