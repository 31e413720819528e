"""Wait for outcomes: for commands that are told to. Works along where no worker is running."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from investigations.choices import Status
from investigations.jobs import drain
from investigations.models import Investigation

POLL = 0.2


def wait_until_settled(investigations: Iterable[int], *, progress: Callable[[str], None] | None = None) -> None:
    """Return when none of them is enriching any more. Every one has a deadline, so this ends."""
    left = list(investigations)
    while left:
        # Another worker may hold some of them; what nobody holds, this process does itself
        drain()
        left = list(Investigation.objects.filter(pk__in=left, status=Status.ENRICHING).values_list("pk", flat=True))
        if progress:
            progress(f"{len(left):,} to go")
        if left:
            time.sleep(POLL)
