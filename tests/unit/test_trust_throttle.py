"""How long wrong secrets have to wait, by the figures."""

from __future__ import annotations

import pytest

from directory_service.trust import throttle
from directory_service.trust.throttle import Throttle, keys_of


def test_ten_are_free_then_one_every_two_seconds_up_to_the_patience() -> None:
    waits = Throttle()
    assert [waits.reserve(["a"], 100.0) for _ in range(15)] == [0.0] * 10 + [2.0, 4.0, 6.0, 8.0, None]
    assert waits.reserve(["b"], 100.0) == 0.0
    assert waits.reserve(["a"], 102.0) == 8.0
    assert waits.reserve(["a"], 200.0) == 0.0  # forgotten by then


def test_name_and_address_are_counted_apart_and_the_worse_decides() -> None:
    waits = Throttle()
    for n in range(10):
        assert waits.reserve(keys_of(f"op{n}", "192.0.2.1"), 0.0) == 0.0
    assert waits.reserve(keys_of("other", "192.0.2.1"), 0.0) == 2.0
    assert waits.reserve(keys_of("other", "192.0.2.2"), 0.0) == 0.0


def test_what_succeeds_is_not_counted() -> None:
    waits = Throttle()
    for _ in range(50):
        assert waits.reserve(["a"], 0.0) == 0.0
        waits.refund(["a"])


def test_what_succeeds_pays_for_no_failure_before_it() -> None:
    """Who has one right secret could else try as many wrong ones as they like."""
    waits = Throttle(burst=3)
    for _ in range(2):
        waits.reserve(["a"], 0.0)
    for _ in range(5):
        assert waits.reserve(["a"], 0.0) == 0.0
        waits.refund(["a"])
    assert [waits.reserve(["a"], 0.0) for _ in range(2)] == [0.0, 2.0]


def test_who_has_a_network_is_counted_by_it() -> None:
    assert keys_of("op", "2001:db8:1:2::1") == keys_of("op", "2001:db8:1:2::2") != keys_of("op", "2001:db8:1:3::1")


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEYS", 3)
    waits = Throttle()
    for n in range(10):
        waits.reserve([f"name {n}"], 0.0)
    assert len(waits._due) == 3
    waits.refund(["name 0"])


def test_who_tried_last_is_forgotten_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEYS", 2)
    waits = Throttle(burst=1)
    assert [waits.reserve([key], 0.0) for key in "abac"] == [0.0, 0.0, 2.0, 0.0]
    assert [waits.reserve([key], 0.0) for key in "ac"] == [4.0, 2.0]
