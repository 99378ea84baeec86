"""SQLite puts suggestions in the order in which Python would."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_world import make_entry, write_index

from directory_service.entries.entry import BAL, Entry
from directory_service.entries.naming import joined_tokens, pair_tokens
from directory_service.index.connections import Connections
from directory_service.index.criteria import typed_filter
from directory_service.index.plan import Plan, make_plan
from directory_service.index.query import Filter, Or, Substrings, View
from directory_service.index.reader import Reader
from directory_service.index.underway import Search

NAMES = st.sampled_from(["dupont", "du pont", "pont", "d'aubigné", "jean", "jeanne", "éon", "a$b^c", "durand-dupont"])
TYPED = st.sampled_from(["du", "dupont", "pont", "jea", "jean", "jean du", "dup jea", "on jean", "é", "a", "eon pont",
                         "jean dupont", "du pont jean", "jeanne éon"])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 2)), min_size=2, max_size=12), st.lists(TYPED, min_size=1))
def test_the_first_tier_that_fits_comes_first(people, typed) -> None:
    world = _boxes(people)
    with tempfile.TemporaryDirectory() as name, closing(Connections(write_index(Path(name), world))) as opened:
        reader = opened.reader(time.monotonic())
        for text in typed:
            for asked in (typed_filter(text), _thunderbird(text)):
                plan = make_plan(asked, BAL, reader.lexicon)
                ids = {entry.id for entry in world}
                found = reader.lookups.sorted_list(ids, plan, View.ANONYMOUS, 100)
                if found is not None:
                    assert [row[0] for row in found] == _by_python(reader, plan, ids)


@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("schmit martine", ("schmit", "martine")),
        ("martine schmit", ("schmit", "martine")),
        ("maitre michel", ("maître", "michel")),
        ("normand anthony", ("normand", "anthony")),
        ("le normand anthony", ("le normand", "anthony")),
        ("m guillaume", ("guillaume", "maryvonne")),
        ("guillaume m", ("guillaume", "maryvonne")),
        ("poisson christine", ("poisson", "christine")),
        ("thomas tho", ("thomas", "thomas")),
        ("norm anthony", ("normand", "anthony")),
        ("anthony le normand", ("le normand", "anthony")),
        ("la tour marie", ("la tour", "marie")),
        ("marie therese", ("marie", "anne thérèse")),  # her family name, whatever the given names
    ],
)
def test_of_those_who_have_both_words_the_one_whose_names_they_are_comes_first(
    typed: str, meant: tuple[str, str], limit: int, tmp_path: Path
) -> None:
    """Rank would put the first of each line first."""
    lines = [
        [("schmitt", "martine"), ("schmit", "martine")],
        [("lemaitre", "michelle"), ("maître", "michèle"), ("maître", "michel")],
        [("le normand", "anthony"), ("normand", "anthony"), ("normand", "anthony le")],
        [("mierzwa", "guillaume"), ("guillaume", "maryvonne")],
        [("poisson", "marie-christine"), ("poisson", "christine")],
        [("martin", "thomas tho"), ("thomas", "thomas")],
        [("marie", "la tour"), ("la tour", "marie")],
        [("marielle", "marie thérèse"), ("marie", "anne thérèse")],
        [("xschmit", "martine"), ("xmaitre", "michel"), ("xnormand", "anthony")] * 30,
    ]
    people = [person for line in lines for person in line]
    if typed == "le normand anthony":
        people.reverse()
    world = _boxes((family, given, 0) for family, given in people)
    with closing(Connections(write_index(tmp_path, world))) as opened:
        reader = opened.reader(time.monotonic())
        for asked in (typed_filter(typed), _thunderbird(typed)):
            _, search = _searched(reader, asked, limit)
            assert people[(search.ids[0] & 0xFFFFFFFF) - 1] == meant


FAMILIES = st.sampled_from(["thévès", "thet", "berthet", "duthet", "le theth", "athe thétis", "thévenot"])
GIVEN = st.sampled_from(["agathe", "anne", "thétis", "marie-thé", "thet agathe"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(FAMILIES, GIVEN, st.integers(0, 2)), min_size=1, max_size=8),
    st.sampled_from(["the", "thet", "theti", "agathe", "thet ag", "agathe the", "the the"]),
)
def test_who_comes_first_does_not_depend_on_how_many_are_wanted(people, typed) -> None:
    """A hundred are sorted, ten looked up tier by tier: the ten of the one are the first of the other."""
    merely = [("berthet", "anne", 0), ("thévès", "agathe", 1)] * 60  # have the letters
    world = _boxes([*people, *merely])
    with tempfile.TemporaryDirectory() as name, closing(Connections(write_index(Path(name), world))) as opened:
        reader = opened.reader(time.monotonic())
        for asked in (typed_filter(typed), _thunderbird(typed)):
            found = {limit: _searched(reader, asked, limit)[1].ids for limit in (2, 10, 200)}
            assert found[2] == found[200][:2] and found[10] == found[200][:10]


@pytest.mark.parametrize("limit", [3, 10, 45])
@pytest.mark.parametrize("typed", ["dup", "jean dup", "du"])
def test_of_more_than_are_sorted_each_tier_is_looked_up_and_everybody_given_once(
    typed: str, limit: int, tmp_path: Path
) -> None:
    """What a whole country asks: hundreds match, and the first of them are wanted."""
    first = [("dupont", "jean"), ("martin", "dupe jean"), ("le dupont", "éon jean"), ("durand", "jeanne")]
    names = [*first, *[("xdupont", "jean")] * 200, *first]
    world = _boxes((family, given, pk % 3) for pk, (family, given) in enumerate(names, 1))
    with closing(Connections(write_index(tmp_path, world))) as opened:
        reader = opened.reader(time.monotonic())
        for asked in (typed_filter(typed), _thunderbird(typed)):
            plan, search = _searched(reader, asked, limit)
            ids = {entry.id for entry in world}
            halves = [_by_python(reader, half, ids) for half in plan.halves or (plan,)]
            expected = list(dict.fromkeys(pk for half in halves for pk in half))
            assert search.ids == expected[:limit]
            assert search.truncated == (len(expected) > limit)


@pytest.mark.parametrize("limit", [3, 10, 20, 100])
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("dupo", ["dupo", "dupo", "dupoizat", "dupond", "dupont", "dupont-aubin", "dupontel"]),
        ("dupont", ["dupont", "dupont-aubin", "dupontel"]),
        ("dup", ["dup"]),
        ("du", ["du"]),
    ],
)
def test_whoever_has_the_family_name_that_is_typed_is_before_whoever_has_a_longer_one(
    typed: str, expected: list[str], limit: int, tmp_path: Path
) -> None:
    """However many are wanted, and however many there are: an address book that asks for a hundred and one that asks
    for ten see the same ten first."""
    some = ["dupontel", "dupont", "dupond", "dupoizat", "dupo", "dup", "du", "dupont-aubin", "dupo"]
    names = [*some, *["duval"] * 120, *["dupuis"] * 120, *["laduponterie"] * 120]
    world = _boxes((family, "anne", pk % 4) for pk, family in enumerate(names, 1))
    with closing(Connections(write_index(tmp_path, world))) as opened:
        reader = opened.reader(time.monotonic())
        plan, search = _searched(reader, typed_filter(typed), limit)
        found = [names[(pk & 0xFFFFFFFF) - 1] for pk in search.ids]
        assert found[: len(expected)] == expected[:limit]
        assert search.ids == _by_python(reader, plan, {entry.id for entry in world})[:limit]


def _boxes(people: Iterable[tuple[str, str, int]]) -> list[Entry]:
    """Mailboxes of these family and given names and ranks, numbered from 1."""
    return [
        make_entry(BAL, pk, rank=rank, sn=[family], givenName=[given], cn=[f"{given} {family}", f"{family} {given}"])
        ._replace(tags=f"{joined_tokens(family, given)} {pair_tokens(family, given)}")
        for pk, (family, given, rank) in enumerate(people, 1)
    ]  # fmt: skip


def _searched(reader: Reader, asked: Filter, limit: int) -> tuple[Plan, Search]:
    """The plan of a question, and the search that was run by it."""
    [span] = reader.spans(asked, (BAL,), -1)
    search = Search(limit, View.ANONYMOUS, time.monotonic() + 60)
    reader.run(search, [span], ranked=False)
    return span.plan, search


def _thunderbird(text: str) -> Or:
    """Of several words, more than texts alone can tell: their order in one value."""
    words, whole = tuple(word.encode() for word in text.split()), text.encode()
    asked = {"cn": words, "mail": (whole,), "givenName": words[:1], "sn": (whole,)}
    return Or(tuple(Substrings(name, b"", pieces, b"") for name, pieces in asked.items()))


def _by_python(reader, plan, ids) -> list[int]:
    rows = list(reader.lookups.listed(ids, plan, plan.check.ranking.columns, View.ANONYMOUS))
    return [row[0] for row in sorted(rows, key=plan.check.ranking.place)]
