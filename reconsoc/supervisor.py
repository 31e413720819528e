"""Runs everything that `make run` needs, restarts what dies, and ends all of it with itself.

Children get a session of their own, so that Ctrl-C reaches only the supervisor, which then stops them in order.
Should the supervisor itself be killed, the kernel ends the children (Linux), and the next start clears what is left.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from reconsoc import embedded, processes
from reconsoc.embedded import EmbeddedError
from reconsoc.env import BASE_DIR
from reconsoc.servers import Server

POLL = 0.2
FIRST_DELAY, LAST_DELAY = 0.2, 10.0  # seconds before a restart; doubled while a child dies young
YOUNG = 10.0  # seconds
LOG_CHECK = 10.0  # seconds between looks at the size of the logs
WEB_SECONDS = 30.0  # until a web that does not answer is reported
PORT_SECONDS = 10.0  # that the web of a killed supervisor may take to end


@dataclass(slots=True)
class Child:
    """One process that shall always run."""

    name: str
    command: Callable[[], list[str]]
    folder: Path = BASE_DIR
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 8.0
    needed: bool = False  # by the others: it is stopped when they are gone
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    next_start: float = 0.0

    def postpone(self) -> None:
        """Wait before the next start; the longer, the sooner it died."""
        young = time.monotonic() - self.started < YOUNG
        self.delay = min(self.delay * 2, LAST_DELAY) if young else FIRST_DELAY
        self.next_start = time.monotonic() + self.delay


@dataclass(slots=True)
class Supervisor:
    """Start children with `start`, then `watch` until told to stop, then `stop`. `tell` shows a line to the person."""

    logs: Path
    tell: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    logs_checked: float = 0.0

    def start(self, child: Child) -> None:
        self.children.append(child)
        self._spawn(child)

    def watch(self, until: Callable[[], bool] = lambda: False, seconds: float = float("inf")) -> bool:
        """Restart what dies; True when the condition holds, False when the time is over or a signal asks to stop."""
        end = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < end:
            for child in self.children:
                self._tend(child)
            self._keep_logs_small()
            if until():
                return True
            time.sleep(POLL)
        return False

    def request_stop(self, *_: object) -> None:
        self.stopping = True

    def stop(self) -> None:
        """End the children: web and workers together, then the servers that they need, the last started first."""
        for needed in (False, True):
            children = [child for child in reversed(self.children) if child.needed is needed and child.process]
            if not needed:
                for child in children:
                    self._ask_to_end(child)
            for child in children:
                if child.process:
                    processes.stop(child.process, child.stop_signal, child.stop_seconds)

    def note(self, text: str) -> None:
        """A line for the person and for the log."""
        self.tell(text)
        # Neither a full disk nor a closed terminal is a reason to end
        with contextlib.suppress(OSError):
            self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (self.logs / "supervisor.log").open("a") as log:
                log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")

    def _ask_to_end(self, child: Child) -> None:
        if child.process and child.process.poll() is None:
            child.process.send_signal(child.stop_signal)

    def _tend(self, child: Child) -> None:
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            # gunicorn's workers would hold on to the port
            processes.signal_group(child.process.pid, signal.SIGTERM)
            child.process = None
            child.postpone()
            self.note(f"{child.name} ended ({self._why(child, code)}); starting it again in {child.delay:.1f} s")
        if time.monotonic() >= child.next_start:
            try:
                self._spawn(child)
            except (OSError, subprocess.SubprocessError) as error:
                child.postpone()
                self.note(f"{child.name} cannot be started ({error}); trying again in {child.delay:.1f} s")

    def _why(self, child: Child, code: int) -> str:
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}: {processes.last_line_of(self._log(child))}"

    def _spawn(self, child: Child) -> None:
        child.started = time.monotonic()
        child.process = processes.start(
            child.command(), log=self._log(child), folder=child.folder, stop_signal=child.stop_signal
        )

    def _log(self, child: Child) -> Path:
        return self.logs / f"{child.name}.log"

    def _keep_logs_small(self) -> None:
        if time.monotonic() - self.logs_checked < LOG_CHECK:
            return
        self.logs_checked = time.monotonic()
        with contextlib.suppress(OSError):
            for log in self.logs.glob("*.log"):
                processes.keep_small(log)


def run(
    directory: Path, host: str, port: int, workers: int, *, extra: Iterable[Child], say: Callable[[str], None]
) -> None:
    """Bring everything up, say where it is, and keep it up until a signal asks to stop. EmbeddedError in one line."""

    def tell(text: str) -> None:
        # Whoever started us may have closed the terminal meanwhile
        with contextlib.suppress(OSError):
            say(text)

    supervisor = Supervisor(directory / "log", tell)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.request_stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, supervisor.request_stop)
    # For the children, who may be started in another folder
    os.environ["RECONSOC_DATA_DIR"] = str(directory)
    crashed = embedded.running(directory) is not None
    with embedded.own(directory) as sockets:
        _check_port(host, port, PORT_SECONDS if crashed else 0.0)
        try:
            _start_servers(supervisor, directory, sockets)
            if not supervisor.stopping:
                _start_rest(supervisor, host, port, workers, extra)
            supervisor.watch()
            supervisor.note("stopping")
        finally:
            supervisor.stop()
    supervisor.note("stopped")


def _start_servers(supervisor: Supervisor, directory: Path, sockets: Path) -> None:
    """Servers, their tables, and then word of them for the other commands."""
    servers = embedded.wanted(directory, sockets)
    for server in servers:
        if server.prepare():
            supervisor.note(f"setting up {server.name} in {directory}")
        supervisor.start(_child_of(server))
    for child, server in zip(supervisor.children, servers, strict=True):
        assert child.process is not None
        embedded.wait_until_ready(server, child.process, supervisor.logs, give_up=lambda: supervisor.stopping)
    addresses = embedded.addresses_of(servers, sockets)
    os.environ |= embedded.environment(addresses)
    if not supervisor.stopping:
        _prepare(supervisor)
    embedded.announce(directory, addresses)


def _child_of(server: Server) -> Child:
    return Child(server.name, server.command, server.folder, server.stop_signal, stop_seconds=20.0, needed=True)


def _prepare(supervisor: Supervisor) -> None:
    """Migrations, static files, defaults, the first account; what it prints is for the person alone: a password."""
    command = [sys.executable, "manage.py", "prepare"]
    with subprocess.Popen(
        command, cwd=BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, errors = process.communicate(timeout=POLL)
                break
            if supervisor.stopping:
                process.terminate()
    for line in output.splitlines():
        supervisor.tell(line)
    if process.returncode and not supervisor.stopping:
        raise EmbeddedError(f"the database could not be prepared: {processes.last_line(errors or output)}")


def _start_rest(supervisor: Supervisor, host: str, port: int, workers: int, extra: Iterable[Child]) -> None:
    for child in [web(host, port), *(worker(number + 1) for number in range(workers)), *extra]:
        supervisor.start(child)
    url = f"http://{_shown(host)}:{port}/"
    if supervisor.watch(lambda: _answers(host, port), WEB_SECONDS):
        supervisor.note(f"ReconSOC is running at {url} (Ctrl-C stops it)")
    elif not supervisor.stopping:
        supervisor.note(f"the web does not answer at {url}: see {supervisor.logs / 'web.log'}")


def web(host: str, port: int) -> Child:
    """gunicorn with threads: two processes, so that one that is killed does not take the page away."""
    command = [sys.executable, "-m", "gunicorn", "reconsoc.wsgi:application", "--bind", f"{_shown(host)}:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--backlog", "512"]
    command += ["--max-requests", "50000", "--max-requests-jitter", "5000", "--graceful-timeout", "5"]
    command += ["--no-control-socket"]
    return Child("web", lambda: command)


def worker(number: int) -> Child:
    return Child(f"worker-{number}", lambda: [sys.executable, "manage.py", "worker"])


def _check_port(host: str, port: int, seconds: float) -> None:
    """EmbeddedError if nobody can listen there."""
    problem = ""

    def free() -> bool:
        nonlocal problem
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            problem = error.strerror or str(error)
            return False
        return True

    if not processes.wait_until(free, seconds, pause=POLL):
        raise EmbeddedError(f"cannot listen on {host} port {port}: {problem}; set RECONSOC_HOST and RECONSOC_PORT")


def _answers(host: str, port: int) -> bool:
    """Does the web answer at all? What it says does not matter."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(target, port, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status > 0
    return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
