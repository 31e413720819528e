"""The engine on the real database, against the simulator: claim, ask, decide, settle."""

from __future__ import annotations

import pytest

from investigations.choices import Outcome, RunStatus, Status
from investigations.models import AuditEvent, Decision, Enrichment, Investigation, PlaybookStep
from investigations.playbooks.engine import Engine
from investigations.providers import PROVIDERS
from investigations.services.ingest import store
from investigations.services.replay import replay
from tests.makers import make_alert


def drain() -> int:
    with Engine() as engine:
        return engine.run(30)


def investigated(address: str, **changes: object) -> Investigation:
    store([make_alert(address, **changes)])
    drain()
    return Investigation.objects.get(subject=address)


PERSONAS = {
    "203.0.113.66": Status.ESCALATED,  # malicious scanner
    "198.51.100.10": Status.DISMISSED,  # census scanner whose reverse DNS confirms
    "198.51.100.214": Status.NEEDS_REVIEW,  # claims to be one, and does not confirm
    "192.0.2.200": Status.ESCALATED,  # nobody has ever seen it: possibly aimed at us
    "198.51.100.99": None,  # Tor exit: anything but dismissed
    "198.51.100.53": Status.DISMISSED,  # business service
    "203.0.113.77": Status.NEEDS_REVIEW,  # one weak report
    "192.0.2.31": Status.ESCALATED,  # clean address, bad domain
    "2001:db8:7::99": Status.ESCALATED,
}


@pytest.mark.parametrize(("address", "status"), PERSONAS.items())
def test_it_ends_every_persona_as_it_should(simulator, address, status):
    investigation = investigated(address, answered=False)

    print(investigation.headline, investigation.decisions.latest("pk").rule)
    if status is None:
        assert investigation.status in (Status.NEEDS_REVIEW, Status.ESCALATED)
    else:
        assert investigation.status == status
    assert investigation.simulated


def test_it_replays_every_decision_to_the_same(simulator):
    store([make_alert(address) for address in PERSONAS])
    assert drain() == len(PERSONAS)

    for decision in Decision.objects.select_related("policy"):
        result = replay(decision)
        assert result.same, (decision.investigation.subject, result.differences)


def test_it_notices_that_evidence_was_changed(simulator):
    investigation = investigated("203.0.113.66")
    decision = investigation.decisions.latest("pk")
    for answer in decision.evidence["answers"]:
        answer["verdict"] = "benign"

    result = replay(decision)

    assert not result.same
    assert not result.evidence_intact


def test_it_asks_every_enabled_provider(simulator):
    investigation = investigated("203.0.113.66")

    asked = Enrichment.objects.filter(investigation=investigation, artifact__value="203.0.113.66")
    assert {row.provider for row in asked} == set(PROVIDERS)
    assert not asked.filter(outcome=Outcome.PENDING).exists()


def test_it_records_the_steps_as_a_timeline(simulator):
    simulator.set_fault("virustotal", "latency:700")  # so that its answer is a late one
    investigation = investigated("203.0.113.66")

    steps = PlaybookStep.objects.filter(run__investigation=investigation).order_by("position")
    deciding = ["Judge", "Decide", "Act"]
    # At once on the first decisive answer, and again when all answers are in
    assert [step.name for step in steps] == ["Collect artifacts", "Enrich", *deciding, *deciding]
    assert all(step.status == RunStatus.COMPLETED and step.finished >= step.started for step in steps)
    assert AuditEvent.objects.filter(action="investigation.decided").count() == 1


def test_it_follows_a_name_that_leads_back(simulator):
    investigation = investigated("192.0.2.31")

    assert set(investigation.artifact_links.values_list("artifact__value", "origin")) == {
        ("192.0.2.31", "source"),
        ("login-verify.example", "reverse DNS"),
    }


def test_it_names_no_internal_address_to_anybody(simulator):
    investigation = investigated("10.20.4.17", victim="10.20.0.9")

    assert investigation.status == Status.ESCALATED
    assert simulator.requests == []
    outcomes = set(Enrichment.objects.exclude(provider="warninglists").values_list("outcome", flat=True))
    assert outcomes == {Outcome.SKIPPED}


def test_it_uses_a_fresh_answer_again(simulator):
    investigated("203.0.113.66")
    Investigation.objects.update(last_alert=None, activity="2020-01-01T00:00Z", subject="203.0.113.67")
    simulator.clear()
    store([make_alert("203.0.113.66", minutes=60 * 48)])
    drain()

    rows = Enrichment.objects.filter(investigation=Investigation.objects.get(subject="203.0.113.66"))
    assert set(rows.exclude(provider="warninglists").values_list("cached", flat=True)) == {True}
    assert simulator.requests == []


@pytest.mark.parametrize("fault", ["rate_limit", "error", "truncated"])
def test_it_never_dismisses_when_everybody_fails(simulator, fault):
    simulator.set_fault("all", fault)
    investigation = investigated("198.51.100.10", answered=False)

    assert investigation.status == Status.NEEDS_REVIEW


def test_it_decides_at_the_deadline_without_the_silent(simulator, settings):
    settings.INVESTIGATION_DEADLINE = 2
    simulator.set_fault("abuseipdb", "timeout")
    investigation = investigated("203.0.113.66")

    assert investigation.status == Status.ESCALATED
    row = Enrichment.objects.get(investigation=investigation, provider="abuseipdb", artifact__value="203.0.113.66")
    assert row.outcome == Outcome.TIMEOUT


def test_it_hands_over_what_keeps_killing_workers(simulator, settings):
    store([make_alert()])
    Investigation.objects.update(attempts=settings.MAX_ATTEMPTS)
    drain()

    investigation = Investigation.objects.get()
    assert investigation.status == Status.NEEDS_REVIEW
    assert "did not finish" in investigation.decisions.latest("pk").reasons[0]["text"]
    assert simulator.requests == []


def test_it_writes_nothing_under_an_old_fence(simulator):
    store([make_alert()])
    with Engine() as late:
        late._claim()
        # Somebody else takes over while the first one is believed dead
        Investigation.objects.update(due="2020-01-01T00:00Z")
        drain()
        settled = Investigation.objects.get()
        late.run(10)

    assert late.settled == 0
    assert AuditEvent.objects.filter(action="investigation.decided").count() == 1
    assert Investigation.objects.get().fence == settled.fence == 2


def test_it_leaves_a_persons_decision_alone(simulator):
    from investigations.choices import Disposition
    from investigations.models import Actor

    store([make_alert()])
    with Engine() as engine:
        engine._claim()
        Investigation.objects.get().dismiss(Actor("anna"), Disposition.DUPLICATE, "Dismissed as duplicate", "")
        engine.run(10)

    assert Investigation.objects.get().status == Status.DISMISSED
    assert not Decision.objects.filter(automatic=True).exists()
