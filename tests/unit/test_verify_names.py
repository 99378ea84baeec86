"""Names compared as people write them: what counts as the holder's name, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory_service.trust.naming import NameMatch, compare_person, compare_structure

FULL, INITIALS, SURNAME, NONE = NameMatch.FULL, NameMatch.INITIALS, NameMatch.SURNAME, NameMatch.NONE


@pytest.mark.parametrize(
    ("written", "family", "given_names", "expected"),
    [
        ("Zoé D'Essai", "D'ESSAI", "ZOE", FULL),
        ("D'ESSAI Zoe", "D'ESSAI", "ZOÉ", FULL),
        ("dessai, zoé", "D'ESSAI", "ZOE", FULL),
        ("Dr Zoé d’Essai", "D'ESSAI", "ZOE", FULL),
        ("Lefèvre Jean-Pierre", "LEFEVRE", "JEAN PIERRE", FULL),
        ("jeanpierre lefevre", "LEFÈVRE", "JEAN-PIERRE", FULL),
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
        ("Marie Dupont Durand", "DUPONT", "MARIE", NONE),
        ("Marie Dupont", "DUPONT-DURAND", "MARIE", NONE),
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


def test_a_structure_is_named_in_full() -> None:
    names = ("CENTRE HOSPITALIER D'ESSAI", "Cardiologie CENTRE HOSPITALIER D'ESSAI")
    assert compare_structure("centre hospitalier d’essai", names) is FULL
    assert compare_structure("CENTRE HOSPITALIER", names) is NONE
    assert compare_structure("", ("",)) is NONE
