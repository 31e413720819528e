"""Who runs the embedded servers of a data directory, and how everybody else finds them.

Whoever runs them holds `DATA/lock` and writes `DATA/servers.json`. A command that uses servers which another command
started holds `DATA/users` meanwhile, so that they are not stopped under it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from reconsoc import processes
from reconsoc.env import data_dir
from reconsoc.processes import stop
from reconsoc.servers import EmbeddedError, Postgres, Server, Valkey, end_valkey, has_tables

__all__ = ["Addresses", "EmbeddedError", "InUseError", "running", "serve", "servers_for", "stop"]

START_SECONDS = 60.0
# These need no database, or bring the servers up themselves
WITHOUT_SERVERS = {"", "help", "up", "bench", "simulator", "collectstatic", "--help", "-h", "--version"}
# These look after the tables themselves; for any other command a new database is prepared first
WITHOUT_TABLES = {"prepare", "migrate", "makemigrations", "check"}


class InUseError(EmbeddedError):
    """Another process runs the servers of this data directory."""


class Terminated(SystemExit):
    """Somebody sent SIGTERM."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the running servers are found."""

    database_url: str
    redis_url: str
    sockets: str


class Lock:
    """A lock on a file, given back by the kernel when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self, *, shared: bool = False) -> bool:
        """True if it is ours now; EmbeddedError if the file cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+")
        except OSError as error:
            raise EmbeddedError(f"the data directory {self.path.parent} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


@contextlib.contextmanager
def own(directory: Path) -> Iterator[Path]:
    """Exclusive use of a data directory, cleared of what a crash left: a new short private folder for the sockets.

    A socket's path may have 107 bytes, so the folder is not in the data directory.
    """
    lock = Lock(directory / "lock")
    if not lock.acquire():
        raise InUseError(f"the data directory {directory} is in use by another ReconSOC")
    if crashed := running(directory):
        end_valkey(crashed.redis_url)
        withdraw(directory, Path(crashed.sockets))
    base = "/tmp" if os.access("/tmp", os.W_OK) else None
    sockets = Path(tempfile.mkdtemp(prefix="reconsoc-", dir=base))
    try:
        yield sockets
    finally:
        withdraw(directory, sockets)
        lock.release()


def wanted(directory: Path, sockets: Path, *, durable: bool = True) -> list[Server]:
    """The servers that must be embedded: those whose address the environment does not give."""
    servers: list[Server] = []
    if not os.environ.get("DATABASE_URL"):
        servers.append(Postgres(directory, sockets, durable=durable))
    if not os.environ.get("REDIS_URL"):
        servers.append(Valkey(directory, sockets))
    return servers


def addresses_of(servers: Sequence[Server], sockets: Path) -> Addresses:
    urls = {server.name: server.url for server in servers}
    return Addresses(urls.get("postgres", ""), urls.get("valkey", ""), str(sockets))


def announce(directory: Path, addresses: Addresses) -> None:
    """Tell the other commands of this installation where the servers are."""
    draft = directory / "servers.json.new"
    draft.write_text(json.dumps(asdict(addresses)))
    draft.replace(directory / "servers.json")


def running(directory: Path) -> Addresses | None:
    """The addresses that the present (or a killed) owner of the data directory announced."""
    try:
        return Addresses(**json.loads((directory / "servers.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def withdraw(directory: Path, sockets: Path) -> None:
    with contextlib.suppress(OSError):
        (directory / "servers.json").unlink(missing_ok=True)
    # The file may be anybody's work: only a folder that can be one of ours is removed
    if sockets.name.startswith("reconsoc-"):
        shutil.rmtree(sockets, ignore_errors=True)


def start(server: Server, logs: Path) -> subprocess.Popen[bytes]:
    """Start a server; its output goes to LOGS/NAME.log."""
    return processes.start(
        server.command(), log=logs / f"{server.name}.log", folder=server.folder, stop_signal=server.stop_signal
    )


def wait_until_ready(
    server: Server, process: subprocess.Popen[Any], logs: Path, *, give_up: Callable[[], bool] = lambda: False
) -> None:
    """Return when it is ready, or when somebody gives up; EmbeddedError with its last words if it will not be."""
    done = processes.wait_until(lambda: give_up() or process.poll() is not None or server.ready(), START_SECONDS)
    if done and (give_up() or process.poll() is None):
        return
    raise EmbeddedError(f"{server.name} did not start: {processes.last_line_of(logs / f'{server.name}.log')}")


@contextlib.contextmanager
def serve(
    directory: Path, *, durable: bool = True, prepare: Callable[[Addresses], None] | None = None
) -> Iterator[Addresses]:
    """Run the servers for the length of a block; InUseError if somebody else runs them.

    `prepare` is called when they are ready, before anybody else is told of them.
    """
    with own(directory) as sockets:
        servers = wanted(directory, sockets, durable=durable)
        with _running(servers, directory / "log"):
            addresses = addresses_of(servers, sockets)
            if prepare:
                prepare(addresses)
            announce(directory, addresses)
            yield addresses


@contextlib.contextmanager
def _running(servers: Sequence[Server], logs: Path) -> Iterator[None]:
    started: list[tuple[Server, subprocess.Popen[bytes]]] = []
    try:
        for server in servers:
            server.prepare()
            started.append((server, start(server, logs)))
        for server, process in started:
            wait_until_ready(server, process, logs)
        yield
    finally:
        for server, process in reversed(started):
            stop(process, server.stop_signal)


@contextlib.contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """What a management command needs: servers that run already, or servers of its own until it ends."""
    command = arguments[0] if arguments else ""
    configured = os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")
    if configured or command in WITHOUT_SERVERS or "--help" in arguments or "-h" in arguments:
        yield
        return
    directory = data_dir()
    with contextlib.ExitStack() as stack:
        _serve_or_join(directory, None if command in WITHOUT_TABLES else _make_tables, stack)
        yield


def _serve_or_join(directory: Path, prepare: Callable[[Addresses], None] | None, stack: contextlib.ExitStack) -> None:
    """There are servers until the stack is closed: ours, or somebody else's."""
    users = Lock(directory / "users")
    stack.callback(users.release)
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(InUseError):
            # A command that is told to end stops its servers, too
            signal.signal(signal.SIGTERM, _end)
            stack.enter_context(serve(directory, prepare=prepare))
            stack.push(lambda kind, error, trace: _wait_for_users(users, kind))
            return
        # Whoever starts them has not announced them yet; whoever stops them lets nobody in any more
        if running(directory) and users.acquire(shared=True):
            if running(directory):
                return
            users.release()
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the servers of {directory} do not become ready; see {directory / 'log'}")
        time.sleep(0.1)


def _wait_for_users(users: Lock, kind: type[BaseException] | None) -> None:
    """Other commands work with our servers: they may finish, unless somebody wants us to end now."""
    if kind in (KeyboardInterrupt, Terminated):
        return
    if not users.acquire():
        print("waiting for another command that uses these servers (Ctrl-C ends both)", file=sys.stderr)
        while not users.acquire():
            time.sleep(0.1)


def _make_tables(addresses: Addresses) -> None:
    """A new database gets its tables and its first account; what is said of that goes to the standard error."""
    if not addresses.database_url or has_tables(addresses.database_url):
        return
    command = [sys.executable, sys.argv[0], "prepare", "--no-static"]
    done = subprocess.run(command, stdout=sys.stderr, env=os.environ | environment(addresses))
    if done.returncode:
        raise EmbeddedError("the new database could not be prepared")


def environment(addresses: Addresses) -> dict[str, str]:
    """The variables that lead a child process to the embedded servers."""
    urls = {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}
    return {name: url for name, url in urls.items() if url}


def _end(*_: object) -> NoReturn:
    raise Terminated(128 + signal.SIGTERM)
