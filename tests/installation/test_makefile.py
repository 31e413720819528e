"""`make install` in a folder with a space; a uv that only writes down what it is asked stands for the network."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconsoc.env import BASE_DIR

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

UV = """#!/bin/sh
echo "$*" >>"$UV_LOG"
case "$1" in
--version) echo uv 0;;
venv)
    if [ -e .venv ]; then echo "there is one already" >&2; exit 2; fi
    mkdir -p .venv/bin; printf '#!/bin/sh\\necho "$@" >>"$UV_LOG"\\n' >.venv/bin/python; chmod +x .venv/bin/python;;
esac
"""
# Both ways to a uv of our own: a venv with pip, or pip alone
PYTHON_WITH_VENV = """#!/bin/sh
mkdir -p .uv/bin; printf '#!/bin/sh\\ncp "$UV_STUB" .uv/bin/uv\\n' >.uv/bin/python; chmod +x .uv/bin/python
"""
PYTHON_WITH_PIP = """#!/bin/sh
case "$*" in
"-m pip install --quiet --target .uv uv") mkdir -p .uv/bin; cp "$UV_STUB" .uv/bin/uv;;
*) echo "No module named venv" >&2; exit 1;;
esac
"""
PYTHON_WITH_NOTHING = "#!/bin/sh\nexit 1\n"


class Clone:
    """The files that make looks at, and a PATH on which only what a test puts there is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a clone"
        self.programs = folder / "bin"
        self.log = folder / "uv.log"
        self.folder.mkdir()
        self.programs.mkdir()
        for name in ("Makefile", "requirements.txt", ".python-version"):
            shutil.copy(BASE_DIR / name, self.folder / name)
        for name in ("sh", "make", "mkdir", "cp", "rm", "test", "touch", "printf", "chmod"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self.stub = self.add("stub", UV)

    def add(self, name: str, program: str) -> Path:
        path = self.programs / name
        path.write_text(program)
        path.chmod(0o755)
        return path

    def make(self, target: str = "install") -> subprocess.CompletedProcess[str]:
        own = {"PATH": str(self.programs), "UV_LOG": str(self.log), "UV_STUB": str(self.stub)}
        return subprocess.run(["make", target], cwd=self.folder, env=own, capture_output=True, text=True, timeout=60)

    def asked(self) -> list[str]:
        """What uv and the new Python were asked to do since the last look."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return [line for line in lines if line != "--version"]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


INSTALL = ["venv --quiet", "pip sync --quiet --python .venv --require-hashes requirements.txt"]


def test_it_installs_once(clone: Clone) -> None:
    clone.add("uv", UV)
    assert clone.make().returncode == 0
    assert clone.asked() == INSTALL
    assert clone.make().returncode == 0
    assert clone.asked() == []


@pytest.mark.parametrize("program", [PYTHON_WITH_VENV, PYTHON_WITH_PIP])
def test_it_brings_its_own_uv(clone: Clone, program: str) -> None:
    clone.add("python3", program)
    done = clone.make()
    assert (done.returncode, done.stderr.count("Error")) == (0, 0), done
    assert clone.asked() == INSTALL
    assert clone.make().returncode == 0
    assert clone.asked() == []


def test_it_asks_for_what_it_needs_in_one_line(clone: Clone) -> None:
    clone.add("python3", PYTHON_WITH_NOTHING)
    done = clone.make()
    assert done.returncode != 0
    assert "needed: uv, or a python3" in done.stderr
    assert not (clone.folder / ".uv").exists()


def test_it_needs_no_uv_when_everything_is_installed(clone: Clone) -> None:
    uv = clone.add("uv", UV)
    assert clone.make().returncode == 0
    uv.unlink()
    clone.asked()
    for target in ("install", "run", "test"):
        assert clone.make(target).returncode == 0, target
    assert clone.asked() == ["manage.py up", "-m pytest"]


def test_it_installs_again_what_changed(clone: Clone) -> None:
    clone.add("uv", UV)
    clone.make()
    clone.asked()
    later = (clone.folder / ".venv/installed").stat().st_mtime + 10
    os.utime(clone.folder / "requirements.txt", (later, later))
    assert clone.make().returncode == 0
    assert clone.asked() == INSTALL[1:]


def test_it_makes_the_environment_anew_when_its_python_is_gone(clone: Clone) -> None:
    clone.add("uv", UV)
    clone.make()
    clone.asked()
    python = clone.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nonexistent/python3.13")
    assert clone.make().returncode == 0
    assert clone.asked() == INSTALL
