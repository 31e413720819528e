"""What the policy that ships decides about every kind of source that an analyst meets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from investigations.choices import Outcome, Status, Strength
from investigations.policy.decide import INSUFFICIENT_DATA, RUN_FAILED, Decided, decide
from investigations.policy.document import default_policy
from investigations.policy.evidence import Answer, Evidence, ScanFacts
from tests.policy.makers import (
    QUIET,
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
    service,
    suspicious,
)

ESCALATED, DISMISSED, REVIEW = Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW
NO_NAME = answer("dns", outcome=Outcome.NOT_FOUND)
CLEAN = (harmless("abuseipdb", reports=0), not_found("spamhaus"), harmless("virustotal"), NO_NAME)
UNHEARD = (not_found("greynoise"), not_found("abuseipdb"), not_found("spamhaus"), not_found("virustotal"), NO_NAME)
OFFLINE = (failed("spamhaus"), failed("dns"), failed("dshield"))


def decided(*answers: Answer, **rest: object) -> Decided:
    return decide(default_policy(), evidence(*answers, **rest))  # type: ignore[arg-type]


def rule(*answers: Answer, **rest: object) -> tuple[Status, str]:
    decision = decided(*answers, **rest)
    return decision.outcome, decision.rule


def test_it_escalates_internal_reconnaissance_without_any_answer() -> None:
    decision = decided(source="10.0.0.5", scope="internal")
    assert (decision.outcome, decision.rule, decision.severity) == (ESCALATED, "internal-reconnaissance", "high")


def test_it_leaves_an_internal_address_that_only_a_person_asked_about_to_a_person() -> None:
    assert rule(source="10.0.0.5", scope="internal", scan=ScanFacts(), submitted=True) == (REVIEW, "internal-address")


def test_it_leaves_a_reserved_address_to_a_person() -> None:
    assert rule(source="240.0.0.1", scope="reserved") == (REVIEW, "reserved-address")


def test_it_dismisses_a_scanner_in_its_published_range_without_keys_or_network() -> None:
    decision = decided(listed(), *OFFLINE)
    assert (decision.outcome, decision.disposition) == (DISMISSED, "known_scanner")
    assert "Censys" in decision.reasons[0].text


def test_it_dismisses_a_published_scanner_although_volume_sources_call_it_malicious() -> None:
    assert decided(listed(), malicious("abuseipdb"), malicious("dshield")).outcome == DISMISSED


def test_it_names_the_contradiction_when_a_decisive_answer_calls_a_published_scanner_malicious() -> None:
    decision = decided(listed(), malicious("greynoise", Strength.DECISIVE))
    assert (decision.outcome, decision.rule) == (REVIEW, "known-scanner-called-malicious")
    assert "Censys" in decision.reasons[0].text and "GreyNoise" in decision.reasons[0].text


@pytest.mark.parametrize("scan", [replace(QUIET, beyond_recon=True), replace(QUIET, severity="critical")])
def test_it_does_not_dismiss_a_known_scanner_that_does_more_than_scan(scan: ScanFacts) -> None:
    assert rule(listed(), scan=scan) == (REVIEW, "known-scanner-does-more")
    assert rule(scanner(), named(), *CLEAN[:3], scan=scan) == (REVIEW, "confirmed-scanner-does-more")


def test_it_dismisses_a_scanner_that_a_provider_and_its_reverse_name_confirm() -> None:
    assert rule(scanner(), named(), *CLEAN[:3]) == (DISMISSED, "known-scanner-confirmed")


def test_it_dismisses_a_confirmed_scanner_although_volume_sources_call_it_malicious() -> None:
    noisy = (malicious("abuseipdb"), malicious("dshield"))
    assert rule(scanner(), named(), *noisy) == (DISMISSED, "known-scanner-confirmed")


def test_it_does_not_dismiss_a_confirmed_scanner_while_somebody_with_an_opinion_is_silent() -> None:
    decision = decided(scanner(), named(), failed("virustotal", Outcome.THROTTLED, "throttled until 14:06"))
    assert (decision.outcome, decision.rule) == (REVIEW, "confirmed-scanner-incomplete")
    assert "VirusTotal (throttled until 14:06)" in decision.reasons[1].text


def test_it_escalates_a_confirmed_scanner_that_a_decisive_answer_calls_malicious() -> None:
    assert decided(scanner(), named(), malicious("spamhaus", Strength.DECISIVE)).outcome == ESCALATED


def test_it_does_not_dismiss_a_scanner_whose_reverse_name_does_not_confirm() -> None:
    assert rule(scanner(), named(confirmed=False), *CLEAN[:3]) == (REVIEW, "unconfirmed-scanner")


def test_it_sees_through_an_impostor_that_nobody_calls_malicious() -> None:
    decision = decided(noise(), named("scan-214.census.example", confirmed=False), *CLEAN[:3])
    assert (decision.outcome, decision.rule, decision.severity) == (REVIEW, "unconfirmed-scanner", "medium")
    assert "census[.]example" in decision.reasons[0].text


@pytest.mark.parametrize(
    "answers",
    [(malicious("greynoise", Strength.DECISIVE),), (malicious("abuseipdb"), malicious("virustotal"))],
)
def test_it_escalates_on_one_decisive_or_two_independent_malicious_answers(answers: tuple[Answer, ...]) -> None:
    assert decided(*answers).outcome == ESCALATED
    assert decided(*answers, failed("spamhaus"), scan=ScanFacts(), submitted=True).outcome == ESCALATED


def test_it_counts_one_owner_as_one_voice() -> None:
    assert rule(malicious("threatfox"), malicious("urlhaus")) == (REVIEW, "one-malicious-report")


@pytest.mark.parametrize(
    ("scan", "severity"),
    [
        (replace(QUIET, answered=True), "high"),
        (replace(QUIET, beyond_recon=True), "high"),
        (replace(QUIET, severity="critical"), "high"),
        (QUIET, "low"),
        (replace(QUIET, answered=None), "medium"),
    ],
)
def test_it_weighs_a_malicious_source_by_what_it_got_from_us(scan: ScanFacts, severity: str) -> None:
    loud = noise("malicious", Strength.DECISIVE, sensors=214)
    assert decided(loud, scan=scan).severity == severity


def test_it_escalates_a_clean_address_with_a_malicious_name_that_leads_back_to_it() -> None:
    bad = malicious("virustotal", artifact="login-verify.example")
    decision = decided(named("login-verify.example"), bad, not_found("abuseipdb"))
    assert (decision.outcome, decision.rule) == (ESCALATED, "malicious-domain")
    assert decision.headline.startswith("A source behind the malicious domain login-verify[.]example probed 2 ports")


def test_it_does_not_hold_a_name_against_a_source_that_only_claims_it() -> None:
    bad = malicious("virustotal", Strength.DECISIVE, artifact="login-verify.example")
    decision = decided(noise(), named("login-verify.example", confirmed=False), bad, *CLEAN[:3])
    assert decision.outcome == DISMISSED
    assert any("does not count" in reason.text for reason in decision.reasons)


def test_it_does_not_count_neighbours_on_a_shared_host() -> None:
    neighbour = malicious("virustotal", Strength.DECISIVE, artifact="neighbour.example")
    assert decided(noise(), named("own.example"), neighbour, *CLEAN[:3]).outcome == DISMISSED


def test_it_counts_the_answers_about_address_and_domain_as_one_verdict() -> None:
    own, bad = malicious("abuseipdb"), malicious("spamhaus", artifact="bad.example")
    assert rule(own, bad, named("bad.example"))[0] == ESCALATED


def test_it_escalates_a_submitted_domain_that_is_malicious() -> None:
    bad = malicious("virustotal", artifact="malicious.example")
    subject = {"source": "malicious.example", "kind": "domain-name", "scan": ScanFacts(), "submitted": True}
    decision = decided(bad, **subject)
    assert (decision.outcome, decision.headline) == (ESCALATED, "The submitted domain is known to be malicious")


def test_it_never_trusts_a_domain_for_the_address_it_leads_to() -> None:
    subject = {"source": "evil.example", "kind": "domain-name", "scan": ScanFacts(), "submitted": True}
    assert decided(harmless("virustotal", artifact="evil.example"), service(), listed(), **subject).outcome == REVIEW


def test_it_dismisses_a_service_that_everybody_talks_to() -> None:
    assert rule(service(), *CLEAN) == (DISMISSED, "business-service")


def test_it_does_not_dismiss_a_service_of_lower_trust_or_while_answers_are_missing() -> None:
    assert decided(service(trust_level=2), *CLEAN).outcome == REVIEW
    assert decided(service(), failed("virustotal"), NO_NAME).outcome == REVIEW


def test_it_escalates_what_nobody_has_ever_seen() -> None:
    decision = decided(*UNHEARD)
    assert (decision.outcome, decision.rule, decision.severity) == (ESCALATED, "possibly-targeted", "medium")
    assert decision.targeting == "targeted"
    assert decided(*UNHEARD, scan=replace(QUIET, answered=True)).severity == "high"


def test_it_leaves_a_submission_that_nobody_has_seen_to_a_person() -> None:
    assert rule(*UNHEARD, scan=ScanFacts(), submitted=True) == (REVIEW, INSUFFICIENT_DATA)


def test_it_does_not_take_the_silence_of_small_sources_for_an_absence() -> None:
    assert decided(not_found("dshield"), not_found("spamhaus"), NO_NAME).outcome == REVIEW
    assert decided(not_found("greynoise"), failed("abuseipdb"), NO_NAME).outcome == REVIEW


def test_it_dismisses_internet_noise_that_got_nothing() -> None:
    assert rule(noise(), *CLEAN) == (DISMISSED, "internet-noise")


@pytest.mark.parametrize(
    "scan",
    [
        replace(QUIET, answered=True),
        replace(QUIET, answered=None),
        replace(QUIET, beyond_recon=True),
        replace(QUIET, severity="high"),
        replace(QUIET, ports=1000),
        replace(QUIET, targets=1000),
        replace(QUIET, alerts=100_000),
    ],
)
def test_it_does_not_dismiss_noise_that_answered_or_is_more_than_noise(scan: ScanFacts) -> None:
    assert decided(noise(), *CLEAN, scan=scan).outcome == REVIEW


def test_it_does_not_dismiss_a_tor_exit() -> None:
    assert rule(noise(tor=True), *CLEAN) == (REVIEW, "tor-exit")
    assert decided(noise(), *CLEAN, failed("tor")).outcome == REVIEW


def test_it_leaves_weak_reports_to_a_person() -> None:
    assert rule(noise(), suspicious("virustotal"), NO_NAME) == (REVIEW, "weak-reports")
    assert rule(noise(), malicious("virustotal"), NO_NAME) == (REVIEW, "one-malicious-report")


@pytest.mark.parametrize("answers", [(), OFFLINE, (not_found("spamhaus"), NO_NAME), (failed("greynoise"),)])
def test_it_never_dismisses_without_keys_or_network(answers: tuple[Answer, ...]) -> None:
    assert decided(*answers).outcome == REVIEW


def test_it_hands_over_a_run_that_did_not_finish_with_its_cause() -> None:
    decision = decided(listed(), error="the deadline passed while 3 lookups were waiting")
    assert (decision.outcome, decision.rule) == (REVIEW, RUN_FAILED)
    assert "the deadline passed" in decision.reasons[0].text


def test_it_says_what_is_missing() -> None:
    text = decided(failed("greynoise"), scan=replace(QUIET, answered=None)).reasons[0].text
    assert text == (
        "Insufficient data: GreyNoise did not answer; no source of Internet noise answered;"
        " the alerts do not tell whether anything of ours answered"
    )


@pytest.mark.parametrize(
    "case",
    [evidence(), evidence(listed()), evidence(*UNHEARD), evidence(noise(), *CLEAN), evidence(scanner(), named())],
)
def test_it_gives_the_same_decision_again_from_the_stored_evidence(case: Evidence) -> None:
    assert decide(default_policy(), Evidence.from_json(case.as_json())) == decide(default_policy(), case)


def test_it_sees_a_false_claim_beside_a_true_name() -> None:
    facts = {
        "rdns": "own.example",
        "rdns_confirmed": True,
        "names": ["own.example", "scan-9.census.example"],
        "confirmed": ["own.example"],
    }
    decision = decided(scanner(), answer("dns", facts=facts), *CLEAN[:3])
    assert (decision.outcome, decision.rule) == (REVIEW, "unconfirmed-scanner")
    assert "census[.]example" in decision.headline
