"""What happened before: earlier investigations of the same subject, and of its neighbours."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from investigations.choices import Status
from investigations.models import Investigation
from investigations.queries.keyset import capped_count

SHOWN = 5


@dataclass(frozen=True, slots=True)
class History:
    """Counts are capped at queries.keyset.COUNT_CAP + 1. `network` is the /24 or /48 around an address."""

    earlier: list[Investigation] = field(default_factory=list)
    count: int = 0
    network: str = ""
    neighbours: int = 0
    escalated: int = 0


def history_of(investigation: Investigation) -> History:
    same = Investigation.objects.filter(subject=investigation.subject).exclude(pk=investigation.pk)
    earlier, count = list(same.order_by("-last_alert", "-id")[:SHOWN]), capped_count(same)
    if investigation.source is None:
        return History(earlier, count)
    network = network_around(investigation.source)
    around = Investigation.objects.filter(source__range=(str(network[0]), str(network[-1])))
    around = around.exclude(subject=investigation.subject)
    escalated = capped_count(around.filter(status=Status.ESCALATED))
    return History(earlier, count, str(network), capped_count(around), escalated)


def network_around(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network that one customer usually holds: a /24, or a /48 of IPv6."""
    prefix = 48 if ":" in address else 24
    return ipaddress.ip_network(f"{address}/{prefix}", strict=False)
