"""model.nicknames: the table and what it says of pairs of names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.model.names import squash
from directory_service.model.nicknames import all_names, is_nickname, nicknames, other_names

ALL = sorted({*nicknames(), *(name for names in nicknames().values() for name in names)})


def test_the_table_holds_folded_words_and_no_name_for_itself() -> None:
    for nickname, names in nicknames().items():
        assert names and len(set(names)) == len(names) and nickname not in names
        assert all(squash(word) == word and word.isalpha() for word in (nickname, *names))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jacky", "jacques"),
        ("nath", "nathalie"),
        ("bea", "beatrice"),
        ("cathy", "catherine"),
        ("cricri", "christine"),
        ("maite", "marietherese"),
        ("jo", "joseph"),
        ("manu", "emmanuelle"),
        ("fred", "frederic"),
        ("alex", "alexandra"),
        ("steph", "stef"),  # both of Stéphane
    ],
)
def test_known_nicknames(one: str, other: str) -> None:
    assert is_nickname(one, other) and is_nickname(other, one)
    assert other in all_names(one) and one in all_names(other)


@pytest.mark.parametrize("pair", ["jacques jean", "marie anne", "jacky jacky", "x y", "nathalie natacha"])
def test_other_names_are_other_names(pair: str) -> None:
    assert not is_nickname(*pair.split())


@given(st.sampled_from(ALL), st.sampled_from(ALL))
def test_a_nickname_is_one_both_ways_and_among_all_names(one: str, other: str) -> None:
    assert is_nickname(one, other) == is_nickname(other, one)
    assert not is_nickname(one, other) or other in all_names(one)
    assert other_names(one) <= all_names(one)
