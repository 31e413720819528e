"""What we know ourselves, as facts, decisions and words: our lists, earlier decisions of people, our open ports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from investigations.choices import Outcome, Status, Strength
from investigations.policy.decide import HELD_BACK, Decided, decide
from investigations.policy.document import default_policy
from investigations.policy.evidence import Answer, Evidence, Held, Listed, Remembered, ScanFacts
from investigations.policy.facts import facts_of
from investigations.policy.flips import nearest_flip
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
    service,
    suspicious,
)

ESCALATED, DISMISSED, REVIEW = Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW
INTERNAL: dict[str, Any] = {"source": "10.0.0.5", "scope": "internal"}
NO_NAME = answer("dns", outcome=Outcome.NOT_FOUND)
KNOWN = (harmless("abuseipdb", reports=0), not_found("spamhaus"), harmless("virustotal"), NO_NAME)
UNHEARD = (not_found("greynoise"), not_found("abuseipdb"), not_found("spamhaus"), NO_NAME)
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


def texts(decision: Decided, kind: str) -> list[str]:
    return [reason.text for reason in decision.reasons if reason.kind == kind]


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


QUIETLY = (noise(), not_found("spamhaus"), NO_NAME)
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


def test_it_escalates_what_a_person_has_called_malicious_where_nobody_else_would_know() -> None:
    bad = (remembered("true_positive"),)
    assert rule(*UNCERTAIN, memory=bad) == (ESCALATED, "remembered-malicious")
    assert rule(*QUIETLY, memory=bad) == (ESCALATED, "remembered-malicious")
    assert judge(*UNCERTAIN, memory=bad).severity == "medium"
    assert judge(*UNCERTAIN, memory=bad, scan=OPEN).severity == "high"
    assert judge(*UNCERTAIN, memory=bad, scan=replace(QUIET, answered=True)).severity == "high"


@pytest.mark.parametrize("answers", [(listed(),), (scanner(), named(), not_found("spamhaus"))])
def test_it_hands_over_a_known_scanner_that_a_person_has_called_malicious(answers: tuple[Answer, ...]) -> None:
    assert judge(*answers).outcome == DISMISSED
    assert rule(*answers, memory=(remembered("true_positive"),)) == (REVIEW, "known-scanner-remembered")


def test_it_does_not_dismiss_a_service_that_a_person_has_called_malicious() -> None:
    assert judge(service(), *KNOWN).outcome == DISMISSED
    assert judge(service(), *KNOWN, memory=(remembered("true_positive"),)).outcome == ESCALATED


def test_it_goes_on_dismissing_noise_whose_signature_others_have_used_for_worse() -> None:
    case = (noise(), *KNOWN)
    used = [remembered("true_positive", days=1, about="signature")] * 9
    assert judge(*case, memory=tuple(used)).outcome == DISMISSED
    assert judge(*case, memory=(remembered("true_positive", days=1, about="network"),)).outcome == REVIEW


# Exposure


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((malicious("abuseipdb"), malicious("virustotal")), "malicious-active"),
        ((noise("malicious", Strength.DECISIVE, sensors=214),), "malicious-active"),
        ((named("bad.example"), malicious("virustotal", artifact="bad.example")), "malicious-domain-active"),
        (UNHEARD, "possibly-targeted-active"),
    ],
)
def test_it_is_high_if_a_bad_or_unknown_source_probed_what_is_open(answers: tuple[Answer, ...], expected: str) -> None:
    assert judge(*answers).severity in ("low", "medium")
    decision = judge(*answers, scan=OPEN)
    assert (decision.outcome, decision.rule, decision.severity) == (ESCALATED, expected, "high")


def test_it_does_not_dismiss_noise_that_probed_what_is_open() -> None:
    assert judge(noise(), *KNOWN).outcome == DISMISSED
    assert judge(noise(), *KNOWN, scan=OPEN).outcome == REVIEW


@pytest.mark.parametrize(
    ("scan", "text"),
    [
        (
            ScanFacts(900, 900, 3, exposed=3, exposed_ports=(22, 443, 10443)),
            "3 of 900 probed ports are open on you: 22 SSH, 443 HTTPS and 10443",
        ),
        (ScanFacts(9, 1, 3, exposed=1, exposed_ports=(22,)), "1 of 1 probed port is open on you: 22 SSH"),
        (ScanFacts(9, 9, 3, exposed=0), "None of 9 probed ports is open on you, as far as the inventory tells"),
        (
            ScanFacts(900, 900, 3, exposed=40, exposed_ports=(22, 443, 80, 25, 53, 110)),
            "40 of 900 probed ports are open on you: 22 SSH, 443 HTTPS, 80 HTTP, 25 SMTP and 36 more",
        ),
    ],
)
def test_it_says_how_much_of_what_was_probed_is_open(scan: ScanFacts, text: str) -> None:
    assert text in texts(judge(scan=scan), "scan")


def test_it_says_nothing_where_no_inventory_tells() -> None:
    assert not any("open on you" in text for text in texts(judge(), "scan"))


# Words


def test_it_shows_our_entry_with_its_owner_reason_ticket_and_end() -> None:
    one = our_scanner("outside_window", detail="it may scan on Sundays", expires="2026-12-24T00:00:00+00:00")
    assert texts(judge(lists=(one, ALLOWED)), "list") == [
        "Our list: authorised scanner Nightly scan (203.0.113.0/24), outside its window; it may scan on Sundays: audit;"
        " lea answers for it, CHG-7, until 2026-12-24",
        "Our list: allowed Partner (203.0.113.0/24): monitoring; lea answers for it, CHG-7",
    ]


def test_it_tells_what_people_decided_before_by_the_time_of_the_evidence() -> None:
    memory = (
        remembered("noise", days=12),
        remembered("true_positive", days=1, by="lea", investigation=7),
        remembered("noise", days=0, about="network", investigation=8),
        remembered("benign_positive", days=3, about="signature", investigation=9),
        remembered("noise", days=20),
        remembered("noise", days=21),
    )
    assert texts(judge(memory=memory), "memory") == [
        "anna dismissed it as internet noise 12 days ago, INV-31",
        "lea escalated it as true positive 24 hours ago, INV-7",
        "anna dismissed a neighbour in 203.0.113.0/24 as internet noise within the last hour, INV-8",
        "anna dismissed another source of “ET SCAN SSH” as benign positive 3 days ago, INV-9",
        "2 more decisions of people on this source, its network or this signature",
    ]


def test_it_names_both_sides_of_a_disagreement_and_gives_each_its_own_line() -> None:
    decision = judge(scanner(), harmless("dshield"), malicious("abuseipdb"), malicious("virustotal"))
    lines = [(reason.provider, reason.kind) for reason in decision.reasons if reason.provider]
    assert {("abuseipdb", "for"), ("virustotal", "for"), ("greynoise", "against")} <= set(lines)
    assert "The providers disagree: AbuseIPDB and VirusTotal call it malicious, GreyNoise vouches for it" in texts(
        decision, "against"
    )


def test_it_says_which_brake_was_on() -> None:
    decision = judge(noise(), *KNOWN, held=(Held("internet-noise", "the cap of 200 an hour is reached"),))
    assert (decision.outcome, decision.rule) == (REVIEW, HELD_BACK)
    assert "Rule internet-noise proposes “dismissed”, but the cap of 200 an hour is reached" in texts(decision, "rule")
    assert [(one.rule, one.outcome) for one in decision.proposals] == [("internet-noise", DISMISSED)]


PROBED = "probed 2 ports on 3 of our hosts; nothing of ours answered"


@pytest.mark.parametrize(
    ("answers", "rest", "expected"),
    [
        ((), {"lists": (DENIED,)}, f"A source on our deny list {PROBED}"),
        ((), {"lists": (our_scanner(),)}, f"Our authorised scanner Nightly scan {PROBED}"),
        (
            (),
            {"lists": (our_scanner("outside_scope"),)},
            f"Our authorised scanner Nightly scan, outside its scope, {PROBED}",
        ),
        (
            (),
            {"lists": (our_scanner("expired"),), **INTERNAL, "scan": ScanFacts(500, 2, 214, top_ports=(445, 3389))},
            "Our authorised scanner Nightly scan, whose authorisation has ended, swept 214 addresses on 445 and 3389",
        ),
        ((), {"lists": (ALLOWED,)}, f"Partner, which is on our list, {PROBED}"),
        ((DECISIVE,), {"lists": (ALLOWED,)}, f"A known malicious scanner {PROBED}"),
        (
            UNHEARD,
            {"memory": (remembered("true_positive"),)},
            f"A source that anna has called malicious before {PROBED}",
        ),
        (UNHEARD, {"memory": (remembered("noise"),)}, f"A source that anna has called harmless before {PROBED}"),
        ((noise(),), {"scan": OPEN}, f"A source of Internet noise {PROBED}; 2 probed ports open on you"),
        ((), {"lists": (DENIED,), "scan": ScanFacts(), "submitted": True}, "The submitted address is on our deny list"),
    ],
)
def test_it_says_in_one_sentence_what_we_know_ourselves(
    answers: tuple[Answer, ...], rest: dict[str, Any], expected: str
) -> None:
    assert judge(*answers, **rest).headline == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (
            evidence(lists=(our_scanner("expired"),), **INTERNAL),
            "Would be dismissed if the authorisation of our scanner Nightly scan were in force",
        ),
        (
            evidence(lists=(our_scanner("outside_window"),), **INTERNAL),
            "Would be dismissed if our scanner Nightly scan had kept to its window",
        ),
        (
            evidence(lists=(our_scanner("outside_scope"),), **INTERNAL),
            "Would be dismissed if our scanner Nightly scan had kept to its scope",
        ),
        (evidence(lists=(our_scanner(),), **INTERNAL), "Would be escalated if it were not on our list as Nightly scan"),
        (evidence(lists=(DENIED,)), "Would need review if it were not on our list as Partner"),
        (
            evidence(noise(), *KNOWN, scan=OPEN),
            "Would be dismissed if none of the probed ports were open on you",
        ),
        (evidence(memory=(remembered("true_positive"),)), "Would need review if nobody had decided on it before"),
        (evidence(noise(), *KNOWN, held=(Held("*", "stopped"),)), "Would be dismissed if no brake were on"),
    ],
)
def test_it_names_the_nearest_change_of_what_we_know_ourselves(case: Evidence, expected: str) -> None:
    assert nearest_flip(default_policy(), case) == expected


def test_it_keeps_hostile_words_of_ours_plain() -> None:
    evil = "<b>x</b>\x1b[31m‮ evil.example {malicious}"
    decision = judge(lists=(entry("allow", label=evil, owner=evil, reason=evil, ticket=evil),))
    for reason in decision.reasons:
        assert "\x1b" not in reason.text and "evil.example" not in reason.text
    assert "{malicious}" in decision.reasons[0].text


def test_it_goes_by_the_moment_and_not_by_the_text_of_a_time() -> None:
    """Examples are written by hand, in any time zone."""
    earlier = replace(remembered("noise"), decided="2026-11-20T02:00:00+02:00")
    later = replace(remembered("true_positive"), decided="2026-11-20T01:00:00+00:00")
    for memory in ((earlier, later), (later, earlier)):
        assert facts_of(evidence(memory=memory))["remembered_source"] == "malicious"
