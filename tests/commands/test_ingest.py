"""`manage.py ingest`: files, pipes and logs that rotate; counts that add up; bad input in one line."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from investigations.choices import Status
from investigations.models import Alert, Investigation
from tests.processes import ROOT, environment, manage, python, start

pytestmark = pytest.mark.django_db
COUNTS = ["read", "alerts", "accepted", "duplicates", "skipped", "rejected", "investigations"]


def line(number: int, address: str = "203.0.113.66", **fields: Any) -> str:
    record = {"source_ip": address, "destination_ip": "10.20.0.5", "signature": "Port scan", "id": f"{number}"}
    return json.dumps(record | fields) + "\n"


def ingest(*arguments: str) -> dict[str, int]:
    out = io.StringIO()
    call_command("ingest", *arguments, "--json", stdout=out, stderr=io.StringIO())
    counts: dict[str, int] = json.loads(out.getvalue())
    assert counts["read"] == counts["alerts"] + counts["skipped"] + counts["rejected"]
    assert counts["alerts"] == counts["accepted"] + counts["duplicates"]
    return counts


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_it_counts_what_it_read(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two words.json"
    one.write_text(line(1) + line(2) + '{"event_type": "flow", "src_ip": "192.0.2.1"}\n' + "garbage\n" + line(1))
    two.write_text(json.dumps([json.loads(line(3, "198.51.100.7")), {"signature": "from nobody"}]))
    counts = ingest(str(one), str(two), "--sensor", "edge-7")

    assert list(counts) == COUNTS
    assert counts == dict(zip(COUNTS, (7, 4, 3, 1, 1, 2, 2), strict=True))
    assert set(Alert.objects.values_list("sensor", flat=True)) == {"edge-7"}
    again = ingest(str(one), str(two))
    assert (again["accepted"], again["duplicates"], again["investigations"]) == (0, 4, 0)


def test_it_says_the_counts_in_words(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "alerts.json"
    file.write_text(line(1) + "garbage\n")
    call_command("ingest", str(file))
    said = capsys.readouterr()

    assert "2 records read: 1 alerts (1 new, 0 known already)" in said.out
    assert "record 1" in said.err and "not JSON" in said.err


@pytest.mark.parametrize("content", [b"\x00\xff\xfe\x80" * 500, b"\x7fELF" + bytes(5000), b"plain words\nand more\n"])
def test_it_says_that_a_file_holds_no_alerts(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "binary"
    file.write_bytes(content)
    with pytest.raises(CommandError, match="nothing in it could be read as an alert"):
        call_command("ingest", str(file), stdout=io.StringIO(), stderr=io.StringIO())


def test_it_takes_an_empty_file(tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.touch()

    assert ingest(str(file)) == dict.fromkeys(COUNTS, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/missing.json"], "no such file"),
        (["{tmp}"], "is a directory"),
        (["{tmp}/good.json", "{tmp}/missing.json"], "no such file"),
        (["-", "--follow"], "--follow takes one file"),
        (["{tmp}/good.json", "{tmp}/good.json", "--follow"], "--follow takes one file"),
        (["{tmp}/good.json", "--format", "nonsense"], "invalid choice"),
        ([], "FILE"),
    ],
)
def test_it_refuses_bad_input_before_it_stores_anything(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "good.json").write_text(line(1))
    with pytest.raises(CommandError, match=message) as caught:
        call_command("ingest", *(argument.format(tmp=tmp_path) for argument in arguments))

    assert "\n" not in str(caught.value)
    assert not Alert.objects.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_it_says_that_a_file_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.write_text(line(1))
    file.chmod(0)
    with pytest.raises(CommandError, match="Permission denied"):
        call_command("ingest", str(file))


@pytest.mark.django_db(transaction=True)
def test_it_reads_a_pipe() -> None:
    done = manage("ingest", "-", "--json", stdin=line(1) + line(2).strip())

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["accepted"] == 2
    assert Alert.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_it_reads_a_named_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start("ingest", str(pipe), "--json")
    with pipe.open("w") as stream:
        stream.write(line(1))
    output, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")
    assert json.loads(output)["accepted"] == 1


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_the_outcome(tmp_path: Path) -> None:
    """No worker is running: the command does the work itself."""
    file = tmp_path / "alerts.json"
    file.write_text(line(1, "10.20.4.17", destination_ip="10.20.0.9"))
    done = manage("ingest", str(file), "--wait", "--json", REDIS_URL="redis://127.0.0.1:1")

    assert done.returncode == 0
    assert Investigation.objects.get().status == Status.ESCALATED


@pytest.mark.django_db(transaction=True)
def test_it_sends_nothing_to_the_terminal_that_an_attacker_wrote(tmp_path: Path) -> None:
    escape = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"
    file = tmp_path / f"name{escape[:4]}.json"
    file.write_text(line(1, signature=escape) + f'{{"source_ip": "{escape}"}}\n' + line(2, severity=escape))
    for arguments in (
        ["ingest", str(file)],
        ["ingest", str(file), "--json"],
        ["ingest", str(tmp_path / f"no{escape}")],
    ):
        done = manage(*arguments)
        said = done.stdout + done.stderr
        assert said.strip() and "Traceback" not in said
        assert not any(character in said for character in "\x1b\x07\x9b\u202e")


class Following:
    """`ingest --follow` on a log, until it is told to stop."""

    def __init__(self, log: Path) -> None:
        self.process: subprocess.Popen[str] = start("ingest", str(log), "--follow", "--json")

    def stop(self) -> dict[str, int]:
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        assert "Traceback" not in errors
        counts: dict[str, int] = json.loads(output)
        return counts


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["rename", "truncate"])
def test_it_follows_a_log_that_rotates(tmp_path: Path, way: str) -> None:
    log = tmp_path / "eve.json"
    log.write_text(line(1))
    following = Following(log)
    try:
        eventually(lambda: Alert.objects.count() == 1)
        with log.open("a") as stream:
            stream.write(line(2)[:30])
            stream.flush()
            time.sleep(1.2)  # longer than it sleeps between two looks: it has seen the first part
            assert Alert.objects.count() == 1
            stream.write(line(2)[30:] + line(3)[:20])  # and a line that is never ended
        eventually(lambda: Alert.objects.count() == 2)
        if way == "rename":
            log.rename(tmp_path / "eve.json.1")
        else:
            os.truncate(log, 0)
            time.sleep(1.2)
        log.write_text(line(4) + line(5))
        eventually(lambda: Alert.objects.count() == 4)
    finally:
        counts = following.stop()

    assert (counts["accepted"], counts["rejected"]) == (4, 1)
    assert counts["read"] == 5


@pytest.mark.django_db(transaction=True)
def test_it_stops_quietly_when_nobody_reads_its_output(tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"
    file.write_text(line(1))
    command = " ".join(f"'{part}'" for part in python("manage.py", "ingest", str(file)))
    done = subprocess.run(
        ["bash", "-c", f"{command} | true"], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
