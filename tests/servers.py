"""pytest plugin: a real PostgreSQL and Valkey of this run's own, up before Django reads its settings."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconsoc import embedded

_stack = contextlib.ExitStack()


def start() -> None:
    # A path with a space: whatever cannot live with that fails here first
    directory = Path(tempfile.mkdtemp(prefix="reconsoc tests "))
    _stack.callback(shutil.rmtree, directory, ignore_errors=True)
    os.environ["RECONSOC_DATA_DIR"] = str(directory)
    (directory / "static").mkdir()  # where nothing is collected in tests; WhiteNoise wants it to be there
    for name in ("RECONSOC_HTTPS", "RECONSOC_DNS_SERVER", "RECONSOC_OWN_NETWORKS", "RECONSOC_SIMULATED"):
        os.environ.pop(name, None)
    addresses = _stack.enter_context(embedded.serve(directory, durable=False))
    if addresses.database_url:
        os.environ["DATABASE_URL"] = addresses.database_url
    if addresses.redis_url:
        os.environ["REDIS_URL"] = addresses.redis_url


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    start()
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    _stack.close()
