"""Commands as real processes on the database of the test: what an engineer types, and what a supervisor starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

ROOT = Path(__file__).resolve().parents[1]


def database_url() -> str:
    """How another process reaches the present test database."""
    parts = connection.settings_dict
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return make_conninfo("", **{key: parts[name] for key, name in named.items() if parts.get(name)})


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database_url(), "PYTHONWARNINGS": "default", **changes}


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def manage(
    *arguments: str, stdin: str | bytes = b"", timeout: float = 120, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `changes` are environment variables."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        python("manage.py", *arguments),
        cwd=ROOT,
        env=environment(**changes),
        input=data,
        capture_output=True,
        timeout=timeout,
    )
    return subprocess.CompletedProcess(
        done.args,
        done.returncode,
        done.stdout.decode("utf-8", "surrogateescape"),
        done.stderr.decode("utf-8", "replace"),
    )


def start(*arguments: str, **changes: str) -> subprocess.Popen[str]:
    """Start a command that goes on; the caller ends it."""
    return subprocess.Popen(
        python("manage.py", *arguments),
        cwd=ROOT,
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
