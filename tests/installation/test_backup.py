"""Back up and restore as docs/operations.md tells."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.installation.alerts import eve
from tests.installation.installation import Installation

pytestmark = pytest.mark.slow


def documented(installation: Installation, heading: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Run the commands of a section of the page, which name the place of the backup ~/backup."""
    page = (installation.tree / "docs/operations.md").read_text()
    section = page.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).replace("~/backup", f"'{place}'")
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=installation.tree, env=installation.environment({}), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_it_restores_what_was_backed_up_while_it_ran(
    installation: Installation, tree: Path, closed_folder: Path
) -> None:
    alerts = closed_folder / "eve.json"
    alerts.write_text("\n".join(json.dumps(eve(number)) for number in range(20)))
    backup = closed_folder / "backup of today"
    backup.mkdir()
    with installation.up() as up:
        up.wait_until_running()
        assert installation.manage("ingest", str(alerts), "--wait").returncode == 0
        events = installation.count("investigations_auditevent")
        done = documented(installation, "Back up", backup)
        assert done.returncode == 0, done
    elsewhere = Installation(tree, closed_folder / "another machine")
    done = documented(elsewhere, "Restore", backup)
    assert done.returncode == 0, done
    with elsewhere.up() as up:
        up.wait_until_running()
        assert not up.says("First log-in")
        assert elsewhere.count("investigations_alert") == 20
        assert elsewhere.count("investigations_auditevent") >= events
        # Encrypted keys can be read again, and the append-only table still refuses
        assert (elsewhere.data / "encryption_keys").read_text() == (installation.data / "encryption_keys").read_text()
        with elsewhere.connect() as link, pytest.raises(Exception, match=r"append|refus|not allowed"):
            link.execute("DELETE FROM investigations_auditevent")
