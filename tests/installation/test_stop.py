"""Whoever stops it, and however: nothing is left, or the next start clears it."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.installation.alerts import eve
from tests.installation.installation import Installation, Up, eventually

pytestmark = pytest.mark.slow

STOP_SECONDS = 15.0


def nothing_left(installation: Installation) -> bool:
    return not installation.processes()


def test_it_stops_everything_at_ctrl_c(installation_of: Installation) -> None:
    with installation_of.up() as up:
        up.wait_until_running()
        assert len(installation_of.processes()) >= 6
        up.interrupt()
        check_stopped(up)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_stops_everything_when_told(installation: Installation, number: int) -> None:
    with installation.up() as up:
        up.wait_until_running()
        up.process.send_signal(number)
        check_stopped(up)


def check_stopped(up: Up) -> None:
    (sockets,) = up.installation.socket_folders()
    assert sockets.is_dir()
    assert up.end(STOP_SECONDS) == 0, up.errors
    assert nothing_left(up.installation)
    assert not sockets.exists() and not (up.installation.data / "servers.json").exists()
    assert up.errors == []


@pytest.mark.parametrize("moment", ["setting up postgres", "First log-in"])
def test_it_stops_while_it_starts(new_installation: Installation, moment: str) -> None:
    installation = new_installation
    with installation.up() as up:
        assert eventually(lambda: up.says(moment), 60)
        up.interrupt()
        assert up.end(STOP_SECONDS) == 0, up.errors
        assert nothing_left(installation) and up.errors == []
    # Whatever it had begun is taken up
    with installation.up() as up:
        up.wait_until_running()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="only Linux ends the children of a killed process")
def test_it_leaves_no_child_when_it_is_killed(installation_of: Installation) -> None:
    installation = installation_of
    with installation.up() as up:
        up.wait_until_running()
        (sockets,) = installation.socket_folders()
        up.process.kill()
        assert eventually(lambda: nothing_left(installation), STOP_SECONDS), installation.processes()
        with installation.up() as after:
            after.wait_until_running()
            assert not sockets.exists()
            assert installation.count("investigations_user") == 1
            ours = {after.process.pid, *descendants(after)}
            assert {process.pid for process in installation.processes()} == ours
        assert nothing_left(installation)


def test_it_starts_again_while_the_children_of_a_killed_one_are_ending(installation: Installation) -> None:
    with installation.up() as up:
        up.wait_until_running()
        up.process.kill()
        with installation.up() as after:
            after.wait_until_running()


def test_it_ends_a_postgres_that_outlived_its_supervisor(installation: Installation) -> None:
    """Where the kernel does not end the children: a postmaster that nobody stopped is stopped by the next start."""
    with installation.up() as up:
        up.wait_until_running()
        orphan = up.child("/postgres ")
        os.kill(orphan, signal.SIGSTOP)
        up.process.kill()
        os.kill(orphan, signal.SIGCONT)
        with installation.up() as after:
            after.wait_until_running()
            assert not Path(f"/proc/{orphan}").exists()
            assert installation.count("investigations_user") == 1


@pytest.mark.parametrize("content", ["{pid}\n/elsewhere\n", "no number\n"])
def test_it_starts_after_a_crash_of_the_machine(installation: Installation, content: str) -> None:
    """The machine stopped without a word: the number of the old postmaster is another process's, or nobody's."""
    with installation.up() as up:
        up.wait_until_running()
        for name in ("/postgres ", "valkey-server"):
            os.kill(up.child(name), signal.SIGKILL)
        up.process.kill()
        assert eventually(lambda: nothing_left(installation), STOP_SECONDS)
    # Our own process is alive, and is none of its
    (installation.data / "postgres/postmaster.pid").write_text(content.format(pid=os.getpid()))
    with installation.up() as after:
        after.wait_until_running()
        assert installation.count("investigations_user") == 1
    os.kill(os.getpid(), 0)


STATES = "from investigations.models import Investigation as I; c = I.objects.filter(status='enriching', fence__gt=0); \
print(c.count(), c.overdue(0).count())"


def test_it_gives_work_back_when_it_stops(installation: Installation, closed_folder: Path) -> None:
    """Not when the lease runs out: another worker may take it at once."""
    alerts = closed_folder / "eve.json"
    alerts.write_text("\n".join(json.dumps(eve(number)) for number in range(5)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = f"127.0.0.1:{silent.getsockname()[1]}"
        with installation.up(RECONSOC_DNS_SERVER=resolver, RECONSOC_DEADLINE_SECONDS="600") as up:
            up.wait_until_running()
            assert installation.manage("ingest", str(alerts)).returncode == 0
            claimed = "investigations_investigation WHERE status = 'enriching' AND fence > 0"
            assert eventually(lambda: installation.count(claimed) == 5, 30)
            up.interrupt()
            assert up.end(STOP_SECONDS) == 0
    done = installation.manage("shell", "-v0", "-c", STATES)
    assert done.stdout.split() == ["5", "5"], done


def descendants(up: Up) -> set[int]:
    known = {up.process.pid}
    processes = up.installation.processes()
    while more := {process.pid for process in processes if process.parent in known} - known:
        known |= more
    return known
