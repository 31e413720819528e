"""What cannot work is refused in one clear line, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.installation.installation import Installation, free_port, plain_user

pytestmark = pytest.mark.slow


def refusal(done: CompletedProcess[str]) -> str:
    """The one line on the standard error of a command that failed."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_it_refuses_a_busy_port(new_installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", new_installation.port)):
        line = refusal(new_installation.manage("up"))
    assert str(new_installation.port) in line and "RECONSOC_PORT" in line
    assert new_installation.processes() == []


def test_it_refuses_a_data_directory_in_use(installation: Installation) -> None:
    with installation.up() as up:
        up.wait_until_running()
        line = refusal(Installation(installation.tree, installation.data).manage("up"))
        assert str(installation.data) in line and "in use" in line
        # The first one is not disturbed
        assert installation.count("investigations_user") == 1


def test_it_refuses_a_data_directory_that_it_cannot_write(tree: Path, closed_folder: Path) -> None:
    account = plain_user() if os.geteuid() == 0 else []
    closed_folder.chmod(0o555)
    installation = Installation(tree, closed_folder / "data", account=account)
    for command in (["up"], ["user", "create", "anna", "--role", "analyst"]):
        assert str(closed_folder / "data") in refusal(installation.manage(*command))
    closed_folder.chmod(0o700)


def test_it_refuses_a_data_directory_that_is_a_file(new_installation: Installation) -> None:
    new_installation.data.write_text("")
    assert str(new_installation.data) in refusal(new_installation.manage("up"))


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1"])
def test_it_refuses_a_port_that_is_none(new_installation: Installation, port: str) -> None:
    assert "RECONSOC_PORT must be a whole number" in refusal(new_installation.manage("up", RECONSOC_PORT=port))


def test_it_refuses_a_host_that_is_not_here(new_installation: Installation) -> None:
    assert "192.0.2.1" in refusal(new_installation.manage("up", RECONSOC_HOST="192.0.2.1"))


@pytest.mark.parametrize("url", ["this is no address", "postgresql://[::1/reconsoc", "mysql://localhost/reconsoc"])
def test_it_refuses_a_broken_database_address(new_installation: Installation, url: str) -> None:
    assert "DATABASE_URL" in refusal(new_installation.manage("up", DATABASE_URL=url))


def test_it_refuses_a_database_that_does_not_answer(new_installation: Installation) -> None:
    url = f"postgresql://reconsoc:very-secret@127.0.0.1:{free_port()}/reconsoc"
    done = new_installation.manage("up", DATABASE_URL=url)
    line = refusal(done)
    assert "database" in line and "very-secret" not in done.stdout + done.stderr
    assert new_installation.processes() == []


def test_it_says_why_the_database_does_not_start(installation: Installation) -> None:
    with installation.up() as up:
        up.wait_until_running()
    shutil.rmtree(installation.data / "postgres" / "global")
    line = refusal(installation.manage("up"))
    assert line.startswith("CommandError: postgres did not start: ") and "global" in line
    assert installation.processes() == []
