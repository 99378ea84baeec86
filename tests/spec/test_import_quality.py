"""Rules of data quality: rows that trip each and rows that do not; what an import keeps, counts and suggests."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import factories as f
import pytest
from import_world import World

from directory_service import cli
from directory_service.registry import operators
from directory_service.registry.engine import reading, writing
from directory_service.registry.runs import FoundLine, each_found, get_run
from importers.load import run_import
from importers.quality.rules import RULES, Effect
from importers.report import ImportReport

PLACE = {"technical_id": "F" + f.finess(1), "finess": f.finess(1), "name": "HOPITAL D'ESSAI"}
TOWN = {"postcode": "25000", "city_code": "25056", "department_code": "25", "city": "Besançon"}
OTHER = f.rpps(900)  # a nurse of the registry whom boxes name
# Of what is decided before the database, which other tests here write to on both.
SQLITE = pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)


def wrong(number: str) -> str:
    """The number with another key."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def place(serial: int, **fields: str) -> dict[str, str]:
    """A structure of its own, whole, but for these fields."""
    named = {"technical_id": f"R1{serial:013d}", "finess": "", "name": f"MAISON {serial}"}
    return {**named, **TOWN, **fields}


# Rule ► what makes a row of Personne_activite trip it.
ACTIVITY: dict[str, dict[str, str]] = {
    "id_type": {"id_type": "7", "id": f.rpps(1), "national_id": "7" + f.rpps(1)},
    "id_mismatch": {"national_id": "8" + f.rpps(2)},
    "rpps_key": {"id": wrong(f.rpps(3)), "national_id": "8" + wrong(f.rpps(3))},
    "adeli_form": {"id_type": "0", "id": "7560", "national_id": "07560"},
    "adeli_key": {"id_type": "0", "id": wrong(f.adeli(1)), "national_id": "0" + wrong(f.adeli(1))},
    "adeli_digits": {"id_type": "0", "id": f.adeli(1, "96"), "national_id": "0" + f.adeli(1, "96")},
    "name": {"family_name": ""},
    "given_names": {"given_names": ""},
    "code_unknown": {"mode_code": "Z", "mode": "Au noir"},
    "code_missing": {"mode_code": "", "mode": "Salarié"},
    "label_mismatch": {"profession": "Infirmière de bloc"},
    "profession_category": {"category_code": "E", "category": "Etudiant"},
    "expertise_type": {"profession_code": "10", "profession": "Médecin", "expertise_type_code": "C",
                       "expertise_code": "SM04"},
    "section_profession": {"section_code": "A", "section": "Pharmacien titulaire d'officine"},
    "activity_without_structure": dict.fromkeys((*PLACE, *TOWN), ""),
    "siret_key": place(1, siret=wrong(f.siret(1))),
    "siren_key": place(2, siren=wrong(f.siret(2)[:9])),
    "siren_siret": place(3, siret=f.siret(3), siren=f.siret(4)[:9]),
    "finess_key": place(4, finess_legal=wrong(f.finess(4))),
    "structure_id": place(5, technical_id="X5"),
    "structure_without_id": place(6, technical_id=""),
    "structure_unnamed": {**dict.fromkeys((*PLACE, *TOWN), ""), "technical_id": "R10000000000007"},
    "postcode_form": place(8, postcode="2500", city_code="2408"),  # 02: as a spreadsheet saves them
    "postcode_unknown": place(9, postcode="99999", city_code=""),
    "city_code_unknown": place(10, city_code="25999"),
    "postcode_city": place(11, city_code="25462", postcode="25000"),
    "department_city": place(12, department_code="39"),
    "street_number": place(13, number="S/N"),
}  # fmt: skip
# Rows that trip nothing, although they look odd.
SOUND = [
    place(20, postcode="25030", city_code="25056", cedex="25030 BESANCON CEDEX"),
    place(21, postcode="", city_code="GL", country_code="99426", country="Groenland"),
    place(22, postcode="13005", city_code="13055", department_code="13"),
    place(23, number="12 BIS"),
    place(24, siret="35600000000048", siren="356000000"),  # La Poste
    place(25, finess="2A0000022", department_code="2A", city_code="2A004", postcode="20000"),
    {"profession_code": "10", "profession": "Médecin en formation", "category_code": "E", "category": "Etudiant"},
    {"mode_code": "L", "mode": "Libéral"},
    {"technical_id": "C" + f.siret(26), "siret": f.siret(26), "siren": f.siret(26)[:9], "finess": ""},
]
AIN_SITE = "010780054"
BOXES: dict[str, dict[str, str]] = {
    "address": {"address": "pas une adresse"},
    "address_patient": {"address": "123456789012345@patient.mssante.fr"},
    "address_spelling": {"address": "Majuscule@essai.mssante.fr"},
    "type": {"type": "XYZ"},
    "paperless": {"paperless": "peut-être"},
    "holder_id": {"id": "", "id_type": "", "national_id": "8" + wrong(OTHER)},
    "holder_unknown": {"id": f.rpps(901), "national_id": "8" + f.rpps(901)},
    "domain_untrusted": {"address": "a@ailleurs.mssante.fr"},
    "structure_unknown": {"place_type": "1", "place_id": f.finess(2), "name": "CLINIQUE INCONNUE"},
    "structure_spelling": {"place_type": "1", "place_id": AIN_SITE[1:]},
    "person_on_organization": {"type": "ORG", "place_type": "1", "place_id": f.finess(1)},
    "box_without_structure": {**dict.fromkeys(f.person(OTHER), ""), "type": "ORG"},
}


