"""The one HTTP door: every request to a provider goes through `get`.

Connections are kept per host and shared by all threads. Nothing is taken from the environment, no redirect is
followed, no cookie is kept, and no error holds the URL or a header.
"""

from __future__ import annotations

import functools
import os
import re
import ssl
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

from investigations.choices import Outcome
from investigations.providers.base import ProviderError, Reply
from investigations.providers.connections import POOLS
from reconsoc import __version__

MAX_BODY = 2 * 1024 * 1024  # bytes, after decompression
MAX_HEADER = 1000  # characters kept of one header of a reply
MAX_CONNECT = 5.0  # seconds for name and connection together
CHUNK = 64 * 1024
POOL_SIZE = 256  # kept connections per host: as many as lookups run at once, and some; made only when needed
SENDABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class GuardedAdapter(HTTPAdapter):
    """The transport of requests on guarded connections, with the certificates read once instead of per connection."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        super().init_poolmanager(connections, maxsize, block, ssl_context=context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context verifies already; the original would read the certificates again for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"


@functools.cache
def session() -> requests.Session:
    """One per process."""
    made = requests.Session()
    made.trust_env = False
    made.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    made.headers = {
        "User-Agent": f"ReconSOC/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }
    adapter = GuardedAdapter(pool_connections=32, pool_maxsize=POOL_SIZE)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


# A forked child must not read from its parent's sockets
os.register_at_fork(after_in_child=session.cache_clear)


def get(
    url: str, *, timeout: float, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
) -> Reply:
    """Send one GET and return the reply, whatever its status; raise ProviderError when there is none."""
    headers = dict(headers or {})
    if not all(SENDABLE.fullmatch(value) for value in headers.values()):
        raise ProviderError("The key holds characters that no key has", outcome=Outcome.AUTH_ERROR)
    limit = urllib3.Timeout(connect=min(timeout, MAX_CONNECT), total=timeout)
    try:
        with session().get(
            url,
            params=params,
            headers=headers,
            timeout=limit,  # type: ignore[arg-type]
            stream=True,
            allow_redirects=False,
        ) as response:
            return Reply(response.status_code, _headers(response.headers), _body(response.raw))
    except (requests.RequestException, HTTPError, OSError) as error:
        raise _in_words(error, timeout) from None


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value[:MAX_HEADER] for name, value in headers.items()}


def _body(raw: BaseHTTPResponse) -> bytes:
    """Read the body up to MAX_BODY decompressed bytes; the connection of a longer one is dropped with its rest."""
    body = bytearray()
    for chunk in raw.stream(CHUNK, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            raise ProviderError(f"The answer is longer than {MAX_BODY // 1024**2} MiB")
    return bytes(body)


def _in_words(error: Exception, timeout: float) -> ProviderError:
    """The error for people. The text of the original can contain the URL or a header: only its type counts."""
    match error:
        case requests.Timeout() | ReadTimeoutError() | TimeoutError():
            return ProviderError(f"No answer within {timeout:g} seconds", outcome=Outcome.TIMEOUT)
        case requests.exceptions.SSLError() | ssl.SSLError():
            return ProviderError("The server's certificate or TLS was not accepted")
        case (
            requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema() | requests.exceptions.MissingSchema()
        ):
            return ProviderError("The provider's URL cannot be used")
        case DecodeError():
            return ProviderError("The answer cannot be decompressed")
        case HTTPError():
            return ProviderError("The answer broke off")
        case _:
            return ProviderError("The connection failed")
