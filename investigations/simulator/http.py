"""The simulated web: all HTTP APIs behind one loopback port, faults and latency included."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from investigations.simulator import control, spoil
from investigations.simulator.apis import APIS
from investigations.simulator.apis.base import Answer, Request, as_json
from investigations.simulator.faults import Fault, Faults
from investigations.simulator.journal import Journal

SIMULATED = {"X-ReconSOC-Simulated": "1"}
SILENCE = 120.0  # seconds after which a silent connection is closed
LARGEST_COMMAND = 64 * 1024  # bytes of a control request


class HttpServer(ThreadingHTTPServer):
    """One thread per connection, so that a slow answer keeps nobody else waiting."""

    request_queue_size = 2048
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, faults: Faults, journal: Journal, *, verbose: bool = False) -> None:
        self.faults = faults
        self.journal = journal
        self.verbose = verbose
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind looks up the host's name; nobody needs it, and it can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is no event here."""

    def hang_up(self) -> None:
        """Wake every thread that waits, for a delay or for the next request on its connection."""
        self.stopping.set()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # already gone


class Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the API and sends the answer, as the switches allow."""

    server: HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "ReconSOC-simulator"
    sys_version = ""
    wbufsize = -1  # headers and body in one packet
    disable_nagle_algorithm = True
    timeout = SILENCE

    def do_GET(self) -> None:
        content = self._content()
        url = urlsplit(self.path)
        provider, _, path = unquote(url.path).removeprefix("/").partition("/")
        if provider == control.PATH:
            self._send(self._control(content))
        elif provider in APIS:
            self._ask(provider, f"/{path}", dict(parse_qsl(url.query, keep_blank_values=True)))
        else:
            self.server.journal.record(spoil.ELSEWHERE, "", self.path)
            self._send(as_json(404, {"error": f"No simulated provider here; there are {', '.join(sorted(APIS))}."}))

    do_POST = do_GET

    def _ask(self, provider: str, path: str, query: Mapping[str, str]) -> None:
        api, server = APIS[provider], self.server
        headers = {name.lower(): value for name, value in self.headers.items()}
        key = headers.get(api.key_header, "")
        request = Request(path, query, headers, server.journal.count(provider) + 1, datetime.now(UTC))
        server.journal.record(provider, api.asked(request), path.replace(key, "KEY") if key else path)
        server.stopping.wait(server.faults.delay(provider))
        fault = server.faults.strike(provider)
        if fault and fault.kind in spoil.TRANSPORT:
            self._misbehave(fault, api.refused(request) or api.answer(request))
        elif fault:
            self._send(spoil.spoil(api, request, fault))
        else:
            self._send(api.refused(request) or api.answer(request))

    def _control(self, content: bytes) -> Answer:
        faults, journal = self.server.faults, self.server.journal
        if self.command == "GET":
            return as_json(200, control.summary(faults, journal))
        return control.command(self.headers.get_content_type(), content, faults, journal)

    def _content(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        wanted = int(length) if length.isdecimal() else 0
        if wanted > LARGEST_COMMAND:
            self.close_connection = True
            return b""
        return self.rfile.read(wanted)

    def _misbehave(self, fault: Fault, answer: Answer) -> None:
        """Faults of the connection; afterwards it is of no more use."""
        self.close_connection = True
        if fault.kind == "timeout":
            self.server.stopping.wait(SILENCE)
        elif fault.kind == "cut":
            self._send_head(answer)
            self.wfile.write(answer.body[: len(answer.body) // 2])
        elif fault.kind == "drip":
            self._drip(answer, fault.argument)

    def _drip(self, answer: Answer, interval: float) -> None:
        padded = Answer(answer.status, answer.body.ljust(spoil.DRIPPED_BYTES), answer.headers)
        self._send_head(padded)
        for byte in padded.body:
            self.wfile.write(bytes((byte,)))
            self.wfile.flush()
            if self.server.stopping.wait(interval):
                return

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        self.wfile.write(answer.body)

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in (*SIMULATED.items(), *answer.headers.items(), ("Content-Length", str(len(answer.body)))):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        if self.server.verbose:
            # The path may hold a key (VirusTotal's users endpoint): only the provider is named.
            self.log_message("%s /%s %s", self.command, self.path.split("/")[1], int(code))
