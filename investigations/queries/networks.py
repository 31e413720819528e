"""Which networks are ours: those of the deployment's settings and those of our own list."""

from __future__ import annotations

import time
from threading import Lock

from django.conf import settings

from investigations.artifacts import Network
from investigations.choices import ListKind
from investigations.models import ListEntry

SECONDS = 5.0  # for which an answer is used again

_lock = Lock()
_known: tuple[float, tuple[Network, ...]] = (-SECONDS, ())


def own_networks() -> tuple[Network, ...]:
    """All of them; an entry counts until somebody removes it, since forgetting one would tell providers about us."""
    global _known
    with _lock:
        read, networks = _known
        if time.monotonic() - read >= SECONDS:
            networks = _listed_networks()
            _known = (time.monotonic(), networks)
    return (*settings.OWN_NETWORKS, *networks)


def forget() -> None:
    """The list has changed: this process reads it again at the next question, the others within seconds."""
    global _known
    with _lock:
        _known = (-SECONDS, ())


def _listed_networks() -> tuple[Network, ...]:
    rows = ListEntry.objects.kept().filter(kind=ListKind.OWN_NETWORK, network__isnull=False)
    return tuple(rows.order_by("pk").values_list("network", flat=True))
