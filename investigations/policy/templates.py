"""The reason of a rule: text with `{fact}` in it, filled by name alone, so no value can reach further."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from investigations.policy.facts import FACTS
from investigations.policy.wording import listed, plain

_PART = re.compile(r"\{([^{}]*)\}")


def unknown_parts(template: str) -> list[str]:
    """What stands in braces and is no fact; a brace without its partner is unknown too."""
    parts: list[str] = [part for part in _PART.findall(template) if part not in FACTS]
    return parts + sorted(set(_PART.sub("", template)) & {"{", "}"})


def fill(template: str, facts: Mapping[str, Any]) -> str:
    """The template with the facts in words: yes or no, a number, a list with its `and`."""
    return _PART.sub(lambda found: _words(facts[found[1]]), template)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return listed([plain(item) for item in value]) if isinstance(value, list) else plain(str(value))
