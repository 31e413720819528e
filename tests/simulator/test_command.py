"""The command `simulator`, run as an engineer runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command

MANAGE = Path(__file__).parents[2] / "manage.py"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, str(MANAGE), "simulator", "--port", "0", "--dns-port", "0", "--fault", "greynoise=html"]
    # No server can be at that database URL: the command must not need one.
    environment = os.environ | {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "RECONSOC_DATA_DIR": str(tmp_path),
    }
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout and process.stderr
        announced = list(takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
        url = re.search(r"http://\S+:\d+", announced[0])
        assert url, process.stderr.read()
        assert requests.get(f"{url[0]}/internetdb/203.0.113.66", timeout=20).ok
        greynoise = requests.get(f"{url[0]}/greynoise/ping", headers={"key": "good"}, timeout=20)
        assert greynoise.headers["Content-Type"].startswith("text/html")
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "The simulator has stopped.\n", "")
    assert any(f"provider set abuseipdb --url {url[0]}/abuseipdb" in line for line in announced)
    assert any("RECONSOC_DNS_SERVER=127.0.0.1:" in line for line in announced)


def test_it_says_in_one_line_that_a_port_is_busy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port} for HTTP") as caught:
            call_command("simulator", port=port, dns_port=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        ["--fault", "nobody=html"],
        ["--fault", "greynoise=explode"],
        ["--fault", "greynoise"],
        ["--port", "70000"],
        ["--dns-port", "-1"],
        ["--latency-ms", "-5"],
        ["--latency-ms", "nan"],
        ["--port", "many"],
    ],
)
def test_it_refuses_bad_input_in_one_line(options: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("simulator", *options)
    assert "\n" not in str(caught.value)
