"""French names and places compared: each level by the spellings that reach it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.blocks import _filled
from importers.reconcile import features as f
from importers.reconcile.candidate import Candidate

HOSPITAL, PRACTICE = ("60", "F750000019"), ("60", "C83608440001")


def person(family: str = "ESSAI", given_names: str = "Zoé", civility: str = "MME", **more: frozenset[str]) -> Candidate:
    return Candidate(1, True, family, given_names, civility, **more)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("DE LA TOUR", "Delatour", "same"),
        ("D'AUBIGNÉ", "DAUBIGNE", "same"),
        ("LE GOFF", "LEGOFF", "same"),
        ("LEFEBVRE", "LEFÈVRE", "near"),
        ("MARPEAU", "MARPAEU", "near"),
        ("DUPONT", "DUPOND", "near"),
        ("SCHWEITZER", "SHCWIETZER", "near"),  # two errors, the last half right
        ("SCHWEITZER", "SHCWEITZRE", "other_woman"),  # both halves wrong: enough for a search, not for a merge
        ("RENAULDEAU", "REGNAULDOT", "near"),  # as it sounds
        ("MARTIN-DUPONT", "DUPONT", "part"),
        ("DE LA TOUR", "TOUR", "part"),
        ("MOREL", "BERNARD", "other_woman"),
        ("", "BERNARD", ""),
    ],
)
def test_family_names(one: str, other: str, level: str) -> None:
    assert f.family(person(one), person(other)) == level


def test_a_man_does_not_change_names() -> None:
    assert f.family(person("MOREL", civility="M"), person("BERNARD", civility="M")) == "other"


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Zoé", "ZOE", "same"),
        ("Jean-Pierre", "JEAN PIERRE", "same"),
        ("Marie", "Marie Claire", "begins"),
        ("Jean", "Jean-Paul", "shared"),
        ("Valérie", "VALREIE", "near"),
        ("J P", "Jean-Pierre", "initials"),
        ("J", "Jeanne", "initials"),
        ("Claire Marie", "Marie", "shared"),
        ("Anne", "Zoé", "other"),
        ("", "Zoé", ""),
    ],
)
def test_given_names(one: str, other: str, level: str) -> None:
    assert f.given(person(given_names=one), person(given_names=other)) == level


@pytest.mark.parametrize(("crowd", "level"), [(2, "few"), (50, "some"), (900, "many")])
def test_a_structure_says_the_more_the_fewer_work_there(crowd: int, level: str) -> None:
    one, other = person(structures=frozenset([HOSPITAL])), person(structures=frozenset([HOSPITAL, PRACTICE]))
    assert f.place(one, other, {HOSPITAL[1]: crowd}) == level


def test_places_without_a_structure_in_common() -> None:
    here = person(places=frozenset(["75013"]), departments=frozenset(["75"]))
    near = person(places=frozenset(["75001"]), departments=frozenset(["75", "92"]))
    far = person(places=frozenset(["13001"]), departments=frozenset(["13"]))
    assert f.place(here, here, {}) == "postcode"
    assert f.place(here, near, {}) == "department"
    assert f.place(here, far, {}) == "elsewhere"
    assert f.place(here, person(), {}) == ""


@pytest.mark.parametrize(
    ("number", "code", "postcode", "level"),
    [
        ("02A1023763", "2A", "20000", "department"), ("02B1023763", "", "20200", "department"),
        ("0201023763", "2A", "", "department"), ("09D1023763", "974", "97400", "department"),
        ("09A1023763", "", "97110", "department"), ("0131023763", "13", "", "department"),
        ("02A1023763", "13", "13001", "elsewhere"), ("0131023763", "2A", "20000", "elsewhere"),
    ],
)  # fmt: skip
def test_a_number_was_issued_where_she_works(number: str, code: str, postcode: str, level: str) -> None:
    """Corsica has been 20, and its numbers and those of overseas hold letters."""
    known = _filled(person("ESSAI"), [("60", postcode, code, "", "", "", "")], frozenset())
    older = _filled(Candidate(2, False, "ESSAI", "Zoé", "MME", national_id=number), [], frozenset())
    assert f.place(older, known, {}) == level


def test_mailboxes() -> None:
    hers = person("MOREL", mailboxes=frozenset(["zoe.bernard2@ville.mssante.fr"]))
    assert f.mailbox(hers, hers) == "held"
    assert f.mailbox(hers, person("BERNARD")) == "named"
    assert f.mailbox(hers, person("MOREL")) == "other"


names = st.text(st.sampled_from("abéEL -'"), max_size=12)


@given(names, names, names, names)
def test_comparison_has_no_side(family: str, given_names: str, other_family: str, other_given: str) -> None:
    one, other = person(family, given_names), person(other_family, other_given)
    assert f.compare(one, other, {}) == f.compare(other, one, {})
    assert f.plausible(one, other) == f.plausible(other, one)
