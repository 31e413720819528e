"""Our lists and people's earlier decisions are part of the evidence, at the same cost for one case and for many."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from investigations.choices import ArtifactKind, ListKind, Scope, Status
from investigations.models import Actor, Decision, Investigation, ListEntry
from investigations.playbooks.case import Case, CaseArtifact
from investigations.playbooks.engine import Engine
from investigations.playbooks.gather import gather
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from investigations.services.replay import replay
from tests.makers import make_alert

MALICIOUS = "203.0.113.66"
NOISE = "192.0.2.40"


def drain() -> None:
    with Engine() as engine:
        engine.run(30)


def entry(kind: ListKind, network: str) -> ListEntry:
    return ListEntry.objects.create(
        kind=kind,
        network=ip_network(network),
        label="Partner, monitoring",
        owner="lea",
        reason="They watch our uptime",
        expires=now() + timedelta(days=30),
        created_by="lea",
    )


def test_it_freezes_our_lists_with_the_decision_and_counts_the_hit(simulator: Any) -> None:
    known, other = entry(ListKind.DENY, "192.0.2.32/28"), entry(ListKind.DENY, "198.51.100.0/24")
    store([make_alert(NOISE, answered=False)])
    drain()

    decision = Decision.objects.select_related("policy").get()
    assert (decision.outcome, decision.rule) == (Status.ESCALATED, "deny-listed")
    assert [one["entry"] for one in decision.evidence["lists"]] == [known.pk]
    assert replay(decision).same
    known.refresh_from_db()
    other.refresh_from_db()
    assert (known.hits, other.hits) == (1, 0)
    assert known.last_hit is not None
    assert other.last_hit is None


def test_it_counts_each_decision_of_a_batch_once(simulator: Any) -> None:
    known = entry(ListKind.DENY, "192.0.2.0/24")
    store([make_alert(f"192.0.2.{number}", answered=False) for number in range(40, 46)])
    drain()

    known.refresh_from_db()
    assert known.hits == 6


def test_it_knows_our_lists_and_memory_when_it_escalates_at_once(simulator: Any) -> None:
    """Our own scanner, called malicious: a person's matter, however sure somebody is."""
    entry(ListKind.AUTHORISED_SCANNER, f"{MALICIOUS}/32")
    simulator.set_fault("virustotal", "latency:500")
    store([make_alert(MALICIOUS, answered=False)])
    drain()

    decision = Decision.objects.get()
    assert (decision.outcome, decision.rule) == (Status.NEEDS_REVIEW, "authorised-scanner-does-more")
    assert not any(answer["outcome"] == "pending" for answer in decision.evidence["answers"])


def test_it_freezes_what_people_decided_before(simulator: Any) -> None:
    store([make_alert(MALICIOUS, answered=False)])
    drain()
    before = Investigation.objects.get()
    workflow.escalate(before, disposition="true_positive", comment="", actor=Actor("anna"))
    long_ago = now() - timedelta(days=60)
    Investigation.objects.update(first_alert=long_ago, last_alert=long_ago)
    store([make_alert(MALICIOUS, minutes=1, answered=False), make_alert("203.0.113.77", minutes=1, answered=False)])
    drain()

    for address, about in ((MALICIOUS, "source"), ("203.0.113.77", "network")):
        row = Investigation.objects.filter(subject=address).latest("pk")
        for decision in row.decisions.select_related("policy"):
            memory = [(one["about"], one["investigation"], one["by"]) for one in decision.evidence["memory"]]
            assert memory == [(about, before.pk, "anna")]
            assert replay(decision).same


@pytest.mark.django_db
def test_it_costs_the_same_for_one_and_for_many() -> None:
    entry(ListKind.ALLOW, "192.0.2.0/24")
    cases = []
    for number in range(1, 21):
        row = Investigation.objects.create(
            kind="ipv4-addr", subject=f"192.0.2.{number}", source=f"192.0.2.{number}", due=now()
        )
        subject = CaseArtifact(row.subject, ArtifactKind.IPV4, Scope.PUBLIC, "source")
        cases.append(Case(row.pk, 1, subject, now()))
    costs = []
    for some in (cases[:1], cases):
        with CaptureQueriesContext(connection) as queries:
            gather(some, now())
        costs.append(len(queries))

    assert costs[0] == costs[1]
    assert all(case.lists for case in cases)
