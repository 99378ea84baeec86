"""Where people work, as it is asked for and as the registry writes it: towns of several districts, post offices,
*Saint*, départements by their code.  What is shown is what the registry holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import orjson
import pytest
import search_world as world
from record_factories import SUFFIX, make_binding, make_practitioner, make_role

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import practitioner_entry
from directory_service.entries.wire import decode_attributes
from directory_service.index.directory import Criteria, Directory
from directory_service.index.plan.values import value_tests
from directory_service.index.query import Query, Scope, SortKey, View
from directory_service.ldap.filters import parse_filter

BAL = f"ou=bal,{SUFFIX}"
PARIS, RHONE = ("75", "Paris"), ("69", "Rhône")
# First letter of the address, town, postcode, département.
TOWNS = (
    ("a", "PARIS", "75000", PARIS),
    ("b", "Paris 10e Arrondissement", "75010", PARIS),
    ("c", "PARIS CEDEX 10", "75475", PARIS),
    ("d", "Paris 1er Arrondissement", "75001", PARIS),
    ("e", "PARIS LA DEFENSE CEDEX", "92050", ("92", "Hauts-de-Seine")),
    ("f", "LYON 03", "69003", RHONE),
    ("g", "LE TOUQUET PARIS PLAGE", "62520", ("62", "Pas-de-Calais")),
    ("h", "ST ETIENNE CEDEX 2", "42055", ("42", "Loire")),
    ("i", "Saint-Étienne", "42000", ("42", "Loire")),
    ("j", "", "", ("", "")),
)
EVERYBODY = "".join(letter for letter, *_ in TOWNS)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    entries = []
    for n, (letter, *town) in enumerate(TOWNS, 500):
        role = make_role(world.place(n, *town[:2], town[2], f"CABINET {n}"))  # type: ignore[arg-type]
        person = make_practitioner(n, roles=[role])
        entries.append(practitioner_entry(person, (), SUFFIX))
        entries += mailbox_entries([make_binding(n, f"{letter}@a.mssante.fr", practitioner=person)], SUFFIX)
    with closing(world.build(tmp_path_factory.mktemp("places"), entries)) as made:
        yield made


def ask(written: str) -> Query:
    return Query(BAL, Scope.ONE, parse_filter(f"(&(mail=*@a.mssante.fr){written})"), 100)


def told(directory: Directory, query: Query) -> str:
    hits = directory.search(query, View.ANONYMOUS).hits
    return "".join(decode_attributes(hit.ber)["mail"][0].decode()[0] for hit in hits)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("(l=PARIS)", "abcd"),
        ("(l~=paris)", "abcd"),
        ("(l:asPlaceMatch:=paris)", "abcd"),
        ("(l:caseIgnoreMatch:=paris)", "a"),  # a standard rule takes the registry at its word
        ("(name=paris)", "abcd"),
        ("(l=paris*)", "abcde"),
        ("(l=paris 10)", "bc"),
        ("(l=Paris 10e)", "bc"),
        ("(l=PARIS 10ÈME)", "bc"),
        ("(l=Paris 10e Arrondissement)", "bc"),
        ("(l=paris cedex 10)", "bc"),
        ("(l=paris 01)", "d"),
        ("(l=paris 1er)", "d"),
        ("(l=paris 11)", ""),
        ("(l=75010 paris)", ""),
        ("(l=lyon)", "f"),
        ("(l=Lyon 3e arrondissement)", "f"),
        ("(l=LYON CEDEX 03)", "f"),
        ("(l=paris la defense)", "e"),
        ("(l=saint-etienne)", "hi"),
        ("(l=St Étienne)", "hi"),
        ("(l=saint etienne*)", "hi"),
        ("(l=st etienne cedex 2)", "hi"),
        ("(l=*Saint-Étienne CEDEX*)", "hi"),
        ("(l=paris la defense cedex)", "e"),
        ("(st=75)", "abcd"),
        ("(st=paris)", "abcd"),
        ("(st:asPlaceMatch:=69)", "f"),
        ("(&(postalCode=75*)(l=paris))", "abcd"),
        (r"(l:asPlaceSubstringsMatch:=*etienne)", "hi"),
    ],
)
def test_people_are_found_where_they_are_asked_for_and_the_others_are_the_rest(
    directory: Directory, asked: str, found: str
) -> None:
    assert "".join(sorted(told(directory, ask(asked)))) == found
    rest = "".join(letter for letter in EVERYBODY if letter not in found)
    assert "".join(sorted(told(directory, ask(f"(!{asked})")))) == rest


def test_the_values_that_match_are_those_the_filter_finds(directory: Directory) -> None:
    test = value_tests(parse_filter("(l=paris)"))["l"]
    assert "".join(letter for letter, town, *_ in TOWNS if test(town.encode())) == "abcd"


def test_what_is_shown_and_its_order_are_the_registrys(directory: Directory) -> None:
    hits = directory.search(replace(ask("(l=paris)"), sort=(SortKey("l"),)), View.ANONYMOUS).hits
    shown = [decode_attributes(hit.ber)["l"] for hit in hits]
    towns = ["PARIS", "Paris 10e Arrondissement", "Paris 1er Arrondissement", "PARIS CEDEX 10"]
    assert shown == [[town.encode()] for town in towns]


@pytest.mark.parametrize(
    ("city", "found"), [("Paris 10", "bc"), ("paris 1er", "d"), ("LYON CEDEX 03", "f"), ("paris", "abcdeg")]
)
def test_a_search_by_city_knows_districts_too(directory: Directory, city: str, found: str) -> None:
    page = directory.find(Criteria(city=city), View.ANONYMOUS, 100, None)
    towns = {orjson.loads(hit.json)["activities"][0]["address"]["city"] for hit in page.hits}
    assert "".join(letter for letter, town, *_ in TOWNS if town in towns) == found