def tripped(world: World, report: ImportReport) -> list[FoundLine]:
    with reading(world.engine) as connection:
        return list(each_found(connection, report.run or 0))


def by_line(found: list[FoundLine], layout: str) -> dict[int, set[str]]:
    lines: dict[int, set[str]] = {}
    for line in found:
        if line.layout == layout:
            lines.setdefault(line.line, set()).add(line.rule)
    return lines


def people(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each row is somebody else's, of a sound place, but for what it says."""
    return [{**f.activity(f.rpps(10_000 + n)), **TOWN, **row} for n, row in enumerate(rows)]


def test_each_rule_of_people_and_structures_tells_its_row_and_no_other(world: World) -> None:
    filling = [{}] * 120  # a twentieth may be rejected
    report = world.day(1, activity=people([*ACTIVITY.values(), *SOUND, *filling]))
    found = tripped(world, report)
    assert by_line(found, "rpps.activity") == {n: {rule} for n, rule in enumerate(ACTIVITY, 2)}
    for line in found:
        assert line.rejected == (RULES[line.rule].effect is Effect.REJECT)
    assert report.files[0].rejected == sum(line.rejected for line in found)


def test_each_rule_of_mailboxes_tells_its_row_and_no_other(world: World) -> None:
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", ["essai.mssante.fr"], actor="tests")
    rows = [f.mailbox(f"b{n}@essai.mssante.fr", OTHER) for n in range(len(BOXES) + 80)]
    rows = [{**row, **said} for row, said in zip(rows, [*BOXES.values(), *[{}] * 80], strict=True)]
    works = [{}, {"technical_id": "F" + AIN_SITE, "finess": AIN_SITE}]
    report = world.day(1, activity=[f.activity(OTHER, **TOWN, **work) for work in works], mailboxes=rows)
    found = tripped(world, report)
    assert by_line(found, "mssante.mailboxes") == {n: {rule} for n, rule in enumerate(BOXES, 2)}
    assert [line.value for line in found if line.rule == "structure_unknown"] == ["F" + f.finess(2)]


@SQLITE
def test_lines_of_one_address_that_contradict_one_another_are_told(world: World) -> None:
    two = f.rpps(901)
    nurses = [f.activity(number, **TOWN) for number in (OTHER, two)]
    boxes = [
        f.mailbox("a@essai.mssante.fr", OTHER),
        f.mailbox("a@essai.mssante.fr", two),
        f.mailbox("b@essai.mssante.fr", OTHER),
        f.mailbox("b@essai.mssante.fr"),
        f.mailbox("c@essai.mssante.fr", OTHER),
        f.mailbox("C@essai.mssante.fr", OTHER),
        f.mailbox("d@essai.mssante.fr", OTHER),
        f.mailbox("d@essai.mssante.fr", OTHER, profession_code="10"),
    ]
    report = world.day(1, activity=nurses, mailboxes=boxes)
    found = by_line(tripped(world, report), "mssante.mailboxes")
    assert found == {2: {"address_shared"}, 4: {"type_conflict", "address_shared"},
                     7: {"address_spelling", "address_twice"}}  # fmt: skip


def test_rules_of_whole_lines(world: World, tmp_path: Path) -> None:
    text = f.write_activity(tmp_path / "a.txt", people([{}] * 70)).read_text()
    header, *rows = text.splitlines()
    odd, long = rows[3].replace("ESSAI", "ES\x04SAI"), rows[4].replace("ESSAI", "É" * 501)
    rows = [rows[0], rows[0], rows[1] + "|de|trop", rows[2].replace("ESSAI", "ES\x00SAI"), odd, long, *rows[5:]]
    (tmp_path / "b.txt").write_text("\n".join([header + "|Nouvelle", *(f"{row}|" for row in rows)]) + "\n")
    report = run_import(world.engine, [tmp_path / "b.txt"], actor="tests")
    found = by_line(tripped(world, report), "rpps.activity")
    assert found == {
        1: {"column_unknown"}, 3: {"line_repeated"}, 4: {"columns"}, 5: {"characters"}, 6: {"control_characters"},
        7: {"too_long"},
    }  # fmt: skip


def test_control_characters_become_spaces_and_what_was_written_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """They went into the registry, LDAP, LDIF and CSV; line ends, and tabs, are what they were."""
    written = {"family_name": "LE\x0bGOFF", "given_names": "Zoé\x7f", "name": "\x04", "city": "Besan\tçon"}
    number = f.rpps(10_000)
    report = world.day(1, activity=people([written, {"technical_id": "\x1fX5"}, *[{}] * 20]))
    person = world.person(number)
    assert (person.family_name, person.given_names) == ("LE GOFF", "Zoé ")
    found = [line for line in tripped(world, report) if line.rule == "control_characters"]
    assert [(line.line, line.value) for line in found] == [(2, "LE␋GOFF"), (2, "Zoé␡"), (2, "␄"), (3, "␟X5")]
    assert not any(line.rejected for line in found)
    assert report.files[0].warnings["control_characters"] == 4
    told = run(world, capsys, "runs", "rejects", str(report.run), "--csv", "--rule", "control_characters")
    assert {line["colonne"] for line in csv.DictReader(io.StringIO(told, newline=""))} >= {"Nom d'exercice"}
    texts = [text for rows in world.dump().values() for row in rows for text in row if isinstance(text, str)]
    assert not any(code in text for text in texts for code in "\x0b\x7f\x04\x1f")


def test_letters_of_windows_1252_that_were_badly_converted_are_restored(world: World) -> None:
    """ISO-8859-1 has control characters where Windows-1252 has Œ, œ and the apostrophe."""
    written = {"family_name": "LE C\x8cUR", "given_names": "Zo\x92é", "name": "N\xb0 5 \x85", "city": "X\x81Y"}
    report = world.day(1, activity=people([written, *[{}] * 20]))
    person = world.person(f.rpps(10_000))
    assert (person.family_name, person.given_names) == ("LE CŒUR", "Zo’é")
    found = [(line.line, line.rule, line.value) for line in tripped(world, report) if "character" in line.rule]
    assert sorted(found) == [
        (2, "characters_1252", "LE C\ufffdUR"), (2, "characters_1252", "N\xb0 5 \ufffd"),
        (2, "characters_1252", "Zo\ufffdé"), (2, "control_characters", "X\ufffdY"),
    ]  # fmt: skip
    texts = [text for rows in world.dump().values() for row in rows for text in row if isinstance(text, str)]
    assert "N\xb0 5 …" in texts and not any("\x80" <= letter <= "\x9f" for text in texts for letter in text)


@SQLITE
def test_control_characters_of_a_quoted_file_and_of_addresses(world: World) -> None:
    """A key that holds one is no key that the registry knows: the row is rejected, as it was."""
    nurse = f.activity(OTHER, **TOWN)
    assert world.day(1, cat18=[f.cat18(OTHER, "a@b.fr", **TOWN, name="HOPITAL\x01D'ESSAI")] * 2).files[0].warnings == {
        "control_characters": 2, "line_repeated": 1,
    }  # fmt: skip
    boxes = [f.mailbox(f"b{n}@essai.mssante.fr", OTHER) for n in range(60)]
    patient = "255081416802538@patient.mssante.fr"
    odd = [f.mailbox("b\x04@essai.mssante.fr"), f.mailbox("b1@essai.mssante.fr\x04"), f.mailbox(patient + "\x04")]
    report = world.day(2, activity=[nurse], mailboxes=[*boxes, *odd])
    rejected = {line.line: line.rule for line in tripped(world, report) if line.rejected}
    assert rejected == {62: "address", 63: "address", 64: "address_patient"}
    assert patient not in repr([line.raw for line in tripped(world, report) if line.line == 64])


@SQLITE
def test_rules_of_links(world: World) -> None:
    one, two = f.rpps(1), f.rpps(2)
    world.day(1, links=[(f.adeli(1), one)], activity=[f.activity(n, **TOWN) for n in (one, two)])
    sound = [(f.adeli(n), f.rpps(n)) for n in range(100, 160)]
    links = [
        (f.adeli(1), two),
        (f.adeli(3, "01")[1:], f.rpps(3)),
        (f.adeli(4, "00"), f.rpps(4)),
        ("", f.rpps(5)),
        *sound,
    ]
    report = world.day(2, links=links)
    found = tripped(world, report)
    assert by_line(found, "links.adeli_rpps") == {
        2: {"link_conflict"}, 3: {"link_spelling"}, 4: {"adeli_digits"}, 5: {"adeli_form"},
    }  # fmt: skip
    assert next(line.value for line in found if line.line == 3) == f"{f.adeli(3, '01')[1:]} / {f.rpps(3)}"


@SQLITE
def test_while_no_operator_has_a_domain_none_is_outside(world: World) -> None:
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", actor="tests")
    box = f.mailbox("a@ailleurs.mssante.fr", OTHER, id_type="", id="", national_id="")
    report = world.day(1, mailboxes=[box])
    assert not {"domain_untrusted", "holder_id"} & report.files[0].warnings.keys()  # nor is no number a wrong one


@SQLITE
def test_the_last_column_of_cat18_may_be_no_address_and_the_person_stays(world: World) -> None:
    report = world.day(1, cat18=[f.cat18(OTHER, "pas une adresse", **TOWN), f.cat18(f.rpps(1), "a@b.fr", **TOWN)])
    assert by_line(tripped(world, report), "cat18.activity") == {2: {"address_dropped"}}
    assert world.person(OTHER).status == "active"


@SQLITE
def test_addresses_of_a_monotable_are_held_to_the_rules_of_mailboxes(world: World) -> None:
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", ["essai.mssante.fr"], actor="tests")
    addresses = ("a@essai.mssante.fr", "b@ailleurs.mssante.fr")
    rows = [f.cat18(f.rpps(n), address, **TOWN) for n, address in enumerate(addresses)]
    assert by_line(tripped(world, world.day(1, cat18=rows)), "cat18.activity") == {3: {"domain_untrusted"}}


@SQLITE
@pytest.mark.parametrize("domain", ["patient.mssante.fr", "Citoyens.mssante.fr"])
def test_no_extract_brings_a_patient_nor_leaves_her_number_behind(world: World, domain: str) -> None:
    """The setting ``patient_domain``, in the file of mailboxes and in the last column of CAT18."""
    number = "255081416802538"
    patient = f"{number}@{domain}"
    others = [f.mailbox(f"b{n}@essai.mssante.fr", f.rpps(n)) for n in range(2, 60)]
    both = {"mailboxes": [f.mailbox(patient, f.rpps(1)), *others], "cat18": [f.cat18(f.rpps(1), patient, **TOWN)]}
    report = world.day(1, **both, options={"patients": domain})
    found = [(line.layout, line.rule) for line in tripped(world, report) if line.rule.startswith("address_")]
    assert sorted(found) == [("cat18.activity", "address_dropped"), ("mssante.mailboxes", "address_patient")]
    assert number not in repr(world.dump())


@SQLITE
def test_without_a_domain_of_patients_no_address_is_theirs(world: World) -> None:
    rows = [f.mailbox("255081416802538@patient.mssante.fr", f.rpps(1))]
    world.day(1, mailboxes=rows, options={"patients": ""})
    assert len(world.box("255081416802538@patient.mssante.fr")) == 1


def test_every_rule_has_a_row_that_trips_it() -> None:
    elsewhere = {"columns", "characters", "too_long", "control_characters", "characters_1252", "column_unknown",
                 "line_repeated", "address_shared", "address_twice", "type_conflict", "address_dropped",
                 "link_conflict", "link_refused", "link_spelling"}  # fmt: skip
    assert RULES.keys() == ACTIVITY.keys() | BOXES.keys() | elsewhere


# Counts, and what is kept


def test_every_line_is_counted_and_only_the_first_are_kept(world: World, tmp_path: Path) -> None:
    rows = [place(100 + n, number=f"BAT {n}") for n in range(8)]
    path = f.write_activity(tmp_path / "a.txt", people([*rows, *[place(200, number="RDC")] * 30]))
    report = run_import(world.engine, [path], actor="tests", findings=15)
    assert report.files[0].warnings == {"street_number": 38}
    kept = [line.value for line in tripped(world, report)]
    assert len(kept) == 15
    assert kept.count("RDC") == 7
    with reading(world.engine) as connection:
        assert get_run(connection, report.run or 0).files[0].findings == {"street_number": 38}


@SQLITE
def test_one_value_leaves_room_for_others(world: World) -> None:
    rows = people([*[place(200, number="RDC")] * 30, place(201, number="BAT A")])
    kept = [line.value for line in tripped(world, world.day(1, activity=rows))]
    assert kept == ["RDC"] * 10 + ["BAT A"]


@SQLITE
def test_a_run_tells_what_it_read_and_not_what_it_found_unchanged(world: World) -> None:
    odd = people([place(1, number="RDC")])
    assert world.day(1, activity=odd).files[0].warnings == {"street_number": 1}
    assert world.day(2, activity=[*odd, *people([{}, {}])[1:]]).files[0].warnings == {}


# Suggestions


def swapped(number: str) -> str:
    at = next(i for i in range(3, len(number) - 1) if number[i] != number[i + 1])
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]


