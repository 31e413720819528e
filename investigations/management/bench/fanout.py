"""The other side of B3: the same questions with bare `requests` and dnspython, without parsing, engine or database.

It imports nothing of the application, so that its processes are as light as such a script would be.
"""

from __future__ import annotations

import ipaddress
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import dns.resolver
import requests

ADDRESS_PATHS = (
    "internetdb/{}",
    "abuseipdb/api/v2/check?ipAddress={}&maxAgeInDays=30",
    "virustotal/api/v3/ip_addresses/{}",
)
IPV4_PATHS = ("greynoise/v3/ip/{}",)  # GreyNoise knows no IPv6
DOMAIN_PATH = "virustotal/api/v3/domains/{}"
HEADERS = {"x-apikey": "simulated", "Key": "simulated", "key": "simulated"}


@dataclass(frozen=True, slots=True)
class Target:
    """The simulated Internet, and how many questions may be under way in one process."""

    url: str
    dns_server: str  # host:port
    threads: int


class Crowd:
    """Processes that ask; as many as there are workers on our side."""

    def __init__(self, processes: int, target: Target) -> None:
        self.processes = processes
        self.target = target
        self.pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def ask_about(self, addresses: Sequence[str]) -> float:
        """Ask everything about all addresses; seconds from the first question to the last answer."""
        shares = [addresses[start :: self.processes] for start in range(self.processes)]
        spans = [job.result() for job in [self.pool.submit(ask_all, share, self.target) for share in shares]]
        return max(end for _, end in spans) - min(begin for begin, _ in spans)


def ask_all(addresses: Sequence[str], target: Target) -> tuple[float, float]:
    """One process's share; its begin and end on the clock that all processes of a machine share."""
    begin = time.monotonic()
    with ThreadPoolExecutor(target.threads) as threads:
        waves = [threads.submit(_reverse, address, target, threads) for address in addresses]
        others = [job for address in addresses for job in _about_address(address, target, threads)]
        _finish(others)
        for wave in waves:
            _finish(wave.result())
    return begin, time.monotonic()


def _about_address(address: str, target: Target, threads: ThreadPoolExecutor) -> Iterator[Future[object]]:
    for path in (*ADDRESS_PATHS, *(() if ":" in address else IPV4_PATHS)):
        yield threads.submit(_get, f"{target.url}/{path.format(address)}")
    yield threads.submit(_network, address, target)
    yield threads.submit(_records, _reversed(address, "zen.spamhaus.org"), "A", target)


def _about_domain(domain: str, target: Target, threads: ThreadPoolExecutor) -> list[Future[object]]:
    return [
        threads.submit(_get, f"{target.url}/{DOMAIN_PATH.format(domain)}"),
        threads.submit(_records, f"{domain}.dbl.spamhaus.org", "A", target),
        threads.submit(lambda: [_records(domain, kind, target) for kind in ("A", "AAAA")]),
    ]


def _reverse(address: str, target: Target, threads: ThreadPoolExecutor) -> list[Future[object]]:
    """The reverse name, whether it leads back, and then everything about it."""
    names = _records(ipaddress.ip_address(address).reverse_pointer, "PTR", target)
    domain = names[0].rstrip(".")
    _records(domain, "AAAA" if ":" in address else "A", target)
    return _about_domain(domain, target, threads)


def _network(address: str, target: Target) -> None:
    zone = "origin6.asn.cymru.com" if ":" in address else "origin.asn.cymru.com"
    number = _records(_reversed(address, zone), "TXT", target)[0].strip('"').partition(" ")[0]
    _records(f"AS{number}.asn.cymru.com", "TXT", target)


def _get(url: str) -> bytes:
    response = _session().get(url, headers=HEADERS, timeout=60)
    if response.status_code != 404:
        response.raise_for_status()
    return response.content


def _records(name: str, kind: str, target: Target) -> list[str]:
    try:
        answer = _resolver(target.dns_server).resolve(name + ".", kind, search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return []
    return [record.to_text() for record in answer.rrset or ()]


def _reversed(address: str, zone: str) -> str:
    pointer = ipaddress.ip_address(address).reverse_pointer
    return f"{pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def _finish(jobs: Iterable[Future[object]]) -> None:
    for job in jobs:
        job.result()


@cache
def _session() -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=1000))
    return made


@cache
def _resolver(server: str) -> dns.resolver.Resolver:
    host, _, port = server.rpartition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime, resolver.timeout = [host], int(port), 60, 60
    return resolver
