"""DATABASE_URL and REDIS_URL lead to servers of somebody else's: none is started here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reconsoc.env import BASE_DIR
from tests.installation.alerts import eve
from tests.installation.installation import Installation

pytestmark = pytest.mark.slow

SERVE = "import sys; from pathlib import Path; from reconsoc import embedded\n\
with embedded.serve(Path(sys.argv[1])) as a: print(a.database_url, a.redis_url, flush=True); sys.stdin.read()"


@pytest.fixture
def external(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Another PostgreSQL and Valkey, that know nothing of the installation under test."""
    own = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, "-c", SERVE, str(tmp_path / "elsewhere")]
    with subprocess.Popen(
        command, cwd=BASE_DIR, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as servers:
        assert servers.stdout
        database_url, redis_url = servers.stdout.readline().split()
        yield {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        servers.communicate("", timeout=30)


def test_it_works_on_servers_of_somebody_else(
    new_installation: Installation, external: dict[str, str], tmp_path: Path
) -> None:
    installation = new_installation
    alerts = tmp_path / "eve.json"
    alerts.write_text("\n".join(json.dumps(eve(number)) for number in range(20)))
    with installation.up(**external) as up:
        up.wait_until_running()
        commands = " ".join(process.command for process in installation.processes())
        assert "postgres" not in commands and "valkey" not in commands
        assert not (installation.data / "postgres").exists() and not (installation.data / "valkey").exists()
        done = installation.manage("ingest", str(alerts), "--json", "--wait", **external)
        assert json.loads(done.stdout)["accepted"] == 20, done.stderr
        up.interrupt()
        assert up.end() == 0
    assert installation.processes() == []
    with psycopg.connect(external["DATABASE_URL"]) as link:
        row = link.execute(
            "SELECT count(*), count(*) FILTER (WHERE status = 'enriching') FROM investigations_investigation"
        ).fetchone()
    assert row == (20, 0)


def test_it_starts_only_the_server_that_is_not_given(new_installation: Installation, external: dict[str, str]) -> None:
    database = {"DATABASE_URL": external["DATABASE_URL"]}
    assert new_installation.manage("prepare", **database).returncode == 0
    # A database of somebody else's is not changed by the way
    done = new_installation.manage("token", "list", "--json", **database)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    with new_installation.up(**database) as up:
        up.wait_until_running()
        commands = " ".join(process.command for process in new_installation.processes())
        assert "valkey" in commands and "postgres" not in commands
    assert new_installation.processes() == []
