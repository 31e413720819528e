"""Real servers on loopback: an HTTP server that answers as told, a raw one for broken peers, and a DNS server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from investigations.providers.base import Reply

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> Reply:
    """A recorded answer as the HTTP door would bring it."""
    answer = json.loads((DATA / f"{name}.json").read_text())
    body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
    return Reply(answer["status"], {key.lower(): value for key, value in answer["headers"].items()}, body.encode())


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class Web:
    """An HTTP server whose next answers are `reply`; `requests` holds what was asked, as (path, headers)."""

    def __init__(self) -> None:
        self.reply = Reply(200, {}, b"{}")
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.peers: set[Any] = set()
        self.server = QuietServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def _handler(web) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                web.peers.add(self.client_address)
                self.send_response(web.reply.status)
                for name, value in web.reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(web.reply.body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(web.reply.body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web(settings: Any) -> Iterator[Web]:
    settings.ALLOW_TEST_NETWORKS = True
    server = Web()
    yield server
    server.close()


@pytest.fixture
def raw(settings: Any) -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Serve connections with a function that does as it likes with the socket; gives the URL."""
    settings.ALLOW_TEST_NETWORKS = True
    listeners: list[socket.socket] = []

    def serve(behave: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    threading.Thread(target=attend, args=(peer,), daemon=True).start()

        def attend(peer: socket.socket) -> None:
            with suppress(OSError), peer:
                peer.recv(65536)
                behave(peer)

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


class Zone:
    """A DNS server. `records` maps (name, type) to texts, `rcodes` a name to a response code.

    Names in `silent` get no answer at all; unknown names do not exist.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[str]] = {}
        self.rcodes: dict[str, str] = {}
        self.silent: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            wire, peer = self.socket.recvfrom(4096)
            if not wire:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self.socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        texts = self.records.get((name, kind))
        if name in self.rcodes:
            response.set_rcode(dns.rcode.from_text(self.rcodes[name]))
        elif texts:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()


@pytest.fixture
def zone(settings: Any) -> Iterator[Zone]:
    server = Zone()
    settings.DNS_SERVER = server.address
    yield server
    server.close()
