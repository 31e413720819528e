"""Words for people: every text that came from outside passes `plain` before it enters a sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_WORDS = 160  # characters of foreign text in one sentence

# The last dot of anything that looks like a domain name; a name with a letter-only top level.
_LAST_DOT = re.compile(r"(?<=[\w-])\.(?=(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)(?!\w|\.\w))", re.IGNORECASE)


def plain(text: str, limit: int = MAX_WORDS) -> str:
    """One line without control, format (bidi, zero-width) or private characters, at most `limit` long, defanged."""
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * limit])
    line = " ".join(visible.split())
    return defang_names(line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…")


def defang_names(text: str) -> str:
    """`scan.example` as `scan[.]example`: domain names that no mail client and no chat turns into a link."""
    return _LAST_DOT.sub("[.]", text.replace("://", "[:]//"))


def counted(number: int, noun: str) -> str:
    """`1 port`, `1,024 ports`, `214 addresses`."""
    plural = noun if number == 1 else f"{noun}{'es' if noun.endswith('s') else 's'}"
    return f"{number:,} {plural}"


def listed(words: Sequence[str], limit: int = 5) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b and 4 more`."""
    shown = list(words[:limit])
    if len(words) > limit:
        shown = [*shown[: limit - 1], f"{len(words) - limit + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def sentence(text: str) -> str:
    """`text` with its first letter in upper case; the rest stays as it is."""
    return text[:1].upper() + text[1:]
