"""model.likeness: how what was typed is like a name; and the one box beside its twin."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from index_world import write_index
from record_factories import SUFFIX, make_practitioner
from twin_names import Side, match_name

from directory_service.entries.people import practitioner_entry
from directory_service.index.directory import Criteria, Directory, Wishes
from directory_service.index.query import View
from directory_service.model.likeness import Likeness, grade

EXACT, PREFIX, NICKNAME, INITIAL, SOUND, TYPO, INSIDE, NONE = Likeness


@pytest.mark.parametrize(
    ("typed", "word", "likeness"),
    [
        ("dupont", "dupont", EXACT),
        ("dup", "dupont", PREFIX),
        ("alex", "alexandre", PREFIX),
        ("jacky", "jacques", NICKNAME),
        ("j", "jean", INITIAL),
        ("jean", "j", INITIAL),
        ("j", "paul", NONE),
        ("dupond", "dupont", SOUND),
        ("lefeuvre", "lefevre", SOUND),
        ("dupnot", "dupont", TYPO),
        ("fupont", "dupont", TYPO),
        ("pont", "dupont", INSIDE),
        ("po", "dupont", NONE),
        ("st", "stephane", PREFIX),
        ("martin", "dupont", NONE),
        ("", "dupont", NONE),
    ],
)
def test_the_grades(typed: str, word: str, likeness: Likeness) -> None:
    assert grade(typed, word) is likeness


SPELT = [
    ("zoe d'essai", "D'ESSAI", "Zoé", EXACT),
    ("dessai zoe", "D'ESSAI", "Zoé", EXACT),
    ("jeanpierre martin", "MARTIN", "Jean-Pierre", EXACT),
    ("jean pierre martin", "MARTIN", "JEAN PIERRE", EXACT),
    ("pierre martin", "MARTIN", "JEAN PIERRE", EXACT),
    ("jp martin", "MARTIN", "Jean-Pierre", INITIAL),
    ("j martin", "MARTIN", "Jean-Pierre", INITIAL),
    ("st exupery", "SAINT-EXUPÉRY", "Antoine", EXACT),
    ("sainte marie", "STE-MARIE", "Anne", EXACT),
    ("tour", "DE LA TOUR", "Anne", EXACT),
    ("de la tour", "TOUR", "Anne", EXACT),
    ("latour", "DE LA TOUR", "Anne", EXACT),
    ("legoff", "LE GOFF", "Yann", EXACT),
    ("vanderberg", "VAN DER BERG", "Yann", EXACT),
    ("el khattabi", "ELKHATTABI", "Nadia", EXACT),
    ("cœur", "COEUR", "Jacques", EXACT),
    ("martin", "DUPONT-MARTIN", "Zoé", EXACT),  # the name at birth
    ("maïté dupont", "DUPONT", "MARIE THERESE", NICKNAME),
    ("nath dupond", "DUPONT", "NATHALIE", SOUND),
    ("st", "DUPONT", "Stéphane", PREFIX),
    ("dupnot nathalie", "DUPONT", "NATHALIE", TYPO),
]


@pytest.mark.parametrize(("typed", "family", "given_names", "worst"), SPELT)
def test_people_spell_names_as_they_like(typed: str, family: str, given_names: str, worst: Likeness) -> None:
    found = match_name(typed, family, given_names)
    assert found is not None and found.worst is worst


SAINTS_ONLY = "st"  # the box takes it for Saint, never for the beginning of a name


@pytest.mark.parametrize(
    ("typed", "family", "given_names", "worst"), [case for case in SPELT if case[0] != SAINTS_ONLY]
)
def test_the_one_box_finds_them_alike(
    typed: str, family: str, given_names: str, worst: Likeness, tmp_path: Path
) -> None:
    person = practitioner_entry(make_practitioner(1, family_name=family, given_names=given_names), (), SUFFIX)
    with closing(Directory(write_index(tmp_path, [person]), SUFFIX)) as directory:
        (why,) = directory.find(Criteria(q=typed), View.ANONYMOUS, 5, None, Wishes(explain=True)).why
    assert max(Likeness[word["match"].upper()] for word in why["words"]) is worst


def test_who_is_not_meant_is_none() -> None:
    assert match_name("dupont zoe", "MARTIN", "Zoé") is None
    assert match_name("", "MARTIN", "Zoé") is None
    assert match_name("m martin", "MARTIN", "Zoé") is None  # one word of a name is not two


def test_a_family_name_has_no_nickname() -> None:
    assert match_name("jacky", "JACQUES", "Zoé") is None
    assert match_name("jacky", "MARTIN", "Jacques").words[0].side is Side.GIVEN  # type: ignore[union-attr]


def test_matches_are_ordered_by_their_worst_word_then_by_the_family_name() -> None:
    texts = [("MARTIN", "Zoé"), ("ZOE", "Martine"), ("MARTINEZ", "Zoé"), ("MARTAIN", "Zoé"), ("MATRIN", "Zoé")]
    found = [match_name("martin zoe", *names) for names in texts]
    keys = [match.key for match in found if match]
    assert len(keys) == len(texts) and keys == sorted(keys)


NAMES = st.lists(st.text("abcdelnorstu", min_size=6, max_size=8), min_size=1, max_size=3, unique=True).map(" ".join)


@example("martin", "stjepan")  # no Saint
@given(NAMES, NAMES)
def test_a_name_is_itself_in_any_order(family: str, given_names: str) -> None:
    for typed in (f"{family} {given_names}", f"{given_names} {family}".upper()):
        found = match_name(typed, family, given_names)
        assert found is not None and found.worst is EXACT


PARTS = st.text("abceilnrst", max_size=6)


@given(st.tuples(PARTS, PARTS) | st.tuples(PARTS, PARTS, PARTS).map(lambda t: (t[1], "".join(t))))
def test_grades_are_what_they_say(both: tuple[str, str]) -> None:
    typed, word = both
    likeness = grade(typed, word)
    assert (likeness is EXACT) == (typed == word != "")
    if likeness is PREFIX:
        assert word.startswith(typed)
    if likeness is INSIDE:
        assert typed in word[1:]
