"""The queue in PostgreSQL: claims are leases with a fence; constraints refuse what must never be."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils.timezone import now

from investigations.choices import Status
from investigations.models import Investigation
from investigations.models.investigation import Settlement, settle

pytestmark = pytest.mark.django_db
PAST = now() - timedelta(hours=1)


def make(number: int = 1, **changes: Any) -> Investigation:
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    return Investigation.objects.create(
        **({"kind": "ipv4-addr", "subject": address, "source": address, "due": PAST} | changes)
    )


def settlement(pk: int, fence: int) -> Settlement:
    return Settlement(pk, fence, "escalated", "high", "malicious", "unknown", "", "headline", "", False, now())


def test_it_takes_the_most_overdue_first_and_only_what_is_due() -> None:
    late = make(1, due=PAST)
    later = make(2, due=PAST - timedelta(hours=1))
    make(3, due=now() + timedelta(hours=1))
    make(4, due=None, status=Status.NEEDS_REVIEW)

    assert Investigation.objects.claim(1, 30) == [(later.pk, 1)]
    assert Investigation.objects.claim(9, 30) == [(late.pk, 1)]
    assert Investigation.objects.claim(9, 30) == []


def test_it_lends_until_the_lease_runs_out() -> None:
    row = make()
    Investigation.objects.claim(9, 30)
    row.refresh_from_db()
    assert row.due is not None and row.due > now() + timedelta(seconds=20)
    assert (row.fence, row.attempts) == (1, 1)

    Investigation.objects.update(due=PAST)
    assert Investigation.objects.claim(9, 30) == [(row.pk, 2)]


def test_it_keeps_its_deadline_over_all_claims() -> None:
    row = make()
    Investigation.objects.claim(9, 30)
    first = Investigation.objects.get().deadline
    Investigation.objects.update(due=PAST)
    Investigation.objects.claim(9, 30)

    assert first is not None
    assert Investigation.objects.get(pk=row.pk).deadline == first


@pytest.mark.django_db(transaction=True)
def test_it_gives_each_to_one_worker_only() -> None:
    for number in range(60):
        make(number)
    start = threading.Barrier(4)
    taken: list[tuple[int, int]] = []

    def work() -> None:
        try:
            start.wait()
            while claims := Investigation.objects.claim(7, 30):
                taken.extend(claims)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len({pk for pk, _ in taken}) == 60
    assert {fence for _, fence in taken} == {1}


def test_it_writes_nothing_under_an_old_fence() -> None:
    row = make()
    Investigation.objects.claim(9, 30)
    Investigation.objects.update(due=PAST)
    Investigation.objects.claim(9, 30)

    assert settle([settlement(row.pk, 1)]) == set()
    assert Investigation.objects.renew([(row.pk, 1)], 30) == set()
    Investigation.objects.postpone([(row.pk, 1)], 0)
    row.refresh_from_db()
    assert (row.status, row.fence) == (Status.ENRICHING, 2)
    assert row.due is not None and row.due > now()

    assert settle([settlement(row.pk, 2)]) == {row.pk}
    assert settle([settlement(row.pk, 2)]) == set()  # once
    row.refresh_from_db()
    assert (row.status, row.due, row.attempts) == (Status.ESCALATED, None, 0)


@pytest.mark.django_db(transaction=True)
def test_it_gives_work_back_at_once() -> None:
    row = make()
    claims = Investigation.objects.claim(9, 30)
    Investigation.objects.postpone(claims, 0)

    assert Investigation.objects.claim(9, 30) == [(row.pk, 2)]


@pytest.mark.parametrize(
    "changes",
    [
        {"due": None},  # enriching, and nobody would ever look at it
        {"status": "dismissed", "due": None},  # dismissed, and still open
        {"status": "escalated", "due": None, "closed": PAST},  # closed without a reason
    ],
)
def test_it_refuses_a_state_that_must_never_be(changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "priority"),
    [
        ({}, 10),
        ({"status": "needs_review", "due": None, "severity": "low"}, 21),
        ({"status": "escalated", "due": None, "severity": "critical"}, 34),
        ({"status": "escalated", "due": None, "disposition": "noise", "closed": PAST}, 0),
    ],
)
def test_it_ranks_what_a_person_must_look_at_first(changes: dict[str, Any], priority: int) -> None:
    row = make(**changes)
    row.refresh_from_db()

    assert row.priority == priority
