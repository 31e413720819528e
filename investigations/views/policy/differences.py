"""What changes from one text of the policy to another, as the pages show it: in words, then line by line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from investigations.models import PolicyDraft, PolicyVersion
from investigations.policy.diff import Comparison, Line, compare, text_lines
from investigations.policy.places import lines_of
from investigations.queries.drafts import check

MAX_LINES = 5000  # that a page shows


@dataclass(frozen=True, slots=True)
class Difference:
    """`comparison` is None where one of the texts is no policy: then only the lines can be compared."""

    old: str
    new: str
    comparison: Comparison | None
    lines: tuple[Line, ...]

    @property
    def is_same(self) -> bool:
        return not self.lines


def difference(old: PolicyVersion | PolicyDraft, new: PolicyVersion | PolicyDraft) -> Difference:
    before, after = check(old.document).policy, check(new.document).policy
    comparison = compare(before, after) if before and after else None
    lines = comparison.lines if comparison else text_lines(old.document, new.document)
    return Difference(str(old), str(new), comparison, tuple(islice(lines, MAX_LINES)))


def numbered(document: str) -> list[str]:
    """The lines as TOML and the editor count them; the first of them where there are too many for a page."""
    return lines_of(document)[:MAX_LINES]
