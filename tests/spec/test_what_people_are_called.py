"""Professions, specialties and départements over LDAP by the words that people and programs use, where the registry
writes the label of the nomenclature.  What is shown is what the registry holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import search_world as world
from record_factories import ORDINAL, SUFFIX, make_binding, make_practitioner, make_role

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import practitioner_entry
from directory_service.entries.wire import decode_attributes
from directory_service.index.directory import Directory
from directory_service.index.plan.values import value_tests
from directory_service.index.query import Query, Scope, View
from directory_service.ldap.filters import parse_filter
from directory_service.model.names import fold
from directory_service.model.nomenclature import codes, label
from directory_service.model.people import Coded, Expertise

BAL = f"ou=bal,{SUFFIX}"
# First letter of the address, codes of the profession and of the specialty, département.
PEOPLE = (
    ("a", "10", "SM04", ("01", "Ain")),  # Cardiologie et Maladies vasculaires
    ("b", "10", "SM54", ("01", "Ain")),  # Médecine générale
    ("c", "60", "", ("69", "Rhône")),
    ("d", "70", "", ("69", "Rhône")),
    ("e", "35", "", ("69", "Rhône")),
    ("f", "10", "SM05", ("11", "Aude")),  # Chirurgie générale
)
EVERYBODY = "".join(letter for letter, *_ in PEOPLE)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    entries = []
    for n, (letter, code, skill, department) in enumerate(PEOPLE, 500):
        profession = Coded(code, label("profession", code))
        role = make_role(world.place(n, "ESSAI", "01000", department, f"CABINET {n}"), profession=profession)
        skills = [Expertise(code, ORDINAL, Coded(skill, label("expertise", skill)))] if skill else []
        person = make_practitioner(n, profession=profession, expertises=skills, roles=[role])
        entries.append(practitioner_entry(person, (), SUFFIX))
        entries += mailbox_entries([make_binding(n, f"{letter}@a.mssante.fr", practitioner=person)], SUFFIX)
    with closing(world.build(tmp_path_factory.mktemp("called"), entries)) as made:
        yield made


def found(directory: Directory, asked: str) -> str:
    query = Query(BAL, Scope.ONE, parse_filter(f"(&(mail=*@a.mssante.fr){asked})"), 100)
    hits = directory.search(query, View.ANONYMOUS).hits
    return "".join(sorted(decode_attributes(hit.ber)["mail"][0].decode()[0] for hit in hits))


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ("(title=kiné)", "d"),
        ("(title=KINE)", "d"),
        ("(title~=kiné)", "d"),
        ("(title:=kiné)", "d"),
        ("(name=kiné)", "d"),
        ("(title=*kiné*)", "d"),
        ("(title=infirmière)", "c"),
        ("(title=infirmière*)", "c"),
        ("(title=ide)", "c"),
        ("(title=*ide*)", "ce"),  # a word of its own, and the letters of *aide*
        ("(title=as)", "e"),
        ("(title=*as*)", "d"),  # of two letters, the letters alone: *masseur*
        ("(title=infirmier)", "c"),
        ("(title=infirm)", ""),
        ("(title:caseIgnoreMatch:=kiné)", ""),  # a standard rule takes the registry at its word
        ("(asSpecialty=cardiologue)", "a"),
        ("(asSpecialty=*cardio*)", "a"),
        ("(asSpecialty=cardiologue lyon)", ""),
        ("(asSpecialty=médecin généraliste)", "b"),
        ("(asSpecialty=chirurgien)", "f"),
        ("(&(title=médecin)(asSpecialty=généraliste))", "b"),
        ("(title=cardiologue)", ""),  # a specialty is no profession
        ("(asProfessionCode=kiné)", ""),  # codes are codes
        ("(st=1)", "ab"),
        ("(st=01)", "ab"),
        ("(st=1*)", "f"),
    ],
)
def test_people_are_found_by_what_they_are_called_and_the_others_are_the_rest(
    directory: Directory, asked: str, who: str
) -> None:
    assert found(directory, asked) == who
    assert found(directory, f"(!{asked})") == "".join(letter for letter in EVERYBODY if letter not in who)


LIBERAL, SALARIED = Coded("L", label("mode", "L")), Coded("S", label("mode", "S"))
# Codes of the modes; those of nowhere have no label, and a source may write one in small letters.
MODES = {"a": [LIBERAL], "b": [SALARIED, LIBERAL], "c": [Coded("s", "")], "d": [Coded("X9", "")], "e": [Coded("", "")]}


@pytest.fixture(scope="module")
def practising(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    entries = []
    for n, (letter, modes) in enumerate(MODES.items(), 600):
        person = make_practitioner(n, roles=[make_role(world.LYON, mode=mode) for mode in modes])
        entries.append(practitioner_entry(person, (), SUFFIX))
        entries += mailbox_entries([make_binding(n, f"{letter}@a.mssante.fr", practitioner=person)], SUFFIX)
    with closing(world.build(tmp_path_factory.mktemp("practising"), entries)) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ("(asMode=salarié)", "bc"),
        ("(asMode=SALARIE)", "bc"),
        ("(asMode=*libéral*)", "ab"),
        ("(asMode=libéral*commerçant)", "ab"),
        ("(asMode=libéral)", ""),
        ("(asMode=*é*)", "abc"),
        ("(asMode=*)", "abc"),
        ("(asMode~=salarie)", "bc"),
        ("(asMode:=salarié)", "bc"),
        ("(asMode:caseIgnoreMatch:=salarié)", "bc"),
        ("(asMode:caseExactMatch:=Salarié)", "bc"),
        ("(asMode:caseExactMatch:=salarié)", ""),
        ("(asModeCode=s)", "bc"),
        ("(asCategory=civil)", "abcde"),
    ],
)
def test_people_are_found_by_the_labels_of_their_codes(practising: Directory, asked: str, who: str) -> None:
    assert found(practising, asked) == who
    assert found(practising, f"(!{asked})") == "".join(letter for letter in MODES if letter not in who)


def test_the_labels_of_a_nomenclature_have_codes_that_differ_in_more_than_case() -> None:
    for system in ("category", "mode", "sector"):
        assert all(code == code.upper() for code in codes(system))
        assert len({fold(each) for each in codes(system).values()}) == len(codes(system))


@pytest.mark.parametrize(
    ("asked", "value", "matches"),
    [
        ("(title=kiné)", "Masseur-Kinésithérapeute", True),
        ("(title=kiné)", "Infirmier", False),
        ("(title=*kine*)", "Masseur-Kinésithérapeute", True),
        ("(title:caseIgnoreMatch:=kiné)", "Masseur-Kinésithérapeute", False),
        ("(asSpecialty=cardiologue)", "Cardiologie et Maladies vasculaires", True),
        ("(st=1)", "Ain", True),
        ("(asMode=*salarié*)", "Salarié", True),
        ("(asMode=*salarié*)", "Bénévole", False),
    ],
)
def test_the_values_that_match_are_those_the_filter_finds(asked: str, value: str, matches: bool) -> None:
    (test,) = value_tests(parse_filter(asked)).values()
    assert test(value.encode()) is matches
