"""The homonym shield, example by example."""

from __future__ import annotations

import pytest
from twin_confusable import differ_by

from directory_service.model.confusable import How
from directory_service.model.homonyms import Grade, Item, shields


def item(id: str, name: str, *facts: str, address: str = "") -> Item:
    profession, specialty, town, structure = (*facts, "", "", "", "")[:4]
    return Item(id, name, (profession, specialty, town, structure), (address,) if address else ())


def told(*items: Item) -> list[tuple[str, str]]:
    return [(s.grade.value, s.apart) for s in shields(items)]


def test_who_has_a_name_of_her_own_needs_no_fact() -> None:
    assert told(item("1", "DUPONT JEAN", "Médecin"), item("2", "MARTIN PAUL", "Médecin")) == [("distinct", "")] * 2


def test_homonyms_are_told_apart_by_the_first_fact_that_does() -> None:
    found = told(
        item("81", "DUPONT JEAN", "Médecin", "", "LYON"),
        item("82", "Jean Dupont", "Infirmier", "", "LYON"),
        item("83", "DUPONT Jéan", "Médecin", "", "NICE"),
    )
    assert found == [("homonym", "Médecin, LYON"), ("homonym", "Infirmier"), ("homonym", "NICE")]


def test_what_is_unknown_of_one_tells_nothing() -> None:
    assert told(item("81234", "DUPONT J", "Médecin"), item("85678", "DUPONT J")) == [
        ("homonym", "n° …1234"),
        ("homonym", "n° …5678"),
    ]


def test_digits_are_as_many_as_it_takes() -> None:
    assert told(item("8111234", "DUPONT J"), item("8121234", "DUPONT J"))[0] == ("homonym", "n° …11234")


def test_names_that_sound_the_same_are_lookalikes() -> None:
    assert told(item("1", "LEFÈVRE ANNE", "", "", "LYON"), item("2", "LEFEBVRE ANNE", "", "", "NICE")) == [
        ("lookalike", "LYON"),
        ("lookalike", "NICE"),
    ]


def test_two_boxes_of_one_person_are_no_homonyms() -> None:
    found = shields(
        [item("1", "DUPONT JEAN", address="jean.dupont@a.fr"), item("1", "DUPONT JEAN", address="jean.dupont@b.fr")]
    )
    assert [s.grade for s in found] == [Grade.DISTINCT] * 2
    assert [(m.address, m.how, m.own) for m in found[0].mistaken] == [("jean.dupont@b.fr", How.DOMAIN, True)]


def test_an_address_like_another_persons_makes_a_lookalike_of_who_has_another_name() -> None:
    found = shields(
        [item("1", "MARTIN ANNE", address="a.martin@a.fr"), item("2", "MARTIN ALBERT", address="a.martin2@a.fr")]
    )
    assert [(s.grade, s.apart) for s in found] == [(Grade.LOOKALIKE, "")] * 2


def test_a_namesake_who_is_not_shown_counts() -> None:
    found = shields([item("1", "DUPONT JEAN", "", "", "LYON")], [item("2", "DUPONT JEAN", "", "", "NICE")])
    assert [(s.grade, s.apart) for s in found] == [(Grade.HOMONYM, "LYON")]


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("jean.dupont@a.fr", "jean.dupont1@a.fr", How.LETTER),
        ("jean.dupont@a.fr", "jean.dupond@a.fr", How.LETTER),
        ("jean.dupont@a.fr", "jean-dupont@a.fr", How.CHARACTERS),
        ("marnier@a.fr", "mamier@a.fr", How.CHARACTERS),
        ("pau1@a.fr", "paul@a.fr", How.CHARACTERS),
        ("paul@a.fr", "paul@b.fr", How.DOMAIN),
        ("paul@a.fr", "paula@b.fr", None),
        ("paul@a.fr", "pierre@a.fr", None),
        ("paul@a.fr", "paul@a.fr", None),
    ],
)
def test_what_two_addresses_differ_by(one: str, other: str, how: How | None) -> None:
    assert differ_by(one, other) is differ_by(other, one) is how
