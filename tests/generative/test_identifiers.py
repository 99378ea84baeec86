"""Properties of numbers: keys catch slips, what is written reads back, nothing raises."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from directory_service.model.identifiers import (
    PersonId,
    is_rpps,
    luhn_key_ok,
    parse_national_id,
    parse_person_id,
    structure_keys,
    structure_national_id,
)
from directory_service.model.mistaken import near_numbers


def _slow_luhn(digits: str) -> bool:
    """The rule as the standard tells it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


digits = st.text("0123456789", min_size=1, max_size=20)
rpps = (
    st.text("0123456789", min_size=10, max_size=10)
    .map(lambda body: next(body + k for k in "0123456789" if _slow_luhn(body + k)))
    .filter(is_rpps)
)
separator = st.sampled_from(["", " ", ".", "-", "\u00a0", "\u202f"])


@given(digits)
def test_luhn_equals_its_slow_twin(text: str) -> None:
    assert luhn_key_ok(text) == _slow_luhn(text)


@given(rpps, st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_caught(number: str, place: int, shift: int) -> None:
    wrong = str((int(number[place]) + shift) % 10)
    assert not is_rpps(number[:place] + wrong + number[place + 1 :])


@given(rpps, st.integers(0, 10), st.sampled_from("0123456789"), st.booleans())
def test_a_slip_finds_the_number_that_was_meant_among_few(number: str, place: int, digit: str, swap: bool) -> None:
    """One wrong digit, or two neighbours swapped."""
    at = min(place, 9)
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    slipped = swapped if swap else number[:place] + digit + number[place + 1 :]
    assume(slipped != number)
    found = near_numbers("8" + slipped)
    assert "8" + number in found
    assert "8" + slipped not in found
    assert all(is_rpps(near[1:]) for near in found)
    assert len(found) <= 11 + 10  # a digit for each place, a swap for each pair


@given(rpps, st.lists(separator, min_size=11, max_size=11), st.booleans())
def test_any_spacing_of_an_rpps_reads(number: str, gaps: list[str], typed: bool) -> None:
    spaced = "".join(digit + gap for digit, gap in zip(number, gaps, strict=True))
    assert parse_person_id(("8" if typed else "") + spaced) == PersonId("8", number)


anything = st.one_of(
    st.text(),
    rpps,
    st.from_regex(r"\A(10|30|[0-9])[0-9AB]{8,14}/?[0-9A-Za-z@ .]{0,6}\Z"),
)


@given(anything)
def test_whatever_is_typed_nothing_raises_and_what_reads_is_stable(text: str) -> None:
    for found in filter(None, (parse_person_id(text), parse_national_id(text))):
        assert parse_national_id(found.national) == found


@given(anything)
def test_a_key_of_a_structure_is_never_empty(text: str) -> None:
    assert all(len(key) > 1 and key.startswith("o") for key in structure_keys(text))


@given(st.text(min_size=1), st.sampled_from(["", "990781056"]), st.sampled_from(["", "73282932000074"]))
def test_every_structure_has_a_national_id(technical: str, finess: str, siret: str) -> None:
    assert structure_national_id(technical, finess, siret, "")
