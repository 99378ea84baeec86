"""The place that is shown of somebody who has several."""

from __future__ import annotations

from typing import Any

import pytest

from directory_service.matching.whereabouts import box_at, place_meant, places
from directory_service.web.portal.french import posts

WARD = {"id": "1660000118", "name": "CHU DE MONTFERRER", "finess": "660000118", "siret": None}
SURGERY = {"id": "41", "name": "CABINET DE KINESITHERAPIE", "finess": None, "siret": "30000000000012"}


def activity(structure: dict[str, Any] | None, town: str, postcode: str, **said: str) -> dict[str, Any]:
    address = {"street": "1 RUE X", "postcode": postcode, "city": town, "department": {"code": postcode[:2]}}
    return {"structure": structure, "address": address, **{part: {"label": label} for part, label in said.items()}}


HOME = activity(None, "ST DENIS", "93200")
AT_WARD = activity(WARD, "MONTFERRER", "66150", mode="Salarié", role="Salarié en poste fixe")
AGAIN = activity(WARD, "MONTFERRER", "66150", mode="Salarié")
AT_SURGERY = activity(SURGERY, "LYON", "69003", mode="Libéral")
ELSEWHERE = {"structure": None, "address": None}
PERSON = {"activities": [HOME, AT_WARD, AT_SURGERY, AGAIN, ELSEWHERE]}


def test_what_is_said_of_one_place_stands_together() -> None:
    assert places(PERSON) == [[HOME], [AT_WARD, AGAIN], [AT_SURGERY], [ELSEWHERE]]


def test_a_structure_that_another_register_numbers_otherwise_is_one_place() -> None:
    """The page showed the same surgery twice."""
    otherwise = activity(SURGERY | {"id": "C012345678"}, "LYON", "69003")
    place = [AT_SURGERY, otherwise]
    assert places({"activities": place}) == [place]
    beside = activity(SURGERY | {"id": "42", "name": "PHARMACIE"}, "LYON", "69003")
    assert places({"activities": [AT_SURGERY, beside]}) == [[AT_SURGERY], [beside]]
    box = {"address": "b@b.fr", "structures": [{"id": "C012345678"}]}
    assert box_at({"mailboxes": [{"address": "a@a.fr", "structures": []}, box]}, place) is box
    assert place_meant([[HOME], place], "", structure="C012345678") is place


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("", None),
        ("dupont", None),
        ("dupont chu", AT_WARD),
        ("dupont montfer", AT_WARD),
        ("66150", AT_WARD),
        ("kiné lyon dupont", AT_SURGERY),
        ("dupont saint-denis", HOME),
    ],
)
def test_which_place_a_text_speaks_of(asked: str, meant: dict[str, Any] | None) -> None:
    found = place_meant(places(PERSON), asked)
    assert (found and found[0]) is meant


def test_filters_say_more_than_words() -> None:
    where = places(PERSON)
    assert place_meant(where, "kiné lyon", department="66") == [AT_WARD, AGAIN]
    assert place_meant(where, "chu", department="66", structure="30000000000012") == [AT_SURGERY]
    assert place_meant([], "chu") is None


def test_the_box_of_a_place_is_hers_there_or_her_first() -> None:
    own, ward = {"address": "a@a.fr", "structures": []}, {"address": "b@b.fr", "structures": [{"id": WARD["id"]}]}
    person = {"mailboxes": [own, ward]}
    assert box_at(person, [AT_WARD]) is ward
    assert box_at(person, [AT_SURGERY]) is box_at(person, [HOME]) is box_at(person, None) is own
    assert box_at({"mailboxes": []}, [AT_WARD]) is None


def test_what_sources_say_of_one_place_is_told_once() -> None:
    assert posts([AT_WARD, AGAIN]) == ["Salarié · Salarié en poste fixe"]
    assert posts([AGAIN, AT_SURGERY, AGAIN]) == ["Salarié", "Libéral"]
    assert posts([HOME]) == []
