"""The one DNS door: every DNS question of a provider goes through `ask`.

The resolver is the deployment's (`DNS_SERVER`), else the system's. "No such name" and "no such record" are replies;
everything else that is not an answer is a ProviderError.
"""

from __future__ import annotations

import functools
import socket
from ipaddress import ip_address

import dns.exception
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
from django.conf import settings
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

from investigations.choices import Outcome
from investigations.providers.base import ProviderError, Reply

MAX_RECORDS = 50
MAX_RECORD = 1000  # characters kept of one record
ATTEMPT = 2.0  # seconds before the question is sent again


def ask(name: str, kind: str, timeout: float) -> Reply:
    """Ask for the records of `name`, in sorted order: `kind` is A, AAAA, PTR or TXT; `timeout` is seconds in all."""
    try:
        answer = _resolver(timeout).resolve(name.rstrip(".") + ".", kind, search=False, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Reply(rcode="NXDOMAIN")
    except dns.resolver.NoResolverConfiguration:
        raise ProviderError("This machine has no DNS resolver configured") from None
    except dns.exception.Timeout:
        raise ProviderError(f"No answer from DNS within {timeout:g} seconds", outcome=Outcome.TIMEOUT) from None
    except dns.resolver.NoNameservers as error:
        raise ProviderError(_refusal(error)) from None
    except (dns.exception.DNSException, OSError, ValueError):
        raise ProviderError("DNS cannot answer this question") from None
    records = sorted(_text(record) for record in answer.rrset or ())
    return Reply(records=tuple(records[:MAX_RECORDS]), rcode="NOERROR")


def reverse_name(address: str, zone: str = "") -> str:
    """The labels of `address` in reverse order (IPv6: nibbles) below `zone`; without one, below in-addr or ip6.arpa."""
    pointer = ip_address(address).reverse_pointer
    if not zone:
        return pointer
    return pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa") + "." + zone


def _resolver(timeout: float) -> dns.resolver.Resolver:
    server = settings.DNS_SERVER
    resolver = dns.resolver.Resolver(configure=not server)
    if server:
        host, resolver.port = _host_and_port(server)
        resolver.nameservers = [host]
    resolver.search = []
    resolver.lifetime = timeout
    resolver.timeout = min(ATTEMPT, timeout)
    return resolver


@functools.lru_cache(maxsize=8)
def _host_and_port(server: str) -> tuple[str, int]:
    """Read `host:port`, `[v6]:port` or a bare host; a host that is a name is looked up in the system once."""
    try:
        ip_address(server)
    except ValueError:
        host, _, port = server.rpartition(":")
        host, port = (host, port) if host and port.isdecimal() else (server, "53")
    else:
        host, port = server, "53"
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError, OverflowError):
        raise ProviderError("The configured DNS server is not an address") from None
    return str(found[0][4][0]), int(port)


def _text(record: dns.rdata.Rdata) -> str:
    match record:
        case TXT():
            return b"".join(record.strings).decode("utf-8", "replace")[:MAX_RECORD]
        case PTR():
            return record.target.to_text(omit_final_dot=True)[:MAX_RECORD]
        case _:
            return record.to_text()[:MAX_RECORD]


def _refusal(error: dns.resolver.NoNameservers) -> str:
    """Which response code made every server useless, e.g. SERVFAIL or REFUSED."""
    for attempt in reversed(error.kwargs.get("errors", [])):
        response = attempt[4]
        if response is not None:
            return f"DNS answered {dns.rcode.to_text(response.rcode())}"
    return "DNS cannot be reached"
