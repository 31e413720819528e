"""Our own lists: add, change and remove entries; read and write them as CSV."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from investigations.artifacts import Network, normalise_address, normalise_domain, refang
from investigations.choices import ListKind
from investigations.models import Actor, AuditEvent, ListEntry
from investigations.policy.windows import window_problems
from investigations.queries.networks import forget, own_networks

DEFAULT_DAYS = 90
WIDEST = {4: 16, 6: 32}  # an allow entry wider than that prefix needs to be meant
MAX_TARGETS = 200
CHANGEABLE = ("network", "domain", "label", "owner", "reason", "ticket", "expires", "windows", "zone", "targets")
COLUMNS = ("kind", "value", "label", "owner", "reason", "ticket", "expires", "windows", "zone", "targets")
LIMITS = {"label": 100, "owner": 150, "reason": 500, "ticket": 100}


class Refused(ValueError):
    """An entry that cannot be stored; the message is for people."""


class NeedsConfirmation(Refused):
    """An entry that is probably not meant so; it can be stored by saying so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wants on a list; `value` is an address, a network or a domain."""

    kind: ListKind
    value: str
    label: str
    owner: str
    reason: str
    expires: datetime | None
    ticket: str = ""
    windows: Sequence[Mapping[str, Any]] = field(default=())
    zone: str = "UTC"
    targets: Sequence[str] = field(default=())


def add(entry: Entry, *, actor: Actor, confirmed: bool = False) -> ListEntry:
    """Put it on its list. Refused says what is wrong; NeedsConfirmation what is doubtful."""
    row = _row(entry, confirmed)
    with transaction.atomic():
        row.created_by = actor.name[:150]
        row.save()
        AuditEvent.objects.record(actor, "list.added", _subject(row), after=_shape(row), reason=row.reason)
        transaction.on_commit(forget)
    return row


def change(pk: int, entry: Entry, *, actor: Actor, confirmed: bool = False) -> ListEntry:
    """Change everything but its kind and history."""
    wanted = _row(entry, confirmed)
    with transaction.atomic():
        row = _kept(pk)
        before = _shape(row)
        for name in (
            "network",
            "domain",
            "label",
            "owner",
            "reason",
            "ticket",
            "expires",
            "windows",
            "zone",
            "targets",
        ):
            setattr(row, name, getattr(wanted, name))
        row.save()
        if _shape(row) != before:
            AuditEvent.objects.record(
                actor, "list.changed", _subject(row), before=before, after=_shape(row), reason=row.reason
            )
        transaction.on_commit(forget)
    return row


def remove(pk: int, *, reason: str, actor: Actor) -> None:
    """Take it off its list; it is kept as history."""
    with transaction.atomic():
        row = _kept(pk)
        row.removed, row.removed_by = now(), actor.name[:150]
        row.save()
        AuditEvent.objects.record(actor, "list.removed", _subject(row), before=_shape(row), reason=reason.strip())
        transaction.on_commit(forget)


def read_value(text: str) -> tuple[Network | None, str]:
    """The network or the domain that a text names; Refused if it names neither."""
    plain = refang(text.strip())
    address = normalise_address(plain)
    try:
        return ipaddress.ip_network(address or plain, strict=True), ""
    except ValueError as error:
        if "host bits" in str(error):
            raise Refused(f"{text} is no network: {ipaddress.ip_network(plain, strict=False)} is meant?") from None
    domain = normalise_domain(plain)
    if domain is None:
        raise Refused(f"{text[:200]} is neither an address, nor a network such as 203.0.113.0/24, nor a domain.")
    return None, domain


def _row(entry: Entry, confirmed: bool) -> ListEntry:
    network, domain = read_value(entry.value)
    _check_words(entry)
    _check_kind(entry, network, domain)
    if not confirmed:
        _check_danger(entry.kind, network)
    return ListEntry(
        kind=entry.kind,
        network=network,
        domain=domain,
        label=entry.label.strip(),
        owner=entry.owner.strip(),
        reason=entry.reason.strip(),
        ticket=entry.ticket.strip(),
        expires=entry.expires,
        windows=[dict(window) for window in entry.windows],
        zone=entry.zone,
        targets=[str(_target(target)) for target in entry.targets],
    )


def _check_words(entry: Entry) -> None:
    for name, most in LIMITS.items():
        text = getattr(entry, name).strip()
        if not text and name != "ticket":
            raise Refused(f"The {name} is missing.")
        if len(text) > most:
            raise Refused(f"The {name} is longer than {most} characters.")
    if entry.expires is None and entry.kind != ListKind.OWN_NETWORK:
        raise Refused("An entry needs an expiry.")


def _check_kind(entry: Entry, network: Network | None, domain: str) -> None:
    if entry.kind in (ListKind.OWN_NETWORK, ListKind.AUTHORISED_SCANNER) and domain:
        raise Refused(f"{ListKind(entry.kind).label}: an address or a network is needed, not a domain.")
    if entry.kind != ListKind.AUTHORISED_SCANNER and (entry.windows or entry.targets):
        raise Refused("Windows and targets belong to authorised scanners.")
    if problems := window_problems(list(entry.windows), entry.zone):
        raise Refused("; ".join(problems))
    if len(entry.targets) > MAX_TARGETS:
        raise Refused(f"At most {MAX_TARGETS} targets.")


def _target(text: str) -> Network:
    network, _ = read_value(text)
    if network is None:
        raise Refused(f"{text} is no address and no network.")
    return network


def _check_danger(kind: ListKind, network: Network | None) -> None:
    if network is None:
        return
    trusting = kind in (ListKind.ALLOW, ListKind.KNOWN_SERVICE)
    if trusting and network.prefixlen < WIDEST[network.version]:
        raise NeedsConfirmation(f"{network} holds {network.num_addresses:,} addresses, all of which would be trusted.")
    if kind in (ListKind.ALLOW, ListKind.KNOWN_SERVICE, ListKind.DENY):
        for own in own_networks():
            if own.version == network.version and network.overlaps(own):
                raise NeedsConfirmation(f"{network} overlaps our own network {own}.")


def _kept(pk: int) -> ListEntry:
    row = ListEntry.objects.kept().select_for_update().filter(pk=pk).first()
    if row is None:
        raise Refused("There is no such entry any more.")
    return row


def _subject(row: ListEntry) -> str:
    return f"list {row.kind} {row.value}"


def _shape(row: ListEntry) -> dict[str, Any]:
    """An entry as the audit history and the export hold it."""
    return {
        "kind": row.kind,
        "value": row.value,
        "label": row.label,
        "owner": row.owner,
        "reason": row.reason,
        "ticket": row.ticket,
        "expires": row.expires.isoformat() if row.expires else "",
        "windows": row.windows,
        "zone": row.zone,
        "targets": row.targets,
    }


# CSV


@dataclass(slots=True)
class Imported:
    """What became of a file; with any problem nothing was stored."""

    added: int = 0
    skipped: int = 0  # on the list already
    problems: list[str] = field(default_factory=list)


def export_csv(rows: Iterable[ListEntry]) -> str:
    """The entries with everything that an import takes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows:
        shape = _shape(row)
        shape["windows"] = json.dumps(row.windows) if row.windows else ""
        shape["targets"] = " ".join(row.targets)
        writer.writerow({name: _unarmed(str(value)) for name, value in shape.items()})
    return text.getvalue()


