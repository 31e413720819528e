"""The simulator as one object: HTTP and DNS on loopback, a journal of what arrived, and the fault switches."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Thread
from types import TracebackType
from typing import Self

from investigations.simulator.apis import APIS
from investigations.simulator.dns import DnsServer
from investigations.simulator.faults import Faults
from investigations.simulator.http import HttpServer
from investigations.simulator.journal import Asked, DnsQuery, Journal

HOST = "127.0.0.1"  # never anything else: there is no authentication


class PortBusyError(OSError):
    """A port is taken or may not be used; the message names it."""


class Simulator:
    """Use as a context manager, or call `start` and `stop`. A port of 0 takes any free one.

    `faults` are (provider, fault) pairs as in `set_fault`.
    """

    def __init__(
        self,
        port: int = 0,
        dns_port: int = 0,
        *,
        latency_ms: float = 0.0,
        faults: Iterable[tuple[str, str]] = (),
        verbose: bool = False,
    ) -> None:
        self.faults = Faults(latency_ms)
        self.journal = Journal()
        for provider, fault in faults:
            self.faults.set(provider, fault)
        self._ports = port, dns_port
        self._verbose = verbose

    def start(self) -> Self:
        """Open both ports and answer from threads of our own; raise PortBusyError if a port cannot be had."""
        port, dns_port = self._ports
        try:
            self._http = HttpServer(HOST, port, self.faults, self.journal, verbose=self._verbose)
        except OSError as error:
            raise _busy("HTTP", port, error) from error
        try:
            self._dns = DnsServer(HOST, dns_port, self.faults, self.journal)
        except OSError as error:
            self._http.server_close()
            raise _busy("DNS", dns_port, error) from error
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), name="simulator-http", daemon=True)
        self._thread.start()
        self._dns.start()
        return self

    def stop(self) -> None:
        """Close both ports and hang up on whoever is still connected."""
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        self._dns.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._http.server_port}"

    def http_url(self, provider: str) -> str:
        """What to set as the URL of a provider; its real paths are appended."""
        if provider not in APIS:
            raise KeyError(f"{provider} is not simulated over HTTP")
        return f"{self.url}/{provider}"

    @property
    def dns_server(self) -> str:
        """What to set as RECONSOC_DNS_SERVER."""
        return f"{HOST}:{self._dns.port}"

    @property
    def requests(self) -> list[Asked]:
        """Every question so far as (provider, value), HTTP and DNS alike, the oldest first."""
        return self.journal.requests

    @property
    def dns_queries(self) -> list[DnsQuery]:
        """Every DNS question so far as (name, type), the oldest first."""
        return self.journal.dns_queries

    def set_fault(self, provider: str, fault: str | None) -> None:
        """Make a provider (or "all") misbehave, as in `--fault`; None makes it well again."""
        self.faults.set(provider, fault)

    def clear(self) -> None:
        """Forget what arrived, and turn all faults and latency off."""
        self.journal.clear()
        self.faults.clear()


def _busy(what: str, port: int, error: OSError) -> PortBusyError:
    reason = (error.strerror or str(error)).lower()
    return PortBusyError(f"The simulator cannot use port {port} for {what}: {reason}.")
