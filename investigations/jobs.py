"""What RQ carries: hints. PostgreSQL is the queue; a lost, doubled or forged hint costs nothing but a look at it."""

from __future__ import annotations

import threading
from typing import Any

import django_rq
import structlog
from django.db import DatabaseError, close_old_connections, connections
from redis.exceptions import RedisError
from rq.job import Job

from investigations.playbooks.engine import Engine

QUEUE = "investigations"
DRAIN = "investigations.jobs.drain"
DRAIN_SECONDS = 60.0  # then the job ends and another takes over, so that none runs for ever
ALLOWED = frozenset({DRAIN})
STOP = threading.Event()  # set once, when this process shall end
_one_at_a_time = threading.Lock()

log = structlog.get_logger(__name__)


class AllowedJob(Job):
    """A job whose function is one of ours: whoever can write to Redis still cannot name another.

    A stored job may also name functions to call and addresses to post to when it ends; ours have none.
    """

    def restore(self, raw_data: dict[Any, Any]) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    @property
    def func(self) -> Any:
        if self.func_name not in ALLOWED:
            raise PermissionError("this job names a function that is not allowed")
        return drain


def hint() -> bool:
    """Tell the workers that there is work. False if Redis cannot be reached: the sweeper will find the work."""
    try:
        queue = django_rq.get_queue(QUEUE)
        # One waiting hint is as good as a thousand
        if queue.count == 0:
            queue.enqueue_call(DRAIN, timeout=300, result_ttl=0, failure_ttl=86_400)
    except (RedisError, OSError) as error:
        log.warning("hint_not_given", error=type(error).__name__)
        return False
    return True


def drain() -> int:
    """Work on everything that is due, until nothing is; the number of investigations that were settled.

    One at a time in a process: a second one finds that the first takes all the work there is.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return 0
    close_old_connections()
    try:
        with Engine(STOP, more=hint) as engine:
            return engine.run(DRAIN_SECONDS)
    except DatabaseError as error:
        # The leases of what was under work run out, and it is due again
        log.warning("drain_ended", error=type(error).__name__)
        connections.close_all()
        return 0
    finally:
        _one_at_a_time.release()
