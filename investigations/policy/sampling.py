"""Which automatic dismissals a person looks at again: a share of each stratum, drawn by a seed and not by chance.

Whoever knows the seed can repeat the draw and prove that nobody chose; whoever does not cannot foresee it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Shares:
    """How much is drawn: shares between 0 and 1; a rule is new for `new_for` after its first dismissal."""

    usual: float
    new: float
    new_for: timedelta


@dataclass(frozen=True, slots=True)
class Stratum:
    """What a dismissal is drawn among, and the chance it has."""

    name: str
    share: float


def stratum_of(rule: str, first_dismissal: datetime, moment: datetime, shares: Shares) -> Stratum:
    """The rule, apart while it is new: nobody knows yet how good a new rule is."""
    if moment - first_dismissal < shares.new_for:
        return Stratum(f"{rule}, new", max(shares.new, shares.usual))
    return Stratum(rule, shares.usual)


def is_drawn(seed: str, rule: str, investigation: int, fence: int, share: float) -> bool:
    """Whether this dismissal is among the drawn ones; `fence` tells two dismissals of one investigation apart."""
    return number_of(seed, rule, investigation, fence) < share


def number_of(seed: str, rule: str, investigation: int, fence: int) -> float:
    """A number from 0 up to 1 that looks random and is the same for ever."""
    digest = hmac.digest(seed.encode(), f"{rule}\0{investigation}\0{fence}".encode(), "sha256")
    return int.from_bytes(digest[:8]) / 2**64
