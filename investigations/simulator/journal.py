"""What arrived at the simulator: the proof of what a client did and did not send out."""

from __future__ import annotations

from collections import Counter, deque
from threading import Lock
from typing import Any, NamedTuple

KEPT = 200_000  # entries; counters go on after that


class Asked(NamedTuple):
    """One question to one provider; `value` is the artifact in it, empty if there is none (a connection test)."""

    provider: str
    value: str


class DnsQuery(NamedTuple):
    """One DNS question as it came over the wire."""

    name: str
    type: str


class Journal:
    """Everything asked so far, in order; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: deque[Asked] = deque(maxlen=KEPT)
        self._dns_queries: deque[DnsQuery] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()
        self._last_paths: dict[str, str] = {}

    def record(self, provider: str, value: str, path: str) -> None:
        """Note one question; `path` is the URL path or the DNS name, without any key."""
        with self._lock:
            self._requests.append(Asked(provider, value))
            self._counts[provider] += 1
            self._last_paths[provider] = path

    def record_dns(self, query: DnsQuery) -> None:
        with self._lock:
            self._dns_queries.append(query)

    @property
    def requests(self) -> list[Asked]:
        with self._lock:
            return list(self._requests)

    @property
    def dns_queries(self) -> list[DnsQuery]:
        with self._lock:
            return list(self._dns_queries)

    def count(self, provider: str) -> int:
        with self._lock:
            return self._counts[provider]

    def summary(self) -> dict[str, dict[str, Any]]:
        """Per provider: how many requests, the last path, and how often each value was asked."""
        with self._lock:
            values = Counter(self._requests)
            return {
                provider: {
                    "requests": count,
                    "last_path": self._last_paths[provider],
                    "values": {asked.value: n for asked, n in values.items() if asked.provider == provider},
                }
                for provider, count in self._counts.items()
            }

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._dns_queries.clear()
            self._counts.clear()
            self._last_paths.clear()
