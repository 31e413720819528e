"""What the demonstration's house knows about itself: entries of its lists, and an inventory of its open ports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.timezone import now

from investigations.choices import ListKind
from investigations.models import Actor, ListEntry, OpenPort
from investigations.services import inventory, lists
from investigations.simulator.stream import NAME_SERVER, SERVER_ON_IPV6, SSH_SERVER, WEB_SERVER

INVENTORY = "perimeter"
OPEN = (
    (WEB_SERVER, 80, "http"),
    (WEB_SERVER, 443, "https"),
    (SSH_SERVER, 22, "ssh"),
    (SERVER_ON_IPV6, 22, "ssh"),
    (NAME_SERVER, 53, "dns"),
)
LOOKED_AT = ("10.20.1", "10.20.8", "10.20.9")  # networks of which every address was looked at


def furnish(actor: Actor) -> None:
    """Once in the life of an installation: what somebody has removed since stays away."""
    moment = now()
    if not ListEntry.objects.exists():
        for entry in demo_entries(moment):
            lists.add(entry, actor=actor)
    if not OpenPort.objects.exists():
        inventory.upload(demo_inventory(), name=INVENTORY, actor=actor)


def demo_entries(moment: datetime) -> list[lists.Entry]:
    """One entry of each list at least. Sources of the stream come from most of these networks sooner or later."""
    night = {"days": [(moment.weekday() + 3) % 7], "from": "22:00", "to": "04:00"}  # far enough from any scan of today
    quarter, soon = moment + timedelta(days=lists.DEFAULT_DAYS), moment + timedelta(days=9)
    scanner, site = ListKind.AUTHORISED_SCANNER, "Data centre, all servers"
    return [
        lists.Entry(scanner, "192.0.2.224/27", "Penetration testers", "Security team", "Contracted for this quarter",
                    quarter, "CHG-1042", targets=["10.20.0.0/16", "fd00:20::/32"]),
        lists.Entry(scanner, "203.0.113.224/27", "Compliance scan", "Security team", "Needed for the certificate",
                    quarter, "CHG-0977", [night]),
        lists.Entry(ListKind.ALLOW, "198.51.100.160/28", "Uptime checks", "Web team", "They probe our sites", soon),
        lists.Entry(ListKind.DENY, "203.0.113.128/28", "Abusive hoster", "Security team", "Three incidents", quarter),
        lists.Entry(ListKind.KNOWN_SERVICE, "dns.example", "Example Public DNS", "Network team", "We use it", quarter),
        lists.Entry(ListKind.OWN_NETWORK, "10.20.0.0/16", site, "Network team", "Ours", quarter),
    ]  # fmt: skip


def demo_inventory() -> Iterator[str]:
    """The lines of its CSV file."""
    yield "address,port,service\n"
    for address, port, service in OPEN:
        yield f"{address},{port},{service}\n"
    for network in LOOKED_AT:
        yield from (f"{network}.{host},,\n" for host in range(1, 255))
