"""Runs everything that `make run` needs, restarts what dies, and ends all of it with itself.

Children get a session of their own, so that Ctrl-C reaches only the supervisor, which then stops them in order.
Should the supervisor itself be killed, the kernel ends the children (Linux), and the next start clears what is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from reconsoc import embedded
from reconsoc.embedded import DataLock, EmbeddedError, Postgres, Valkey
from reconsoc.env import BASE_DIR

POLL = 0.2
FIRST_DELAY, LAST_DELAY = 0.2, 10.0  # seconds before a restart; doubled while a child dies young
YOUNG = 10.0  # seconds
LOG_BYTES = 20 * 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One process that shall always run."""

    name: str
    command: Callable[[], list[str]]
    folder: Path = BASE_DIR
    stop_signal: int = signal.SIGTERM
    prepare: Callable[[], object] | None = None  # before each start
    stop_seconds: float = 20.0
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    next_start: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Start children with `start`, then `watch` until told to stop, then `stop`."""

    logs: Path
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def start(self, child: Child) -> None:
        self.children.append(child)
        self._spawn(child)

    def watch(self) -> None:
        """Restart what dies, until a signal asks to stop."""
        while not self.stopping:
            for child in self.children:
                self._tend(child)
            time.sleep(POLL)

    def request_stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        self.stopping = True

    def stop(self) -> None:
        """End the children, the last started first; those of one kind together."""
        for child in reversed(self.children):
            if child.process is not None and child.process.poll() is None and child.name.startswith("worker"):
                child.process.send_signal(child.stop_signal)
        for child in reversed(self.children):
            if child.process is not None:
                embedded.stop(child.process, child.stop_signal, child.stop_seconds)

    def _tend(self, child: Child) -> None:
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            child.process = None
            lived = time.monotonic() - child.started
            child.delay = FIRST_DELAY if lived > YOUNG else min(child.delay * 2, LAST_DELAY)
            child.next_start = time.monotonic() + child.delay
            self.say(f"{child.name} ended ({_words(code)}); starting it again in {child.delay:.1f} s")
        if time.monotonic() >= child.next_start:
            self._spawn(child)

    def _spawn(self, child: Child) -> None:
        if child.prepare is not None:
            child.prepare()
        with self._log(child.name).open("ab") as log:
            child.process = subprocess.Popen(
                child.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=child.folder,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        child.started = time.monotonic()

    def _log(self, name: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path


def run(
    directory: Path, host: str, port: int, workers: int, *, extra: Iterable[Child], say: Callable[[str], None]
) -> None:
    """Bring everything up, say where it is, and keep it up until SIGINT or SIGTERM. EmbeddedError in one line."""
    lock = DataLock(directory)
    if not lock.acquire():
        raise EmbeddedError(f"the data directory {directory} is in use by another ReconSOC")
    try:
        check_port(host, port)
        with _sockets(directory) as sockets:
            _run(directory, sockets, host, port, workers, extra, say)
    finally:
        lock.release()


def _run(
    directory: Path,
    sockets: Path,
    host: str,
    port: int,
    workers: int,
    extra: Iterable[Child],
    say: Callable[[str], None],
) -> None:
    supervisor = Supervisor(directory / "log", say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, supervisor.request_stop)
    try:
        _start_servers(supervisor, directory, sockets)
        _prepare(supervisor)
        for child in [web(host, port), *(worker(number + 1) for number in range(workers)), *extra]:
            supervisor.start(child)
        if not supervisor.stopping:
            _wait_for_web(supervisor, host, port)
            say(f"ReconSOC is running at http://{_shown(host)}:{port}/ (Ctrl-C stops it)")
        supervisor.watch()
    finally:
        say("stopping …")
        supervisor.stop()
        say("stopped")


@contextlib.contextmanager
def _sockets(directory: Path) -> Iterator[Path]:
    sockets = embedded.make_sockets(directory)
    try:
        yield sockets
    finally:
        embedded.withdraw(directory, sockets)


def _start_servers(supervisor: Supervisor, directory: Path, sockets: Path) -> None:
    servers = embedded.wanted(directory, sockets)
    for server in servers:
        if server.prepare():
            supervisor.say(f"setting up {server.name} in {directory}")
        supervisor.start(_child_of(server))
    for child, server in zip(supervisor.children, servers, strict=True):
        assert child.process is not None
        embedded.wait_until_ready(server, child.process, supervisor.logs)
    addresses = embedded.announce(directory, servers, sockets)
    # For the children; a configured server's address is there already
    for name, url in (("DATABASE_URL", addresses.database_url), ("REDIS_URL", addresses.redis_url)):
        if url:
            os.environ[name] = url


def _child_of(server: Postgres | Valkey) -> Child:
    folder = server.directory if isinstance(server, Valkey) else Path("/")
    return Child(server.name, server.command, folder, server.stop_signal)


def _prepare(supervisor: Supervisor) -> None:
    """Migrations, static files, defaults, the first account; what it prints is for the person who starts us."""
    done = subprocess.run([sys.executable, "manage.py", "prepare"], cwd=BASE_DIR, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise EmbeddedError(f"the database could not be prepared: {lines[-1] if lines else 'no reason given'}")
    for line in done.stdout.splitlines():
        supervisor.say(line)


def web(host: str, port: int) -> Child:
    """gunicorn with threads: two processes, so that one that is killed does not take the page away."""
    command = [sys.executable, "-m", "gunicorn", "reconsoc.wsgi:application", "--bind", f"{_shown(host)}:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--backlog", "512"]
    command += ["--max-requests", "50000", "--max-requests-jitter", "5000", "--graceful-timeout", "10"]
    command += ["--no-control-socket"]
    return Child("web", lambda: command)


def worker(number: int) -> Child:
    return Child(f"worker-{number}", lambda: [sys.executable, "manage.py", "worker"])


def check_port(host: str, port: int) -> None:
    """EmbeddedError if nobody can listen there."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(family[4])
    except OSError as error:
        raise EmbeddedError(f"cannot listen on {host} port {port}: {error.strerror}; set RECONSOC_PORT") from None


def _wait_for_web(supervisor: Supervisor, host: str, port: int) -> None:
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not supervisor.stopping:
        with contextlib.suppress(OSError), socket.create_connection((target, port), timeout=1):
            return
        time.sleep(0.1)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _words(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
