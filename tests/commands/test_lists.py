"""Our own lists and the inventory from the command line, and what the demonstration begins with."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from investigations.choices import ListKind
from investigations.management.demo_lists import demo_entries, furnish
from investigations.models import Actor, AuditEvent, ListEntry, OpenPort
from investigations.queries.networks import forget
from investigations.services import inventory, lists

pytestmark = pytest.mark.django_db
DESCRIBED = ("--label", "Partner", "--owner", "lea", "--reason", "monitoring")
DEMO = Actor("demonstration", automatic=True)


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    forget()
    yield
    forget()


def run(*arguments: str) -> Any:
    """What a command prints with --json."""
    return json.loads(said(*arguments, "--json"))


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def add(kind: str = "allow", value: str = "203.0.113.7", *more: str) -> Any:
    return run("list", "add", kind, value, *DESCRIBED, *more)


class TestList:
    """`list show`, `add`, `renew`, `remove`, `import` and `export`."""

    def test_it_adds_and_shows(self) -> None:
        assert said("list", "show").strip() == "the lists are empty"
        made = add()
        add("deny", "bad.example")

        assert [one["value"] for one in run("list", "show")] == ["203.0.113.7", "bad.example"]
        assert [one["number"] for one in run("list", "show", "--kind", "allow")] == [made["number"]]
        assert "203.0.113.7" in said("list", "show") and "Partner (lea)" in said("list", "show")
        assert ListEntry.objects.get(pk=made["number"]).created_by == "command line"

    def test_it_takes_windows_and_scope_of_a_scanner(self) -> None:
        more = ("--windows", "Mon-Fri 22:00-04:00; Sun all day", "--zone", "Europe/Berlin", "--target", "10.0.0.0/8")
        made = add("authorised_scanner", "203.0.113.7", *more, "--target", "192.168.0.0/16", "--ticket", "CHG-1")

        row = ListEntry.objects.get()
        assert row.windows == [
            {"days": [0, 1, 2, 3, 4], "from": "22:00", "to": "04:00"},
            {"days": [6], "from": "00:00", "to": "00:00"},
        ]
        assert (row.zone, row.targets, row.ticket) == ("Europe/Berlin", ["10.0.0.0/8", "192.168.0.0/16"], "CHG-1")
        assert made["windows"] == "Mon-Fri 22:00-04:00; Sun all day"

    def test_it_expires_after_the_days_that_are_given(self) -> None:
        add("allow", "203.0.113.7", "--days", "10")
        made = add("allow", "203.0.113.8")
        days = [round((row.expires - now()) / timedelta(days=1)) for row in ListEntry.objects.order_by("pk")]
        assert days == [10, lists.DEFAULT_DAYS]
        run("list", "renew", str(made["number"]), "--days", "365", "--reason", "looked at again")

        assert round((ListEntry.objects.get(pk=made["number"]).expires - now()) / timedelta(days=1)) == 365
        assert AuditEvent.objects.get(action="list.renewed").reason == "looked at again"

    def test_it_removes_and_keeps_the_history(self) -> None:
        number = str(add()["number"])
        run("list", "remove", number, "--reason", "the contract ended")

        assert run("list", "show") == []
        assert ListEntry.objects.get().removed_by == "command line"
        assert AuditEvent.objects.get(action="list.removed").reason == "the contract ended"
        with pytest.raises(CommandError, match="no such entry"):
            call_command("list", "remove", number, "--reason", "again")

    def test_it_stores_what_is_doubtful_only_when_told_so(self) -> None:
        with pytest.raises(CommandError, match="wider than /16"):
            add("allow", "96.0.0.0/8")
        assert not ListEntry.objects.exists()
        add("allow", "96.0.0.0/8", "--confirm")

        assert ListEntry.objects.get().value == "96.0.0.0/8"

    def test_it_imports_what_it_exports(self, tmp_path: Path) -> None:
        add("authorised_scanner", "203.0.113.7", "--windows", "daily 01:00-05:00", "--target", "10.0.0.0/8")
        add("allow", "partner.example")
        file = tmp_path / "lists.csv"
        file.write_text(said("list", "export"))
        before = [{**one, "number": 0} for one in run("list", "export")]
        ListEntry.objects.all().delete()

        assert run("list", "import", str(file)) == {"added": 2, "skipped": 0, "expired": 0}
        assert [{**one, "number": 0} for one in run("list", "export")] == before
        assert run("list", "import", str(file))["skipped"] == 2

    def test_it_imports_all_or_nothing_and_names_the_lines(self, tmp_path: Path) -> None:
        file = tmp_path / "lists.csv"
        file.write_text(
            "kind,value,label,owner,reason\n"
            "allow,203.0.113.7,Partner,lea,monitoring\n"
            "allow,bad!,Partner,lea,monitoring\n"
            "deny,203.0.113.8,,lea,monitoring\n"
        )
        with pytest.raises(CommandError) as caught:
            call_command("list", "import", str(file))

        assert "line 3: " in str(caught.value) and "line 4: The label is missing" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not ListEntry.objects.exists()

    def test_it_writes_nothing_to_the_terminal_that_the_terminal_would_obey(self) -> None:
        add = ["list", "add", "allow", "203.0.113.7", "--owner", "lea", "--reason", "r", "--label"]
        with pytest.raises(CommandError, match="holds a character that is no text"):
            said(*add, "\x1b[2Jgone")
        run(*add, "gone\u202e")

        for text in (said("list", "show"), said("list", "show", "--json")):
            assert "\u202e" not in text
        assert "gone\u202e" in said("list", "export")  # byte for byte, as this goes to a file


class TestInventory:
    """`inventory`."""

    def test_it_replaces_the_inventory_of_its_name(self, tmp_path: Path) -> None:
        file = tmp_path / "ports.csv"
        file.write_text("\ufeffip,port,proto,service\n10.20.0.5,22,tcp,ssh\n10.20.0.5,443,tcp,https\n10.20.0.6,,,\n")
        assert run("inventory", str(file), "--name", "perimeter") == {"rows": 3, "addresses": 2}
        file.write_text("address,port\n10.20.0.7,80\n")
        assert "1 line about 1 address" in said("inventory", str(file), "--name", "perimeter")

        assert list(OpenPort.objects.values_list("address", "port")) == [("10.20.0.7", 80)]
        assert AuditEvent.objects.filter(action="inventory.uploaded", actor="command line").count() == 2

    def test_it_takes_addresses_of_others_only_when_told_so(self, tmp_path: Path) -> None:
        file = tmp_path / "ports.csv"
        file.write_text("address,port\n9.9.9.9,53\n")
        with pytest.raises(CommandError, match=r"9\.9\.9\.9 is none of our own networks"):
            call_command("inventory", str(file), "--name", "others")
        assert not OpenPort.objects.exists()

        assert run("inventory", str(file), "--name", "others", "--foreign")["rows"] == 1


BAD_INPUT = {
    "list": "required",
    "list show --kind friends": "invalid choice",
    "list add friends 203.0.113.7": "invalid choice",
    "list add allow 203.0.113.7 --label a --owner b": "--reason",
    "list add allow nonsense! --label a --owner b --reason c": "neither an address",
    "list add allow 203.0.113.7/24 --label a --owner b --reason c": "203.0.113.0/24",
    "list add allow 203.0.113.7 --label a --owner b --reason c --days many": "invalid int value",
    "list add allow 203.0.113.7 --label a --owner b --reason c --days 0": "passed already",
    "list add allow 203.0.113.7 --label a --owner b --reason c --days 99999999": "out of reach",
    "list add allow 203.0.113.7 --label a --owner b --reason c --windows Mon": "is no window",
    "list add authorised_scanner 203.0.113.7 --label a --owner b --reason c --zone Mars/Phobos": "no time zone",
    "list add authorised_scanner 203.0.113.7 --label a --owner b --reason c --target x": "neither",
    "list renew 999999": "no such entry",
    "list renew many": "invalid int value",
    "list remove 999999 --reason c": "no such entry",
    "list remove 1": "--reason",
    "list import {tmp}/missing.csv": "No such file",
    "list import {tmp}": "Is a directory",
    "list import {tmp}/binary.csv": "can't decode",
    "list import {tmp}/other.csv": "header needs",
    "inventory {tmp}/missing.csv --name p": "No such file",
    "inventory {tmp}/other.csv": "--name",
    "inventory {tmp} --name p": "Is a directory",
    "inventory {tmp}/binary.csv --name p": "no text in UTF-8",
    "inventory {tmp}/other.csv --name p": "header needs address and port",
}


@pytest.mark.parametrize("command", BAD_INPUT)
def test_it_answers_bad_input_in_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "other.csv").write_text("name,age\nlea,40\n")
    with pytest.raises(CommandError) as caught:
        call_command(*(word.format(tmp=tmp_path) for word in command.split()), stderr=io.StringIO())

    assert BAD_INPUT[command] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not ListEntry.objects.exists() and not OpenPort.objects.exists()


class TestDemonstration:
    """The lists and the inventory of `make demo`."""

    def test_it_furnishes_every_list_and_an_inventory_once(self) -> None:
        furnish(DEMO)
        count, ports = ListEntry.objects.count(), OpenPort.objects.count()
        assert set(ListEntry.objects.values_list("kind", flat=True)) == set(ListKind.values)
        assert OpenPort.objects.filter(port__gt=0).count() == 5
        furnish(DEMO)

        assert (ListEntry.objects.count(), OpenPort.objects.count()) == (count, ports)

    def test_it_brings_nothing_back_that_somebody_has_removed(self) -> None:
        furnish(DEMO)
        lists.remove(ListEntry.objects.earliest("pk").pk, reason="not ours", actor=DEMO)
        inventory.upload(["address,port\n", "10.20.0.5,22\n"], name="mine", actor=DEMO)
        inventory.remove("perimeter", actor=DEMO)
        furnish(DEMO)

        assert ListEntry.objects.kept().count() == len(demo_entries(now())) - 1
        assert list(OpenPort.objects.values_list("inventory", flat=True)) == ["mine"]
