"""B6: how the queue page grows with the number of investigations; the real server, the real pages."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
import requests
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from investigations.choices import Role
from investigations.management.bench.base import Measurement, NotMeasured, Place, Side, percentile
from investigations.management.bench.history import fill
from investigations.management.bench.installation import running
from investigations.management.demo import free_port
from investigations.models import User
from investigations.providers import PROVIDERS
from investigations.queries.keyset import after, page_of
from investigations.queries.queue import KEYS, PAGE_SIZE, Tab, investigations_in
from investigations.services.defaults import INSTALLER
from investigations.services.users import create_user
from reconsoc.processes import wait_until
from reconsoc.supervisor import web

FILTERS = {
    "source": "source=203.0.0.0/16",
    "verdict": "verdict=malicious",
    "severity": "severity=critical",
    "holder": "assignee=bench",
    "text": "q=ssh",
}
TARGET = 1.3
ROW = 'class="rows"'  # stands on a page that shows a list


@dataclass(frozen=True, slots=True)
class Site:
    """One history behind one server."""

    url: str
    session: requests.Session
    pages: Mapping[str, str]  # what is asked for, by the name of the page

    def load(self, page: str) -> float:
        """Milliseconds from the request to the last byte of the page."""
        begin = time.perf_counter()
        response = self.session.get(f"{self.url}/?{self.pages[page]}", timeout=60, allow_redirects=False)
        took = (time.perf_counter() - begin) * 1000
        if response.status_code != 200 or ROW not in response.text:
            raise NotMeasured(f"B6: the page “{page}” answered {response.status_code} without rows")
        return took


def measure(place: Place) -> list[Measurement]:
    sizes = (place.size(1000, 300), place.size(100_000, 600))
    rounds = place.size(40, 2)
    user = create_user("bench", role=Role.ANALYST, actor=INSTALLER)[0]
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    with contextlib.ExitStack() as stack:
        sites = [stack.enter_context(_site(size, user, cookie, place)) for size in sizes]
        # In turns, so that whatever else the machine does meets both
        times: list[dict[str, list[float]]] = [{page: [] for page in site.pages} for site in sites]
        for number in range(2 + rounds):
            for page in sites[0].pages:
                for site, taken in zip(sites, times, strict=True):
                    taken[page].append(site.load(page))
            if number % 10 == 0:
                place.say(f"B6: round {number} of {2 + rounds}")
    return list(_measurements(sizes, [{page: taken[page][2:] for page in taken} for taken in times]))


def _measurements(sizes: tuple[int, int], times: list[dict[str, list[float]]]) -> Iterator[Measurement]:
    small, large = times
    pages = {page: {"base_ms": _slowest(small[page]), "ours_ms": _slowest(large[page])} for page in small}
    for share, target in ((0.95, TARGET), (0.5, None)):
        base, ours = (percentile([value for taken in side.values() for value in taken], share) for side in times)
        yield Measurement(
            f"B6 p{share * 100:.0f}",
            f"queue pages at {sizes[1]:,} ÷ at {sizes[0]:,} investigations",
            Side(f"at {sizes[1]:,}", ours, "ms"),
            Side(f"at {sizes[0]:,}", base, "ms"),
            target,
            samples=sum(map(len, large.values())),
            details={"p95_by_page": pages} if share == 0.95 else {},
        )


def _slowest(times: list[float]) -> float:
    return round(percentile(times, 0.95), 1)


@contextlib.contextmanager
def _site(size: int, user: User, cookie: str, place: Place) -> Iterator[Site]:
    """A copy of the empty installation's database, filled and served by gunicorn."""
    name = f"bench_{size}"
    connection.close()
    with psycopg.connect(settings.DATABASE_URL.replace("/reconsoc?", "/postgres?"), autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name} TEMPLATE reconsoc")
    connections.databases[name] = {**connections.databases["default"], "NAME": name}
    place.say(f"B6: making {size:,} investigations")
    with connections[name].cursor() as cursor:
        fill(cursor, size, user=user.pk, providers=list(PROVIDERS))
    pages = {"first": "", "deep": f"cursor={_deep_cursor(name, user)}", **FILTERS}
    connections[name].close()
    with _served(name) as url:
        session = requests.Session()
        session.trust_env = False
        session.cookies.set(settings.SESSION_COOKIE_NAME, cookie)
        yield Site(url, session, pages)


def _deep_cursor(database: str, user: User) -> str:
    """The cursor of a page in the middle of what waits for a person."""
    rows = investigations_in(Tab.NEEDS_ME, user.pk).using(database)
    ordered = rows.order_by(*(f"-{key}" for key in KEYS))
    middle = ordered[max(0, ordered.count() // 2 - 2 * PAGE_SIZE)]
    return page_of(after(rows, KEYS, [getattr(middle, key) for key in KEYS]), KEYS, "", PAGE_SIZE // 2).older


@contextlib.contextmanager
def _served(database: str) -> Iterator[str]:
    """The web as `make run` starts it, on this database."""
    port = free_port()
    url = settings.DATABASE_URL.replace("/reconsoc?", f"/{database}?")
    command = ["env", f"DATABASE_URL={url}", *web("127.0.0.1", port).command()]
    with running(command, settings.DATA_DIR / f"{database}.log") as process:
        address = f"http://127.0.0.1:{port}"
        if not wait_until(lambda: process.poll() is not None or _answers(address), 60) or process.poll() is not None:
            raise NotMeasured("B6: the web server did not start")
        yield address


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}{reverse('account_login')}", timeout=5).ok
    except requests.RequestException:
        return False
