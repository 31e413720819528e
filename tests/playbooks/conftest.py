"""A database whose providers ask the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from investigations.management.commands.play_demo import point_at
from investigations.simulator import Simulator


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator, settings: Any, transactional_db: None) -> Iterator[Simulator]:
    settings.ALLOW_TEST_NETWORKS = True
    settings.SIMULATED = True
    settings.DNS_SERVER = running_simulator.dns_server
    point_at(running_simulator.url)
    running_simulator.clear()
    yield running_simulator
    running_simulator.clear()
