"""The defects of Splunk's playbook that lie in its judgement: each fails in a model of its logic, and not in ours.

What shows only in the work itself (f, and the other half of c, d and h) stands in tests/playbooks/test_splunk.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from investigations.artifacts import scope_of
from investigations.choices import ArtifactKind, Outcome, Scope, Status, Strength
from investigations.policy.decide import Decided, decide
from investigations.policy.document import default_policy
from investigations.policy.evidence import Answer, Evidence, ScanFacts
from tests.policy.makers import DECIDED, answer, failed, harmless, malicious, not_found
from tests.policy.splunk import BAD, FAILED, SAFE, UNKNOWN, Event, play

SOURCE, NAME = "203.0.113.66", "host.example"
SCAN = ScanFacts(alerts=4, ports=2, targets=3, answered=False)


def of_virustotal(said: str, artifact: str, strength: Strength = Strength.STRONG) -> Answer:
    """The same word of VirusTotal as our provider gives it."""
    if said == BAD:
        return malicious("virustotal", strength, artifact=artifact)
    if said == FAILED:
        return failed("virustotal", artifact=artifact, summary="no answer in time")
    return harmless("virustotal", artifact=artifact) if said == SAFE else not_found("virustotal", artifact=artifact)


def ours(event: Event, strength: Strength = Strength.STRONG) -> Decided:
    """Our decision on the same event: VirusTotal on the address and its names, and reverse DNS."""
    names = list(event.names)
    facts = {"rdns": names[0], "rdns_confirmed": True, "names": names, "confirmed": names} if names else {}
    resolver = answer("dns", outcome=Outcome.OK if names else Outcome.NOT_FOUND, facts=facts, artifact=event.source)
    answers = [of_virustotal(event.address, event.source, strength), resolver]
    answers += [of_virustotal(said, name) for name, said in event.names.items()]
    kind = ArtifactKind.IPV6 if ":" in event.source else ArtifactKind.IPV4
    scope = scope_of(event.source, [], test_networks=True)
    asked = tuple(answers) if scope == Scope.PUBLIC else ()
    return decide(default_policy(), Evidence(event.source, kind.value, scope.value, SCAN, asked, DECIDED))


def test_a_it_makes_one_decision_over_address_and_name() -> None:
    """Splunk: the branch of the name closes, with low severity, what the branch of the address has just raised."""
    event = Event(SOURCE, BAD, {NAME: UNKNOWN})
    theirs = play(event)
    assert (theirs.severity, theirs.status) == ("low", "closed")
    assert "Port Scan detected from bad IP" in theirs.mails

    assert ours(event).outcome == Status.NEEDS_REVIEW  # one voice, and never a dismissal
    assert ours(event, Strength.DECISIVE).outcome == Status.ESCALATED


def test_b_it_takes_nothing_unknown_for_safe() -> None:
    """Splunk: a name that VirusTotal does not know closes the event."""
    event = Event(SOURCE, SAFE, {NAME: UNKNOWN})
    assert play(event).status == "closed"

    assert ours(event).outcome == Status.NEEDS_REVIEW


def test_c_it_decides_without_a_reverse_name() -> None:
    """Splunk: without a name the second branch never ends, and the join waits for it: nothing happens at all."""
    event = Event(SOURCE, SAFE)
    assert play(event).is_untouched

    decision = ours(event)
    assert decision.outcome == Status.NEEDS_REVIEW
    assert decision.reasons[0].text.startswith("Insufficient data: no source of Internet noise answered")


@pytest.mark.parametrize("event", [Event(SOURCE, FAILED, {NAME: SAFE}), Event(SOURCE, SAFE, {NAME: FAILED})])
def test_d_it_says_who_did_not_answer(event: Event) -> None:
    """Splunk: a result that failed matches no filter; the event stays as it is, and nobody is told."""
    assert play(event).is_untouched

    decision = ours(event)
    assert decision.outcome == Status.NEEDS_REVIEW
    assert any("did not answer: virustotal" in reason.text.lower() for reason in decision.reasons)


@pytest.mark.parametrize("source", ["192.168.0.7", "192.168.1.7", "10.0.0.7", "172.16.0.7"])
def test_e_it_takes_an_internal_scan_for_the_more_serious_one(source: str) -> None:
    """Splunk: a scan from 192.168.0.0/24 is called safe; every other internal address is told to the providers."""
    event = Event(source, SAFE, {NAME: SAFE})
    theirs = play(event)
    assert theirs.status == "closed"
    assert theirs.asked == ([] if source.startswith("192.168.0.") else [source, NAME])

    decision = ours(event)
    assert (decision.outcome, decision.severity) == (Status.ESCALATED, "high")


def test_g_it_can_explain_itself_afterwards() -> None:
    """Splunk: what is left of a decision is the title of a mail."""
    event = Event(SOURCE, BAD, {NAME: BAD})
    assert vars(play(event)).keys() == {"severity", "status", "mails", "asked"}

    decision = ours(event)
    stored: dict[str, Any] = decision.as_json()
    said = {reason["artifact"] for reason in stored["reasons"] if reason["provider"] == "virustotal"}
    assert said == {SOURCE, NAME}
    assert stored["rule"] == "malicious-domain"
    assert stored["policy"] == default_policy().digest and len(stored["evidence"]) == 64


@pytest.mark.parametrize("address", [BAD, SAFE])
def test_h_it_judges_an_ipv6_source_like_any_other(address: str) -> None:
    """Splunk: the source is looked for as an IPv4 address, so nothing is ever done about another one."""
    assert play(Event("2001:db8::66", address, {NAME: address})).is_untouched

    six, four = ours(Event("2001:db8::66", address, {NAME: address})), ours(Event(SOURCE, address, {NAME: address}))
    assert (six.outcome, six.rule, six.severity) == (four.outcome, four.rule, four.severity)
