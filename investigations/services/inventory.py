"""The inventory of our open ports: a CSV file that replaces the earlier one of its name."""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils.timezone import now

from investigations.artifacts import Network, normalise_address, scope_of
from investigations.choices import Scope
from investigations.models import Actor, AuditEvent, OpenPort
from investigations.queries.networks import own_networks

MAX_ROWS = 500_000
MAX_PROBLEMS = 20  # that are named
SYNONYMS = {
    "address": ("address", "ip", "host", "addr", "ip_address"),
    "port": ("port", "dst_port", "open_port"),
    "service": ("service", "name", "product"),
}
LOOKED_AT = 0  # the port of a line that only says that an address has been looked at


@dataclass(slots=True)
class Uploaded:
    """What became of a file; with any problem the inventory is as it was."""

    rows: int = 0
    addresses: int = 0
    problems: list[str] = field(default_factory=list)


def upload(lines: Iterable[str], *, name: str, actor: Actor, foreign: bool = False) -> Uploaded:
    """Replace the inventory of this name. `foreign` allows addresses that are none of ours."""
    result = Uploaded()
    name = name.strip()[:100]
    if not name:
        return Uploaded(problems=["The inventory needs a name."])
    seen: set[str] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGING)
        rows = _rows(lines, result, foreign)
        with cursor.copy("COPY ports (address, port, service) FROM STDIN") as copy:
            for address, port, service in rows:
                seen.add(address)
                copy.write_row((address, port, service))
        if not result.problems and not result.rows:
            result.problems.append("The file holds no address.")
        if result.problems:
            transaction.set_rollback(True)
            return Uploaded(problems=result.problems)
        cursor.execute("DELETE FROM investigations_openport WHERE inventory = %s", [name])
        cursor.execute(INSERT, [name, now()])
        cursor.execute("DROP TABLE ports")
        result.addresses = len(seen)
        AuditEvent.objects.record(
            actor, "inventory.uploaded", f"inventory {name}",
            after={"rows": result.rows, "addresses": result.addresses},
        )  # fmt: skip
    return result


STAGING = "CREATE TEMPORARY TABLE ports (address inet, port int, service text) ON COMMIT DROP"
INSERT = """
INSERT INTO investigations_openport (address, port, service, inventory, uploaded)
SELECT address, port, max(service), %s, %s FROM ports GROUP BY address, port
ON CONFLICT (address, port) DO UPDATE SET
    service = excluded.service, inventory = excluded.inventory, uploaded = excluded.uploaded"""


def remove(name: str, *, actor: Actor) -> int:
    """Forget an inventory; how many rows it had."""
    with transaction.atomic():
        count, _ = OpenPort.objects.filter(inventory=name).delete()
        if count:
            AuditEvent.objects.record(actor, "inventory.removed", f"inventory {name}", before={"rows": count})
    return count


def _rows(lines: Iterable[str], result: Uploaded, foreign: bool) -> Iterator[tuple[str, int, str]]:
    reader = csv.reader(lines, strict=True)
    try:
        places = _places(next(reader, []))
        networks = own_networks()
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            row = _row(line, places, networks, foreign)
            result.rows += 1
            if result.rows > MAX_ROWS:
                raise ValueError(f"more than {MAX_ROWS:,} lines")
            if isinstance(row, str):
                result.problems.append(f"line {reader.line_num}: {row}")
                if len(result.problems) >= MAX_PROBLEMS:
                    result.problems.append("… and perhaps more")
                    return
            elif not result.problems:
                yield row
    except (csv.Error, ValueError, UnicodeDecodeError) as error:
        result.problems.append(f"line {reader.line_num}: {error}")


def _places(header: list[str]) -> dict[str, int]:
    names = [cell.strip().lower().removeprefix("\ufeff") for cell in header]
    places = {
        column: next((names.index(word) for word in words if word in names), -1) for column, words in SYNONYMS.items()
    }
    if places["address"] < 0 or places["port"] < 0:
        raise ValueError("the header needs address and port")
    return places


def _row(
    line: list[str], places: dict[str, int], networks: Iterable[Network], foreign: bool
) -> tuple[str, int, str] | str:
    """The row of a line, or what is wrong with it."""
    cells = {name: line[at].strip() if 0 <= at < len(line) else "" for name, at in places.items()}
    address = normalise_address(cells["address"])
    if address is None:
        return f"{cells['address'][:60]!r} is no address"
    if not foreign and scope_of(address, networks) != Scope.INTERNAL:
        return f"{address} is none of our own networks"
    text = cells["port"] or "0"
    if not text.isdecimal() or len(text) > 5 or not 0 <= int(text) <= 65535:
        return f"{cells['port'][:20]!r} is no port"
    return str(ipaddress.ip_address(address)), int(text), cells["service"][:100].replace("\0", "")
