"""MISP warning lists: the published ranges of known scanners and of large services; offline, no key, no network.

Reference: https://github.com/MISP/misp-warninglists (CC0), read from the package `pymispwarninglists`.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator, Mapping
from importlib.resources import files

from investigations.choices import ArtifactKind, Outcome, Strength, Verdict
from investigations.providers.base import Connection, Finding, Provider, ProviderError, Reply
from investigations.providers.fields import present
from investigations.providers.ranges import RangeIndex
from investigations.providers.warninglist_names import SCANNERS, SERVICES

_reading = threading.Lock()


class WarningLists(Provider):
    name = "warninglists"
    label = "MISP warning lists"
    offline = True
    # It vouches, it never accuses: its silence or failure hides nothing malicious
    reputation = False
    homepage = "https://github.com/MISP/misp-warninglists"
    sends = "nothing"
    freshness = 24 * 3600

    def fetch(self, value: str, kind: ArtifactKind) -> Reply:
        scanners, services = indexes()
        return Reply(extra={"scanner": scanners.label_of(value), "service": services.label_of(value)})

    def interpret(self, reply: Reply, value: str, kind: ArtifactKind) -> Finding:
        scanner, service = reply.extra.get("scanner"), reply.extra.get("service")
        facts = present(known_scanner=scanner, published_range=True if scanner else None, known_service=service)
        if scanner:
            words = f"in a published range of {scanner}, a known scanner"
            return Finding(words, Verdict.BENIGN, Strength.STRONG, facts=facts)
        if service:
            return Finding(f"in a known network: {service}", facts=facts)
        return Finding("in no published range", outcome=Outcome.NOT_FOUND)

    def probe(self) -> Connection:
        scanners, services = indexes()
        words = f"{len(scanners):,} ranges of scanners and {len(services):,} of services are loaded"
        return Connection(bool(len(scanners)), words)


def indexes() -> tuple[RangeIndex, RangeIndex]:
    """Scanners and services; read once per process, however many threads ask first."""
    with _reading:
        return _read()


@functools.cache
def _read() -> tuple[RangeIndex, RangeIndex]:
    try:
        return RangeIndex(_networks(SCANNERS)), RangeIndex(_networks(SERVICES))
    except (OSError, ValueError, KeyError, ModuleNotFoundError):
        raise ProviderError("The warning lists cannot be read; is the package pymispwarninglists installed?") from None


def _networks(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The networks of these lists with their labels; a list that the installed release lacks is left out."""
    lists = files("pymispwarninglists") / "data" / "misp-warninglists" / "lists"
    for name, label in names.items():
        path = lists / name / "list.json"
        if path.is_file():
            for network in json.loads(path.read_bytes())["list"]:
                yield network, label
