"""How far people agree with proposals, in numbers for the page."""

from __future__ import annotations

from dataclasses import dataclass

from investigations.models import Automation
from investigations.queries.agreement import Agreement, why_not_yet


@dataclass(frozen=True, slots=True)
class Share:
    """An agreement in per cent, with what would be enough; `why_not` is empty where it is."""

    found: Agreement
    needed: int  # per cent
    why_not: str

    @property
    def rate(self) -> float:
        return round(self.found.rate * 100, 1)

    @property
    def low(self) -> float:
        return round(self.found.low * 100, 1)

    @property
    def high(self) -> float:
        return round(self.found.high * 100, 1)

    @property
    def width(self) -> float:
        return round(self.high - self.low, 1)

    @property
    def mark(self) -> float:
        """Where the mark of the rate begins, which is one per cent wide."""
        return round(min(max(self.rate - 0.5, 0), 99), 1)

    @property
    def words(self) -> str:
        """For example: `41 of 42 (97.6 %), 95 % interval 87.7 to 99.6 %`."""
        if not self.found.n:
            return "nobody has had a word on it yet"
        interval = f"95 % interval {self.low:g} to {self.high:g} %"
        return f"{self.found.agreed} of {self.found.n} ({self.rate:g} %), {interval}"


def share_of(found: Agreement, automation: Automation) -> Share:
    return Share(found, automation.graduate_percent, why_not_yet(found, automation))
