"""Our own lists: who may enter what, what is doubtful, and which entries cover a source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from investigations.choices import ListKind, Outcome, Scope, Status
from investigations.models import Actor, AlertBin, AuditEvent, Enrichment, Investigation, ListEntry, ScannedHost
from investigations.playbooks.engine import Engine
from investigations.playbooks.store import scope_of_value
from investigations.queries.lists import Subject, kind_counts, listed
from investigations.queries.networks import forget, own_networks
from investigations.services.ingest import store
from investigations.services.list_files import export_csv, import_csv
from investigations.services.lists import (
    Duplicate,
    Entry,
    NeedsConfirmation,
    Refused,
    add,
    change,
    read_value,
    remove,
    renew,
)
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
LEA = Actor("lea")
SOON = timedelta(days=90)
# A Wednesday
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NIGHTS = [{"days": [0, 1, 2, 3, 4], "from": "22:00", "to": "04:00"}]


@pytest.fixture(autouse=True)
def _no_remembered_networks() -> Iterator[None]:
    forget()
    yield
    forget()


def entry(value: str, kind: str = "allow", **changes: Any) -> Entry:
    values = {"label": "Partner", "owner": "lea", "reason": "Monitors our shop", "expires": now() + SOON}
    return Entry(kind=ListKind(kind), value=value, **(values | changes))


def put(value: str, kind: str = "allow", **changes: Any) -> ListEntry:
    return add(entry(value, kind, **changes), actor=LEA, confirmed=True)


def expire(row: ListEntry, days_ago: float, moment: datetime = NOON) -> None:
    ListEntry.objects.filter(pk=row.pk).update(expires=moment - timedelta(days=days_ago))


def subject(value: str, number: int = 1, **changes: Any) -> Subject:
    kind = "domain-name" if value[-1].isalpha() and ":" not in value else "ipv6-addr" if ":" in value else "ipv4-addr"
    return Subject(**({"investigation": number, "value": value, "kind": kind, "first": NOON, "last": NOON} | changes))


def labels(*subjects: Subject, moment: datetime = NOON) -> list[list[str]]:
    found = listed(subjects, moment)
    return [[one.label for one in found.get(subject.investigation, ())] for subject in subjects]


# Entering


def test_it_stores_an_entry_with_its_owner_and_tells_the_audit_history() -> None:
    row = put("203.0.113.0/24", ticket="SEC-12")

    assert (row.value, row.owner, row.created_by, row.hits) == ("203.0.113.0/24", "lea", "lea", 0)
    event = AuditEvent.objects.get(action="list.added")
    assert (event.actor, event.subject, event.reason) == ("lea", f"list entry {row.pk}", "Monitors our shop")
    assert event.before == {} and event.after["ticket"] == "SEC-12"


def test_it_changes_an_entry_and_keeps_both_sides() -> None:
    row = put("203.0.113.7")
    changed = change(row.pk, entry("203.0.113.8", label="Other", expires=row.expires), actor=Actor("max"))

    assert (changed.value, changed.label, changed.created_by) == ("203.0.113.8", "Other", "lea")
    event = AuditEvent.objects.get(action="list.changed")
    assert (event.actor, event.before["value"], event.after["value"]) == ("max", "203.0.113.7", "203.0.113.8")
    change(row.pk, entry("203.0.113.8", label="Other", expires=row.expires), actor=LEA)
    assert AuditEvent.objects.filter(action="list.changed").count() == 1  # nothing changed


def test_it_does_not_move_an_entry_to_another_list() -> None:
    row = put("203.0.113.7")
    with pytest.raises(Refused, match="stays on its list"):
        change(row.pk, entry("203.0.113.7", "deny"), actor=LEA)


def test_it_renews_and_removes_and_keeps_the_history() -> None:
    row = put("203.0.113.7")
    later = now() + timedelta(days=200)
    assert renew(row.pk, expires=later, reason="Still a partner", actor=LEA).expires == later
    remove(row.pk, reason="Contract ended", actor=LEA)

    row.refresh_from_db()
    assert row.removed is not None and row.removed_by == "lea"
    assert labels(subject("203.0.113.7"), moment=now()) == [[]]
    assert [(event.action, event.reason) for event in AuditEvent.objects.order_by("pk")][-2:] == [
        ("list.renewed", "Still a partner"),
        ("list.removed", "Contract ended"),
    ]
    for again in (
        lambda: remove(row.pk, reason="x", actor=LEA),
        lambda: renew(row.pk, expires=later, reason="", actor=LEA),
    ):
        with pytest.raises(Refused, match="no such entry any more"):
            again()


def test_it_removes_nothing_without_a_reason() -> None:
    row = put("203.0.113.7")
    with pytest.raises(Refused, match="Say why"):
        remove(row.pk, reason=" ", actor=LEA)
    assert ListEntry.objects.kept().get() == row


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"label": " "}, "label is missing"),
        ({"owner": ""}, "owner is missing"),
        ({"reason": ""}, "reason is missing"),
        ({"reason": "x" * 501}, "longer than 500"),
        ({"label": "a\0b"}, "no text"),
        ({"label": "a\x1b[2Jb"}, "no text"),
        ({"label": "a\ud800b"}, "no text"),
        ({"expires": None}, "needs an expiry"),
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "has passed"),
        ({"expires": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "more than ten years"),
        ({"windows": NIGHTS}, "belong to authorised scanners"),
        ({"targets": ["10.0.0.0/8"]}, "belong to authorised scanners"),
        ({"kind": ListKind.AUTHORISED_SCANNER, "zone": "Mars/Phobos"}, "no time zone"),
        ({"kind": ListKind.AUTHORISED_SCANNER, "windows": ["x"]}, "window 1"),
        ({"kind": ListKind.AUTHORISED_SCANNER, "targets": ["shop.example"]}, "no address and no network"),
        ({"kind": ListKind.AUTHORISED_SCANNER, "targets": ["10.0.0.1"] * 201}, "At most 200"),
        ({"kind": ListKind.AUTHORISED_SCANNER, "value": "scan.example"}, "not a domain"),
        ({"kind": ListKind.OWN_NETWORK, "value": "scan.example"}, "not a domain"),
    ],
)
def test_it_refuses_what_cannot_be_an_entry(changes: dict[str, Any], why: str) -> None:
    wanted = {"value": "203.0.113.7", "kind": ListKind.ALLOW} | changes
    with pytest.raises(Refused, match=why):
        put(**wanted)
    assert not ListEntry.objects.exists() and not AuditEvent.objects.filter(action="list.added").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("203[.]0[.]113[.]0/24", "203.0.113.0/24"),
        ("[2001:db8::7]", "2001:db8::7/128"),
        ("fe80::1%eth0", "fe80::1/128"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("203.0.113.0/255.255.255.0", "203.0.113.0/24"),
    ],
)
def test_it_reads_addresses_and_networks_as_people_write_them(text: str, expected: str) -> None:
    assert str(read_value(text)[0]) == expected


def test_it_reads_domains_in_any_script() -> None:
    assert read_value("Shop.Example.")[1] == "shop.example"
    assert read_value("münchen.example")[1] == "xn--mnchen-3ya.example"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("203.0.113.7/24", "is 203.0.113.0/24 meant"),
        ("203.0.113.0/33", "neither an address"),
        ("", "neither an address"),
        ("fe80::%eth0/64", "neither an address"),
        ("https://shop.example/x", "neither an address"),
        ("<script>alert(1)</script>", "neither an address"),
        ("203.0.113.7\0", "neither an address"),
        ("a" * 100_000, "too long"),
        ("0.0.0.0/0", "whole Internet"),
        ("::/0", "whole Internet"),
    ],
)
def test_it_says_what_is_wrong_with_a_value(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        put(text)


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        ("198.0.0.0/15", "allow", "everything in it would be trusted"),
        ("2a00::/31", "known_service", "everything in it would be trusted"),
        ("198.0.0.0/8", "deny", "everything in it would be escalated"),
        ("198.0.0.0/12", "authorised_scanner", "would be allowed to scan"),
        ("198.0.0.0/7", "own_network", "never asked about"),
        ("198.51.0.0/16", "allow", "overlaps our own network 198.51.100.0/24"),
        ("198.51.100.7", "deny", "overlaps our own network 198.51.100.0/24"),
        ("192.0.2.0/24", "allow", "overlaps 192.0.2.66, which is escalated as “Partner”"),
        ("192.0.2.66", "authorised_scanner", "denied wins"),
        ("203.0.113.7", "deny", "overlaps 203.0.113.0/24, which is trusted"),
        ("evil.shop.example", "deny", "overlaps shop.example, which is trusted"),
        ("co.uk", "allow", "Anybody can register names below co.uk"),
    ],
)
def test_it_asks_whether_the_doubtful_is_meant(value: str, kind: str, why: str) -> None:
    for present in (("198.51.100.0/24", "own_network"), ("192.0.2.66", "deny"), ("203.0.113.0/24",), ("shop.example",)):
        put(*present)
    forget()

    with pytest.raises(NeedsConfirmation, match=why):
        add(entry(value, kind), actor=LEA)
    assert put(value, kind).pk


def test_it_does_not_doubt_a_value_again_that_stays() -> None:
    row = put("198.0.0.0/15")
    assert change(row.pk, entry("198.0.0.0/15", label="Other"), actor=LEA).label == "Other"
    with pytest.raises(NeedsConfirmation):
        change(row.pk, entry("198.0.0.0/14"), actor=LEA)


def test_it_takes_nothing_twice_but_a_scanner_with_other_windows() -> None:
    put("203.0.113.7")
    with pytest.raises(Duplicate, match="on this list already, as “Partner”"):
        put("::ffff:203.0.113.7", label="Again")
    put("203.0.113.7", "known_service")
    put("10.9.0.4", "authorised_scanner", windows=NIGHTS)
    put("10.9.0.4", "authorised_scanner", windows=[{"days": [6], "from": "00:00", "to": "00:00"}])
    with pytest.raises(Duplicate):
        put("10.9.0.4", "authorised_scanner", windows=NIGHTS)


# Covering


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


# Own networks


def test_it_keeps_an_own_network_until_somebody_removes_it(settings: Any) -> None:
    settings.OWN_NETWORKS = ()
    row = put("203.0.113.0/24", "own_network", expires=None)
    expire(row, 400)
    forget()
    assert [str(network) for network in own_networks()] == ["203.0.113.0/24"]
    assert scope_of_value("203.0.113.9", "ipv4-addr") == Scope.INTERNAL  # type: ignore[arg-type]

    remove(row.pk, reason="sold", actor=LEA)
    forget()
    assert own_networks() == ()


@pytest.mark.django_db(transaction=True)
def test_it_knows_an_own_network_as_soon_as_it_is_stored(settings: Any) -> None:
    settings.OWN_NETWORKS = ()
    assert own_networks() == ()
    row = put("203.0.113.0/24", "own_network")
    assert [str(network) for network in own_networks()] == ["203.0.113.0/24"]
    remove(row.pk, reason="sold", actor=LEA)
    assert own_networks() == ()


def test_it_names_no_address_of_an_own_network_to_anybody(simulator: Any) -> None:
    put("203.0.113.0/24", "own_network")
    store([make_alert("203.0.113.66", victim="10.20.0.9"), make_alert("198.51.100.10")])
    with Engine() as engine:
        engine.run(30)

    asked = {request.value for request in simulator.requests}
    assert "198.51.100.10" in asked and "203.0.113.66" not in asked
    assert not any("66.113.0.203" in query.name for query in simulator.dns_queries)
    ours = Investigation.objects.get(subject="203.0.113.66")
    assert ours.status == Status.ESCALATED and ours.decisions.get().rule == "internal-reconnaissance"
    answers = Enrichment.objects.filter(investigation=ours).exclude(provider="warninglists")
    assert set(answers.values_list("outcome", flat=True)) == {Outcome.SKIPPED}


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


# Files


def test_it_imports_what_it_exports() -> None:
    put("203.0.113.0/24", label="=cmd|' /C calc'!A0", reason='He said "yes", then', ticket="'x")
    put("10.9.0.4", "authorised_scanner", windows=NIGHTS, zone="Europe/Berlin", targets=["10.20.0.0/16", "fd00::1"])
    put("shop.example", "deny")
    expire(put("192.0.2.0/24", "own_network", expires=now() + SOON), 5)
    text = export_csv(ListEntry.objects.kept().order_by("pk"))
    before = list(
        ListEntry.objects.order_by("pk").values_list("network", "domain", "label", "reason", "ticket", "windows")
    )
    ListEntry.objects.all().delete()

    result = import_csv(text, actor=LEA, confirmed=True)

    assert (result.added, result.problems, result.doubts) == (4, [], [])
    assert (
        list(ListEntry.objects.order_by("pk").values_list("network", "domain", "label", "reason", "ticket", "windows"))
        == before
    )
    assert export_csv(ListEntry.objects.kept().order_by("pk")) == text
    assert ",'=cmd" in text and "\n=" not in text
    again = import_csv(text, actor=LEA)
    assert (again.added, again.skipped) == (0, 4)
    assert AuditEvent.objects.filter(action="list.added").count() == 8


HEADER = "kind,value,label,owner,reason,expires,windows\n"


def test_it_imports_all_lines_or_none_and_names_every_wrong_one() -> None:
    text = HEADER + (
        "allow,203.0.113.7,Fine,lea,why,,\n"
        "friend,203.0.113.7,x,lea,why,,\n"
        "allow,203.0.113.9/24,x,lea,why,,\n"
        "\n"
        "allow,203.0.113.8,,lea,why,,\n"
        "allow,203.0.113.10,x,lea,why,tomorrow,\n"
        "authorised_scanner,10.0.0.1,x,lea,why,,[[[[\n"
        "allow,198.0.0.0/8,x,lea,why,,\n"
    )
    result = import_csv(text, actor=LEA)

    assert result.added == 0 and not ListEntry.objects.exists() and not AuditEvent.objects.filter(action="list.added")
    assert [problem.partition(":")[0] for problem in result.problems] == [
        "line 3",
        "line 4",
        "line 6",
        "line 7",
        "line 8",
    ]
    assert len(result.doubts) == 1 and result.doubts[0].startswith("line 9: 198.0.0.0/8 is wider than /16")


def test_it_takes_a_date_as_the_end_of_its_day() -> None:
    import_csv(
        HEADER + "allow,203.0.113.7,x,lea,why,2030-01-31,\nallow,203.0.113.8,x,lea,why,2030-01-31T08:00+02:00,\n",
        actor=LEA,
    )
    expiries = [f"{row.expires:%Y-%m-%d %H:%M}" for row in ListEntry.objects.order_by("pk")]
    assert expiries == ["2030-01-31 23:59", "2030-01-31 06:00"]


def test_it_imports_the_doubtful_when_that_is_meant_and_passes_over_the_expired() -> None:
    text = (
        HEADER
        + "allow,198.0.0.0/8,x,lea,why,,\nallow,203.0.113.7,x,lea,why,2020-01-01,\nallow,203.0.113.8,x,lea,why,,\n"
    )
    assert import_csv(text, actor=LEA).added == 0
    result = import_csv(text, actor=LEA, confirmed=True)

    assert (result.added, result.expired) == (2, 1)
    row = ListEntry.objects.get(network="203.0.113.8/32")
    assert row.expires is not None and timedelta(days=89) < row.expires - now() < timedelta(days=91)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The header needs kind, value, label, owner, reason"),
        ("kind,value,label,owner,reason,target\n", "There is no column 'target'"),
        ("kind;value;label;owner;reason\n", "The header needs"),
        ("\ufeff Kind , VALUE,label,owner\n", "The header needs reason"),
        ('kind,value,label,owner,reason\nallow,"203.0.113.7', "unexpected end of data"),
        (HEADER + "allow,x\0y,a,b,c,,\n", "neither an address"),
        (HEADER + f"allow,203.0.113.7,a,b,{'x' * 200_000},,\n", "field larger than"),
        (HEADER + "allow,203.0.113.7,a,b,c,,\n" * 5001, "More than 5,000 lines"),
    ],
)
def test_it_says_what_is_wrong_with_a_file(text: str, why: str) -> None:
    result = import_csv(text, actor=LEA)
    assert why in result.problems[0] and not ListEntry.objects.exists()
