"""The inventory of open ports, and what it tells about a scan."""

from __future__ import annotations

from typing import Any

import pytest

from investigations.models import Actor, AuditEvent, Investigation, OpenPort
from investigations.queries.scan import scan_facts
from investigations.services.ingest import store
from investigations.services.inventory import remove, upload
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
LEA = Actor("lea")
SOURCE = "203.0.113.66"
CSV = ["ip,port,proto,service\n", "10.20.0.5,22,tcp,ssh\n", "10.20.0.5,443,tcp,https\n", "10.20.0.6,0,,\n", "\n"]


def facts() -> Any:
    row = Investigation.objects.get()
    return scan_facts([row.pk])[row.pk]


def probes(*ports: int, victim: str = "10.20.0.5") -> None:
    store([make_alert(SOURCE, victim=victim, victim_port=port) for port in ports])


def test_it_counts_probed_ports_that_are_open() -> None:
    result = upload(CSV, name="perimeter", actor=LEA)
    assert (result.rows, result.addresses, result.problems) == (3, 2, [])
    probes(22, 22, 443, 23, 8080)

    scan = facts()
    assert (scan.ports, scan.exposed, scan.exposed_ports) == (4, 2, (22, 443))


def test_it_counts_a_port_only_where_it_is_open() -> None:
    upload(CSV, name="perimeter", actor=LEA)
    probes(22, victim="10.20.0.6")

    assert (facts().exposed, facts().exposed_ports) == (0, ())


def test_it_knows_nothing_about_addresses_that_no_inventory_covers() -> None:
    probes(22, victim="10.20.0.77")
    assert facts().exposed is None
    upload(CSV, name="perimeter", actor=LEA)
    assert facts().exposed is None


def test_it_replaces_an_inventory_of_the_same_name() -> None:
    upload(CSV, name="perimeter", actor=LEA)
    upload(["address,port\n", "10.20.0.5,80\n"], name="perimeter", actor=LEA)
    assert list(OpenPort.objects.values_list("port", flat=True)) == [80]
    assert remove("perimeter", actor=LEA) == 1
    assert AuditEvent.objects.filter(action__startswith="inventory.").count() == 3


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "needs address and port"),
        (["a,b\n"], "needs address and port"),
        (["address,port\n"], "holds no address"),
        (["address,port\n", "10.0.0.999,22\n"], "line 2: '10.0.0.999' is no address"),
        (["address,port\n", "10.0.0.1,65536\n"], "line 2: '65536' is no port"),
        (["address,port\n", "10.0.0.1,-1\n"], "line 2: '-1' is no port"),
        (["address,port\n", "10.0.0.0/24,22\n"], "is a range"),
        (["address,port\n", "8.8.8.8,53\n"], "8.8.8.8 is none of our own networks"),
        (["address,port\n", '"10.0.0.1,22\n'], "line"),
    ],
)
def test_it_stores_nothing_of_a_file_with_mistakes(lines: list[str], problem: str) -> None:
    upload(CSV, name="perimeter", actor=LEA)
    result = upload([*lines[:1], "10.20.0.9,1\n", *lines[1:]] if len(lines) > 1 else lines, name="perimeter", actor=LEA)

    assert problem.replace("line 2", "line 3") in " ".join(result.problems)
    assert OpenPort.objects.count() == 3


def test_it_names_at_most_twenty_mistakes() -> None:
    result = upload(["address,port\n", *["x,1\n"] * 100], name="p", actor=LEA)

    assert len(result.problems) == 21


def test_it_takes_foreign_addresses_when_told_so() -> None:
    assert upload(["address,port\n", "8.8.8.8,53\n"], name="p", actor=LEA, foreign=True).rows == 1
