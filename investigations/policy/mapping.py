"""How answers become signals: who counts, how much, and from when on there are enough of them.

The `[signals]` table of a policy; what it leaves out has the defaults of `SignalMapping`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from investigations.choices import Strength

RANK = {strength: rank for rank, strength in enumerate(Strength)}


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


@dataclass(frozen=True, slots=True)
class SignalMapping:
    """Numbers are counts of independent voices, sources, reporters and sensors; names are those of providers."""

    malicious_quorum: int = 2  # voices that make an address malicious; for a domain one is enough
    heavy_noise_seen_by: int = 3
    heavy_noise_reporters: int = 20
    heavy_noise_sensors: int = 100
    # They count complaints or honeypot hits: a census scanner looks worse to them than an attacker
    volume_sources: frozenset[str] = _names("abuseipdb", "dshield", "otx")
    # They see what everybody on the Internet gets. An absence is worth something only from the leading ones
    noise_sources: frozenset[str] = _names("greynoise", "abuseipdb", "crowdsec", "dshield")
    leading_noise_sources: frozenset[str] = _names("greynoise", "abuseipdb")
    # Providers of one owner are one voice; everybody else is independent
    owners: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType(
            {"threatfox": "abuse.ch", "urlhaus": "abuse.ch", "internetdb": "shodan"}
        )
    )
    # Whatever a provider says, it counts at most so much
    ceiling: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def lowers(self, provider: str, strength: str) -> str | None:
        """The strength that an answer has instead of its own; None if its own may stand."""
        most = self.ceiling.get(provider)
        return most if most is not None and RANK[Strength(strength)] > RANK[Strength(most)] else None


DEFAULT = SignalMapping()
KEYS = tuple(one.name for one in fields(SignalMapping))
COUNTS = KEYS[:4]
SOURCES = KEYS[4:7]
MOST = 1_000_000


def parse_mapping(table: Any) -> SignalMapping:
    """The mapping of a `[signals]` table that has no problems."""
    values: dict[str, Any] = {name: frozenset(value) if name in SOURCES else value for name, value in table.items()}
    if "leading_noise_sources" not in values and "noise_sources" in values:
        # A leading one is a noise source in the first place
        values["leading_noise_sources"] = DEFAULT.leading_noise_sources & values["noise_sources"]
    return SignalMapping(**values)


def mapping_problems(table: Any, providers: Collection[str] | None) -> list[tuple[str, str]]:
    """Everything that is wrong with a `[signals]` table: the key, and what is wrong in words."""
    if not isinstance(table, dict):
        return [("", "signals must be a table")]
    problems = [(name, f"unknown key {name!r} in signals") for name in sorted(table.keys() - set(KEYS))]
    for name in COUNTS:
        value = table.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
            problems.append((name, f"signals: {name} must be a whole number from 1 to {MOST:,}"))
    for name in SOURCES:
        value = table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            problems.append((name, f"signals: {name} must be a list of provider names"))
        else:
            problems += _unknown(name, value, providers)
    for name in ("owners", "ceiling"):
        problems += _table_problems(name, table.get(name, {}), providers)
    return problems or _not_leading(table)


def _not_leading(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Only a noise source can be a leading one."""
    name = "leading_noise_sources"
    strangers = set(table.get(name, [])) - set(table.get("noise_sources", DEFAULT.noise_sources))
    return [(name, f"signals: {one!r} in {name} is no noise source") for one in sorted(strangers)]


def _table_problems(name: str, value: Any, providers: Collection[str] | None) -> list[tuple[str, str]]:
    if not isinstance(value, dict) or not all(isinstance(one, str) and one for one in value.values()):
        return [(name, f"signals: {name} must be a table of texts")]
    problems = _unknown(name, list(value), providers)
    if name == "ceiling":
        problems += [
            (name, f"signals: the ceiling of {provider} must be one of {', '.join(Strength.values)}, not {one!r}")
            for provider, one in value.items()
            if one not in Strength.values
        ]
    return problems


def _unknown(name: str, names: list[str], providers: Collection[str] | None) -> list[tuple[str, str]]:
    if providers is None:
        return []
    # A mapping may name providers that this version does not know yet, as the default one does
    known = {*providers, *DEFAULT.volume_sources, *DEFAULT.noise_sources, *DEFAULT.owners}
    return [(name, f"signals: unknown provider {one!r} in {name}") for one in names if one not in known]
