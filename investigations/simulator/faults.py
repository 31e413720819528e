"""Switches that make a simulated provider misbehave; they can be changed while it is running."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from investigations.simulator.apis import APIS

DNS_PROVIDERS = frozenset({"dns", "cymru", "spamhaus"})
PROVIDERS = frozenset(APIS) | DNS_PROVIDERS
ALL = "all"
WINDOW = 60.0  # seconds over which `limit` counts

# name: (default argument, or None if it takes none)
HTTP_FAULTS: Mapping[str, float | None] = {
    "bad_key": None,
    "rate_limit": 60.0,  # seconds until asking again makes sense
    "html": None,
    "truncated": None,
    "error": None,
    "drop": None,
    "cut": None,
    "timeout": None,
    "drip": 0.2,  # seconds between two bytes
    "redirect": None,
    "gzip_bomb": None,
}
DNS_FAULTS: Mapping[str, float | None] = {
    "rate_limit": 60.0,
    "truncated": None,
    "error": None,
    "drop": None,
    "timeout": None,
    "servfail": None,
    "public_resolver": None,
}


class FaultError(ValueError):
    """A switch that does not exist; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How a provider misbehaves; the meaning of `argument` depends on `kind`."""

    kind: str
    argument: float = 0.0


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches of one provider. Latency, limit and a fault can be on together."""

    fault: Fault | None = None
    latency_ms: float | None = None  # None: what is set for all
    limit: int | None = None  # requests a minute

    def as_text(self) -> list[str]:
        """The switches in the words of the command line."""
        fault = self.fault
        return [
            *([f"{fault.kind}:{fault.argument:g}" if fault.argument else fault.kind] if fault else []),
            *([f"latency:{self.latency_ms:g}"] if self.latency_ms is not None else []),
            *([f"limit:{self.limit}"] if self.limit is not None else []),
        ]


@dataclass(slots=True)
class Faults:
    """The switches of all providers; safe to use from many threads."""

    latency_ms: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock)
    _switches: dict[str, Switches] = field(default_factory=dict)
    _recent: dict[str, deque[float]] = field(default_factory=dict)

    def set(self, provider: str, text: str | None) -> None:
        """Turn on what `text` says ("rate_limit:30", "latency:500", "limit:4"); None or "none" turns all off.

        Raises FaultError for a provider or a fault that does not exist.
        """
        changes = [(name, parse(name, text)) for name in _names(provider)]
        with self._lock:
            for name, change in changes:
                self._switches[name] = change(self._switches.get(name, Switches()))
                self._recent.pop(name, None)

    def check(self, switches: Mapping[str, str | None]) -> None:
        """Raise FaultError if `set` would refuse one of these; change nothing."""
        for provider, text in switches.items():
            for name in _names(provider):
                parse(name, text)

    def delay(self, provider: str) -> float:
        """Seconds this provider takes for an answer."""
        latency = self._switches.get(provider, Switches()).latency_ms
        return (self.latency_ms if latency is None else latency) / 1000

    def strike(self, provider: str) -> Fault | None:
        """The fault that hits the request that has just come in, if any; counts it towards the limit."""
        switches = self._switches.get(provider)
        if not switches:
            return None
        return self._over_limit(provider, switches.limit) or switches.fault

    def clear(self) -> None:
        """Everything well again, and fast."""
        with self._lock:
            self._switches.clear()
            self._recent.clear()
            self.latency_ms = 0.0

    def summary(self) -> dict[str, list[str]]:
        with self._lock:
            return {name: text for name, switches in self._switches.items() if (text := switches.as_text())}

    def _over_limit(self, provider: str, limit: int | None) -> Fault | None:
        if limit is None:
            return None
        with self._lock:
            now = self.clock()
            recent = self._recent.setdefault(provider, deque())
            while recent and recent[0] <= now - WINDOW:
                recent.popleft()
            if len(recent) < limit:
                recent.append(now)
                return None
            return Fault("rate_limit", max(1.0, recent[0] + WINDOW - now) if recent else WINDOW)


def parse(provider: str, text: str | None) -> Callable[[Switches], Switches]:
    """What `text` changes about the switches of `provider`; raise FaultError if it makes no sense."""
    if provider not in PROVIDERS:
        raise FaultError(f"No simulated provider is called {provider!r}; there are {', '.join(sorted(PROVIDERS))}.")
    kind, _, argument = (text or "none").partition(":")
    if kind == "none":
        return lambda _: Switches()
    if kind == "latency":
        milliseconds = _number(text, argument)
        return lambda switches: replace(switches, latency_ms=milliseconds)
    if kind == "limit":
        limit = int(_number(text, argument))
        return lambda switches: replace(switches, limit=limit)
    fault = _fault(provider, kind, argument, text)
    return lambda switches: replace(switches, fault=fault)


def parse_option(option: str) -> tuple[str, str]:
    """`NAME=FAULT` from the command line as (name, fault)."""
    name, separator, text = option.partition("=")
    if not separator or not text:
        raise FaultError(f"A fault is written NAME=FAULT, as in abuseipdb=rate_limit:30, not {option!r}.")
    return name, text


def _names(provider: str) -> list[str]:
    return sorted(PROVIDERS) if provider == ALL else [provider]


def _fault(provider: str, kind: str, argument: str, text: str | None) -> Fault:
    known = DNS_FAULTS if provider in DNS_PROVIDERS else HTTP_FAULTS
    if kind not in known:
        names = ", ".join([*known, "latency:MS", "limit:N", "none"])
        raise FaultError(f"{provider} knows no fault {kind!r}; it knows {names}.")
    default = known[kind]
    if default is None and argument:
        raise FaultError(f"The fault {kind!r} takes no argument.")
    return Fault(kind, _number(text, argument) if argument else default or 0.0)


def _number(text: str | None, argument: str) -> float:
    try:
        number = float(argument)
    except ValueError:
        raise FaultError(f"{text!r} needs a number after the colon.") from None
    if not 0 <= number <= 3_600_000:
        raise FaultError(f"{text!r}: the number is out of range.")
    return number
