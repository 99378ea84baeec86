"""The arithmetic of probable matches, and what is learnt from pairs without labels."""

from __future__ import annotations

import random
from collections import Counter
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.reconcile.weights import (
    UNKNOWN,
    Comparison,
    Levels,
    Model,
    estimate,
    model_of,
    probability,
    shares,
    start,
)
from importers.reconciling import model

NAME = Comparison("name", ("same", "near", "other"), (0.8, 0.15, 0.05), (0.02, 0.03, 0.95))
PLACE = Comparison("place", ("same", "other"), (0.6, 0.4), (0.1, 0.9))
DAY = Comparison("day", ("same", "other"), (0.95, 0.05), (0.01, 0.99))
TRUE = Model((NAME, PLACE, DAY), 0.2)


def test_a_score_is_the_prior_and_the_weight_of_each_level_reached() -> None:
    assert TRUE.score((0, 1, UNKNOWN)) == pytest.approx(log2(0.2 / 0.8) + log2(0.8 / 0.02) + log2(0.4 / 0.9))
    assert TRUE.weights((0, UNKNOWN, 1)) == [
        ("name", "same", pytest.approx(log2(40))),
        ("day", "other", pytest.approx(log2(0.05 / 0.99))),
    ]


def test_silence_says_nothing() -> None:
    assert probability(TRUE.score((UNKNOWN,) * 3)) == pytest.approx(0.2)


@given(st.floats(-2000, 2000))
def test_a_probability_is_one(bits: float) -> None:
    assert 0 <= probability(bits) <= 1


def drawn(pairs: int, seed: int) -> Counter[Levels]:
    """Pairs as the true model makes them."""
    rng = random.Random(seed)
    found: Counter[Levels] = Counter()
    for _ in range(pairs):
        match = rng.random() < TRUE.prior
        sides = (c.m if match else c.u for c in TRUE.comparisons)
        found[tuple(rng.choices(range(len(side)), side)[0] for side in sides)] += 1
    return found


def test_what_made_the_pairs_is_learnt_from_them_without_labels() -> None:
    levels = {c.name: c.levels for c in TRUE.comparisons}
    learnt = estimate(drawn(40_000, 1), start(levels, 0.3))
    assert learnt.prior == pytest.approx(TRUE.prior, abs=0.02)
    for ours, true in zip(learnt.comparisons, TRUE.comparisons, strict=True):
        assert ours.m == pytest.approx(true.m, abs=0.05)
        assert ours.u == pytest.approx(true.u, abs=0.02)


def test_u_counted_on_others_is_kept() -> None:
    others = Counter({(2, 1, 1): 90, (0, 1, 1): 10})
    first = shares(others, start({c.name: c.levels for c in TRUE.comparisons}, 0.3))
    assert first.comparisons[0].u == pytest.approx((10.5 / 101.5, 0.5 / 101.5, 90.5 / 101.5))
    assert estimate(drawn(2_000, 2), first, known_u=True).comparisons[0].u == first.comparisons[0].u


def test_a_comparison_on_which_all_are_silent_keeps_its_weights() -> None:
    begun = start({"name": ("same", "other"), "day": ("same", "other")}, 0.3)
    learnt = estimate(Counter({(0, UNKNOWN): 5, (1, UNKNOWN): 9}), begun)
    assert learnt.comparisons[1] == begun.comparisons[1]


def test_a_model_is_written_and_read_back() -> None:
    assert model_of(TRUE.as_dict()) == TRUE


def test_the_model_shipped_weighs_agreement_above_disagreement() -> None:
    for comparison in model().comparisons:
        bits = [comparison.bits(n) for n in range(len(comparison.levels))]
        assert bits[0] > 0 > bits[-1], comparison.name
