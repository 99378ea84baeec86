"""The place that is shown of somebody who has several."""

from __future__ import annotations

from typing import Any

import pytest

from directory_service.matching.whereabouts import places
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


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("", HOME),
        ("dupont", HOME),
        ("dupont chu", AT_WARD),
        ("dupont montfer", AT_WARD),
        ("66150", AT_WARD),
        ("kiné lyon dupont", AT_SURGERY),
        ("dupont saint-denis", HOME),
    ],
)
def test_the_place_that_the_text_speaks_of_comes_first(asked: str, first: dict[str, Any]) -> None:
    found = places(PERSON, asked)
    assert found[0][0] is first
    assert [place[0] for place in found if place[0] is not first] == [
        a for a in (HOME, AT_WARD, AT_SURGERY, ELSEWHERE) if a is not first
    ]


def test_filters_say_more_than_words() -> None:
    assert places(PERSON, "kiné lyon", department="66")[0] == [AT_WARD, AGAIN]
    assert places(PERSON, "chu", department="66", structure="30000000000012")[0] == [AT_SURGERY]


def test_what_sources_say_of_one_place_is_told_once() -> None:
    assert posts([AT_WARD, AGAIN]) == ["Salarié · Salarié en poste fixe"]
    assert posts([AGAIN, AT_SURGERY, AGAIN]) == ["Salarié", "Libéral"]
    assert posts([HOME]) == []
