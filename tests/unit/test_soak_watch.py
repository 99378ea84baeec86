"""``bench.soak.watch``: what counts as growth.  The soak itself is `make soak`, ten minutes long."""

from __future__ import annotations

import random

import pytest

from bench.soak.watch import Series


def series(megabytes: list[float], descriptors: list[float] | None = None) -> Series:
    at = [float(n) for n in range(len(megabytes))]
    return Series("ldap 1", at, megabytes, descriptors or [10.0] * len(at))


def test_a_leak_is_growth_of_the_second_half() -> None:
    found = series([50 + 0.1 * n for n in range(600)])
    assert found.grown(found.megabytes) == pytest.approx(29.0, abs=0.1)
    assert found.faults() == ["ldap 1: memory grew by 29.0 MB over the second half"]


def test_warming_up_is_not() -> None:
    assert series([min(80.0, 20 + n) for n in range(600)]).faults() == []


def test_nor_is_noise_however_wide() -> None:
    dice = random.Random(1)
    assert (
        series([60 + dice.uniform(-5, 5) for _ in range(600)], [dice.randint(5, 90) for _ in range(600)]).faults() == []
    )


def test_nor_are_peaks_that_come_and_go() -> None:
    """Argon2 takes 64 MB for a moment; more often towards the end, by chance."""
    assert series([124.0 if n > 500 and n % 3 else 60.0 for n in range(600)]).faults() == []


def test_descriptors_that_pile_up_are() -> None:
    assert series([60.0] * 600, [n / 10 for n in range(600)]).faults() == [
        "ldap 1: descriptors grew by 29 over the second half"
    ]


def test_a_process_seen_twice_has_not_grown() -> None:
    assert series([10.0, 90.0]).faults() == []