@pytest.mark.parametrize("spoil", [wrong, swapped])
def test_a_false_number_is_offered_the_one_that_was_meant(world: World, spoil: Any) -> None:
    meant, bad = f.rpps(777), spoil(f.rpps(777))
    rows = [f.activity(bad, **TOWN), f.activity(meant, **TOWN), *people([{}] * 40)]
    box = f.mailbox("a@essai.mssante.fr", OTHER, id=bad, national_id="8" + bad)
    found = tripped(world, world.day(1, activity=rows, mailboxes=[box]))
    told = {line.rule: line for line in found}
    assert told["rpps_key"].suggestion == told["holder_id"].suggestion == meant
    assert told["rpps_key"].message.endswith(f"numéro probable : {meant}")


@SQLITE
@pytest.mark.parametrize("other", [{"family_name": "TIERS"}, {"given_names": "Paul"}], ids=str)
def test_who_bears_another_name_is_not_suggested(world: World, other: dict[str, str]) -> None:
    meant, bad = f.rpps(777), wrong(f.rpps(777))
    rows = [f.activity(bad, **TOWN), f.activity(meant, **other, **TOWN), *people([{}] * 40)]
    (line,) = tripped(world, world.day(1, activity=rows))
    assert (line.rule, line.suggestion) == ("rpps_key", "")


