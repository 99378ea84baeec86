"""Names compared as people write them: what counts as the holder's name, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.trust.naming import (
    NameMatch,
    compare_person,
    compare_structure,
    differences,
    structure_differences,
)
from directory_service.trust.verdicts import REASONS

FULL, PART, INITIALS = NameMatch.FULL, NameMatch.PART, NameMatch.INITIALS
SURNAME, NONE = NameMatch.SURNAME, NameMatch.NONE


@pytest.mark.parametrize(
    ("written", "family", "given_names", "expected"),
    [
        ("Zoé D'Essai", "D'ESSAI", "ZOE", FULL),
        ("D'ESSAI Zoe", "D'ESSAI", "ZOÉ", FULL),
        ("dessai, zoé", "D'ESSAI", "ZOE", FULL),
        ("Dr Zoé d’Essai", "D'ESSAI", "ZOE", FULL),
        ("Lefèvre Jean-Pierre", "LEFEVRE", "JEAN PIERRE", FULL),
        ("jeanpierre lefevre", "LEFÈVRE", "JEAN-PIERRE", FULL),
        ("Jean Pierre Lefevre", "LEFEVRE", "JEANPIERRE", FULL),
        ("Jeanpierre Dupont", "DUPONT", "JEAN PIERRE MARIE", FULL),
        ("Pierremarie Dupont", "DUPONT", "JEAN PIERRE MARIE", FULL),
        ("Marie De La Tour", "DE LA TOUR", "MARIE", FULL),
        ("delatour marie", "DE LA TOUR", "MARIE", FULL),
        ("Jean Dupont", "DUPONT", "JEAN PIERRE MARIE", FULL),
        ("Pierre Dupont", "DUPONT", "JEAN PIERRE MARIE", FULL),
        ("Martin Martin", "MARTIN", "MARTIN", FULL),
        ("Cœur Émile", "COEUR", "EMILE", FULL),
        ("M. Dupont", "DUPONT", "MARCEL", INITIALS),
        ("J. Dupont", "DUPONT", "JEAN PIERRE", INITIALS),
        ("Dupont J.-P.", "DUPONT", "JEAN PIERRE", INITIALS),
        ("JP Dupont", "DUPONT", "JEAN-PIERRE", INITIALS),
        ("Mme Dupont", "DUPONT", "MARIE", SURNAME),
        ("DUPONT", "DUPONT", "MARIE", SURNAME),
        ("DUPONT", "DUPONT", "", FULL),
        ("Marie", "DUPONT", "MARIE", NONE),
        ("Marie Dupond", "DUPONT", "MARIE", NONE),
        ("Mar Dupont", "DUPONT", "MARIE", NONE),  # a beginning is no initial
        ("Marie Dupont Durand", "DUPONT", "MARIE", NONE),
        # usage names: under one of two, joined by a hyphen or by *née*, when the given name says so too
        ("Marie Dupont", "DUPONT-DURAND", "MARIE", PART),
        ("Dr Durand Marie", "DUPONT - DURAND", "MARIE CLAIRE", PART),
        ("Marie Durand-Dupont", "DUPONT-DURAND", "MARIE", PART),
        ("Marie Dupont", "DURAND EP DUPONT", "MARIE", PART),
        ("Marie Durand née Dupont", "DURAND", "MARIE", PART),
        ("Mme Marie Durand née Dupont", "DUPONT", "MARIE", PART),
        ("Marie Durand née Dupont", "DURAND DUPONT", "MARIE", PART),
        ("M. Dupont", "DUPONT-DURAND", "MARIE", NONE),
        ("Dupont", "DUPONT-DURAND", "MARIE", NONE),
        ("Anne Durand née Dupont", "DURAND", "MARIE", NONE),
        ("Anne Durand née Dupont", "DUPONT", "MARIE", NONE),
        ("Marie Durand née", "DURAND", "MARIE", NONE),
        ("O Marie", "O-CONNOR", "MARIE", NONE),  # a letter is nobody's name
        ("Marie Saint", "SAINT MARTIN", "MARIE", NONE),
        # particles
        ("Marie La Tour", "DE LA TOUR", "MARIE", FULL),
        ("M. de Latour", "LA TOUR", "MARIE", INITIALS),
        ("Zoé Essai", "D'ESSAI", "ZOE", FULL),
        ("D. Essai", "ESSAI", "ZOE", NONE),
        ("Essai", "D'ESSAI", "ZOE", NONE),
        ("Du Nguyen", "NGUYEN", "LAN", NONE),
        ("Marie Goff", "LE GOFF", "MARIE", NONE),
        ("Anne Dupont", "DUPONT", "MARIE", NONE),
        ("A. Dupont", "DUPONT", "MARIE", NONE),
        ("Marie Jean Dupont", "DUPONT", "JEAN MARIE", NONE),
        ("", "DUPONT", "MARIE", NONE),
        ("Marie", "", "MARIE", NONE),
        ("'- ,", "DUPONT", "MARIE", NONE),
    ],
)
def test_a_written_name_is_read_as_people_mean_it(
    written: str, family: str, given_names: str, expected: NameMatch
) -> None:
    assert compare_person(written, family, given_names) is expected


_NAME = st.text("abcdeéîô'- ", min_size=2, max_size=12).filter(lambda t: t.strip(" '-"))


@given(_NAME, _NAME)
def test_whole_name_matches_in_both_orders(family: str, given_names: str) -> None:
    assert compare_person(f"{family} {given_names}", family, given_names) is FULL
    assert compare_person(f"{given_names} {family}".upper(), family, given_names) is FULL


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_answered(written: str, family: str, given_names: str) -> None:
    assert compare_person(written, family, given_names) in NameMatch
    assert set(differences(written, family, given_names)) <= REASONS.keys()


_WORD = st.text("abcdefgmn", min_size=2, max_size=6)
_ACCENTS = str.maketrans("aecn", "àéçñ")


@given(
    st.lists(_WORD, min_size=1, max_size=3),
    st.lists(_WORD, min_size=1, max_size=3),
    st.sampled_from(["", "Dr ", "Mme "]),
    st.sampled_from([" ", "-", "'", ". "]),
    st.data(),
)
def test_order_accents_titles_and_initials_never_turn_a_match_into_a_mismatch(
    family: list[str], given_names: list[str], title: str, between: str, data: st.DataObject
) -> None:
    shortened = [data.draw(st.sampled_from([name, name[0], name[0].upper() + "."])) for name in given_names]
    kept = shortened[: data.draw(st.integers(1, len(shortened)))]
    surname, first = between.join(family), " ".join(kept)
    for written in (f"{title}{first} {surname}", f"{surname.upper()}, {first}", f"{surname} {first} {title}"):
        for spelt in (written, written.translate(_ACCENTS)):
            assert compare_person(spelt, " ".join(family).upper(), "-".join(given_names)) is not NONE


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Anne Dupont", {"given_name_differs"}),
        ("Dupont Mario", {"given_name_differs", "one_letter_differs"}),
        ("Marie Durand", {"surname_differs"}),
        ("Dr Marie Dupond", {"surname_differs", "one_letter_differs"}),
        ("Marie Duponnt", {"surname_differs", "one_letter_differs"}),
        ("Marie Dupotn", {"surname_differs", "one_letter_differs"}),
        ("Dupond", {"surname_differs", "one_letter_differs"}),
        ("M. Durand", set()),  # an initial is nobody's name
        ("Jean Durand", set()),
        ("", set()),
    ],
)
def test_a_near_miss_says_what_differs(written: str, expected: set[str]) -> None:
    assert compare_person(written, "DUPONT", "MARIE") is NONE
    assert set(differences(written, "DUPONT", "MARIE")) == expected


def test_a_near_miss_may_be_of_the_second_given_name() -> None:
    assert differences("Dupont Clairo", "DUPONT", "MARIE CLAIRE") == ("given_name_differs", "one_letter_differs")


def test_of_three_letters_nothing_is_a_near_miss() -> None:
    assert structure_differences("CHU", ("CHR",)) == structure_differences("CHUS", ("CHU",)) == ()


@given(st.text("abcd", min_size=4, max_size=8), st.data())
def test_one_letter_apart_is_what_the_slow_way_finds(one: str, data: st.DataObject) -> None:
    once = data.draw(st.sampled_from(sorted(_near(one))))
    twice = data.draw(st.sampled_from(sorted(_near(once))))
    for other in (once, twice):
        found = structure_differences(one, (other,)) == ("one_letter_differs",)
        assert found == (one != other and other in _near(one))


def _near(text: str) -> set[str]:
    at = range(len(text))
    return {
        *(text[:i] + c + text[i + 1 :] for i in at for c in "abcd"),
        *(text[:i] + c + text[i:] for i in range(len(text) + 1) for c in "abcd"),
        *(text[:i] + text[i + 1 :] for i in at if len(text) > 4),
        *(text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in at[:-1]),
    }


def test_a_structure_is_named_in_full() -> None:
    names = ("CENTRE HOSPITALIER D'ESSAI", "Cardiologie CENTRE HOSPITALIER D'ESSAI")
    assert compare_structure("centre hospitalier d’essai", names) is FULL
    assert compare_structure("CENTRE HOSPITALIER", names) is NONE
    assert compare_structure("", ("",)) is NONE
