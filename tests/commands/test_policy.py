"""The policy from the command line: from a file in Git to a version in force, and back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from investigations.models import AuditEvent, Automation, PolicyVersion
from investigations.policy.document import default_policy

pytestmark = pytest.mark.django_db
DEFAULT = default_policy().text
CAREFUL = DEFAULT.replace('name = "internet-noise"', 'name = "internet-noise"\nmode = "propose"')


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("policy", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def run(*arguments: str) -> Any:
    return json.loads(said(*arguments, "--json"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(CAREFUL)
    return path


def test_it_imports_once_and_exports_the_same_bytes(file: Path) -> None:
    first = run("import", str(file), "--note", "Careful first")
    again = run("import", str(file))

    assert first == again | {"created": True} and again["created"] is False
    version = PolicyVersion.objects.get(pk=first["version"])
    assert (version.note, version.created_by, version.active) == ("Careful first", "command line", False)
    assert said("export", str(version.pk)).encode() == file.read_bytes()
    assert run("export", str(version.pk))["digest"] == version.digest
    assert AuditEvent.objects.filter(action="policy.stored").count() == 1


def test_it_imports_nothing_that_is_wrong(file: Path) -> None:
    file.write_text(DEFAULT + '\n[[example]]\nname = "odd"\noutcome = "dismissed"\n')
    with pytest.raises(CommandError, match="1 failing example: odd"):
        said("import", str(file))
    assert PolicyVersion.objects.count() == 1


def test_it_lints_and_ends_with_a_code(file: Path) -> None:
    shape = run("lint", str(file))
    assert shape["ok"] and not shape["problems"] and all(example["passed"] for example in shape["examples"])
    assert said("lint", str(file)).endswith("it can be stored\n")

    file.write_text(DEFAULT.replace("published_range'", "decisive > 3 && decisive < 2'", 1))
    with pytest.raises(SystemExit) as stopped:
        call_command("policy", "lint", str(file), stdout=(out := io.StringIO()))
    assert stopped.value.code == 1 and "error: line" in out.getvalue() and "can never decide" in out.getvalue()


def test_it_says_what_differs_between_versions_and_files(file: Path) -> None:
    active = PolicyVersion.objects.get(active=True)
    shape = run("diff", str(active.pk), str(file))

    assert [(one["rule"], one["change"]) for one in shape["rules"]] == [("internet-noise", "changed")]
    assert '+mode = "propose"' in shape["lines"]
    assert said("diff", str(active.pk), str(file)).startswith("rule internet-noise changed: mode\n")
    assert run("diff", str(active.pk), str(active.pk))["same"] is True


def test_it_puts_in_the_shadow_and_ends_it(file: Path) -> None:
    number = str(run("import", str(file))["version"])

    assert run("shadow", number) == {"shadow": int(number)}
    assert run("show")["shadow"] == int(number)
    assert run("shadow", "off") == {"shadow": None}


def test_it_activates_with_four_eyes_only_in_an_emergency(file: Path) -> None:
    number = str(run("import", str(file))["version"])
    Automation.objects.update_or_create(pk=1, defaults={"four_eyes": True})
    with pytest.raises(CommandError, match="Four eyes are on"):
        said("activate", number)
    assert not AuditEvent.objects.filter(action="policy.activated").exists()

    assert run("activate", number, "--emergency", "the feed is poisoned") == {"version": int(number)}
    event = AuditEvent.objects.get(action="policy.activated_in_emergency")
    assert (event.actor, event.reason) == ("command line", "the feed is poisoned")


@pytest.mark.parametrize(
    "arguments, why",
    [
        (["export", "999"], "no policy version 999"),
        (["diff", "1000", "1001"], "no policy version 1000"),
        (["diff", "1", "{tmp}/missing.toml"], "No such file"),
        (["diff", "{tmp}/junk.toml", "{tmp}/junk.toml"], "is no policy: line 1"),
        (["lint", "{tmp}/missing.toml"], "No such file"),
        (["import", "{tmp}/junk.toml"], "1 problem"),
        (["shadow", "x"], "'x' is not the number"),
        (["shadow", "off"], "No version is in the shadow"),
        (["shadow", "999"], "no policy version 999"),
        (["activate", "999", "--emergency", " "], "Say why"),
    ],
)
def test_it_answers_bad_input_in_one_line(tmp_path: Path, arguments: list[str], why: str) -> None:
    (tmp_path / "junk.toml").write_text("junk")
    before = AuditEvent.objects.count()
    with pytest.raises(CommandError) as caught:
        said(*(word.format(tmp=tmp_path) for word in arguments))

    assert why in str(caught.value) and "\n" not in str(caught.value)
    assert AuditEvent.objects.count() == before
