"""Backtests as they run: progress, cancelling, resuming after a kill, results."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from investigations.choices import BacktestState, Status
from investigations.management.backtests import BacktestChild
from investigations.management.bench.evidence import fill
from investigations.models import (
    Actor,
    Backtest,
    BacktestChange,
    Decision,
)
from investigations.policy.document import default_policy
from investigations.services import backtest_run, backtests
from investigations.services.backtest_run import run
from tests import processes
from tests.playbooks.makers import RULE, dismissed

pytestmark = pytest.mark.django_db
LEA = Actor("lea", user_id=7, address="192.0.2.9")
DEFAULT = default_policy().text
BOLD = DEFAULT.replace("malicious >= malicious_quorum", "malicious >= 1")


def asked(document: str = BOLD, **changes: Any) -> Backtest:
    return backtests.ask(document, **{"days": 30, "actor": LEA, **changes})


def person(decision: Decision, outcome: Status, actor: str = "anna") -> Decision:
    return Decision.objects.create(
        investigation_id=decision.investigation_id, outcome=outcome, automatic=False, actor=actor, severity="low"
    )


@pytest.mark.django_db(transaction=True)
def test_it_is_never_shared_when_many_take_at_once() -> None:
    for _ in range(3):
        asked()
    start, taken = threading.Barrier(8), []

    def take() -> None:
        start.wait(20)
        lease = backtests.take()
        if lease:
            taken.append(lease.backtest)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(Backtest.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_it_is_cancelled_while_it_runs_and_its_progress_only_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(200, days=20)
    monkeypatch.setattr("investigations.services.trial.PIECE", 10)
    monkeypatch.setattr(backtest_run, "EVERY", 0.0)
    backtest, seen = asked(), []

    def look() -> bool:
        seen.append(Backtest.objects.get().done)
        if len(seen) == 8:
            backtests.cancel(backtest.pk, actor=LEA)
        return False

    lease = backtests.take()
    assert lease and not run(lease, look)
    backtest.refresh_from_db()

    assert seen == sorted(seen) and len(seen) == 8 and seen[-1] == backtest.done == 70
    assert backtest.state == BacktestState.CANCELLED


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[BacktestChild]:
    """The child of a worker, on the database of the test."""
    for name, value in processes.environment().items():
        monkeypatch.setenv(name, value)
    made = BacktestChild()
    yield made
    made.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_it_is_taken_up_again_after_its_process_was_killed(child: BacktestChild) -> None:
    fill(300, days=20)
    backtest = asked()
    lock = "LOCK TABLE investigations_backtestchange IN ACCESS EXCLUSIVE MODE"  # it gets this far and no further
    child.tend()
    process = child._process
    assert process
    child.tend()
    assert child._process is process, "one is enough"
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN; {lock}")
        wait_for(lambda: Backtest.objects.get().total == 300)
        process.kill()
        process.wait()
        cursor.execute("ROLLBACK")
    backtest.refresh_from_db()
    assert backtest.state == BacktestState.RUNNING
    child.tend()
    assert child._process is None, "its lease has not run out"

    Backtest.objects.update(lease=now() - timedelta(seconds=1))
    child.tend()
    wait_for(lambda: Backtest.objects.get().is_over)
    backtest.refresh_from_db()
    assert (backtest.state, backtest.done, backtest.summary["decisions"]) == (BacktestState.DONE, 300, 300)
    assert backtest.summary["attempts"] == 2
    assert BacktestChange.objects.filter(backtest=backtest).count() >= backtest.summary["changes"] > 0


def blocked() -> bool:
    """Whether another process waits for a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


HOLD = "BEGIN; SELECT FROM investigations_backtest FOR UPDATE"
PARENT = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], start_new_session=True); time.sleep(600)"


@pytest.mark.django_db(transaction=True)
def test_it_is_given_back_when_its_worker_stops(child: BacktestChild) -> None:
    fill(1100, days=20)
    backtest = asked()
    child.tend()
    process = child._process
    assert process
    with connection.cursor() as cursor:
        cursor.execute(HOLD)
        wait_for(blocked)
        process.terminate()
        cursor.execute("ROLLBACK")
    assert process.wait(30) == 0
    backtest.refresh_from_db()
    assert (backtest.state, backtest.lease, backtest.done) == (BacktestState.WAITING, None, 0)


@pytest.mark.django_db(transaction=True)
def test_it_is_given_back_when_its_worker_is_killed() -> None:
    fill(1100, days=20)
    asked()
    lease = backtests.take()
    assert lease
    command = processes.python("manage.py", "run_backtest", "--lease", str(lease.backtest), lease.until.isoformat())
    with connection.cursor() as cursor:
        cursor.execute(HOLD)
        parent = subprocess.Popen(
            processes.python("-c", PARENT, *command), cwd=processes.ROOT, env=processes.environment()
        )
        wait_for(blocked)
        parent.kill()
        parent.wait()
        cursor.execute("ROLLBACK")
    wait_for(lambda: Backtest.objects.get().state != BacktestState.RUNNING)

    assert (Backtest.objects.get().state, Backtest.objects.get().lease) == (BacktestState.WAITING, None)


@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_it(tmp_path: Path) -> None:
    dismissed(3)
    worker = processes.start("worker", "--without-redis", RECONSOC_DATA_DIR=str(tmp_path))
    try:
        backtest = asked(DEFAULT)
        wait_for(lambda: Backtest.objects.get(pk=backtest.pk).is_over)
        assert Backtest.objects.get().state == BacktestState.DONE
    finally:
        worker.terminate()
        worker.communicate(timeout=30)
    assert worker.returncode == 0


class TestCommand:
    def test_it_names_the_graves_and_fails(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        from django.core.management import call_command

        [one] = dismissed(1)
        person(one, Status.ESCALATED)
        file = tmp_path / "policy.toml"
        file.write_text(DEFAULT)
        with pytest.raises(SystemExit) as ended:
            call_command("policy", "backtest", str(file), "--days", "7")
        out = capsys.readouterr().out.splitlines()

        assert ended.value.code == 1
        assert out[0] == "people had escalated 1 that it would dismiss"
        assert out[1].strip() == f"INV-{one.investigation_id} by rule {RULE}; now dismissed by rule {RULE}"
        assert not Backtest.objects.exists(), "nothing is stored"

    def test_it_prints_the_sums(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        from django.core.management import CommandError, call_command

        dismissed(2)
        file = tmp_path / "policy.toml"
        file.write_text(DEFAULT.replace(f'name = "{RULE}"', f'name = "{RULE}"\nmode = "propose"', 1))
        call_command("policy", "backtest", str(file), "--json")
        shape = json.loads(capsys.readouterr().out)
        assert (shape["decisions"], shape["changes"], shape["grave_list"]) == (2, 2, [])
        assert shape["matrix"] == [["dismissed", "needs_review", 2]]
        call_command("policy", "backtest", str(file))
        assert "  dismissed -> needs review: 2" in capsys.readouterr().out.splitlines()

        file.write_text("nonsense")
        with pytest.raises(CommandError, match="is no policy: line 1"):
            call_command("policy", "backtest", str(file))