def _unarmed(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def import_csv(text: str, *, actor: Actor, confirmed: bool = False) -> Imported:
    """All lines or none; each wrong line is named with its number."""
    result = Imported()
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
        lines = [(reader.line_num, line) for line in reader]
    except csv.Error as error:
        return Imported(problems=[f"not CSV: {error}"])
    missing = {"kind", "value", "label", "owner", "reason"} - set(reader.fieldnames or ())
    if missing:
        return Imported(problems=[f"the header needs {', '.join(sorted(missing))}"])
    with transaction.atomic():
        for number, line in lines:
            _import_line(number, line, result, actor, confirmed)
        if result.problems:
            transaction.set_rollback(True)
            result.added = result.skipped = 0
    return result


def _import_line(number: int, line: dict[str, Any], result: Imported, actor: Actor, confirmed: bool) -> None:
    try:
        entry = _entry_of({name: (line.get(name) or "").strip().removeprefix("'") for name in COLUMNS})
        network, domain = read_value(entry.value)
        if ListEntry.objects.kept().filter(kind=entry.kind, network=network, domain=domain).exists():
            result.skipped += 1
            return
        add(entry, actor=actor, confirmed=confirmed)
        result.added += 1
    except ValueError as error:
        result.problems.append(f"line {number}: {error}")


def _entry_of(line: Mapping[str, str]) -> Entry:
    if line["kind"] not in ListKind.values:
        raise Refused(f"kind must be one of {', '.join(ListKind.values)}, not {line['kind'][:40]!r}")
    kind = ListKind(line["kind"])
    return Entry(
        kind=kind,
        value=line["value"],
        label=line["label"],
        owner=line["owner"],
        reason=line["reason"],
        ticket=line["ticket"],
        expires=_expiry(line["expires"], kind),
        windows=json.loads(line["windows"]) if line["windows"] else (),
        zone=line["zone"] or "UTC",
        targets=line["targets"].split(),
    )


def _expiry(text: str, kind: ListKind) -> datetime | None:
    if not text:
        return None if kind == ListKind.OWN_NETWORK else now() + timedelta(days=DEFAULT_DAYS)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"expires must be a date such as 2027-01-31, not {text[:40]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
