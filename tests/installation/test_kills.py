"""Whatever is killed, and when: what was acknowledged is there once, and every investigation comes to its end."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest
import requests

from tests.installation.alerts import NUMBERED, eve
from tests.installation.installation import Installation, Up, eventually

pytestmark = pytest.mark.slow

# More of them by hand: TEST_KILLS=200 make test PYTEST_ARGS=tests/installation/test_kills.py
KILLS = int(os.environ.get("TEST_KILLS", "12"))  # at least 10
PAUSE = 1.5  # seconds between two kills, more or less
BATCH = 5
RECOVERY_SECONDS = 30.0
SETTLE_SECONDS = 90.0  # a lease of 30 s, then a deadline of 10 s, on a busy machine
VICTIMS = ("web", "web worker", "worker", "valkey", "postgres", "backend")


class Sensor(threading.Thread):
    """Posts batches one after the other, each until it is acknowledged, as a sensor does."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(daemon=True)
        self.url = f"{url}/api/v1/alerts"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.sent = 0
        self.acknowledged: set[int] = set()
        self.failures: list[str] = []
        self.wrong: list[str] = []
        self._halt = threading.Event()

    def run(self) -> None:
        while not self._halt.is_set():
            numbers = range(self.sent, self.sent + BATCH)
            self.sent += BATCH
            body = json.dumps([eve(number) for number in numbers])
            while not self._post(body, numbers) and not self._halt.wait(0.1):
                pass
            self._halt.wait(0.05)

    def halt(self) -> None:
        self._halt.set()
        self.join(30)
        assert not self.is_alive()

    def _post(self, body: str, numbers: range) -> bool:
        try:
            answer = requests.post(self.url, body, headers=self.headers, timeout=10)
        except requests.RequestException as error:
            self.failures.append(type(error).__name__)
            return False
        if answer.status_code != 202:
            self.failures.append(str(answer.status_code))
            if answer.status_code not in (429, 500, 503):
                self.wrong.append(f"{answer.status_code} {answer.text[:200]}")
            return False
        counts = answer.json()
        if counts["accepted"] + counts["duplicates"] != BATCH:
            self.wrong.append(answer.text[:200])
        self.acknowledged.update(numbers)
        return True


def victims(up: Up, kind: str) -> list[int]:
    """The processes of one kind that are alive now."""
    processes = up.installation.processes()

    def found(part: str, parents: list[int]) -> list[int]:
        return [process.pid for process in processes if process.parent in parents and part in process.command]

    web, postgres = found("gunicorn", [up.process.pid]), found("/bin/postgres ", [up.process.pid])
    return {
        "web": web,
        "web worker": found("gunicorn", web),
        "worker": found("manage.py worker", [up.process.pid]),
        "valkey": found("valkey-server", [up.process.pid]),
        "postgres": postgres,
        "backend": found("postgres: reconsoc reconsoc", postgres),
    }[kind]


def rounds(chance: random.Random) -> Iterator[str]:
    """Each kind in turn, in an order that changes."""
    while True:
        yield from chance.sample(VICTIMS, len(VICTIMS))


def kill_some(up: Up, chance: random.Random) -> list[str]:
    def is_back(kind: str) -> bool:
        return bool(victims(up, kind))

    kinds = rounds(chance)
    killed: list[str] = []
    while len(killed) < KILLS:
        time.sleep(chance.uniform(0.5, 1.5) * PAUSE)
        kind = next(kinds)
        alive = victims(up, kind)
        if not alive:
            # Not back yet from its last death
            assert eventually(partial(is_back, kind), RECOVERY_SECONDS), kind
            alive = victims(up, kind)
        try:
            os.kill(chance.choice(alive), signal.SIGKILL)
        except (ProcessLookupError, IndexError):
            continue
        killed.append(kind)
    return killed


def test_it_loses_nothing_and_counts_nothing_twice_whatever_is_killed(installation: Installation) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    print(f"seed {seed}")
    with installation.up("--demo", RECONSOC_DEADLINE_SECONDS="10", RECONSOC_WORKERS="2") as up:
        up.wait_until_running()
        token = installation.manage("token", "create", "sensor", "--scope", "ingest:write").stdout.strip()
        sensor = Sensor(installation.url, token)
        sensor.start()
        killed = kill_some(up, chance)
        assert eventually(lambda: all(victims(up, kind) for kind in VICTIMS), RECOVERY_SECONDS)
        since = len(sensor.acknowledged)
        assert eventually(lambda: len(sensor.acknowledged) > since, RECOVERY_SECONDS), sensor.failures[-5:]
        sensor.halt()
        assert sensor.wrong == []
        began = time.monotonic()
        assert eventually(lambda: not open_investigations(installation), SETTLE_SECONDS)
        check_stored(installation, sensor)
        print(
            f"{len(killed)} kills, {len(sensor.acknowledged)} alerts acknowledged, {len(sensor.failures)} posts "
            f"repeated, all investigations at their end {time.monotonic() - began:.1f} s after the last alert"
        )
        up.interrupt()
        assert up.end(20) == 0
    assert installation.processes() == []


def open_investigations(installation: Installation) -> int:
    return installation.count(
        "investigations_investigation i WHERE status = 'enriching' AND EXISTS (SELECT 1 FROM investigations_alert a "
        f"WHERE a.investigation_id = i.id AND a.signature LIKE '{NUMBERED}%')"
    )


def check_stored(installation: Installation, sensor: Sensor) -> None:
    """Every acknowledged alert once; one investigation for each attacker, settled once, with the right sums."""
    with installation.connect() as link:
        rows = link.execute(
            "SELECT substring(signature FROM '[0-9]+$')::int, count(*) FROM investigations_alert "
            "WHERE signature LIKE %s GROUP BY 1",
            [f"{NUMBERED}%"],
        ).fetchall()
        stored: dict[int, int] = dict(rows)
        assert sensor.acknowledged <= set(stored)
        assert {number for number, count in stored.items() if count != 1} == set()
        odd = link.execute(
            "SELECT i.id, i.alert_count, count(DISTINCT a.id), count(DISTINCT d.id) "
            "FROM investigations_investigation i JOIN investigations_alert a ON a.investigation_id = i.id "
            "LEFT JOIN investigations_auditevent d ON d.subject = 'investigation ' || i.id "
            "AND d.action = 'investigation.decided' WHERE a.signature LIKE %s "
            "GROUP BY i.id HAVING i.alert_count <> 1 OR count(DISTINCT a.id) <> 1 OR count(DISTINCT d.id) <> 1",
            [f"{NUMBERED}%"],
        ).fetchall()
        assert odd == []
