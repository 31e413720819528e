"""What people decided before informs later decisions, and fades; a withdrawn word does not count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Actor, Investigation
from investigations.playbooks.engine import Engine
from investigations.queries.memory import remembered
from investigations.services import investigations as workflow
from investigations.services.ingest import store
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
ANNA = Actor("anna")


def investigation(address: str, signature: str = "ET SCAN", **changes: Any) -> Investigation:
    return Investigation.objects.create(
        kind="ipv6-addr" if ":" in address else "ipv4-addr",
        subject=address,
        source=address,
        status=Status.NEEDS_REVIEW,
        first_signature=signature,
        **changes,
    )


def closed(address: str, disposition: str = "noise", *, days: float = 1, **more: Any) -> Investigation:
    row = investigation(address, **more)
    workflow.dismiss(row, disposition=disposition, comment="", actor=ANNA)
    Investigation.objects.filter(pk=row.pk).update(judged=now() - timedelta(days=days))
    return row


def of(row: Investigation) -> list[tuple[str, str, int]]:
    return [(one.about, one.disposition, one.investigation) for one in remembered([row.pk], now()).get(row.pk, ())]


def test_it_remembers_the_source_then_its_network_then_the_signature() -> None:
    far = closed("198.51.100.7", "false_positive")
    near = closed("203.0.113.9", "true_positive", signature="other")
    same = closed("203.0.113.66", "noise", days=3, signature="other")
    newer = closed("203.0.113.66", "benign_positive", days=2, signature="other")

    assert of(investigation("203.0.113.66")) == [
        ("source", "benign_positive", newer.pk),
        ("source", "noise", same.pk),
        ("network", "true_positive", near.pk),
        ("signature", "false_positive", far.pk),
    ]


def test_it_knows_the_network_of_ipv6() -> None:
    near = closed("2001:db8:7:1::1", signature="a")
    closed("2001:db8:8::1", signature="b")

    assert of(investigation("2001:db8:7:ffff::2", "c")) == [("network", "noise", near.pk)]


def test_it_forgets_after_ninety_days_and_what_was_withdrawn() -> None:
    closed("203.0.113.66", days=91)
    withdrawn = closed("203.0.113.66")
    workflow.reopen(withdrawn, comment="wrong", actor=ANNA)
    Investigation.objects.create(  # what only the automation has said
        kind="ipv4-addr", subject="203.0.113.66", source="203.0.113.66", status="dismissed", disposition="noise",
        closed=now(),
    )  # fmt: skip

    assert of(investigation("203.0.113.66", "")) == []


def test_it_asks_once_for_many(django_assert_num_queries: Any) -> None:
    rows = [investigation(f"203.0.113.{number}") for number in range(20)]
    closed("203.0.113.200")
    with django_assert_num_queries(2):
        assert len(remembered([row.pk for row in rows], now())) == 20


@pytest.mark.django_db(transaction=True)
def test_it_dismisses_what_a_person_has_called_harmless_before(simulator: Any) -> None:
    """The weak report that a person looked at last time does not come to a person again and again."""
    address = "192.0.2.200"  # nobody has ever seen it: escalated without a memory
    store([make_alert(address, answered=False)])
    with Engine() as engine:
        engine.run(30)
    row = Investigation.objects.get()
    assert row.status == Status.ESCALATED
    workflow.dismiss(row, disposition="false_positive", comment="a partner's new host", actor=ANNA)
    Investigation.objects.update(last_alert=now() - timedelta(days=60), first_alert=None)
    store([make_alert(address, minutes=1, answered=False)])
    with Engine() as engine:
        engine.run(30)

    later = Investigation.objects.exclude(pk=row.pk).get()
    decision = later.decisions.get()
    assert (later.status, decision.rule) == (Status.DISMISSED, "remembered-harmless")
    assert any("anna dismissed it as false positive" in reason["text"] for reason in decision.reasons)
    row.refresh_from_db()
    assert (row.status, row.decisions.latest("pk").actor) == (Status.DISMISSED, "anna")
