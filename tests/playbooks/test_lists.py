"""Our own lists on the real engine: who is named to nobody, who may scan and when, and that a decision keeps it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils.timezone import now

from investigations.choices import ListKind, Status
from investigations.models import Actor, Decision, Investigation, ListEntry
from investigations.playbooks.engine import Engine
from investigations.playbooks.growth import follow_dismissals, follow_scans
from investigations.queries.networks import forget
from investigations.services import lists
from investigations.services.ingest import store
from investigations.services.investigations import submit
from investigations.services.replay import replay
from tests.makers import make_alert

LEA = Actor("lea")
SCANNER = "203.0.113.77"  # whom its complaints would send to a person
DISMISSED = (Status.DISMISSED, "authorised-scanner")
ESCALATED = (Status.ESCALATED, "authorised-scanner-misbehaving")


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    forget()
    yield
    forget()


def put(kind: ListKind, value: str, **more: Any) -> ListEntry:
    entry = lists.Entry(kind, value, "Quarterly scan", "lea", "agreed", now() + timedelta(days=30), "CHG-7", **more)
    return lists.add(entry, actor=LEA, confirmed=True)


def drain() -> None:
    with Engine() as engine:
        engine.run(30)


def scanned(source: str = SCANNER, **changes: Any) -> Decision:
    """What is decided about one probe of this moment."""
    store([make_alert(source, **{"happened": now(), "answered": False, **changes})])
    drain()
    return Decision.objects.filter(investigation__subject=source).latest("pk")


def window(days_from_now: int) -> dict[str, Any]:
    """Whole days around that day, so that midnight may pass while the test runs."""
    day = now().weekday() + days_from_now
    return {"days": [(day - 1) % 7, day % 7, (day + 1) % 7], "from": "00:00", "to": "00:00"}


@pytest.mark.parametrize(
    ("network", "address"),
    [("203.0.113.0/24", "203.0.113.66"), ("2001:db8:7::/48", "2001:db8:7::99"), ("203.0.113.66", "203.0.113.66")],
)
def test_it_names_an_own_network_to_nobody(simulator: Any, network: str, address: str) -> None:
    put(ListKind.OWN_NETWORK, network)
    decision = scanned(address)

    assert simulator.requests == []
    assert simulator.dns_queries == []
    assert (decision.outcome, decision.rule) == (Status.ESCALATED, "internal-reconnaissance")


def test_it_names_what_is_submitted_from_an_own_network_to_nobody(simulator: Any) -> None:
    put(ListKind.OWN_NETWORK, "203.0.113.0/24")
    submit("203.0.113.66", reason="asked by hand", actor=LEA)
    drain()

    assert Investigation.objects.get().status == Status.NEEDS_REVIEW
    assert simulator.requests == [] and simulator.dns_queries == []


def test_it_keeps_silent_about_an_own_network_past_its_date(simulator: Any) -> None:
    row = put(ListKind.OWN_NETWORK, "203.0.113.0/24")
    ListEntry.objects.filter(pk=row.pk).update(expires=now() - timedelta(days=400))
    forget()
    scanned("203.0.113.66")
    assert simulator.requests == []
    lists.remove(row.pk, reason="sold", actor=LEA)
    scanned("203.0.113.99")

    assert simulator.requests != []


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, DISMISSED),
        ({"windows": 0}, DISMISSED),
        ({"windows": 3}, ESCALATED),
        ({"targets": ["10.20.0.0/16"]}, DISMISSED),
        ({"targets": ["10.21.0.0/16"]}, ESCALATED),
        ({"windows": 0, "targets": ["10.21.0.0/16"]}, ESCALATED),
    ],
)
def test_it_lets_a_scanner_do_what_was_agreed(simulator: Any, limits: dict[str, Any], expected: Any) -> None:
    if "windows" in limits:
        limits = {**limits, "windows": [window(limits["windows"])]}
    entry = put(ListKind.AUTHORISED_SCANNER, SCANNER, **limits)
    decision = scanned()

    assert (decision.outcome, decision.rule) == expected
    assert "lea" in decision.headline + " ".join(reason["text"] for reason in decision.reasons)
    entry.refresh_from_db()
    assert entry.hits >= 1 and entry.last_hit is not None


@pytest.mark.parametrize(("days", "expected"), [(1, ESCALATED), (40, (Status.NEEDS_REVIEW, "weak-reports"))])
def test_it_watches_a_scanner_whose_time_is_over(simulator: Any, days: int, expected: Any) -> None:
    row = put(ListKind.AUTHORISED_SCANNER, SCANNER)
    ListEntry.objects.filter(pk=row.pk).update(expires=now() - timedelta(days=days))
    decision = scanned()

    assert (decision.outcome, decision.rule) == expected


@pytest.mark.parametrize("limit", [{"targets": ["10.20.0.0/16"]}, {"windows": 0}, {}])
def test_it_looks_again_when_a_scanner_goes_beyond_what_was_agreed(simulator: Any, limit: dict[str, Any]) -> None:
    limits = {**limit, "windows": [window(limit["windows"])]} if "windows" in limit else limit
    entry = put(ListKind.AUTHORISED_SCANNER, SCANNER, **limits)
    assert scanned().outcome == Status.DISMISSED
    if not limit:
        lists.remove(entry.pk, reason="contract ended", actor=LEA)
    elif "windows" in limit:
        ListEntry.objects.update(windows=[window(3)])  # as if it went on for three days
    store([make_alert(SCANNER, happened=now(), answered=False, victim="10.21.0.9")])
    Investigation.objects.update(described=now() - timedelta(minutes=1))

    assert follow_dismissals() == 1
    drain()
    last = Decision.objects.latest("pk")
    assert (last.outcome, last.rule) == (ESCALATED if limit else (Status.NEEDS_REVIEW, "weak-reports"))


def test_it_raises_what_is_open_when_its_source_is_denied(simulator: Any) -> None:
    assert scanned().outcome == Status.NEEDS_REVIEW
    put(ListKind.DENY, SCANNER)
    store([make_alert(SCANNER, happened=now(), answered=False)])
    Investigation.objects.update(described=now() - timedelta(minutes=1))
    follow_scans()

    last = Decision.objects.latest("pk")
    assert (last.outcome, last.rule) == (Status.ESCALATED, "deny-listed") and replay(last).same


def test_it_puts_denied_before_authorised(simulator: Any) -> None:
    put(ListKind.AUTHORISED_SCANNER, SCANNER)
    put(ListKind.DENY, "203.0.113.0/24")
    decision = scanned()

    assert (decision.outcome, decision.rule) == (Status.ESCALATED, "deny-listed")


def test_it_replays_a_decision_after_the_list_has_changed(simulator: Any) -> None:
    row = put(ListKind.AUTHORISED_SCANNER, SCANNER)
    decision = scanned()
    lists.remove(row.pk, reason="the contract ended", actor=LEA)
    out = io.StringIO()
    call_command("replay", str(decision.investigation_id), "--json", stdout=out)

    shape = json.loads(out.getvalue())
    assert (shape["same"], shape["evidence_intact"]) == (True, True)
    assert decision.evidence["lists"][0]["ticket"] == "CHG-7"
