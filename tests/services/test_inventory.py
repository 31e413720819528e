"""The inventory of open ports: how it comes in, and what a scan met of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from investigations.models import Actor, AuditEvent, Investigation, OpenPort
from investigations.queries.inventory import inventories, open_addresses
from investigations.queries.scan import scan_facts
from investigations.services.ingest import store
from investigations.services.inventory import MAX_PROBLEMS, remove, upload
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
LEA = Actor("lea")


def put(text: str, name: str = "perimeter", **options: Any) -> list[str]:
    """Upload it; the problems."""
    return upload(text.splitlines(keepends=True), name=name, actor=LEA, **options).problems


def stored(name: str = "perimeter") -> list[tuple[str, int, str]]:
    return list(OpenPort.objects.filter(inventory=name).order_by("pk").values_list("address", "port", "service"))


# Uploading


def test_it_stores_each_port_once_and_says_how_many() -> None:
    result = upload(
        iter(["\ufeffIP , Proto,PORT,Service\n", "10.20.8.20,tcp,443,https\n", "10.20.8.20,tcp,443,\n", "\n",
              "fd00:0020::22,tcp,22,ssh\n", "10.20.8.21,,,\n", "10.20.8.22,,0,\n"]),
        name=" perimeter ", actor=LEA,
    )  # fmt: skip

    assert (result.rows, result.addresses, result.problems) == (5, 4, [])
    assert sorted(stored()) == [
        ("10.20.8.20", 443, "https"),
        ("10.20.8.21", 0, ""),
        ("10.20.8.22", 0, ""),
        ("fd00:20::22", 22, "ssh"),
    ]
    event = AuditEvent.objects.get(action="inventory.uploaded")
    assert (event.subject, event.actor, event.after) == ("inventory perimeter", "lea", {"rows": 4, "addresses": 4})


@pytest.mark.parametrize("name", ["address", "ip", "host", "addr"])
def test_it_knows_the_names_that_an_address_has(name: str) -> None:
    assert put(f"service,port,{name}\nssh,22,10.0.0.1\n") == []
    assert stored() == [("10.0.0.1", 22, "ssh")]


def test_it_replaces_an_inventory_as_a_whole_and_leaves_the_others_alone() -> None:
    put("address,port\n10.0.0.1,22\n10.0.0.1,80\n", "edge")
    put("address,port\n10.0.0.1,22\n", "office")
    put("address,port\n10.0.0.2,443\n", "edge")

    assert stored("edge") == [("10.0.0.2", 443, "")] and stored("office") == [("10.0.0.1", 22, "")]
    last = AuditEvent.objects.filter(action="inventory.uploaded").latest("pk")
    assert (last.before, last.after) == ({"rows": 2}, {"rows": 1, "addresses": 1})
    assert remove("office", actor=LEA) == 1 and remove("office", actor=LEA) == 0
    assert stored("edge") and AuditEvent.objects.filter(action="inventory.removed").count() == 1


def test_it_stores_nothing_of_a_file_with_wrong_lines_and_names_them() -> None:
    put("address,port\n10.0.0.1,22\n")
    problems = put(
        "address,port\n10.0.0.2,80\n10.0.0.0/24,80\n10.0.0.1-9,80\nserver,80\n8.8.8.8,53\n10.0.0.3,65536\n10.0.0.3,-1\n"
        "10.0.0.3,٤\n10.0.0.3,ssh\n10.0.0.4,81\n"
    )

    assert problems == [
        "line 3: '10.0.0.0/24' is a range: give single addresses",
        "line 4: '10.0.0.1-9' is a range: give single addresses",
        "line 5: 'server' is no address",
        "line 6: 8.8.8.8 is none of our own networks",
        "line 7: '65536' is no port",
        "line 8: '-1' is no port",
        "line 9: '٤' is no port",
        "line 10: 'ssh' is no port",
    ]
    assert stored() == [("10.0.0.1", 22, "")]


def test_it_takes_addresses_of_our_own_networks_and_others_only_when_that_is_meant(settings: Any) -> None:
    settings.OWN_NETWORKS = ()
    assert put("address,port\n203.0.113.7,22\n") == ["line 2: 203.0.113.7 is none of our own networks"]
    assert put("address,port\n203.0.113.7,22\n", foreign=True) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the header needs address and port"),
        ("address,service\n10.0.0.1,x\n", "the header needs address and port"),
        ("address,port\n", "The file holds no address"),
        ('address,port\n"10.0.0.1,22', "unexpected end of data"),
        (f"address,port,service\n10.0.0.1,22,{'x' * 200_000}\n", "field larger than"),
    ],
)
def test_it_says_what_is_wrong_with_a_file(text: str, why: str) -> None:
    assert why in put(text)[0] and not OpenPort.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b", "a\u202eb"])
def test_it_needs_a_name(name: str) -> None:
    assert "needs a name" in put("address,port\n10.0.0.1,22\n", name)[0]


def test_it_stops_after_twenty_problems() -> None:
    problems = put("address,port\n" + "x,1\n" * 1000)
    assert len(problems) == MAX_PROBLEMS + 1 and problems[-1] == "There may be more: the rest was not read."


def test_it_says_where_a_file_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "ports.csv"
    path.write_bytes(b"address,port,service\n10.0.0.1,22,caf\xe9\n")
    with path.open(encoding="utf-8") as lines:
        assert upload(lines, name="x", actor=LEA).problems == ["line 1: this is no text in UTF-8"]


def test_it_stores_hostile_services_as_text() -> None:
    put('address,port,service\n10.0.0.1,22,"<script>\u202e\0,""x"""\n')
    assert stored() == [("10.0.0.1", 22, '<script>\u202e,"x"')]


