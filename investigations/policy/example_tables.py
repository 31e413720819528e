"""What the `[[example]]` tables of a document have to have; policy.examples decides them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from investigations.choices import Status

MAX_EXAMPLES = 200
KEYS = frozenset(
    {"name", "outcome", "rule", "source", "kind", "scope", "scan", "answers", "lists", "memory", "held"}
    | {"decided", "submitted", "error"}
)
_OUTCOMES = (Status.ESCALATED, Status.DISMISSED, Status.NEEDS_REVIEW)
_TYPES: dict[str, type] = {
    **dict.fromkeys(("name", "outcome", "rule", "source", "kind", "scope", "decided", "error"), str),
    **dict.fromkeys(("answers", "lists", "memory", "held"), list),
    "scan": dict,
    "submitted": bool,
}
_WORDS = {str: "text", list: "a list", dict: "a table", bool: "true or false"}


def example_problems(examples: Any) -> Iterator[tuple[int, str]]:
    """The number of an example, from 0, and what is wrong with it."""
    if not isinstance(examples, list) or not all(isinstance(one, dict) for one in examples):
        yield 0, "examples are written as [[example]] tables"
        return
    if len(examples) > MAX_EXAMPLES:
        yield MAX_EXAMPLES, f"more than {MAX_EXAMPLES} examples"
    for number, example in enumerate(examples):
        for key in sorted(example.keys() - KEYS):
            yield number, f"unknown key {key!r} in an example"
        for key in ("name", "outcome"):
            if key not in example:
                yield number, f"an example needs {'a name' if key == 'name' else 'an outcome'}"
        for key, kind in _TYPES.items():
            if key in example and not isinstance(example[key], kind):
                yield number, f"{key} must be {_WORDS[kind]}"
        if example.get("outcome", _OUTCOMES[0]) not in [outcome.value for outcome in _OUTCOMES]:
            yield number, f"outcome must be one of {', '.join(_OUTCOMES)}"
