"""Our own lists: who may enter what, what is doubtful, and what becomes of an own network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from investigations.choices import ListKind, Scope
from investigations.models import Actor, AuditEvent, ListEntry
from investigations.playbooks.store import scope_of_value
from investigations.queries.networks import forget, own_networks
from investigations.services.lists import (
    Duplicate,
    NeedsConfirmation,
    Refused,
    add,
    change,
    read_value,
    remove,
    renew,
)
from tests.services.list_makers import LEA, NIGHTS, entry, expire, put

pytestmark = pytest.mark.django_db


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
    assert not ListEntry.objects.kept().exists()
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
