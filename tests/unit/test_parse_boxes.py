"""Rows of mailboxes and of the ADELI-to-RPPS crosswalk, each read alone: what is written in several ways."""

from __future__ import annotations

import factories as f
import pytest

from importers.links.layout import LINKS
from importers.links.parse import LinkParser
from importers.mssante.layout import MAILBOXES
from importers.mssante.parse import HoldingParser, parse_structure, technical_id, with_first_zero
from importers.rows import Doubt, Holding, Layout, Line, Match, Problems

RPPS, ADELI, AIN = f.rpps(1), f.adeli(1), f.adeli(1, "01")
EIGHT = f.luhn("8" + "0" * 9)
FINESS, SIRET = f.finess(1), "73282932000074"
BOX = {"type": "PER", "address": "zoe@medecin.mssante.fr", "national_id": "8" + RPPS, "family_name": "ESSAI"}


def whole(layout: Layout) -> Match:
    return layout.match([field.captions[0] for field in layout.fields])


def read(**told: str) -> tuple[Holding | None, set[str]]:
    """A row of the mailboxes' extract, and the rules that it trips."""
    match, problems = whole(MAILBOXES), Problems("|")
    values = [told.get(field.name, "") for field in MAILBOXES.fields]
    found = HoldingParser(match, problems).parse(Line(2, [*values, ""]))
    return found, {*problems.warnings, *(rejected.reason for rejected in problems.rejected)}


@pytest.mark.parametrize(
    ("kind", "number", "read"),
    [
        ("1", FINESS, ("1", FINESS)),
        ("1", "1" + FINESS, ("1", FINESS)),
        ("1", "9" + FINESS, ("1", "9" + FINESS)),  # a digit too many is not its type
        ("FINESS", f" 1{FINESS} ", ("1", FINESS)),
        ("3", SIRET, ("3", SIRET)),
        ("3", "3" + SIRET, ("3", SIRET)),
        ("1", "1" + FINESS[:8], ("1", "1" + FINESS[:8])),  # it begins with its type, and that is the number
        ("", "", ("", "")),
    ],
)
def test_the_number_of_a_structure_may_repeat_its_type(kind: str, number: str, read: tuple[str, str]) -> None:
    assert parse_structure(kind, number) == read


@pytest.mark.parametrize(
    ("kind", "number", "whole"),
    [
        ("1", "10780054", "010780054"),
        ("1", "10780055", "10780055"),  # the key is another's
        ("1", "780054", "780054"),
        ("2", "5450093", "5450093"),  # two zeros short
        ("4", "10780054", "10780054"),
    ],
)
def test_the_first_zero_is_given_back_where_the_key_says_so(kind: str, number: str, whole: str) -> None:
    assert with_first_zero(kind, number) == whole


def test_a_structure_without_a_number_has_no_key() -> None:
    keys = [technical_id(kind, number) for kind, number in (("1", FINESS), ("3", SIRET), ("1", ""))]
    assert keys == [f"F{FINESS}", f"C{SIRET}", ""]


@pytest.mark.parametrize(
    ("kind", "number", "told"), [("3", SIRET, ("", SIRET, SIRET[:9])), ("1", FINESS, (FINESS, "", ""))]
)
def test_a_siret_says_the_siren_too(kind: str, number: str, told: tuple[str, str, str]) -> None:
    found, _ = read(**BOX, place_type=kind, place_id=number)
    assert found and found.place and (found.place.finess, found.place.siret, found.place.siren) == told


def test_a_structure_may_have_a_name_alone() -> None:
    for field in ("name", "trade_name"):
        found, _ = read(**BOX, **{field: "CABINET"})
        assert found and found.place and getattr(found.place, field) == "CABINET"
    assert (found := read(**BOX)[0]) and found.place is None


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ({"national_id": "", "id_type": "8", "id": RPPS}, "8" + RPPS),
        ({"national_id": " ", "id_type": "8", "id": " "}, ""),  # a type alone is no number
        ({"national_id": f" 8{RPPS} ", "id_type": "0", "id": ADELI}, "8" + RPPS),
    ],
)
def test_whose_it_is_stands_in_one_column_or_in_two(told: dict[str, str], held: str) -> None:
    found, _ = read(**BOX | told)
    assert found and found.national_id == held


@pytest.mark.parametrize(
    ("told", "tripped"),
    [
        ({"type": " per "}, set()),
        ({"address": " ZOE@medecin.mssante.fr"}, {"address_spelling"}),
        ({"paperless": " OUI "}, set()),
        ({"paperless": "non"}, set()),
        ({"paperless": " "}, set()),
        ({"paperless": "peut-être"}, {"paperless"}),
        ({"type": "CAB", "family_name": " "}, {"name"}),
        ({"type": "ORG", "national_id": "", "family_name": "", "place_type": "1", "place_id": FINESS}, set()),
        ({"type": "ORG", "national_id": "", "family_name": "", "given_names": "ZOE", "place_type": "1",
          "place_id": FINESS}, {"person_on_organization"}),
        ({"type": "APP", "national_id": "", "family_name": ""}, {"box_without_structure"}),
    ],
)  # fmt: skip
def test_what_is_said_of_a_row(told: dict[str, str], tripped: set[str]) -> None:
    assert read(**BOX | told)[1] == tripped


@pytest.mark.parametrize(
    ("adeli", "rpps", "found", "tripped"),
    [
        (ADELI, RPPS, (ADELI, RPPS), set()),
        (AIN, RPPS, (AIN, RPPS), set()),  # its zero is the department's
        ("0" + AIN, "8" + RPPS, (AIN, RPPS), {"link_spelling"}),
        (AIN[1:], RPPS, (AIN, RPPS), {"link_spelling"}),  # a spreadsheet ate it
        ("2a" + ADELI[2:], RPPS, ("2A" + ADELI[2:], RPPS), {"link_spelling"}),
        (ADELI, f"{RPPS[:5]} {RPPS[5:]}", (ADELI, RPPS), {"link_spelling"}),
        (ADELI, "9" + RPPS, None, {"rpps_key"}),
        ("X" + ADELI, RPPS, None, {"adeli_form"}),
        ("", RPPS, None, {"adeli_form"}),  # was read as 000000000
        ("1234", RPPS, None, {"adeli_form"}),
        (ADELI, EIGHT, (ADELI, EIGHT), set()),  # its 8 is no type digit
    ],
)
def test_a_line_of_the_crosswalk_is_read_as_it_was_meant(
    adeli: str, rpps: str, found: tuple[str, str] | None, tripped: set[str]
) -> None:
    problems = Problems("|")
    assert LinkParser(whole(LINKS), problems).parse(Line(2, [adeli, rpps, ""])) == found
    assert {*problems.warnings, *(rejected.reason for rejected in problems.rejected)} - {"adeli_digits"} == tripped


def test_what_a_line_of_the_crosswalk_is_doubted_for_names_both_numbers() -> None:
    problems = Problems("|")
    LinkParser(whole(LINKS), problems).parse(Line(2, [ADELI, "8" + RPPS[:-1], ""]))
    (rejected,) = problems.rejected
    assert Doubt(*rejected.doubt) == Doubt("88" + RPPS[:-1], other="0" + ADELI)
