"""An exported decision is replayed elsewhere, bit for bit, from the file alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from investigations.models import Decision, Investigation, PolicyVersion, User
from tests.playbooks.makers import dismissed

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(analyst: User, tmp_path: Path) -> Path:
    """The file that the page exports, on a database that knows nothing of it any more."""
    [decision] = dismissed(1)
    client = Client()
    client.force_login(analyst)
    path = tmp_path / "evidence.json"
    path.write_bytes(client.get(f"/investigations/{decision.investigation_id}/evidence.json").content)
    Investigation.objects.all().delete()
    PolicyVersion.objects.update(document="gone", digest="0" * 64)
    assert not Decision.objects.exists()
    return path


def replayed(path: Path) -> Any:
    out = io.StringIO()
    call_command("replay", file=str(path), json=True, stdout=out)
    return json.loads(out.getvalue())


def test_it_replays_an_exported_decision_from_the_file_alone(record: Path) -> None:
    shape = replayed(record)

    assert (shape["same"], shape["evidence_intact"], shape["differences"]) == (True, True, [])
    assert shape["stored"] == shape["replayed"]


@pytest.mark.parametrize(
    ("old", "new"),
    [('"outcome": "dismissed"', '"outcome": "escalated"'), ('"verdict": "benign"', '"verdict": "malicious"')],
)
def test_it_notices_a_changed_record(record: Path, old: str, new: str) -> None:
    text = record.read_text()
    assert old in text
    record.write_text(text.replace(old, new, 1))

    with pytest.raises(SystemExit):
        replayed(record)


def test_it_refuses_a_policy_that_was_changed(record: Path) -> None:
    content = json.loads(record.read_text())
    content["policy"]["document"] += "\n"
    record.write_text(json.dumps(content))

    with pytest.raises(CommandError, match="policy in this record has been changed"):
        replayed(record)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"decision": 1}', "[" * 100_000, "null"])
def test_it_says_what_is_wrong_with_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(CommandError, match=r"no exported decision|holds no JSON"):
        replayed(path)
