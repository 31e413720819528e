"""How sure a measured share is: intervals for small samples, and for samples that were not drawn evenly.

Wilson's score interval (E. B. Wilson, 1927): it stays within 0 and 1, and says something even when nothing was found.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z95 = 1.959963984540054  # standard normal quantile of 97.5 %


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with the interval that holds the true one in 95 of 100 cases; all between 0 and 1."""

    rate: float
    low: float
    high: float


def wilson(successes: float, n: float, z: float = Z95) -> Interval:
    """The share of `successes` in `n` trials. Nothing tried: anything is possible. ValueError for impossible counts."""
    if n < 0 or not 0 <= successes <= n:
        raise ValueError("a share needs 0 <= successes <= n")
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    rate = successes / n
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    centre, scale = rate + z * z / (2 * n), 1 + z * z / n
    return Interval(rate, max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def weighted(trials: Iterable[tuple[bool, float]], z: float = Z95) -> Interval:
    """The share of successes where each trial had its own chance (above 0, at most 1) to be drawn.

    Every trial stands for 1/chance others; the interval is that of Kish's effective sample size, since uneven weights
    tell less than even ones.
    """
    weights = [(success, 1.0 / chance) for success, chance in trials]
    total = math.fsum(weight for _, weight in weights)
    if not total:
        return wilson(0, 0, z)
    rate = math.fsum(weight for success, weight in weights if success) / total
    effective = total * total / math.fsum(weight * weight for _, weight in weights)
    return wilson(min(rate, 1.0) * effective, effective, z)
