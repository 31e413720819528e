"""An installation of its own for a test: a copy of the tree in a folder with a space, real processes, loopback only."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from reconsoc.embedded import running
from reconsoc.env import BASE_DIR

START_SECONDS = 90.0  # on a busy machine
# Of the session that runs the tests, and not of an installation under test
FOREIGN = ("RECONSOC_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "PYTEST_", "MAKE", "MFLAGS")


def copy_tree(target: Path) -> Path:
    """The files of the project, as a clone would have them, with the environment of this run."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=BASE_DIR, capture_output=True, check=True,
    )  # fmt: skip
    for name in listing.stdout.decode().split("\0"):
        if name and (BASE_DIR / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(BASE_DIR / name, target / name)
    (target / ".venv").symlink_to(sys.prefix)
    return target


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def plain_user() -> list[str]:
    """The start of a command line that runs as a user without rights; only root can do that."""
    nobody = pwd.getpwnam("nobody")
    command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    interpreter = Path(sys.executable).resolve()
    if not all(folder.stat().st_mode & 0o001 for folder in [*interpreter.parents, *BASE_DIR.parents]):
        # This run's Python lives below a folder of root's own: the user may read it, and still writes nowhere
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return command


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    command: str


@dataclass
class Installation:
    tree: Path
    data: Path
    port: int = field(default_factory=free_port)
    account: list[str] = field(default_factory=list)  # who runs it: a prefix of every command line

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        own |= {"RECONSOC_DATA_DIR": str(self.data), "RECONSOC_PORT": str(self.port), "RECONSOC_WORKERS": "1"}
        # Nothing leaves the machine: the resolver is one that does not answer
        own |= {"RECONSOC_ALLOW_TEST_NETWORKS": "1", "RECONSOC_DNS_SERVER": "127.0.0.1:9", "PYTHONUNBUFFERED": "1"}
        return {**own, **more}

    def popen(self, *arguments: str, stdin: Any = subprocess.DEVNULL, **more: str) -> subprocess.Popen[str]:
        """A management command in a process group of its own, as a terminal starts it."""
        return subprocess.Popen(
            [*self.account, str(self.tree / ".venv/bin/python"), "manage.py", *arguments],
            cwd=self.tree,
            env=self.environment(more),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def manage(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        with self.popen(*arguments, **more) as process:
            try:
                output, errors = process.communicate(timeout=START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    @contextlib.contextmanager
    def up(self, *arguments: str, **more: str) -> Iterator[Up]:
        process = self.popen("up", *arguments, **more)
        up = Up(self, process)
        try:
            yield up
        finally:
            up.clear()

    def connect(self) -> psycopg.Connection:
        addresses = running(self.data)
        assert addresses, "no servers are announced"
        return psycopg.connect(addresses.database_url, autocommit=True, connect_timeout=5)

    def count(self, table: str) -> int:
        with self.connect() as link:
            row = link.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0

    def processes(self) -> list[Process]:
        """Whatever runs for this installation, whoever started it."""
        found = (self._read(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
        return [process for process in found if process]

    def socket_folders(self) -> list[Path]:
        """Those that processes of this installation name, or that it announced."""
        addresses = running(self.data)
        return [Path(addresses.sockets)] if addresses else []

    def _read(self, pid: int) -> Process | None:
        folder = Path("/proc") / str(pid)
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            ours = f"RECONSOC_DATA_DIR={self.data}".encode() in (folder / "environ").read_bytes().split(b"\0")
            # The servers write their titles over their environment
            ours = ours or (folder / "cwd").readlink() in (self.data / "postgres", self.data / "valkey")
        except OSError:
            return None
        return Process(pid, int(status[1]), command) if ours and command else None


class Up:
    """A running `manage.py up`."""

    def __init__(self, installation: Installation, process: subprocess.Popen[str]) -> None:
        self.installation = installation
        self.process = process
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((process.stdout, self.lines), (process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    def wait_until_running(self) -> Up:
        ready = eventually(lambda: self.says("is running at") or self.process.poll() is not None, START_SECONDS)
        assert ready and self.process.poll() is None, f"{self.lines} {self.errors}"
        return self

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def line(self, text: str) -> str:
        return next(line for line in self.lines if text in line)

    def interrupt(self) -> None:
        """Ctrl-C: a terminal sends it to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, seconds: float = 30.0) -> int:
        """Wait for it to end; the exit code."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        return code

    def child(self, part: str, parent: int | None = None) -> int:
        """The process of this installation whose command line holds `part`; the supervisor's unless told otherwise."""
        parent = parent or self.process.pid
        for process in self.installation.processes():
            if process.parent == parent and part in process.command:
                return process.pid
        raise LookupError(part)

    def clear(self) -> None:
        """End it, whatever the test left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(40)
        left = self.installation.processes()
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self.process.wait(5)

    def _read(self, stream: object, lines: list[str]) -> None:
        with stream:  # type: ignore[attr-defined]
            lines.extend(iter(stream.readline, ""))  # type: ignore[attr-defined]
