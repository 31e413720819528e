"""A simulator for a whole module, clean again for every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from investigations.simulator import Simulator

KEYS = {"virustotal": "x-apikey", "abuseipdb": "Key", "greynoise": "key"}


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.clear()


class Client:
    """Asks as a customer with a good key."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def get(self, provider: str, path: str, key: str = "good", **more: Any) -> requests.Response:
        headers = {"Accept": "application/json"}
        if provider in KEYS and key:
            headers[KEYS[provider]] = key
        options: dict[str, Any] = {"timeout": 20, "allow_redirects": False, "headers": headers} | more
        return requests.get(self.simulator.http_url(provider) + path, **options)


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(simulator)
