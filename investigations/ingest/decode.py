"""One record's bytes to plain JSON values, whatever an attacker put into them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from investigations.ingest.base import RecordError

MAX_DEPTH = 64  # brackets within brackets
WRAPPERS = ("events", "alerts", "records")
# A record with one of these stands for itself, even if it also has a list named like a wrapper.
OWN_FIELDS = frozenset(
    {"event_type", "timestamp", "@timestamp", "time", "source", "src", "src_ip", "signature", "scenario"}
)

_decoder = msgspec.json.Decoder()


def decode(data: bytes) -> Any:
    """The JSON value of a record, duplicate keys resolved to the last; raise RecordError if there is none.

    NaN becomes None; lone surrogates and control characters in strings are kept, for the text cleaning to see to.
    """
    try:
        value = _decoder.decode(data)
    except RecursionError as error:
        raise RecordError("nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_leniently(data)
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise RecordError("nested too deeply")
    return value


def _decode_leniently(data: bytes) -> Any:
    # The standard library takes what msgspec refuses and sensors do send: lone surrogates, NaN, raw control characters.
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise RecordError(f"cut off or not JSON: {error.msg.removesuffix(' at')}, character {error.pos + 1}") from error
    except RecursionError as error:
        raise RecordError("nested too deeply") from error
    except ValueError as error:
        raise RecordError("not readable: a number has too many digits") from error


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def unwrap(value: Any, raw: str) -> Iterator[tuple[Any, str]]:
    """The records in one JSON value, each with its own text: the items of an array or of a wrapper, else itself."""
    items = value if isinstance(value, list) else _wrapped(value)
    if items is None:
        yield value, raw
        return
    for item in items:
        yield item, _encode(item)


def _wrapped(value: Any) -> list[Any] | None:
    if not isinstance(value, dict) or not OWN_FIELDS.isdisjoint(value):
        return None
    lists = [value[name] for name in WRAPPERS if isinstance(value.get(name), list)]
    return lists[0] if len(lists) == 1 else None


def _encode(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
