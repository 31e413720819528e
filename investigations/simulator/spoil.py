"""Faulty HTTP answers: what a provider sends when something is wrong with it, with us, or with the path between."""

from __future__ import annotations

import gzip
from functools import lru_cache

from investigations.simulator.apis.base import Answer, Api, Request
from investigations.simulator.faults import Fault

TRANSPORT = frozenset({"drop", "cut", "timeout", "drip"})  # faults of the connection, not of the answer
DRIPPED_BYTES = 600  # a dripped body is at least this long, so that it outlasts any sensible deadline
BOMB_BYTES = 64 * 1024 * 1024  # what the gzip bomb unpacks to
ELSEWHERE = "elsewhere"  # where a redirect leads: nobody may arrive there
BLOCK_PAGE = b"""<!DOCTYPE html>
<html><head><title>Attention Required!</title></head>
<body><h1>Sorry, you have been blocked</h1><script>alert(1)</script></body></html>
"""


def spoil(api: Api, request: Request, fault: Fault) -> Answer:
    """The answer of `api` under a fault that is not one of TRANSPORT."""
    if fault.kind == "bad_key":
        return api.wrong_key or api.unavailable
    if fault.kind == "rate_limit":
        return api.rate_limited(request, int(fault.argument))
    if fault.kind == "error":
        return api.unavailable
    if fault.kind == "html":
        return Answer(200, BLOCK_PAGE, {"Content-Type": "text/html; charset=UTF-8"})
    if fault.kind == "redirect":
        host = request.headers.get("host", "127.0.0.1")
        return Answer(302, b"", {"Location": f"http://{host}/{ELSEWHERE}{request.path}"})
    if fault.kind == "gzip_bomb":
        return Answer(200, _bomb(), {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert fault.kind == "truncated", fault.kind
    whole = api.refused(request) or api.answer(request)
    return Answer(whole.status, whole.body[: len(whole.body) // 2], whole.headers)


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    """A small body that unpacks to a huge JSON string."""
    return gzip.compress(b'{"data": "' + bytes([48]) * BOMB_BYTES + b'"}')
