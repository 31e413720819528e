"""Our own lists: add, change, renew and remove entries. What is doubtful is only stored when somebody says so twice."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from investigations.artifacts import Network, normalise_address, normalise_domain, refang, registrable_domain
from investigations.choices import ListKind
from investigations.models import Actor, AuditEvent, ListEntry
from investigations.policy.windows import window_problems, windows_as_text
from investigations.queries.lists import above
from investigations.queries.networks import forget, own_networks

DEFAULT_DAYS = 90
LONGEST = timedelta(days=3660)  # beyond that nobody meant the date
# What is shorter than that prefix, by version, needs to be meant
WIDEST = {4: 16, 6: 32}
WIDEST_OWN = {4: 8, 6: 20}
EFFECTS = {
    ListKind.ALLOW: "trusted",
    ListKind.KNOWN_SERVICE: "trusted",
    ListKind.AUTHORISED_SCANNER: "allowed to scan",
    ListKind.DENY: "escalated",
    ListKind.OWN_NETWORK: "taken for ours, and never asked about",
}
TRUSTING = (ListKind.ALLOW, ListKind.KNOWN_SERVICE, ListKind.AUTHORISED_SCANNER)
MAX_VALUE = 300  # characters of an address, network or domain as it is written
MAX_TARGETS = 200
CHANGEABLE = ("network", "domain", "label", "owner", "reason", "ticket", "expires", "windows", "zone", "targets")
LIMITS = {"label": 100, "owner": 150, "reason": 500, "ticket": 100}
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # IPv4 in the clothes of IPv6; sources are known without them


class Refused(ValueError):
    """An entry that cannot be stored; the message is for people."""


class Expired(Refused):
    """An entry that would hold no more when it is stored."""


class Duplicate(Refused):
    """An entry that is on its list already."""


class NeedsConfirmation(Refused):
    """An entry that is probably not meant so; it can be stored by saying so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wants on a list; `value` is an address, a network or a domain. Windows: policy/windows.py."""

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
    row = _row(entry)
    _check_expiry(entry.kind, entry.expires)
    with transaction.atomic():
        _check_new(row, confirmed)
        row.created_by = actor.name[:150]
        row.save()
        AuditEvent.objects.record(actor, "list.added", _subject(row), after=shape_of(row), reason=row.reason)
        transaction.on_commit(forget)
    return row


def change(pk: int, entry: Entry, *, actor: Actor, confirmed: bool = False) -> ListEntry:
    """Change everything but its kind and history. A value that stays is not doubted again."""
    wanted = _row(entry)
    with transaction.atomic():
        row = _kept(pk)
        if row.kind != wanted.kind:
            raise Refused("An entry stays on its list: remove it and add it to the other one.")
        if wanted.expires != row.expires:
            _check_expiry(entry.kind, wanted.expires)
        wanted.pk = row.pk
        _check_new(wanted, confirmed or (wanted.network, wanted.domain) == (row.network, row.domain))
        before = shape_of(row)
        for name in CHANGEABLE:
            setattr(row, name, getattr(wanted, name))
        _save(row, "list.changed", before, row.reason, actor)
    return row


def renew(pk: int, *, expires: datetime, reason: str, actor: Actor) -> ListEntry:
    """Let it hold for longer; somebody has looked at it again."""
    with transaction.atomic():
        row = _kept(pk)
        _check_expiry(ListKind(row.kind), expires)
        before = shape_of(row)
        row.expires = expires
        _save(row, "list.renewed", before, reason.strip()[:500], actor)
    return row


def remove(pk: int, *, reason: str, actor: Actor) -> ListEntry:
    """Take it off its list; it is kept as history."""
    if not reason.strip():
        raise Refused("Say why: the audit history keeps it.")
    with transaction.atomic():
        row = _kept(pk)
        row.removed, row.removed_by = now(), actor.name[:150]
        row.save()
        AuditEvent.objects.record(
            actor, "list.removed", _subject(row), before=shape_of(row), reason=reason.strip()[:500]
        )
        transaction.on_commit(forget)
    return row


def shape_of(row: ListEntry) -> dict[str, Any]:
    """An entry as the audit history and the export hold it."""
    return {
        "kind": row.kind,
        "value": row.value,
        "label": row.label,
        "owner": row.owner,
        "reason": row.reason,
        "ticket": row.ticket,
        "expires": row.expires.isoformat() if row.expires else "",
        "windows": windows_as_text(row.windows),
        "zone": row.zone,
        "targets": row.targets,
    }


def read_value(text: str) -> tuple[Network | None, str]:
    """The network or the domain that a text names; Refused if it names neither."""
    plain = refang(text.strip())
    if len(plain) > MAX_VALUE:
        raise Refused(f"{plain[:60]}… is too long for an address, a network or a domain.")
    address = None if "/" in plain else normalise_address(plain)
    try:
        # A network has no zone id, whatever `ipaddress` says
        return _unmapped(ipaddress.ip_network(address or plain.replace("%", "/"), strict=True)), ""
    except ValueError as error:
        if "host bits" in str(error):
            raise Refused(f"{plain} is no network: is {ipaddress.ip_network(plain, strict=False)} meant?") from None
    domain = normalise_domain(plain)
    if domain is None:
        raise Refused(f"{plain!r} is neither an address, nor a network such as 203.0.113.0/24, nor a domain.")
    return None, domain


def _unmapped(network: Network) -> Network:
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        return ipaddress.ip_network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _row(entry: Entry) -> ListEntry:
    network, domain = read_value(entry.value)
    _check_words(entry)
    _check_kind(entry, network, domain)
    return ListEntry(
        kind=entry.kind,
        network=network,
        domain=domain,
        **{name: _line(getattr(entry, name)) for name in LIMITS},
        expires=entry.expires,
        windows=[dict(window) for window in entry.windows],
        zone=entry.zone,
        targets=[str(_target(target)) for target in entry.targets],
    )


def _check_words(entry: Entry) -> None:
    for name, most in LIMITS.items():
        text = _line(getattr(entry, name))
        if not text and name != "ticket":
            raise Refused(f"The {name} is missing.")
        if len(text) > most:
            raise Refused(f"The {name} is longer than {most} characters.")
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
            raise Refused(f"The {name} holds a character that is no text.")


def _line(text: str) -> str:
    """One line, whatever the breaks and spaces in it."""
    return " ".join(text.split())


def _check_kind(entry: Entry, network: Network | None, domain: str) -> None:
    if entry.kind in (ListKind.OWN_NETWORK, ListKind.AUTHORISED_SCANNER) and domain:
        raise Refused(f"{ListKind(entry.kind).label}: an address or a network is needed, not a domain.")
    if network is not None and network.prefixlen == 0:
        raise Refused("The whole Internet is no entry.")
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


def _check_expiry(kind: ListKind, expires: datetime | None) -> None:
    """An own network that is past its date still counts, so it may also arrive like that."""
    if expires is None and kind != ListKind.OWN_NETWORK:
        raise Refused("An entry needs an expiry.")
    if expires is not None and expires <= now() and kind != ListKind.OWN_NETWORK:
        raise Expired("The expiry has passed already.")
    if expires is not None and expires > now() + LONGEST:
        raise Refused("The expiry is more than ten years away.")


def _check_new(row: ListEntry, confirmed: bool) -> None:
    if double := same(row).exclude(pk=row.pk).first():
        raise Duplicate(f"{row.value} is on this list already, as “{double.label}”: change or renew that entry.")
    doubts = [] if confirmed else list(_doubts(row))
    if doubts:
        raise NeedsConfirmation(" ".join(doubts))


def same(row: ListEntry) -> QuerySet[ListEntry]:
    """The entries that say the same about the same; one scanner may have several windows, each with its scope."""
    rows = ListEntry.objects.kept().filter(kind=row.kind, network=row.network, domain=row.domain)
    if row.kind == ListKind.AUTHORISED_SCANNER:
        rows = rows.filter(windows=row.windows, zone=row.zone, targets=row.targets)
    return rows


def _doubts(row: ListEntry) -> Iterator[str]:
    """What is probably not meant, each as a sentence."""
    kind = ListKind(row.kind)
    if row.network is not None:
        yield from _wide(kind, row.network)
    elif registrable_domain(f"x.{row.domain}") == f"x.{row.domain}":
        yield f"Anybody can register names below {row.domain}: all of them would be {EFFECTS[kind]}."
    other = TRUSTING if kind == ListKind.DENY else (ListKind.DENY,) if kind in TRUSTING else ()
    for entry in _overlapping(row).filter(kind__in=other)[:3]:
        yield f"It overlaps {entry.value}, which is {EFFECTS[ListKind(entry.kind)]} as “{entry.label}”; denied wins."


def _wide(kind: ListKind, network: Network) -> Iterator[str]:
    widest = WIDEST_OWN if kind == ListKind.OWN_NETWORK else WIDEST
    if network.prefixlen < widest[network.version]:
        yield f"{network} is wider than /{widest[network.version]}: everything in it would be {EFFECTS[kind]}."
    if kind in (ListKind.ALLOW, ListKind.KNOWN_SERVICE, ListKind.DENY):
        for own in own_networks():
            if own.version == network.version and network.overlaps(own):
                yield f"{network} overlaps our own network {own}."


def _overlapping(row: ListEntry) -> QuerySet[ListEntry]:
    rows = ListEntry.objects.in_force(now()).order_by("pk")
    if row.network is not None:
        return rows.filter(network__net_overlaps=row.network)
    return rows.filter(domain__in=above(row.domain)) | rows.filter(domain__endswith=f".{row.domain}")


def _kept(pk: int) -> ListEntry:
    row = ListEntry.objects.kept().select_for_update().filter(pk=pk).first()
    if row is None:
        raise Refused("There is no such entry any more.")
    return row


def _save(row: ListEntry, action: str, before: dict[str, Any], reason: str, actor: Actor) -> None:
    after = shape_of(row)
    if after != before:
        row.save()
        AuditEvent.objects.record(actor, action, _subject(row), before=before, after=after, reason=reason)
        transaction.on_commit(forget)


def _subject(row: ListEntry) -> str:
    return f"list entry {row.pk}"
