"""What we know ourselves, in the decision and in words."""

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
)

ESCALATED, DISMISSED, REVIEW = Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW
INTERNAL: dict[str, Any] = {"source": "10.0.0.5", "scope": "internal"}
NO_NAME = answer("dns", outcome=Outcome.NOT_FOUND)
KNOWN = (harmless("abuseipdb", reports=0), not_found("spamhaus"), harmless("virustotal"), NO_NAME)
UNHEARD = (not_found("greynoise"), not_found("abuseipdb"), not_found("spamhaus"), NO_NAME)
DECISIVE = malicious("greynoise", Strength.DECISIVE)
ALLOWED, SERVICE, DENIED = entry("allow"), entry("known_service"), entry("deny")
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


QUIETLY = (noise(), not_found("spamhaus"), NO_NAME)
UNCERTAIN = (not_found("spamhaus"), harmless("virustotal"), NO_NAME)


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
