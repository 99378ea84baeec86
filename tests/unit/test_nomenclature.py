"""Labels of codes, and départements of places."""

from __future__ import annotations

import pytest

from directory_service.model.nomenclature import DEPARTMENTS, codes, department_of, expertise_type, label, systems


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("profession", "10", "Médecin"),  # TRE_G15, before its namesake of TRE_G16
        ("profession", "41", "Assistant de service social"),  # TRE_R94
        ("profession", "93", "Psychologue"),  # TRE_R95
        ("student_profession", "10", "Médecin en formation"),
        ("category", "E", "Etudiant"),
        ("title", "PR", "Professeur"),
        ("civility", "MME", "Madame"),
        ("mode", "S", "Salarié"),
        ("sector", "SA07", "Cabinet individuel"),
        ("section", "D", "Pharmacien adjoint, remplaçant ou gérant"),
        ("role", "FON-10", "Responsable de gestion d'établissement"),  # ended, still served
        ("kind", "GENR01", "Activité de soin et de pharmacie"),
        ("expertise", "SM26", "Qualifié en Médecine générale"),  # without its " (SM)"
        ("expertise_type", "CAPA", "Capacité"),
        ("mailbox_type", "CAB", "Boîte aux lettres cabinet"),
    ],
)
def test_every_system_has_its_labels(system: str, code: str, expected: str) -> None:
    assert label(system, code) == expected


def test_an_unknown_code_or_system_has_no_label() -> None:
    assert label("profession", "ZZ") == ""
    assert label("weather", "1") == ""


def test_no_expertise_shows_the_suffix_that_the_extracts_leave_out() -> None:
    known = {"(SM)", "(SI)", "(SCD)", "(C)", "(CEX)", "(CAPA)", "(DEC)", "(DNQ)", "(FQ)", "(PAC)"}
    assert [text for text in codes("expertise").values() if text.rpartition(" ")[2] in known] == []


def test_all_tables_are_shipped_and_whole() -> None:
    assert {s: len(codes(s)) for s in systems()} | {"expertise": 265, "profession": 83} == {
        s: len(codes(s)) for s in systems()
    }
    assert all(code and text and "?" not in code for s in systems() for code, text in codes(s).items())


def test_the_type_of_an_expertise_is_known_from_its_code() -> None:
    assert expertise_type("SM26") == "S"
    assert expertise_type("C07") == "C"
    assert expertise_type("SST01") == ""  # the code of that type was never read
    assert expertise_type("?") == ""


def test_metropolitan_and_overseas_departments() -> None:
    assert len(DEPARTMENTS) == 101 + 8
    assert DEPARTMENTS["2A"] == "Corse-du-Sud"


@pytest.mark.parametrize(
    ("postcode", "city_code", "expected"),
    [
        ("69001", "69381", "69"),
        ("42620", "03203", "03"),  # the postcode is of another département
        ("20000", "2A004", "2A"),
        ("20000", "", "2A"),
        ("20200", "", "2B"),
        ("20600", "", "2B"),
        ("97110", "97120", "971"),
        ("97150", "", "978"),
        ("97133", "", "977"),
        ("98800", "98818", "988"),
        ("10115", "GL", ""),  # abroad
        ("", "99109", ""),
        ("B-1000", "", ""),
        ("", "", ""),
        ("99999", "", ""),
        ("6900", "", ""),
        ("690030", "", ""),
        ("69003", "69383X", ""),
    ],
)
def test_the_department_of_a_place(postcode: str, city_code: str, expected: str) -> None:
    assert department_of(postcode, city_code) == expected
