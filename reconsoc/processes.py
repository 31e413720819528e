"""Child processes: they end with us, their logs stay small, and they are asked to end before they are made to."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LOG_BYTES = 20 * 1024 * 1024
LINE = 300  # characters of a log line that are shown to people
LAST_LINES = 8  # among which the cause is looked for: hints and details may follow it
CAUSES = ("FATAL:", "PANIC:", "error:", "Error:")
PR_SET_PDEATHSIG = 1

_kernel = ctypes.CDLL(None) if sys.platform == "linux" else None


def start(
    command: Sequence[str], *, log: Path, folder: Path, stop_signal: int = signal.SIGTERM
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; what it prints is appended to `log`.

    Should this process be killed, the kernel sends the child `stop_signal` (Linux). A command that changes its user
    loses that, and has to ask for it again.
    """
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_small(log)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_end_with_parent(stop_signal),
        )


def stop(process: subprocess.Popen[Any], stop_signal: int = signal.SIGTERM, seconds: float = 20.0) -> None:
    """End a process kindly, and then not kindly, with whatever is left of its group."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        signal_group(process.pid, signal.SIGKILL)
        process.wait()


def signal_group(leader: int, number: int) -> None:
    """Signal what the process `leader` started and did not take into a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def keep_small(log: Path) -> None:
    """Move the content of a large log to NAME.log.1. Whoever writes it goes on at the start, since all append."""
    try:
        if log.stat().st_size <= LOG_BYTES:
            return
    except FileNotFoundError:
        return
    # On a full disk the copy fails; that is when space is needed most
    with contextlib.suppress(OSError):
        shutil.copyfile(log, log.with_suffix(".log.1"))
    os.truncate(log, 0)


def wait_until(condition: Callable[[], bool], seconds: float, *, pause: float = 0.05) -> bool:
    """Look until the condition holds: True; or until the time is over: False."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


def last_line(text: str) -> str:
    """The last line that tells a cause, safe for a terminal: attackers can have a hand in what a server prints."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it printed nothing"]
    causes = [line for line in lines[-LAST_LINES:] if any(mark in line for mark in CAUSES)]
    line = (causes or lines)[-1][:LINE]
    return "".join(character if character.isprintable() else "�" for character in line)


def last_line_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            return last_line(file.read().decode(errors="replace"))
    except OSError:
        return "it has no log"


def _end_with_parent(number: int) -> Callable[[], None] | None:
    if _kernel is None:
        return None
    kernel, parent = _kernel, os.getpid()

    def prepare_child() -> None:
        kernel.prctl(PR_SET_PDEATHSIG, int(number))
        # The parent may have died before the kernel was told
        if os.getppid() != parent:
            os._exit(1)

    return prepare_child
