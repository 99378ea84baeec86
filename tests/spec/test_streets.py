"""Streets and whole postal addresses as people type them, over LDAP, by criterion and in the one box; what is shown is
what the register holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import orjson
import pytest
import search_world as world
from record_factories import SUFFIX, make_address, make_binding, make_organization, make_practitioner, make_role

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import practitioner_entry
from directory_service.entries.wire import decode_attributes
from directory_service.index.directory import Criteria, Directory, Wishes
from directory_service.index.query import Query, Scope, View
from directory_service.ldap.filters import parse_filter

BAL = f"ou=bal,{SUFFIX}"
VAR, RHONE, MOSELLE = ("83", "Var"), ("69", "Rhône"), ("57", "Moselle")
# Letter of the mailbox; number, repetition, type and name of the street; postcode, town, département.
STREETS = (
    ("a", "12", "B", "Rue", "DE L'EGLISE", "83400", "HYERES", VAR),
    ("b", "12", "", "Rue", "DE L'EGLISE", "83400", "HYERES", VAR),
    ("c", "112", "B", "Rue", "DE L'ÉGLISE", "83000", "TOULON", VAR),
    ("d", "7", "T", "Boulevard", "DU GAL LECLERC", "83000", "TOULON", VAR),
    ("e", "7", "", "Avenue", "DU GENERAL LECLERC", "83000", "TOULON", VAR),
    ("f", "5", "", "Place", "D'ARSONVAL", "69437", "LYON 03", RHONE),
    ("g", "4", "", "Zone artisanale", "LES PRES", "57000", "METZ", MOSELLE),
    ("h", "3", "Q", "Rue", "ANDRE ABDOU", "57000", "METZ", MOSELLE),
    ("i", "9", "", "Route", "DU 8 MAI 1945", "83000", "TOULON", VAR),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    entries = []
    for n, (letter, number, repeat, kind, name, postcode, city, department) in enumerate(STREETS, 700):
        address = make_address(
            number=number, repetition=repeat, street_type=kind, street_name=name, postcode=postcode, city=city,
            department=department,
        )  # fmt: skip
        where = make_organization(n, name="CABINET", address=address)
        person = make_practitioner(n, family_name=f"XAVIE{letter.upper()}", roles=[make_role(where)])
        box = make_binding(n, f"{letter}@a.mssante.fr", practitioner=person)
        entries.append(practitioner_entry(person, [box], SUFFIX))
        entries += mailbox_entries([box], SUFFIX)
    with closing(world.build(tmp_path_factory.mktemp("streets"), entries)) as made:
        yield made


def told(directory: Directory, written: str) -> str:
    asked = parse_filter(f"(&(mail=*@a.mssante.fr){written})")
    hits = directory.search(Query(BAL, Scope.ONE, asked, 100), View.ANONYMOUS).hits
    return "".join(sorted(decode_attributes(hit.ber)["mail"][0].decode()[0] for hit in hits))


def found(directory: Directory, **criteria: str) -> str:
    page = directory.find(Criteria(**criteria), View.ANONYMOUS, 100, None)
    boxes = (orjson.loads(hit.json)["mailboxes"] for hit in page.hits)
    return "".join(sorted(box["address"][0] for held in boxes for box in held if box["address"][1:] == "@a.mssante.fr"))


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ("(street=12 bis rue de l'Église)", "a"),
        ("(street=12bis, R. de l’église)", "a"),
        ("(street=12 rue de l'église)", "b"),
        ("(street=12b rue de l'église)", "a"),
        ("(street=*12 bis rue de l'église*)", "ac"),
        ("(street=*12 bis*eglise*)", "ac"),
        ("(street=7 ter bd du Général Leclerc)", "d"),
        ("(street=*gal leclerc*)", "de"),
        ("(street=*av*du general leclerc)", "e"),
        ("(street=*bis*)", ""),
        ("(street=*docteur*)", ""),
        ("(street=4 ZA les Prés)", "g"),
        ("(street=3 quater rue andré abdou)", "h"),
        ("(street:caseIgnoreMatch:=12 bis rue de l'eglise)", ""),  # a standard rule takes the register at its word
        ("(street:caseIgnoreMatch:=12 B rue de l'eglise)", "a"),
        ("(l=METZ CEDEX 01)", "gh"),
        ("(l=*metz cedex*)", "gh"),
        ("(l=Lyon CEDEX 03)", "f"),
        ("(l=lyon cedex 04)", ""),
    ],
)
def test_ldap_takes_a_street_as_it_is_typed_and_the_others_are_the_rest(
    directory: Directory, asked: str, who: str
) -> None:
    assert told(directory, asked) == who
    assert told(directory, f"(!{asked})") == "".join(letter for letter, *_ in STREETS if letter not in who)


@pytest.mark.parametrize(
    ("street", "who"),
    [
        ("12 bis rue de l'Église", "ac"),
        ("12BIS RUE DE L'EGLISE", "ac"),
        ("7t bd leclerc", "d"),
        ("bis", ""),
        ("rue abdou", "h"),
        ("rue docteur", ""),  # *dr* is inside of ANDRE
        ("bd leclerc", "d"),
        ("7 ter boulevard du gal leclerc", "d"),
        ("av. du général leclerc", "e"),
        ("za les pres", "g"),
    ],
)
def test_so_does_the_criterion(directory: Directory, street: str, who: str) -> None:
    assert found(directory, street=street) == who


@pytest.mark.parametrize(
    ("q", "who"),
    [
        ("12 bis rue de l'Église, 83400 Hyères", "ab"),  # the one box does without the repetition
        ("12 rue de l'église 83400 hyeres", "ab"),
        ("12bis rue de l'église toulon", ""),
        ("112bis rue de l'église toulon", "c"),
        ("7 bd du gal leclerc toulon", "d"),
        ("5 place d'Arsonval 69437 LYON CEDEX 03", "f"),
        ("5 pl d'arsonval lyon 3e", "f"),
        ("xavief lyon 3e", "f"),
        ("4 ZA les prés metz cedex", "g"),
        ("12B, r. de l'église hyères", "ab"),
        ("3 Q rue andré abdou metz", "h"),
        ("9 rte du 8 mai 1945 83000 toulon", "i"),
        ("9 all du 8 mai 1945 83000 toulon", ""),
        ("2 ch abdou metz", ""),
        ("rte du 8 mai toulon", ""),  # behind a number alone, a type is more than a word
    ],
)
def test_a_whole_address_is_found_in_the_one_box(directory: Directory, q: str, who: str) -> None:
    assert found(directory, q=q) == who


def test_it_is_told_what_of_a_street_was_found(directory: Directory) -> None:
    criteria, wishes = Criteria(q="7 bd gal toulon"), Wishes(explain=True)
    (why,) = directory.find(criteria, View.ANONYMOUS, 10, None, wishes).why
    line = "7 T Boulevard DU GAL LECLERC"
    told = {word["word"]: (word["field"], word["text"]) for word in why["words"]}
    found = dict.fromkeys(("7", "boulevard", "gal"), ("other", line))
    assert told == {**found, "toulon": ("city", "TOULON")}
