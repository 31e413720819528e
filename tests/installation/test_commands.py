"""Commands bring their own servers, share them, or use those that run."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.installation.alerts import eve
from tests.installation.installation import Installation, eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def eve_file(closed_folder: Path) -> Path:
    path = closed_folder / "eve of today.json"
    path.write_text("".join(json.dumps(eve(number)) + "\n" for number in range(50)))
    return path


def test_it_ingests_a_file_with_nothing_running(new_installation: Installation, eve_file: Path) -> None:
    installation = new_installation
    first = installation.manage("ingest", str(eve_file), "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["accepted"] == 50
    assert installation.processes() == [] and installation.socket_folders() == []
    # Nobody will ever be told the password again
    assert "First log-in: user admin, password" in first.stderr
    again = installation.manage("ingest", str(eve_file), "--json")
    assert json.loads(again.stdout)["duplicates"] == 50
    assert again.stderr == ""


def test_it_lets_two_commands_share_the_servers(new_installation: Installation, eve_file: Path) -> None:
    """On a new data directory, too: only one makes the tables."""
    installation = new_installation
    commands = [installation.popen("ingest", str(eve_file), "--json") for _ in range(3)]
    results = []
    for command in commands:
        output, errors = command.communicate(timeout=90)
        assert command.returncode == 0, errors
        results.append(json.loads(output))
    assert sum(result["accepted"] for result in results) == 50
    assert sum(result["duplicates"] for result in results) == 100
    assert eventually(lambda: installation.processes() == [], 10)


def test_it_does_not_stop_servers_that_another_command_uses(installation: Installation) -> None:
    with installation.popen("ingest", "-", "--json", stdin=PIPE) as owner:
        assert eventually(lambda: bool(installation.socket_folders()), 60)
        with installation.popen("ingest", "-", "--json", stdin=PIPE) as guest:
            assert guest.stdin and owner.stdin and owner.stderr
            assert eventually(lambda: (installation.data / "users").exists(), 30)
            # The owner is done, and says so
            owner.stdin.close()
            assert "waiting for another command" in owner.stderr.readline()
            output, errors = guest.communicate(json.dumps(eve(1)), timeout=60)
            assert guest.returncode == 0, errors
            assert json.loads(output)["accepted"] == 1
        assert owner.wait(30) == 0
    assert installation.processes() == []


def test_it_ends_at_once_when_it_is_told(installation: Installation) -> None:
    with installation.popen("ingest", "-", stdin=PIPE) as owner:
        assert eventually(lambda: bool(installation.socket_folders()), 60)
        owner.send_signal(signal.SIGTERM)
        _, errors = owner.communicate(timeout=20)
        assert owner.returncode == 128 + signal.SIGTERM and errors == ""
    assert installation.processes() == [] and installation.socket_folders() == []


def test_it_uses_the_servers_that_run(installation: Installation, eve_file: Path) -> None:
    with installation.up() as up:
        up.wait_until_running()
        (sockets,) = installation.socket_folders()
        done = installation.manage("ingest", str(eve_file), "--json", "--wait")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["accepted"] == 50
        assert installation.count("investigations_alert") == 50
        assert installation.count("investigations_investigation WHERE status = 'enriching'") == 0
        assert installation.socket_folders() == [sockets] and up.process.poll() is None


def test_it_waits_for_servers_that_are_starting(new_installation: Installation, eve_file: Path) -> None:
    installation = new_installation
    with installation.up() as up:
        assert eventually(lambda: up.says("setting up"), 60)
        done = installation.manage("ingest", str(eve_file), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["accepted"] == 50
        assert up.wait_until_running()


def test_it_stops_its_servers_when_it_is_killed(installation: Installation, eve_file: Path) -> None:
    command = installation.popen("ingest", str(eve_file), "--follow")
    assert eventually(lambda: bool(installation.socket_folders()), 60)
    (sockets,) = installation.socket_folders()
    os.kill(command.pid, signal.SIGKILL)
    command.communicate(timeout=10)
    assert eventually(lambda: installation.processes() == [], 15)
    done = installation.manage("ingest", str(eve_file), "--json")
    assert done.returncode == 0, done.stderr
    assert not sockets.exists()


def test_it_needs_no_server_for_help(new_installation: Installation) -> None:
    installation = new_installation
    for arguments in (["--help"], ["ingest", "--help"], ["up", "--help"]):
        assert installation.manage(*arguments).returncode == 0
    assert not (installation.data / "postgres").exists()
