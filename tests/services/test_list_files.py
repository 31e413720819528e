"""Our own lists as CSV files: all of a file or nothing, and an export that is an import."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import now

from investigations.models import AuditEvent, ListEntry
from investigations.services.list_files import export_csv, import_csv
from tests.services.list_makers import LEA, NIGHTS, SOON, expire, put

pytestmark = pytest.mark.django_db


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
