"""Numbers: forms and keys against public ones (tests/data/ids), and what people type."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from directory_service.model.identifiers import (
    PersonId,
    adeli_key_ok,
    adeli_plausible,
    is_adeli,
    is_finess,
    is_rpps,
    is_rpps_rank,
    is_siren,
    is_siret,
    luhn_key_ok,
    parse_national_id,
    parse_person_id,
    structure_keys,
    structure_national_id,
)
from directory_service.model.mistaken import near_numbers

DATA = Path(__file__).parents[1] / "data" / "ids"
RPPS = "10000000017"  # made up
ADELI = "991023763"  # a fictitious card
FINESS = "990781056"  # the centre de santé of another


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_finess_of_the_legal_text_has_its_key_corsica_included() -> None:
    rows = _rows("finess_arrete_20150304_AFSH1506177A.csv")
    numbers = [row[side] for row in rows for side in ("finess_ej", "finess_eg")]
    assert [n for n in numbers if not is_finess(n)] == []
    assert sum(n.startswith(("2A", "2B")) for n in numbers) == 6


def test_every_fictitious_adeli_card_has_its_key() -> None:
    assert [r["adeli"] for r in _rows("test_cps_cards_medintux.csv") if not adeli_key_ok(r["adeli"])] == []


def test_an_adeli_number_with_a_wrong_key_keeps_its_form() -> None:
    assert is_adeli("991023764")
    assert not adeli_key_ok("991023764")


@pytest.mark.parametrize(
    ("value", "plausible"),
    [("756000017", True), ("2A6000017", True), ("9F6000017", True), ("990000017", True), ("966000017", False),
     ("006000017", False), ("750500017", False), ("750000017", True)],
)  # fmt: skip
def test_an_adeli_number_begins_with_a_departement_and_a_profession(value: str, plausible: bool) -> None:
    assert adeli_plausible(value) is plausible


def test_the_adeli_numbers_near_a_false_one_are_sound() -> None:
    near = near_numbers("0991023764")
    assert "0991023763" in near
    assert all(adeli_key_ok(number[1:]) and adeli_plausible(number[1:]) for number in near)


@pytest.mark.parametrize("number", ["", "8", "8108", "3990781056", "0756", "8108000000"])
def test_what_has_not_the_length_of_a_number_has_none_near(number: str) -> None:
    assert near_numbers(number) == ()


@pytest.mark.parametrize("value", ["2A1023763", "2B1023763", "9A1023763", "9F1023763"])
def test_lettered_departements_are_adeli_whose_key_is_not_doubted(value: str) -> None:
    assert is_adeli(value)
    assert adeli_key_ok(value)


@pytest.mark.parametrize("value", ["", "99102376", "9910237630", "2C1023763", "9G1023763", "A91023763", "2a1023763"])
def test_not_adeli(value: str) -> None:
    assert not is_adeli(value)


def test_rpps_is_eleven_digits_with_their_key() -> None:
    assert is_rpps(RPPS)
    assert not is_rpps("10000000018")
    assert not is_rpps(RPPS[:-1])
    assert not is_rpps("8" + RPPS)


@pytest.mark.parametrize("value", ["", "٣", "1²", "-18", "18 ", "+18"])
def test_luhn_takes_ascii_digits_only(value: str) -> None:
    assert not (value and luhn_key_ok(value))


def test_la_poste_siret_is_a_multiple_of_five_but_for_its_seat() -> None:
    assert is_siren("356000000")
    assert is_siret("35600000000048")
    assert is_siret("35600000049837")
    assert not is_siret("35600000049838")


def test_other_siret_have_luhn_keys() -> None:
    assert is_siret("73282932000074")  # INSEE's own example
    assert not is_siret("73282932000075")
    assert not is_siret("73282932100073")


RANKED = "10000000017" + "01"
RPPS_RANK = next(RANKED + d for d in "0123456789" if luhn_key_ok(RANKED + d))


@pytest.mark.parametrize(
    ("text", "scheme", "value"),
    [
        ("8" + RPPS, "8", RPPS),
        ("0" + ADELI, "0", ADELI),
        ("02A1023763", "0", "2A1023763"),  # an often-copied check rejects it
        (f"3{FINESS}/0012", "3", f"{FINESS}/0012"),  # and this
        ("32A0000154/X12", "3", "2A0000154/X12"),
        ("3010780062/7", "3", "010780062/7"),  # FINESS of the Ain, not scheme 30
        ("4732829320/7", "4", "732829320/7"),
        ("573282932000074/DUR1", "5", "73282932000074/DUR1"),
        ("199102376300/1", "1", "99102376300/1"),
        (f"6{RPPS_RANK}/1", "6", f"{RPPS_RANK}/1"),
        ("10zoe@Hopital.mssante.fr", "10", "zoe@hopital.mssante.fr"),
        ("30ror-12345", "30", "ror-12345"),
    ],
)
def test_every_scheme_of_tre_g08_reads_strictly_and_from_a_person(text: str, scheme: str, value: str) -> None:
    assert parse_national_id(text) == PersonId(scheme, value)
    assert parse_person_id(text) == PersonId(scheme, value)
    assert PersonId(scheme, value).national == scheme + value


@pytest.mark.parametrize(
    "text", ["8 10000 00001 7", RPPS, "10 000 000 017", "10000.000.017", "RPPS : 10000000017", "n° RPPS 10000000017 "]
)
def test_rpps_as_people_type_it(text: str) -> None:
    assert parse_person_id(text) == PersonId("8", RPPS)


@pytest.mark.parametrize("text", [ADELI, "99 1 02376 3", "adeli 991023763", " 0991023763", "ADELI n° 991023763"])
def test_adeli_as_people_type_it(text: str) -> None:
    assert parse_person_id(text) == PersonId("0", ADELI)


@pytest.mark.parametrize(
    "text", ["", " ", "8", "MARTIN", "Jacques Martin", "10000000018", "810000000018", "d'Aubigné", "10@", "3990781056"]
)
def test_what_is_no_number(text: str) -> None:
    assert parse_person_id(text) is None


@pytest.mark.parametrize("text", ["8 10000000017", RPPS, ADELI, "", " 8" + RPPS])
def test_the_sources_do_not_write_so(text: str) -> None:
    assert parse_national_id(text) is None


def test_a_rank_of_an_rpps_has_both_keys() -> None:
    assert is_rpps_rank(RPPS_RANK)
    assert not is_rpps_rank(RPPS_RANK[:-1] + str((int(RPPS_RANK[-1]) + 1) % 10))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (FINESS, "o1990781056"),
        ("99 078 105 6", "o1990781056"),
        ("1" + FINESS, "o1990781056"),
        ("F990781056", "o1990781056"),
        ("finess 2a0000154", "o12A0000154"),
        ("732829320", "o2732829320"),
        ("732 829 320 00074", "o373282932000074"),
        ("373282932000074", "o373282932000074"),
        ("r10100000012345", "oR10100000012345"),
        ("99108626500", "o099108626500"),
    ],
)
def test_what_people_type_for_a_structure(text: str, key: str) -> None:
    assert key in structure_keys(text)


def test_nothing_typed_is_no_key() -> None:
    assert structure_keys("  ") == ()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("F990781056", FINESS, "73282932000074", "732829320"), "1990781056"),
        (("C73282932000074", "", "73282932000074", "732829320"), "373282932000074"),
        (("R10100000012345", "", "", "732829320"), "2732829320"),
        (("F990781056", "", "", ""), "1990781056"),
        (("C73282932000074", "", "", ""), "373282932000074"),
        (("C99108626500", "", "", ""), "099108626500"),
        (("C" + RPPS_RANK, "", "", ""), "4" + RPPS_RANK),
        (("R10100000012345", "", "", ""), "R10100000012345"),
    ],
)
def test_the_national_id_of_a_structure(columns: tuple[str, str, str, str], expected: str) -> None:
    assert structure_national_id(*columns) == expected
