"""Connections that check where they go and end when their time is up; the socket level of the HTTP door.

urllib3 resolves a name, connects and reads with a timeout for each step. Here the name is resolved once, every answer
is judged and the judged address is the one connected to, so that a name cannot lead elsewhere the second time. The
time limit holds for the whole exchange, so that a server cannot keep a worker by sending a byte now and then.
"""

from __future__ import annotations

import http.client
import io
import queue
import socket
import threading
import time
from functools import partial
from typing import Any

from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from investigations.choices import Outcome
from investigations.providers.addresses import Address, may_connect, parsed
from investigations.providers.base import ProviderError

MAX_ADDRESSES = 4  # of one name; more are not tried


class DeadlineReader(io.RawIOBase):
    """Reads from a socket; every single read may only take what is left of the time."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self.stream = sock.makefile("rb", buffering=0)
        self.deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.sock.settimeout(left)
        return self.stream.readinto(buffer)

    def close(self) -> None:
        self.stream.close()
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    """A response whose status line, headers and body must all arrive before the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(DeadlineReader(sock, deadline))


class GuardedConnection(HTTPConnection):
    """A connection to a checked address."""

    def _new_conn(self) -> socket.socket:
        return open_socket(self._dns_host.strip("[]"), self.port or self.default_port, seconds(self.timeout))

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        # urllib3 has set `timeout` to what is left of the request's total
        deadline = time.monotonic() + seconds(self.timeout)
        self.response_class = partial(DeadlineResponse, deadline=deadline)  # type: ignore[assignment]
        return super().getresponse()


class GuardedSecureConnection(GuardedConnection, HTTPSConnection):
    """The same with TLS; certificate and SNI are those of the name, not of the address."""


class GuardedPool(HTTPConnectionPool):
    ConnectionCls = GuardedConnection


class GuardedSecurePool(HTTPSConnectionPool):
    ConnectionCls = GuardedSecureConnection


POOLS = {"http": GuardedPool, "https": GuardedSecurePool}


def seconds(timeout: Any) -> float:
    """The timeout of a connection as a number; the door never leaves it open."""
    if not isinstance(timeout, int | float):
        raise TypeError("a connection needs a timeout")
    return float(timeout)


def open_socket(host: str, port: int, timeout: float) -> socket.socket:
    """Connect to one of the checked addresses of `host`; what is left of the time is shared among them."""
    deadline = time.monotonic() + timeout
    addresses = checked_addresses(host, port, timeout)
    outcome = Outcome.ERROR
    for tried, address in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - tried)
        try:
            sock = socket.create_connection((str(address), port), timeout=max(share, 0.001))
        except TimeoutError:
            outcome = Outcome.TIMEOUT
        except OSError:
            outcome = Outcome.ERROR
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(max(deadline - time.monotonic(), 0.001))  # for the TLS handshake
            return sock
    raise ProviderError("The server cannot be reached", outcome=outcome)


def checked_addresses(host: str, port: int, timeout: float) -> list[Address]:
    """The addresses of `host`, all of them allowed; one that is not speaks against the whole name."""
    addresses = resolved(host, port, timeout)
    loopback = bool(settings.ALLOW_TEST_NETWORKS)
    if not all(may_connect(address, networks=settings.PROVIDER_NETWORKS, loopback=loopback) for address in addresses):
        raise ProviderError("The server's address is internal or reserved; the deployment has not allowed it")
    return addresses[:MAX_ADDRESSES]


def resolved(host: str, port: int, timeout: float) -> list[Address]:
    """What the system says that `host` is, in its order. getaddrinfo knows no timeout, so a thread waits for it."""
    literal = parsed(host)
    if literal is not None:
        return [literal]
    answers: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_resolve, args=(host, port, answers), name="resolve", daemon=True).start()
    try:
        found = answers.get(timeout=max(timeout, 0.001))
    except queue.Empty:
        raise ProviderError("The server's name was not resolved in time", outcome=Outcome.TIMEOUT) from None
    addresses = [parsed(str(entry[4][0])) for entry in found or []]
    known = [address for address in dict.fromkeys(addresses) if address is not None]
    if not known:
        raise ProviderError("The server's name cannot be resolved")
    return known


def _resolve(host: str, port: int, answers: queue.SimpleQueue[list[Any] | None]) -> None:
    try:
        answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        answers.put(None)
