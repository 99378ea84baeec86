"""A patient's number: its form and its key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.model.ins import ins_key, is_ins

# Made up, but for the second and third: examples that documentation of the NIR has used for decades.
GOOD = ("185057800608491", "255081416802538", "269054958815780", "199012A00100103", "199012B00100130")


@pytest.mark.parametrize("number", GOOD)
def test_a_number_and_its_key(number: str) -> None:
    assert ins_key(number[:13]) == number[13:]
    assert is_ins(number) and is_ins(number.lower())


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("255081416802539", "key"),
        ("25508141680253", "a character short"),
        ("2550814168025380", "a character more"),
        ("055081416802538", "sex 0"),
        ("955081416802538", "sex 9"),
        ("255001416802538", "month 00"),
        ("255131416802538", "month 13"),
        ("255080016802538", "department 00"),
        ("255082C16802538", "department 2C"),
        ("2550814168000" + ins_key("2550814168000"), "serial 000"),
        ("٢٥٥٠٨١٤١٦٨٠٢٥٣٨", "other digits"),
        ("", "nothing"),
    ],
)
def test_what_is_no_number(number: str, why: str) -> None:
    assert not is_ins(number), why


@st.composite
def numbers(draw: st.DrawFn) -> str:
    months = st.sampled_from([*range(1, 13), *range(20, 43), *range(50, 100)])
    department = draw(st.sampled_from(["2A", "2B", *(f"{n:02d}" for n in range(1, 100))]))
    serial, commune = draw(st.integers(1, 999)), draw(st.integers(0, 999))
    year, month = draw(st.integers(0, 99)), draw(months)
    return f"{draw(st.sampled_from('123478'))}{year:02d}{month:02d}{department}{commune:03d}{serial:03d}"


@given(numbers())
def test_exactly_one_key_fits(number: str) -> None:
    assert [key for key in range(100) if is_ins(f"{number}{key:02d}")] == [int(ins_key(number))]


@given(numbers(), st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_seen(number: str, at: int, more: int) -> None:
    """97 is prime and divides no difference of one digit."""
    if number[at].isdigit() and number[5:7] not in ("2A", "2B"):
        wrong = f"{number[:at]}{(int(number[at]) + more) % 10}{number[at + 1 :]}"
        assert not is_ins(wrong + ins_key(number))
