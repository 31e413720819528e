"""What a benchmark is and what it brings: measurements, each a ratio of two sides that were both measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

type Say = Callable[[str], None]


class NotMeasured(Exception):
    """A side could not be measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Side:
    """One raw side of a ratio."""

    name: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.value:,.4g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """`ours` divided by `base`. The target is a bound of that ratio, None where the figure is only told."""

    name: str
    what: str
    ours: Side
    base: Side
    target: float | None = None
    at_most: bool = True  # a smaller ratio is better; False: a greater one
    samples: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.ours.value > 0 and self.base.value > 0):
            raise NotMeasured(f"{self.name}: {self.ours.name} {self.ours}, {self.base.name} {self.base}")

    @property
    def value(self) -> float:
        return self.ours.value / self.base.value

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "value": round(self.value, 4), "met": self.met}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a benchmark runs: a fresh installation with nothing else in it. `simulator` is a URL."""

    simulator: str
    quick: bool
    say: Say

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    what: str
    measure: Callable[[Place], list[Measurement]]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed (nearest rank)."""
    if not values:
        raise NotMeasured("there is no sample")
    return sorted(values)[math.ceil(share * len(values)) - 1]
