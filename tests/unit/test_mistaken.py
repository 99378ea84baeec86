"""model.mistaken: which numbers a false one may have been meant for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.model.identifiers import is_finess, is_rpps, is_siret
from directory_service.model.mistaken import meant_persons, meant_structures, near_numbers

RPPS = "10000000017"  # made up
ADELI = "991023763"  # a fictitious card
FINESS = "990781056"
SIRET = "26690000000016"  # made up


@pytest.mark.parametrize(
    ("typed", "tier"),
    [
        ("1OOOOOOOO17", 0),  # a scanner's O
        ("l0000000017", 0),
        ("RPPS : 10 000 000 0I7", 0),
        ("10000000071", 1),  # swapped
        ("10000000018", 1),  # the key beside
        ("100000000017", 1),  # a digit twice
        ("1000000017", 1),  # once too few
        ("10006000017", 1),  # 6 looks like 0
        ("10004000017", 2),
        ("810000000018", 1),  # with its type digit
    ],
)
def test_the_number_meant_is_in_its_tier(typed: str, tier: int) -> None:
    assert "8" + RPPS in meant_persons(typed)[tier]


@pytest.mark.parametrize("typed", ["99IO23763", "991023764", "991023736", "9910237633", "99102376", "0991023764"])
def test_adeli_numbers_too(typed: str) -> None:
    assert any("0" + ADELI in tier for tier in meant_persons(typed))


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("99O781056", "1" + FINESS),
        ("990781065", "1" + FINESS),
        (SIRET[:5] + SIRET[6:], "3" + SIRET),
        (SIRET[:-2] + SIRET[-1] + SIRET[-2], "3" + SIRET),
        ("SIRET " + SIRET.replace("1", "I"), "3" + SIRET),
    ],
)
def test_structures_too(typed: str, number: str) -> None:
    assert any(number in tier for tier in meant_structures(typed))


@pytest.mark.parametrize("typed", ["", "dupont", "OOIIOOIIOOI", "1" * 30, "é10000000017", "42"])
def test_what_is_no_number_means_none(typed: str) -> None:
    assert not any(meant_persons(typed)) and not any(meant_structures(typed))


@given(st.text("0123456789OIlSB -", max_size=16))
def test_all_that_may_be_meant_is_a_number_told_once_and_not_what_was_typed(typed: str) -> None:
    persons = [n for tier in meant_persons(typed) for n in tier]
    structures = [n for tier in meant_structures(typed) for n in tier]
    assert len(set(persons)) == len(persons) and len(set(structures)) == len(structures)
    assert all(is_rpps(n[1:]) for n in persons if n[0] == "8")
    assert all(is_finess(n[1:]) if n[0] == "1" else is_siret(n[1:]) for n in structures)
    assert typed not in {n[1:] for n in (*persons, *structures)}


@given(st.integers(0, 10**10 - 1), st.data())
def test_every_single_error_is_undone(value: int, data: st.DataObject) -> None:
    key = next(k for k in range(10) if is_rpps(f"{value:010d}{k}"))
    number = f"{value:010d}{key}"
    at = data.draw(st.integers(0, 10))
    changed = number[:at] + data.draw(st.sampled_from("0123456789")) + number[at + 1 :]
    missing, doubled = number[:at] + number[at + 1 :], number[:at] + number[at] + number[at:]
    for typed in {changed, missing, doubled} - {number, "8" + number}:  # the latter is its national id
        assert any("8" + number in tier for tier in meant_persons(typed))


@given(st.text("0123456789", min_size=11, max_size=11))
def test_near_numbers_are_those_of_the_same_length(value: str) -> None:
    assert set(near_numbers("8" + value)) <= {n for tier in meant_persons(value) for n in tier} | {"8" + value}
