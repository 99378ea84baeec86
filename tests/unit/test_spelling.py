"""Where words stand, and where who mistypes them looks."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from directory_service.model.phonetics import LONGEST_EDITED
from directory_service.model.spelling import may_be, places, places_of_mistyped

LETTERS = "abc1漢"  # folded words may hold digits, and letters of other scripts
WORDS = st.text(LETTERS, min_size=3, max_size=11)


@st.composite
def mistyped_words(draw: st.DrawFn) -> tuple[str, str]:
    """What was typed, and a word that it is one to three errors away from."""
    word = typed = draw(WORDS)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(typed)))
        typed = typed[:at] + draw(st.text(LETTERS, max_size=2)) + typed[at + draw(st.integers(0, 2)) :]
    return typed, word


@given(mistyped_words())
def test_a_word_stands_where_who_mistypes_it_looks(pair: tuple[str, str]) -> None:
    typed, word = pair
    assume(may_be(typed, word))
    assert not set(places(word)).isdisjoint(places_of_mistyped(typed))


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("martonz", "martinez"),  # one missing and one wrong, in the shortest that may have two
        ("martinez", "martine"),  # the longest that may be a short one
        ("martinezab", "martinez"),
        ("xyschweitzer", "schweitzer"),
        ("schweitz", "schweitzer"),
        ("lex", "lea"),
    ],
)
def test_the_longest_errors_are_looked_for_too(typed: str, word: str) -> None:
    assert may_be(typed, word)
    assert not set(places(word)).isdisjoint(places_of_mistyped(typed))


def test_a_long_word_stands_under_every_six_of_its_first_eight_letters() -> None:
    assert places("dupont") == ("dupont",)
    assert len(places("schweitzer")) == 28 and {"+schwei", "+cweitz", "+hweitz"} < {*places("schweitzer")}


def test_nothing_is_looked_for_that_is_too_short_or_too_long() -> None:
    assert places_of_mistyped("ab") == places_of_mistyped("a" * (LONGEST_EDITED + 1)) == []
    assert "abc" in places_of_mistyped("abx")
