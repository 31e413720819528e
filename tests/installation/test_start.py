"""From nothing to a page on which a person can log in, and again on the same data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from tests.installation.installation import Installation, copy_tree

pytestmark = pytest.mark.slow


def log_in(installation: Installation, password: str) -> bool:
    with requests.Session() as session:
        page = session.get(f"{installation.url}/accounts/login/", timeout=10)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert page.ok and token
        answer = session.post(
            f"{installation.url}/accounts/login/",
            {"login": "admin", "password": password, "csrfmiddlewaretoken": token[1]},
            headers={"Referer": installation.url},
            timeout=10,
        )
        return answer.ok and "/accounts/login/" not in answer.url


def test_it_starts_from_nothing_and_again_on_the_same_data(new_installation_of: Installation) -> None:
    installation = new_installation_of
    with installation.up() as first:
        first.wait_until_running()
        assert installation.url in first.line("is running at")
        password = first.line("First log-in").split()[-1]
        assert log_in(installation, password)
        assert not log_in(installation, "wrong" + password)
        assert installation.manage("user", "create", "anna", "--role", "analyst").returncode == 0
        first.interrupt()
        assert first.end() == 0
    with installation.up() as second:
        second.wait_until_running()
        assert not second.says("First log-in") and not second.says(password)
        assert log_in(installation, password)
        assert installation.count("investigations_user") == 2
    assert installation.processes() == []
    logs = [path.read_text(errors="replace") for path in (installation.data / "log").iterdir()]
    assert logs and not any(password in log for log in logs)


def test_it_takes_the_first_password_from_the_environment(new_installation: Installation) -> None:
    password = "correct horse battery staple"
    with new_installation.up(RECONSOC_ADMIN_PASSWORD=password) as up:
        up.wait_until_running()
        assert "RECONSOC_ADMIN_PASSWORD" in up.line("First log-in") and not up.says(password)
        assert log_in(new_installation, password)


def test_it_keeps_what_it_stores_from_other_users(installation: Installation) -> None:
    with installation.up() as up:
        up.wait_until_running()
        for name in ("log", "postgres", "valkey", "secret_key", "encryption_keys"):
            assert (installation.data / name).stat().st_mode & 0o077 == 0, name


def test_it_starts_from_a_clone_that_only_its_owner_may_enter(closed_folder: Path) -> None:
    """As root, PostgreSQL is another account, which must find its programs and its data nevertheless."""
    clone = copy_tree(closed_folder / "a clone")
    installation = Installation(clone, clone / "var")
    done = installation.manage("token", "list", "--json")
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
