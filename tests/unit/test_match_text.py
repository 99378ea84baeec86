"""Who is meant by a free text of which some words are about nobody: she moved, or many are called so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from index_world import write_index
from record_factories import (
    NURSE,
    PHYSICIAN,
    SUFFIX,
    make_address,
    make_organization,
    make_practitioner,
    make_role,
)

from directory_service.entries.people import practitioner_entry
from directory_service.entries.structures import organization_entry
from directory_service.index.directory import Directory
from directory_service.matching import Kind, LineResult, Outcome, candidates, check_line, describe
from directory_service.matching.agreement import name_way
from directory_service.matching.weights import Way
from directory_service.model.people import Coded

DENTIST = Coded("40", "Chirurgien-Dentiste")
ROUEN = make_organization(
    1,
    name="CENTRE HOSPITALIER DES TILLEULS",
    address=make_address(city="ROUEN", postcode="76000", department=("76", "Seine-Maritime")),
)
MANY = 40
NAMES = [
    "CLINIQUE DES ORMES",
    *(f"CLINIQUE {n}" for n in range(MANY)),
    *(f"INSTITUT DES ORMES {n}" for n in range(MANY)),
]
OTHERS = [make_organization(pk, name=name, finess="") for pk, name in enumerate(NAMES, 2)]
PEOPLE: Sequence[tuple[str, str, Coded]] = (
    ("TAUPIN", "MARIE-CHRISTINE", PHYSICIAN),
    ("DE MONICAULT", "PASCALINE", PHYSICIAN),
    ("MARTIN", "NATHALIE", DENTIST),
    *(("MARTIN", "NATHALIE", NURSE) for _ in range(MANY)),
    *((f"NOM{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[n % 26]}{'XYZ'[n // 26]}", "MARIE-CHRISTINE", NURSE) for n in range(MANY)),
)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    people = [
        practitioner_entry(
            make_practitioner(
                pk, family_name=family, given_names=given, profession=trade, roles=[make_role(ROUEN, profession=trade)]
            ),
            [],
            SUFFIX,
        )
        for pk, (family, given, trade) in enumerate(PEOPLE, 1)
    ]
    folder = write_index(
        tmp_path_factory.mktemp("crowd"), [*people, *(organization_entry(o, [], SUFFIX) for o in (ROUEN, *OTHERS))]
    )
    with closing(Directory(folder, SUFFIX)) as directory:
        yield directory


def named(found: LineResult) -> str:
    return found.candidates[0].label if found.candidates else ""


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Dr Marie-Christine TAUPIN médecin Quimper", "TAUPIN"),
        ("TAUPIN Marie Christine, Quimper", "TAUPIN"),
        ("Dr Pascaline DE MONICAULT Quimper", "MONICAULT"),
        ("Pascaline DE MONICOT Quimper", "MONICAULT"),
        ("Quimper, MONICAULT médecin", "MONICAULT"),
    ],
)
def test_who_moved_is_found_by_her_name_however_many_have_a_part_of_it(crowd: Directory, text: str, label: str) -> None:
    found = check_line(crowd, {"text": text})
    assert label in named(found)
    assert found.outcome is Outcome.DOUBTFUL


def test_of_many_of_one_name_another_word_tells_which(crowd: Directory) -> None:
    found = check_line(crowd, {"text": "Nathalie MARTIN dentiste Quimper"})
    (first, *_) = found.candidates
    assert first.record["profession"]["code"] == DENTIST.code


def test_of_many_of_one_name_nobody_is_taken_where_nothing_tells_them_apart(crowd: Directory) -> None:
    found = check_line(crowd, {"text": "Nathalie MARTIN Quimper"})
    assert (found.outcome, found.mailbox) == (Outcome.NONE, "")


@pytest.mark.parametrize("text", ["Centre hospitalier des Tilleuls Zzyzx", "centre hospitalier tilleuls", "tilleuls"])
def test_a_structure_is_found_beside_a_word_that_no_structure_has(crowd: Directory, text: str) -> None:
    found = candidates(crowd, describe(text), kind=Kind.STRUCTURE)
    assert found.best and "TILLEULS" in found.best.label


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hospitalier tilleuls", ROUEN.name),
        ("clinique ormes", "CLINIQUE DES ORMES"),
        ("clinique ormes lyon", "CLINIQUE DES ORMES"),
        ("clinique ormes zzyzx", "CLINIQUE DES ORMES"),
    ],
)
def test_a_structure_is_found_by_words_that_few_or_many_have(crowd: Directory, text: str, name: str) -> None:
    found = candidates(crowd, describe(text), kind=Kind.STRUCTURE)
    assert found.best and name in found.best.label


def test_two_words_that_no_structure_has_are_no_structure_s(crowd: Directory) -> None:
    assert not candidates(crowd, describe("Tilleuls Zzyzx Qwrtz"), kind=Kind.STRUCTURE).candidates


@pytest.mark.parametrize(
    "said",
    [
        {"text": "MONICOT Pascaline, Rouen"},
        {"name": "Pascaline Monicaut", "town": "Rouen"},
        {"family": "MONICOT", "given": "Pascaline", "town": "Rouen"},
        {"family": "DEMONICOT", "given": "Pascaline", "postcode": "76000"},
        {"family": "TAUPAIN", "given": "Marie-Christine", "town": "Rouen"},
        {"family": "DE TAUPAIN", "given": "Marie-Christine", "town": "Rouen"},
    ],
)
def test_a_name_as_it_sounds_may_lack_its_particle_or_have_one(crowd: Directory, said: dict[str, str]) -> None:
    """The registry's DE MONICAULT was found for MONICOT and not believed."""
    found = candidates(crowd, describe(said))
    assert found.outcome is Outcome.DOUBTFUL and found.best
    assert ("MONICAULT" if "MONIC" in str(said).upper() else "TAUPIN") in found.best.label
    assert found.best.confidence >= 80


@pytest.mark.parametrize(
    ("said", "family", "like"),
    [
        ("MONICOT", "DE MONICAULT", True),
        ("DE MONICOT", "MONICAULT", True),
        ("DUPONT MONICOT", "DUPONT DE MONICAULT", True),
        ("LATOURE", "DE LA TOUR", True),
        ("GOF", "LE GOFF", True),
        ("DU MONICOT", "DE MONICAULT", False),  # another particle
        ("MARTAIN", "SAINT-MARTIN", False),  # Saint is no particle
        ("ST MARTAIN", "DE SAINT-MARTIN", True),
        ("PONT", "DUPONT", False),  # nor is what no space sets apart
        ("ROI", "LEROY", False),
        ("DE", "DE LA TOUR", False),
    ],
)
def test_particles_that_are_missing_or_glued(said: str, family: str, like: bool) -> None:
    way = name_way(describe({"family": said, "given": "Jean"}), family, "JEAN")
    assert way is (Way.SIMILAR if like else Way.DIFFERS)
