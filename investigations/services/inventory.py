"""The inventory of our open ports: a CSV file that replaces the earlier one of its name."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import now

from investigations.artifacts import Network, normalise_address, scope_of
from investigations.choices import Scope
from investigations.models import Actor, AuditEvent, OpenPort
from investigations.queries.networks import own_networks

MAX_ROWS = 500_000
MAX_PROBLEMS = 20  # that are named
MAX_NAME = 100
LOCK_CLASS = 7352
SYNONYMS = {
    "address": ("address", "ip", "host", "addr", "ip_address"),
    "port": ("port", "dst_port", "open_port"),
    "service": ("service", "name", "product"),
}
STAGING = "CREATE TEMPORARY TABLE ports (address inet, port int, service text) ON COMMIT DROP"
INSERT = """
INSERT INTO investigations_openport (inventory, address, port, service, uploaded)
SELECT %s, address, port, max(service), %s FROM ports GROUP BY address, port"""


@dataclass(slots=True)
class Uploaded:
    """What became of a file; with any problem the inventory is as it was. Port 0: only looked at, nothing open."""

    rows: int = 0
    addresses: int = 0
    problems: list[str] = field(default_factory=list)


def upload(lines: Iterable[str], *, name: str, actor: Actor, foreign: bool = False) -> Uploaded:
    """Replace the inventory of this name. `foreign` allows addresses that are none of ours."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        return Uploaded(problems=[f"The inventory needs a name of at most {MAX_NAME} characters."])
    with transaction.atomic(), connection.cursor() as cursor:
        # Two uploads of one name are one after the other: neither sees half of the other one
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_CLASS, name])
        result = _stage(cursor, lines, foreign)
        if result.problems:
            transaction.set_rollback(True)
            return result
        cursor.execute("DELETE FROM investigations_openport WHERE inventory = %s", [name])
        before = {"rows": cursor.rowcount} if cursor.rowcount else {}
        cursor.execute(INSERT, [name, now()])
        after = {"rows": cursor.rowcount, "addresses": result.addresses}
        cursor.execute("DROP TABLE ports")
        AuditEvent.objects.record(actor, "inventory.uploaded", f"inventory {name}", before=before, after=after)
    return result


def remove(name: str, *, actor: Actor) -> int:
    """Forget an inventory; how many rows it had."""
    with transaction.atomic():
        count, _ = OpenPort.objects.filter(inventory=name).delete()
        if count:
            AuditEvent.objects.record(actor, "inventory.removed", f"inventory {name}", before={"rows": count})
    return count


def _stage(cursor: Any, lines: Iterable[str], foreign: bool) -> Uploaded:
    # Asked before the COPY begins: the connection runs no other statement while it goes on
    networks = () if foreign else own_networks()
    result, addresses = Uploaded(), set()
    cursor.execute(STAGING)
    with cursor.copy("COPY ports (address, port, service) FROM STDIN") as copy:
        for row in _rows(lines, result, networks, foreign):
            addresses.add(row[0])
            copy.write_row(row)
    if not result.rows and not result.problems:
        result.problems.append("The file holds no address.")
    result.addresses = len(addresses)
    return result


def _rows(
    lines: Iterable[str], result: Uploaded, networks: Sequence[Network], foreign: bool
) -> Iterator[tuple[str, int, str]]:
    """The rows of the file; once one is wrong, only its further problems are looked for."""
    reader = csv.reader(lines, strict=True)
    try:
        places = _places(next(reader, []))
        known = _known_addresses(networks, foreign)
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            result.rows += 1
            if result.rows > MAX_ROWS:
                raise ValueError(f"there are more than {MAX_ROWS:,} lines")
            try:
                row = _row(line, places, known)
            except ValueError as error:
                if not _note(result, f"line {reader.line_num}: {error}"):
                    return
            else:
                if not result.problems:
                    yield row
    except UnicodeDecodeError:
        _note(result, f"line {reader.line_num + 1}: this is no text in UTF-8")
    except (csv.Error, ValueError) as error:
        _note(result, f"line {reader.line_num}: {error}")


def _note(result: Uploaded, problem: str) -> bool:
    """Whether there is room for more of them."""
    result.problems.append(problem)
    if len(result.problems) == MAX_PROBLEMS:
        result.problems.append("There may be more: the rest was not read.")
    return len(result.problems) < MAX_PROBLEMS


def _places(header: list[str]) -> dict[str, int]:
    names = [cell.strip().lower().removeprefix("\ufeff") for cell in header]
    places = {
        column: next((names.index(word) for word in words if word in names), -1) for column, words in SYNONYMS.items()
    }
    if places["address"] < 0 or places["port"] < 0:
        raise ValueError("the header needs address and port")
    return places


def _known_addresses(networks: Iterable[Network], foreign: bool) -> Any:
    """A function from the text of an address to its one canonical text; an address has many ports."""
    networks = tuple(networks)

    @lru_cache(maxsize=10_000)
    def known(text: str) -> str:
        address = normalise_address(text)
        if address is None:
            many = "/" in text or "-" in text
            raise ValueError(f"{text[:60]!r} is {'a range: give single addresses' if many else 'no address'}")
        if not foreign and scope_of(address, networks) != Scope.INTERNAL:
            raise ValueError(f"{address} is none of our own networks")
        return address

    return known


def _row(line: list[str], places: dict[str, int], known: Any) -> tuple[str, int, str]:
    cells = {name: line[at].strip() if 0 <= at < len(line) else "" for name, at in places.items()}
    address = known(cells["address"])
    text = cells["port"] or "0"
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or int(text) > 65535:
        raise ValueError(f"{cells['port'][:20]!r} is no port")
    return address, int(text), cells["service"][:100].replace("\0", "")
