"""Installations to start, break and stop."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation.installation import Installation, copy_tree, plain_user


@pytest.fixture(scope="session")
def tree() -> Iterator[Path]:
    """A copy that any user may read, in a folder with a space."""
    folder = Path(tempfile.mkdtemp(prefix="reconsoc installation "))
    folder.chmod(0o755)
    yield copy_tree(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that only its owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="reconsoc closed "))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def prepared(tree: Path) -> Iterator[Path]:
    """A data directory that has been used once: with its tables, defaults, static files and first account."""
    folder = Path(tempfile.mkdtemp(prefix="reconsoc prepared "))
    done = Installation(tree, folder / "data").manage("prepare")
    assert done.returncode == 0, done.stderr
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_installation(tree: Path, closed_folder: Path) -> Installation:
    """One that was never started: its data directory does not exist."""
    return Installation(tree, closed_folder / "our data")


@pytest.fixture
def installation(new_installation: Installation, prepared: Path) -> Installation:
    # Owners are kept: as root, PostgreSQL's files are another user's
    subprocess.run(["cp", "-a", prepared, new_installation.data], check=True)
    return new_installation


@pytest.fixture(params=["as started", "plain user"])
def new_installation_of(request: pytest.FixtureRequest, new_installation: Installation) -> Installation:
    """One of whoever runs the tests, and, if that is root, one of a user without rights."""
    if request.param == "plain user":
        _give_away(new_installation)
    return new_installation


@pytest.fixture(params=["as started", "plain user"])
def installation_of(request: pytest.FixtureRequest, installation: Installation) -> Installation:
    if request.param == "plain user":
        _give_away(installation)
    return installation


def _give_away(installation: Installation) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start it as another user; whoever runs the tests is one already")
    subprocess.run(["chown", "-R", "nobody:", installation.data.parent], check=True)
    installation.account = plain_user()