@pytest.mark.slow
def test_it_takes_half_a_million_lines_and_no_more() -> None:
    def lines(count: int) -> Iterator[str]:
        yield "address,port,service\n"
        for number in range(count):
            yield f"10.{number // 5 // 65536}.{number // 5 // 256 % 256}.{number // 5 % 256},{number % 5 + 1},x\n"

    started = time.monotonic()
    result = upload(lines(500_000), name="all", actor=LEA)
    print(f"{time.monotonic() - started:.1f} s")
    assert (result.rows, result.addresses) == (500_000, 100_000)
    assert "more than 500,000 lines" in upload(lines(500_001), name="all", actor=LEA).problems[0]
    assert OpenPort.objects.count() == 500_000
    [inventory] = inventories(now())
    assert (inventory.addresses, inventory.ports) == (100_000, 500_000)


# The page


def test_it_tells_how_old_an_inventory_is() -> None:
    put("address,port\n10.0.0.1,22\n10.0.0.2,\n")
    [fresh] = inventories(now())
    assert (fresh.name, fresh.addresses, fresh.ports, fresh.stale) == ("perimeter", 2, 1, False)
    assert inventories(now() + timedelta(days=91))[0].stale


def test_it_finds_addresses_by_address_network_port_and_word() -> None:
    put("address,port,service\n10.0.0.1,22,OpenSSH 9\n10.0.0.1,443,nginx\n10.0.1.9,8443,100%_x\nfd00::1,22,\n")
    put("address,port\n10.0.0.1,22\n10.0.0.7,\n", "office")
    from ipaddress import ip_network

    def found(**wanted: Any) -> list[str]:
        return [row.address for row in open_addresses(**wanted)[0]]

    assert found() == ["10.0.0.1", "10.0.1.9", "fd00::1"]  # what is open
    assert found(network=ip_network("10.0.0.0/24")) == ["10.0.0.1", "10.0.0.7"]
    assert found(port=22) == ["10.0.0.1", "fd00::1"] and found(words="openssh") == ["10.0.0.1"]
    assert found(words="%_") == ["10.0.1.9"] and found(words="%%%") == []
    first = open_addresses()[0][0]
    assert (first.count, first.ports, first.inventories) == (2, [22, 443], ["office", "perimeter"])
    assert open_addresses(words="office")[0][1].count == 0


def test_it_goes_through_the_addresses_page_by_page() -> None:
    put("address,port\n" + "".join(f"10.0.{number // 250}.{number % 250},22\n" for number in range(230)))
    seen: list[str] = []
    last = ""
    while True:
        rows, last = open_addresses(after=last)
        seen += [row.address for row in rows]
        if not last:
            break
    assert len(seen) == len(set(seen)) == 230


# What a scan met


def scan(*probes: tuple[str | None, int | None], source: str = "203.0.113.66") -> int:
    """The investigation of a source that probed these addresses and ports."""
    store([make_alert(source, victim=victim, victim_port=port) for victim, port in probes])
    return Investigation.objects.get(subject=source).pk


def exposure(number: int) -> tuple[int | None, tuple[int, ...]]:
    facts = scan_facts([number])[number]
    return facts.exposed, facts.exposed_ports


def test_it_counts_a_port_that_is_open_on_the_address_on_which_it_was_probed() -> None:
    put("address,port\n10.20.0.1,22\n10.20.0.1,443\n10.20.0.2,80\n10.20.0.9,\n")
    put("address,port\n10.20.0.1,22\n", "other")
    number = scan(
        *[("10.20.0.1", 22), ("10.20.0.1", 80), ("10.20.0.2", 80), ("10.20.0.2", 80), ("10.20.0.2", 443)],
        *[("10.20.0.2", 22), ("10.20.0.5", 8443), ("10.20.0.9", 0), (None, 22), ("10.20.0.1", None)],
    )
    assert exposure(number) == (2, (80, 22))  # 443 is open, but was probed elsewhere


def test_it_tells_nothing_and_none_apart() -> None:
    put("address,port\n10.20.0.1,22\n10.20.0.9,\n")
    looked_at, unknown = scan(("10.20.0.9", 22)), scan(("10.20.0.5", 22), source="203.0.113.77")

    assert exposure(looked_at) == (0, ()) and exposure(unknown) == (None, ())
    OpenPort.objects.all().delete()
    assert exposure(looked_at) == (None, ())


def test_it_names_the_ten_most_probed_ports() -> None:
    put("address,port\n" + "".join(f"10.20.0.1,{port}\n" for port in range(1, 21)))
    number = scan(*[("10.20.0.1", port) for port in range(1, 21) for _ in range(port % 20 + 1)])
    exposed, ports = exposure(number)
    assert exposed == 20 and ports == (19, 18, 17, 16, 15, 14, 13, 12, 11, 10)


def test_it_asks_the_same_number_of_questions_for_one_and_for_many() -> None:
    put("address,port\n10.20.0.1,22\n")
    numbers = [scan(("10.20.0.1", 22), source=f"203.0.113.{number}") for number in range(1, 9)]
    with CaptureQueriesContext(connection) as one:
        scan_facts(numbers[:1])
    with CaptureQueriesContext(connection) as many:
        assert all(facts.exposed == 1 for facts in scan_facts(numbers).values())
    assert len(one) == len(many)