@SQLITE
def test_a_false_adeli_number_is_offered_the_one_that_was_meant(world: World) -> None:
    meant, bad = f.adeli(42), swapped(f.adeli(42))
    rows = [f.activity(bad, **TOWN), f.activity(meant, **TOWN), *people([{}] * 40)]
    (line,) = tripped(world, world.day(1, activity=rows))
    assert (line.rule, line.value, line.suggestion) == ("adeli_key", bad, meant)


@SQLITE
def test_a_false_number_of_a_link_is_held_against_the_name_of_the_other(world: World) -> None:
    meant, bad, adeli = f.rpps(777), wrong(f.rpps(777)), f.adeli(42)
    nurses = [f.activity(meant, **TOWN), f.activity(adeli, **TOWN), *people([{}] * 3)]
    world.day(1, activity=nurses)
    links = [(adeli, bad), *((f.adeli(n), f.rpps(n)) for n in range(100, 140))]
    (line,) = tripped(world, world.day(2, links=links))
    assert (line.rule, line.suggestion) == ("rpps_key", meant)


# Seen from the command line


def run(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    url = world.engine.url.render_as_string(hide_password=False)
    assert cli.run(["--database-url", url, "--data", str(world.folder), *arguments]) == 0
    return capsys.readouterr().out


def test_a_run_shows_its_rules_and_exports_its_lines(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    meant, bad = f.rpps(777), wrong(f.rpps(777))
    rows = [f.activity(bad, **TOWN), f.activity(meant, **TOWN), *people([{"mode_code": "Z"}, *[{}] * 40])]
    report = world.day(1, activity=rows)
    assert "rejet, rpps_key : 1 (numéro RPPS faux (11 chiffres et clé))" in report.as_text()
    shown = run(world, capsys, "runs", "show", str(report.run))
    assert report.as_text() in shown
    assert json.loads(run(world, capsys, "runs", "show", str(report.run), "--json"))["files"][0]["findings"] == {
        "code_unknown": 1, "rpps_key": 1,
    }  # fmt: skip
    written = run(world, capsys, "runs", "rejects", str(report.run), "--csv")
    first, second = csv.DictReader(io.StringIO(written, newline=""))
    assert (first["règle"], first["gravité"], first["effet"]) == ("rpps_key", "erreur", "rejet")
    assert (first["ligne"], first["suggestion"], first["texte"][:13]) == ("2", meant, f"8|{bad}")
    assert (second["règle"], second["ligne"], second["valeur"]) == ("code_unknown", "4", "Z")
    listed = json.loads(run(world, capsys, "runs", "rejects", str(report.run), "--rule", "code_unknown", "--json"))
    assert [line["règle"] for line in listed["lines"]] == ["code_unknown"]
    assert "code absent de sa nomenclature" in run(world, capsys, "runs", "rejects", str(report.run))


def test_a_rule_that_there_is_not_is_said_with_those_that_are_near(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that looks for the lines of a mistyped rule would find that all is well."""
    number = str(world.day(1, activity=people([{"mode_code": "Z"}])).run)
    asked = ["--database-url", world.engine.url.render_as_string(hide_password=False), "runs", "rejects", number]
    assert cli.run([*asked, "--rule", "code_unknow"]) == 2
    said = capsys.readouterr()
    assert "--rule code_unknow : aucune règle ne porte ce code ; peut-être code_unknown" in said.err
    assert said.out == ""
    assert cli.run([*asked, "--rule", "rpps_key"]) == 0  # a rule that no line trips
    assert capsys.readouterr().out == ""
