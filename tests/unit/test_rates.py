"""How often one may ask: the shared counter against a bucket that is counted by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.trust.rates import SIZE, Quota, Rates


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_at_once_then_one_for_each_part_of_the_window() -> None:
    clock = Clock()
    rates, quota = Rates(clock=clock), Quota(10, 60.0)
    assert [rates.take("a", quota).left for _ in range(10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    refused = rates.take("a", quota)
    assert (refused.allowed, refused.left, refused.reset, refused.wait) == (False, 0, 60, 6.0)
    assert rates.take("b", quota).allowed
    clock.now += 6
    assert rates.take("a", quota).allowed and not rates.take("a", quota).allowed
    clock.now += 60
    assert rates.take("a", quota) == (True, 9, 6, 0.0)


@given(
    st.sampled_from([1, 2, 3, 5, 7, 12]),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40)), max_size=60),
)
def test_it_is_a_bucket_that_leaks(most: int, asked: list[tuple[str, int]]) -> None:
    """One bucket for each caller: it holds ``most``, and one leaks out in each part of the window."""
    clock = Clock()
    rates, quota, part = Rates(clock=clock), Quota(most, 60.0), Fraction(60, most)
    full: dict[str, tuple[Fraction, Fraction]] = {}
    for name, pause in asked:
        clock.now += pause
        now = Fraction(clock.now)
        level, since = full.get(name, (Fraction(0), now))
        level = max(Fraction(0), level - (now - since) / part)
        taken = rates.take(name, quota)
        assert taken.allowed == (level + 1 <= most)
        level += taken.allowed
        full[name] = level, now
        assert taken.left == most - -(-level // 1)
        if not taken.allowed:
            assert taken.wait == pytest.approx(float((level + 1 - most) * part))


def test_processes_count_together_and_keep_no_name(tmp_path: Path) -> None:
    one, other = (Rates(tmp_path / "rates") for _ in range(2))
    quota = Quota(6, 600.0)
    assert sum(r.take("192.0.2.1", quota).allowed for _ in range(5) for r in (one, other)) == 6
    held = (tmp_path / "rates").read_bytes()
    assert len(held) == SIZE and b"192.0.2.1" not in held and (tmp_path / "rates").stat().st_mode & 0o077 == 0


def test_what_turned_out_to_be_worth_more_is_owed_and_no_longer_than_a_window() -> None:
    clock = Clock()
    rates, quota = Rates(clock=clock), Quota(10, 60.0)
    rates.owe("a", quota, 3)  # of who never asked, or long ago
    assert rates.take("a", quota).left == 6
    rates.owe("a", quota, 1000)
    assert rates.take("a", quota).wait <= 60
    clock.now += 60
    assert rates.take("a", quota).allowed


@given(st.integers(1_700_000_000_000, 1_900_000_000_000), st.integers(1, 60))
def test_at_any_instant_as_many_may_come_at_once_as_are_said(milliseconds: int, most: int) -> None:
    rates, quota = Rates(clock=lambda: milliseconds / 1000), Quota(most, 60.0)
    assert [rates.take("a", quota).left for _ in range(most)] == [*reversed(range(most))]
    assert not rates.take("a", quota).allowed


def test_what_is_given_back_was_never_asked() -> None:
    clock = Clock()
    rates, quota = Rates(clock=clock), Quota(2, 60.0)
    rates.give_back("nobody", quota)
    assert rates.take("a", quota).left == 1
    for _ in range(3):
        assert rates.take("a", quota).left == 0
        rates.give_back("a", quota)
    assert rates.take("a", quota).allowed and not rates.take("a", quota).allowed


def test_nobody_waits_longer_than_a_window_however_the_clock_was_set_back() -> None:
    clock = Clock()
    rates, quota = Rates(clock=clock), Quota(2, 60.0)
    rates.take("a", quota)
    clock.now -= 86_400
    waited = rates.take("a", quota).wait
    assert waited <= 60
    clock.now += waited + 0.001
    assert rates.take("a", quota).allowed


def test_strangers_take_the_place_of_who_asked_least_and_long_ago() -> None:
    clock = Clock()
    rates, quota = Rates(clock=clock), Quota(100, 3600.0)
    for _ in range(100):
        assert rates.take("busy", quota).allowed
    for n in range(100_000):
        clock.now += 0.0001
        rates.take(f"stranger {n}", quota)
    assert not rates.take("busy", quota).allowed


def test_of_those_who_share_their_place_a_newcomer_has_all_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("directory_service.trust.rates._SETS", 1)
    rates, quota = Rates(clock=Clock()), Quota(2, 60.0)
    for name in "abcd":
        assert [rates.take(name, quota).left for _ in range(2)] == [1, 0]
    rates.give_back("e", quota)  # which asked for nothing, and takes nobody's place
    assert not any(rates.take(name, quota).allowed for name in "abcd")
    assert rates.take("e", quota).left == 1


def test_what_is_worth_several_waits_for_all_of_them() -> None:
    """Refused, it takes nothing, or who asks for much would never have it; worth more than all, it is worth all."""
    clock = Clock()
    rates, quota = Rates(clock=clock), Quota(10, 60.0)
    assert rates.take("a", quota, 6) == (True, 4, 36, 0.0)
    for _ in range(3):
        refused = rates.take("a", quota, 6)
        assert (refused.allowed, refused.left, refused.wait) == (False, 4, 12.0)
    clock.now += 12
    assert rates.take("a", quota, 6) == (True, 0, 60, 0.0)
    assert rates.take("b", quota, 1_000) == (True, 0, 60, 0.0)


def test_what_is_owed_is_waited_for_and_for_a_window_at_most() -> None:
    now = [1000.0]
    rates, quota = Rates(clock=lambda: now[0]), Quota(6, 60)
    assert rates.take("a", quota).left == 5
    rates.owe("a", quota, 2)
    assert rates.take("a", quota).left == 2
    rates.owe("a", quota, 1_000)
    refused = rates.take("a", quota)
    assert not refused.allowed and refused.wait == pytest.approx(10)
    now[0] += 60
    assert rates.take("a", quota).left == 5
