"""What holds under any policy: the engine's own guard, its reasons, and what it does when a rule breaks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from investigations.choices import Outcome, Status, Strength
from investigations.policy.decide import INSUFFICIENT_DATA, Decided, decide
from investigations.policy.document import Policy, default_policy, parse_policy
from investigations.policy.evidence import Answer, Evidence, ScanFacts
from investigations.policy.facts import facts_of
from investigations.policy.flips import nearest_flip
from investigations.policy.reasons import Kind
from investigations.policy.verdicts import artifact_verdicts
from tests.policy.makers import (
    QUIET,
    SOURCE,
    answer,
    evidence,
    failed,
    harmless,
    listed,
    malicious,
    named,
    noise,
    not_found,
    scanner,
    suspicious,
)


def eager(guard: str, when: str = "true") -> Policy:
    """A reckless policy that dismisses whatever it is allowed to."""
    return parse_policy(
        f"""name = "eager"
[[rule]]
name = "all"
when = '{when}'
outcome = "dismissed"
disposition = "noise"
reason = "Whatever"
{guard}
"""
    )


QUORUM, COMPLETE = 'quorum = ["greynoise"]', "complete = true"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome != Outcome.OK])
def test_it_does_not_let_any_policy_dismiss_on_anything_but_an_explicit_answer(outcome: Outcome) -> None:
    case = evidence(failed("greynoise", outcome))
    for guard in (QUORUM, COMPLETE):
        decision = decide(eager(guard), case)
        assert (decision.outcome, decision.rule) == (Status.NEEDS_REVIEW, INSUFFICIENT_DATA)
        assert decision.reasons[1].text.startswith("Would have been dismissed by rule all, but ")


@pytest.mark.parametrize("guard", [QUORUM, COMPLETE])
def test_it_does_not_let_any_policy_dismiss_on_a_stale_answer_or_on_none(guard: str) -> None:
    assert decide(eager(guard), evidence(replace(noise(), fresh=False))).outcome == Status.NEEDS_REVIEW
    assert decide(eager(guard), evidence()).outcome == Status.NEEDS_REVIEW
    assert decide(eager(guard), evidence(noise())).outcome == Status.DISMISSED


def test_it_does_not_take_an_answer_about_a_domain_for_one_about_the_source() -> None:
    about_name = answer("greynoise", artifact="scan-07.census.example")
    assert decide(eager(QUORUM), evidence(about_name, named())).outcome == Status.NEEDS_REVIEW


def test_it_requires_reverse_dns_where_everything_must_be_known() -> None:
    assert decide(eager(COMPLETE), evidence(noise(), failed("dns"))).outcome == Status.NEEDS_REVIEW
    assert decide(eager(QUORUM), evidence(noise(), failed("dns"))).outcome == Status.DISMISSED
    unsure = answer("dns", facts={"rdns": "own.example"})
    assert decide(eager(COMPLETE), evidence(noise(), unsure)).outcome == Status.NEEDS_REVIEW


def test_it_requires_the_addresses_of_a_submitted_domain() -> None:
    known = harmless("virustotal", artifact="own.example")
    subject = {"source": "own.example", "kind": "domain-name", "submitted": True}
    silent = failed("dns", artifact="own.example")
    assert decide(eager(COMPLETE), evidence(known, **subject)).outcome == Status.DISMISSED
    assert decide(eager(COMPLETE), evidence(known, silent, **subject)).outcome == Status.NEEDS_REVIEW


def test_it_goes_on_with_later_rules_after_a_dismissal_that_was_not_allowed() -> None:
    later = "[[rule]]\nname = 'later'\nwhen = 'scan_ports > 1'\noutcome = 'escalated'\nreason = 'More than one port'\n"
    decision = decide(parse_policy(eager(QUORUM).text + later), evidence(failed("greynoise")))
    assert (decision.outcome, decision.rule) == (Status.ESCALATED, "later")
    assert decision.reasons[1].text == (
        "Would have been dismissed by rule all, but GreyNoise gave no explicit, fresh answer"
    )


def test_it_hands_over_when_a_rule_breaks_and_names_it() -> None:
    policy = eager(QUORUM, when='scan_answered == "yes" && scope.broken == 1')
    decision = decide(policy, evidence(noise(), scan=replace(QUIET, answered=True)))
    assert (decision.outcome, decision.rule) == (Status.NEEDS_REVIEW, "all")
    assert decision.reasons[0].text.startswith("Rule all could not be evaluated: ")


def known_malicious() -> Evidence:
    return evidence(
        not_found("spamhaus"),
        answer("abuseipdb", "malicious", summary="100 % from 97 reporters in 30 days, port scan"),
        malicious("greynoise", Strength.DECISIVE, summary="malicious: Mirai"),
        harmless("dshield"),
        answer("warninglists", "benign", Strength.WEAK, summary="known to be harmless"),
        failed("virustotal", Outcome.THROTTLED, "throttled until 14:06"),
        failed("tor", Outcome.TIMEOUT, reputation=True),
        scan=ScanFacts(312, 3, 14, answered=True, answered_ports=(22,), top_ports=(22, 23, 2323), severity="medium"),
    )


def test_it_gives_its_reasons_in_words_the_weightiest_first() -> None:
    decision = decide(default_policy(), known_malicious())
    assert [(reason.kind, reason.text) for reason in decision.reasons] == [
        ("rule", "It is malicious by AbuseIPDB and GreyNoise, and this is more than background noise"),
        ("for", "GreyNoise: malicious: Mirai"),
        ("for", "AbuseIPDB: 100 % from 97 reporters in 30 days, port scan"),
        ("scan", "Something of ours answered: 22 SSH"),
        ("scan", "312 alerts: 3 ports on 14 addresses, most of all 22 SSH, 23 Telnet and 2323 Telnet"),
        ("against", "MISP warning lists: known to be harmless"),
        (
            "against",
            "The providers disagree: AbuseIPDB and GreyNoise call it malicious, MISP warning lists vouches for it",
        ),
        ("silent", "DShield: has no opinion"),
        ("silent", "Spamhaus: has not seen it"),
        ("silent", "2 of 6 providers did not answer: VirusTotal (throttled until 14:06) and Tor (no answer in time)"),
    ]
    by_provider = {reason.provider: reason for reason in decision.reasons if reason.provider}
    assert by_provider["greynoise"].asked and by_provider["greynoise"].verdict == "malicious"


def test_it_turns_for_and_against_round_when_it_dismisses() -> None:
    decision = decide(default_policy(), evidence(listed(), malicious("abuseipdb")))
    kinds = {reason.provider: reason.kind for reason in decision.reasons}
    assert (kinds["warninglists"], kinds["abuseipdb"]) == (Kind.FOR, Kind.AGAINST)


def test_it_says_that_an_answer_is_too_old() -> None:
    stale = replace(malicious("abuseipdb"), fresh=False)
    texts = [reason.text for reason in decide(default_policy(), evidence(stale)).reasons]
    assert "1 of 1 provider did not answer: AbuseIPDB (its answer of 2026-11-24 is too old)" in texts


def test_it_can_be_frozen_as_json() -> None:
    decision = decide(default_policy(), known_malicious())
    stored = json.loads(json.dumps(decision.as_json()))
    assert stored["outcome"] == "escalated" and stored["reasons"][0]["kind"] == "rule"
    assert stored["policy"] == default_policy().digest and stored["evidence"] == known_malicious().digest


def test_it_gives_every_artifact_its_own_verdict() -> None:
    case = evidence(
        noise(), named("own.example"), malicious("virustotal", artifact="own.example"), suspicious("spamhaus")
    )
    assert artifact_verdicts(case) == {SOURCE: "suspicious", "own.example": "malicious"}
    assert facts_of(case)["verdict"] == "malicious"


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ((), "unknown"),
        ((not_found("greynoise"),), "unknown"),
        ((scanner(),), "benign"),
        ((scanner(), suspicious("virustotal")), "suspicious"),
        ((scanner(), malicious("virustotal")), "suspicious"),
        ((malicious("abuseipdb"), malicious("virustotal")), "malicious"),
        ((malicious("abuseipdb"), replace(malicious("virustotal"), fresh=False)), "suspicious"),
        ((listed(), malicious("abuseipdb"), malicious("dshield")), "benign"),
        ((listed(), malicious("spamhaus", Strength.DECISIVE)), "malicious"),
    ],
)
def test_it_never_hides_the_worst_credible_signal(answers: tuple[Answer, ...], verdict: str) -> None:
    assert facts_of(evidence(*answers))["verdict"] == verdict


def flip(*answers: Answer, scan: ScanFacts = QUIET) -> str | None:
    return nearest_flip(default_policy(), evidence(*answers, scan=scan))


NO_NAME = answer("dns", outcome=Outcome.NOT_FOUND)


def test_it_says_which_single_change_would_have_changed_the_decision() -> None:
    assert flip(malicious("abuseipdb"), malicious("virustotal")) == "Would need review if AbuseIPDB were silent"
    assert flip(suspicious("virustotal"), malicious("abuseipdb"), NO_NAME) == (
        "Would be escalated if VirusTotal called it malicious"
    )
    assert flip(noise(), NO_NAME) == "Would need review if something of ours had answered"
    assert flip(noise(), NO_NAME, scan=replace(QUIET, answered=None)) == (
        "Would be dismissed if nothing of ours had answered"
    )
    assert flip(noise(), failed("virustotal"), NO_NAME) == "Would be dismissed if VirusTotal vouched for it"


def test_it_names_no_flip_where_no_single_change_would_do() -> None:
    assert nearest_flip(default_policy(), evidence(source="10.0.0.5", scope="internal")) is None


def headline(*answers: Answer, scan: ScanFacts = QUIET, **rest: object) -> str:
    decision: Decided = decide(default_policy(), evidence(*answers, scan=scan, **rest))  # type: ignore[arg-type]
    return decision.headline


PROBED = "probed 2 ports on 3 of our hosts"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((malicious("greynoise", Strength.DECISIVE),), f"A known malicious scanner {PROBED}; nothing of ours answered"),
        ((listed(),), f"The known scanner Censys {PROBED}; nothing of ours answered"),
        (
            (named(confirmed=False),),
            "Claims to be a scanner of census[.]example, but its reverse DNS does not confirm",
        ),
        (
            (not_found("greynoise"),),
            "Nobody has seen this source; it asked for SSH and Telnet; nothing of ours answered",
        ),
        ((noise(tor=True),), f"Somebody behind a Tor exit {PROBED}; nothing of ours answered"),
        ((suspicious("virustotal"),), f"A suspicious source {PROBED}; nothing of ours answered"),
        ((noise(),), f"A source of Internet noise {PROBED}; nothing of ours answered"),
        ((), f"A source that nobody vouches for {PROBED}; nothing of ours answered"),
    ],
)
def test_it_says_in_one_sentence_who_did_what(answers: tuple[Answer, ...], expected: str) -> None:
    assert headline(*answers) == expected


def test_it_names_the_ports_that_answered() -> None:
    scan = ScanFacts(312, 3, 14, answered=True, answered_ports=(22, 8443), top_ports=(22, 23, 2323))
    assert headline(scan=scan).endswith("probed 3 ports on 14 of our hosts; SSH and HTTPS answered")


def test_it_counts_alerts_where_no_port_is_known() -> None:
    scan = replace(QUIET, alerts=3, ports=0, top_ports=(), targets=2, answered=None)
    assert headline(scan=scan).endswith("raised 3 alerts about 2 of our hosts")


def test_it_says_what_an_internal_host_did() -> None:
    scan = ScanFacts(500, 2, 214, top_ports=(445, 3389))
    assert (
        headline(source="10.0.0.5", scope="internal", scan=scan) == "Internal host swept 214 addresses on 445 and 3389"
    )


def test_it_keeps_hostile_text_plain_in_a_sentence() -> None:
    sentence = headline(listed("<b>Evil</b>\x1b[31m‮ see http://evil.example/x"))
    assert sentence.startswith("The known scanner <b>Evil</b> [31m see http[:]//evil[.]example/x probed")
