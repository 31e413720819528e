"""Which entries of our own lists cover a source, and how an authorised scanner stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from investigations.choices import ListKind
from investigations.models import AlertBin, Investigation, ListEntry, ScannedHost
from investigations.playbooks.engine import Engine
from investigations.queries.lists import Subject, kind_counts, listed
from investigations.services.ingest import store
from investigations.services.lists import remove
from tests.makers import make_alert
from tests.services.list_makers import LEA, NIGHTS, NOON, SOON, expire, put

pytestmark = pytest.mark.django_db


def subject(value: str, number: int = 1, **changes: Any) -> Subject:
    kind = "domain-name" if value[-1].isalpha() and ":" not in value else "ipv6-addr" if ":" in value else "ipv4-addr"
    return Subject(**({"investigation": number, "value": value, "kind": kind, "first": NOON, "last": NOON} | changes))


def labels(*subjects: Subject, moment: datetime = NOON) -> list[list[str]]:
    found = listed(subjects, moment)
    return [[one.label for one in found.get(subject.investigation, ())] for subject in subjects]


def test_it_names_the_most_specific_entry_first_and_each_family_for_itself() -> None:
    put("203.0.113.0/24", label="network")
    put("203.0.0.0/16", label="wide")
    put("203.0.113.7", "deny", label="address")
    put("2001:db8::/48", label="six")
    put("shop.example", label="domain")
    put("a.shop.example", "deny", label="name")

    assert labels(
        subject("203.0.113.7", 1),
        subject("203.0.113.8", 2),
        subject("198.51.100.7", 3),
        subject("2001:db8::7", 4),
        subject("x.a.shop.example", 5),
        subject("shop.example", 6),
        subject("eshop.example", 7),
        moment=now(),
    ) == [["address", "network", "wide"], ["network", "wide"], [], ["six"], ["name", "domain"], ["domain"], []]


def test_it_is_as_if_an_expired_or_removed_entry_were_not_there() -> None:
    for kind in ("allow", "deny", "known_service"):
        expire(put("203.0.113.7", kind), 0.001)
    remove(put("203.0.113.0/24").pk, reason="x", actor=LEA)
    put("203.0.0.0/16", "own_network")

    assert labels(subject("203.0.113.7")) == [[]]


def test_it_copies_the_entry_as_it_stands() -> None:
    row = put("203.0.113.7", "deny", ticket="SEC-1")
    [found] = listed([subject("203.0.113.7")], NOON)[1]

    assert (found.kind, found.entry, found.value, found.ticket) == ("deny", row.pk, "203.0.113.7", "SEC-1")
    assert (found.state, found.detail, found.expires) == ("in_force", "", row.expires.isoformat())


def scanning(
    value: str = "10.9.0.4", *, hosts: dict[str, int] | None = None, at: list[datetime] | None = None
) -> Subject:
    """An investigation of a source that probed these hosts in these minutes."""
    moments = at or [NOON]
    row = Investigation.objects.create(
        kind="ipv4-addr",
        subject=value,
        source=value,
        due=now(),
        first_alert=min(moments),
        last_alert=max(moments),
    )
    for address, alerts in (hosts or {}).items():
        ScannedHost.objects.create(investigation=row, address=address, alerts=alerts)
    for moment in moments:
        AlertBin.objects.create(investigation=row, start=moment, alerts=1)
    return subject(value, row.pk, first=min(moments), last=max(moments))


def state(scan: Subject, moment: datetime = NOON) -> tuple[str, str]:
    [found] = listed([scan], moment)[scan.investigation]
    return found.state, found.detail


def test_it_judges_a_scanner_by_the_minutes_in_which_it_scanned() -> None:
    put("10.9.0.4", "authorised_scanner", windows=NIGHTS, zone="Europe/Berlin")
    two_nights = [datetime(2026, 11, 24, 21, 30, tzinfo=UTC), datetime(2026, 11, 25, 22, 30, tzinfo=UTC)]
    by_day = [*two_nights, datetime(2026, 11, 26, 3, 10, tzinfo=UTC)]

    assert state(scanning(at=two_nights))[0] == "in_force"
    assert state(scanning(at=by_day)) == (
        "outside_window",
        "it scanned on 2026-11-26 at 04:10, but may scan Mon–Fri 22:00–04:00 Europe/Berlin",
    )


def test_it_judges_a_scanner_by_all_that_it_probed() -> None:
    put("10.9.0.4", "authorised_scanner", targets=["10.20.0.0/16", "fd00::1", "192.0.2.7"])
    inside = {"10.20.8.1": 3, "fd00::1": 1, "192.0.2.7": 1}
    outside = {"10.21.0.1": 1, "10.21.0.2": 9, "fd00::2": 4, "192.0.2.8": 2}

    assert state(scanning(hosts=inside))[0] == "in_force"
    assert state(scanning(hosts=inside | outside)) == (
        "outside_scope",
        "it probed 4 addresses outside its scope: 10.21.0.2, fd00::2 and 192.0.2.8",
    )
    assert state(scanning(hosts=inside | {"10.21.0.1": 1}))[1] == "it probed 1 address outside its scope: 10.21.0.1"


def test_it_lets_an_expired_scanner_misbehave_for_thirty_days() -> None:
    row = put("10.9.0.4", "authorised_scanner")
    expire(row, 0.001)
    assert state(scanning()) == ("expired", "its authorisation ended on 2026-11-25")
    expire(row, 29.9)
    assert state(scanning())[0] == "expired"
    expire(row, 30.1)
    assert labels(scanning()) == [[]]


def test_it_takes_a_scan_before_the_expiry_as_authorised_although_it_is_judged_after_it() -> None:
    expire(put("10.9.0.4", "authorised_scanner"), 0.1)
    assert state(scanning(at=[NOON - timedelta(days=1)]))[0] == "in_force"


def test_it_asks_the_same_number_of_questions_for_one_and_for_many() -> None:
    for number in range(20):
        put(f"10.9.{number}.0/24", "authorised_scanner", windows=NIGHTS, targets=["10.20.0.0/16"])
    scans = [scanning(f"10.9.{number}.4", hosts={"10.20.0.1": 1}) for number in range(20)]
    with CaptureQueriesContext(connection) as one:
        listed(scans[:1], NOON)
    with CaptureQueriesContext(connection) as many:
        assert len(listed(scans, NOON)) == 20
    assert len(one) == len(many) == 4


def test_it_finds_the_entries_by_their_indexes() -> None:
    ListEntry.objects.bulk_create(
        ListEntry(kind="deny", label="x", owner="x", reason="x", created_by="x", expires=now() + SOON, **place)
        for number in range(4000)
        for place in ({"network": f"10.{number // 250}.{number % 250}.0/24"}, {"domain": f"d{number}.example"})
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE investigations_listentry")
    with CaptureQueriesContext(connection) as queries:
        assert len(listed([subject("10.3.7.9", 1), subject("a.d77.example", 2)], now())) == 2
    sql = queries.captured_queries[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "entries_of_address" in plan and "entries_of_domain" in plan and "Seq Scan" not in plan


def test_it_counts_the_lists_and_what_is_due() -> None:
    moment = now()
    put("203.0.113.7")
    put("203.0.113.8", expires=moment + timedelta(days=13))
    expire(put("203.0.113.9"), 1, moment)
    counts = kind_counts(moment)
    assert (counts[ListKind.ALLOW].entries, counts[ListKind.ALLOW].due, counts[ListKind.DENY].entries) == (3, 2, 0)


def test_it_decides_by_the_lists_and_counts_the_hits(simulator: Any) -> None:
    denied = put("198.51.100.10", "deny")
    scanner = put("203.0.113.77", "authorised_scanner", targets=["10.20.0.0/16"])
    store([make_alert("198.51.100.10"), make_alert("203.0.113.77"), make_alert("203.0.113.66")])
    with Engine() as engine:
        engine.run(30)

    rules = {row.subject: row.decisions.latest("pk").rule for row in Investigation.objects.all()}
    assert rules["198.51.100.10"] == "deny-listed" and rules["203.0.113.77"] == "authorised-scanner"
    for row in (denied, scanner):
        row.refresh_from_db()
        assert row.hits >= 1 and row.last_hit is not None
