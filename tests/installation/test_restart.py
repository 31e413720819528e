"""The supervisor with children that misbehave: real processes, and a log that tells."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconsoc import processes, supervisor
from reconsoc.supervisor import Child, Supervisor


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Supervisor]:
    lines: list[str] = []
    watched = Supervisor(tmp_path / "log", lines.append)
    yield watched
    watched.stop()
    assert all(child.process is None or child.process.poll() is not None for child in watched.children)


def python(name: str, program: str) -> Child:
    return Child(name, lambda: [sys.executable, "-c", program], stop_seconds=2.0)


def log_of(watched: Supervisor, name: str = "supervisor") -> str:
    return (watched.logs / f"{name}.log").read_text()


def test_it_waits_longer_each_time_for_a_child_that_dies_at_once(watched: Supervisor) -> None:
    watched.start(python("broken", "import os; os.write(1, b'.'); raise SystemExit('no\\x1b[31m such table')"))
    watched.watch(lambda: log_of(watched, "broken").count(".") >= 4, 20.0)
    (child,) = watched.children
    assert child.delay >= 8 * supervisor.FIRST_DELAY
    told = [line.rpartition(" in ")[2] for line in log_of(watched).splitlines()]
    assert told[:3] == ["0.4 s", "0.8 s", "1.6 s"]


def test_it_says_why_a_child_ended(watched: Supervisor) -> None:
    watched.start(python("broken", "raise SystemExit('no\\x1b[31m such table')"))
    watched.watch(lambda: (watched.logs / "supervisor.log").exists(), 20.0)
    assert "broken ended (exit code 1: no�[31m such table)" in log_of(watched)


def test_it_never_waits_longer_than_the_limit() -> None:
    child = Child("broken", lambda: [])
    for _ in range(50):
        child.started = time.monotonic()
        child.postpone()
    assert child.delay == supervisor.LAST_DELAY
    child.started = time.monotonic() - supervisor.YOUNG - 1
    child.postpone()
    assert child.delay == supervisor.FIRST_DELAY


def test_it_lives_on_when_a_child_cannot_be_started(watched: Supervisor) -> None:
    sleeper = python("sleeper", "import time; time.sleep(60)")
    watched.start(sleeper)
    assert sleeper.process
    sleeper.command = lambda: ["/nonexistent/program"]
    os.kill(sleeper.process.pid, signal.SIGKILL)
    watched.watch(lambda: "cannot be started" in log_of(watched) if sleeper.process is None else False, 20.0)
    assert "sleeper ended (killed by SIGKILL)" in log_of(watched)
    assert "No such file" in log_of(watched)
    sleeper.command = lambda: [sys.executable, "-c", "import time; time.sleep(60)"]
    assert watched.watch(lambda: sleeper.process is not None, 20.0)


def test_it_ends_the_rest_of_a_child_that_was_killed(watched: Supervisor) -> None:
    """As gunicorn's workers, which hold on to the port when their master is gone."""
    grandchild = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    watched.start(python("master", f"{grandchild} print(p.pid, flush=True); p.wait()"))
    watched.watch(lambda: bool(log_of(watched, "master").strip()), 20.0)
    pid = int(log_of(watched, "master").split()[0])
    process = watched.children[0].process
    assert process
    process.kill()
    assert watched.watch(lambda: not alive(pid), 20.0)


def test_it_kills_a_child_that_does_not_want_to_end(watched: Supervisor) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    child = python("stubborn", stubborn)
    child.stop_seconds = 0.2
    watched.start(child)
    watched.watch(lambda: bool(log_of(watched, "stubborn").strip()), 20.0)
    watched.stop()
    assert child.process and child.process.returncode == -signal.SIGKILL


def test_it_ends_the_servers_after_those_that_need_them(watched: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    program = (
        "import signal, sys, time\n"
        f"def end(*_):\n    time.sleep(0.3); open({str(order)!r}, 'a').write(NAME + ' '); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print(1, flush=True); time.sleep(60)"
    )
    for name, needed in (("database", True), ("web", False), ("worker", False)):
        child = python(name, f"NAME = {name!r}\n{program}")
        child.needed = needed
        watched.start(child)
    watched.watch(lambda: all(log_of(watched, child.name).strip() for child in watched.children), 20.0)
    watched.stop()
    assert order.read_text().split()[-1] == "database" and len(order.read_text().split()) == 3


def test_it_keeps_logs_small_while_they_are_written(watched: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 10_000)
    monkeypatch.setattr(supervisor, "LOG_CHECK", 0.0)
    watched.start(python("talker", "while True: print('x' * 99, flush=True); import time; time.sleep(0.0005)"))
    rotated = watched.logs / "talker.log.1"
    assert watched.watch(rotated.exists, 20.0)
    # The writer goes on in the same file, at its start
    assert watched.watch(lambda: (watched.logs / "talker.log").stat().st_size > 0, 20.0)
    assert (watched.logs / "talker.log").read_bytes()[:1] == b"x"
    assert rotated.stat().st_size > 10_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_it_takes_its_children_with_it_when_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from reconsoc import processes\n"
        "child = processes.start([sys.executable, '-c', 'import time; time.sleep(60)'], "
        f"log=Path({str(tmp_path / 'child.log')!r}), folder=Path('/'))\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    assert processes.wait_until(lambda: not alive(pid), 10.0)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
