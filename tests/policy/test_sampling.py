"""Drawing samples, and how much they tell: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investigations.policy.sampling import Shares, is_drawn, number_of, stratum_of
from investigations.policy.statistics import weighted, wilson

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHARES = Shares(0.02, 0.1, timedelta(days=7))


def test_it_draws_the_same_for_ever() -> None:
    # Written down once: a change of this number would make old draws impossible to repeat
    assert number_of("seed", "rule", 1, 1) == pytest.approx(0.22681, abs=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_it_draws_its_share(share: float) -> None:
    drawn = sum(is_drawn("seed", "rule", number, 1, share) for number in range(100_000))

    assert drawn == pytest.approx(share * 100_000, abs=500)


def test_it_draws_apart_for_each_rule_seed_and_dismissal() -> None:
    numbers = {number_of(*case) for case in (("a", "r", 1, 1), ("b", "r", 1, 1), ("a", "s", 1, 1), ("a", "r", 1, 2))}

    assert len(numbers) == 4


def test_it_takes_more_of_a_rule_that_is_new() -> None:
    assert stratum_of("r", NOW - timedelta(days=1), NOW, SHARES) == stratum_of("r", NOW, NOW, SHARES)
    assert stratum_of("r", NOW - timedelta(days=1), NOW, SHARES).share == 0.1
    assert stratum_of("r", NOW - timedelta(days=7), NOW, SHARES).share == 0.02


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_it_gives_the_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)

    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_it_knows_nothing_without_a_trial() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    for successes, n in ((1, 0), (-1, 3), (4, 3)):
        with pytest.raises(ValueError):
            wilson(successes, n)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_it_is_wilson_where_all_had_the_same_chance(trials: list[bool], chance: float) -> None:
    found, plain = weighted((trial, chance) for trial in trials), wilson(sum(trials), len(trials))

    assert (found.rate, found.low, found.high) == (
        pytest.approx(plain.rate), pytest.approx(plain.low), pytest.approx(plain.high)
    )  # fmt: skip


def test_it_gives_rare_draws_their_weight() -> None:
    # One miss among the draws at 1 in 50 stands for 50, ten agreements of a full draw stand for ten
    found = weighted([(True, 0.02), *[(False, 1.0)] * 10])

    assert found.rate == pytest.approx(50 / 60)
    assert found.high - found.low > 0.6
