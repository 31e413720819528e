"""Hints on a real queue: only our one function runs, nothing is unpickled, and losing Redis loses nothing."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import django_rq
import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from investigations import jobs
from investigations.choices import Status
from investigations.jobs import DRAIN, QUEUE, AllowedJob, drain, hint
from investigations.management.commands.worker import HintWorker
from investigations.models import Investigation, PolicyVersion
from investigations.services.ingest import store
from tests.makers import make_alert

pytestmark = pytest.mark.django_db
TARGET: list[Any] = []


class Boom:
    """Runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return note, ("unpickled",)


def note(text: str) -> None:
    TARGET.append(text)


def callback(*arguments: Any) -> None:
    note("called back")


@pytest.fixture(autouse=True)
def queue() -> Iterator[Any]:
    TARGET.clear()
    queue = django_rq.get_queue(QUEUE)
    queue.connection.flushdb()
    yield queue
    queue.connection.flushdb()


def work(queue: Any) -> None:
    """Whatever waits in the queue, done by a worker as `manage.py worker` makes it."""
    worker = HintWorker([queue], connection=queue.connection, job_class=AllowedJob, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")


def forge(queue: Any, function: str, *arguments: Any, **fields: bytes) -> Job:
    """A job as somebody writes it who can write to Redis."""
    job = Job.create(function, list(arguments), connection=queue.connection, serializer=JSONSerializer, origin=QUEUE)
    job.set_status("queued")
    job.save()
    for name, value in fields.items():
        queue.connection.hset(job.key, name, value)
    queue.push_job_id(job.id)
    return job


@pytest.mark.parametrize("function", ["os.system", "builtins.eval", "subprocess.call", "investigations.jobs.hint", ""])
def test_it_refuses_every_function_but_one(queue: Any, tmp_path: Path, function: str) -> None:
    target = tmp_path / "owned"
    job = forge(queue, function or "os.system", f"touch '{target}'")
    with pytest.raises(PermissionError):
        _ = AllowedJob.fetch(job.id, connection=queue.connection, serializer=JSONSerializer).func
    work(queue)

    assert not target.exists()
    assert queue.failed_job_registry.get_job_ids() == [job.id]


def test_it_unpickles_nothing(queue: Any) -> None:
    poison = pickle.dumps(("os.system", None, (Boom(),), {}))
    forge(queue, DRAIN, data=poison)
    forge(queue, DRAIN, meta=poison)
    work(queue)

    assert TARGET == []
    pickle.loads(poison)
    assert TARGET == ["unpickled"]  # it would have worked


def test_it_calls_nobody_back(queue: Any) -> None:
    """A stored job may name functions that run, and addresses that are told, when it ends."""
    told: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.path)

        def log_message(self, *arguments: Any) -> None:
            pass

    name = f"{callback.__module__}.callback".encode()
    with HTTPServer(("127.0.0.1", 0), Listener) as listener:
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{listener.server_port}/told"
        hooks = json.dumps([{"url": address, "statuses": ["finished", "failed"], "events": ["finished", "failed"]}])
        names = ("success_callback_name", "failure_callback_name", "stopped_callback_name")
        for function in (DRAIN, "os.system"):
            forge(queue, function, "true", webhooks=hooks.encode(), **dict.fromkeys(names, name))
        work(queue)
        listener.shutdown()

    assert TARGET == [] and told == []


def test_it_is_one_waiting_job_however_often_it_is_given(queue: Any) -> None:
    assert all(hint() for _ in range(20))

    (job,) = queue.get_jobs()
    assert (job.func_name, job.args, job.kwargs) == (DRAIN, [], {}) or job.args == ()
    assert b"pickle" not in queue.connection.hget(job.key, "data")


def test_it_carries_nothing_of_an_alert(queue: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        store([make_alert("203.0.113.66", signature="a secret of ours")])

    everything = " ".join(str(queue.connection.dump(key)) for key in queue.connection.keys("*"))
    assert queue.count == 1
    assert "203.0.113.66" not in everything and "secret" not in everything


@pytest.mark.django_db(transaction=True)
def test_it_works_when_the_hint_is_taken(queue: Any) -> None:
    store([make_alert("10.20.4.17", victim="10.20.0.9")])
    assert queue.count == 1
    work(queue)

    assert Investigation.objects.get().status != Status.ENRICHING
    assert queue.count == 0


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nonexistent/valkey.sock"])
def test_it_says_that_redis_is_away(settings: Any, caplog: pytest.LogCaptureFixture, url: str) -> None:
    caplog.set_level(logging.WARNING)
    settings.RQ_QUEUES = {QUEUE: {**settings.RQ_QUEUES[QUEUE], "URL": url}}

    assert hint() is False
    assert "hint_not_given" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_it_drains_one_at_a_time() -> None:
    Investigation.objects.create(kind="ipv4-addr", subject="10.1.1.1", source="10.1.1.1", due="2026-01-01T00:00Z")
    assert jobs._one_at_a_time.acquire(blocking=False)
    try:
        assert drain() == 0
        assert Investigation.objects.get().fence == 0
    finally:
        jobs._one_at_a_time.release()
    assert drain() == 1
    assert not jobs._one_at_a_time.locked()


@pytest.mark.django_db(transaction=True)
def test_it_is_free_again_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    Investigation.objects.create(kind="ipv4-addr", subject="10.1.1.1", source="10.1.1.1", due="2026-01-01T00:00Z")
    PolicyVersion.objects.update(active=False)
    with pytest.raises(PolicyVersion.DoesNotExist):
        drain()

    assert not jobs._one_at_a_time.locked()
