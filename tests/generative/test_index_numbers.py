"""Numbers by how they begin: keys and tokens, few and many, beside the plain matcher."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_world import all_entries, make_entry, write_index
from record_factories import SUFFIX
from twin_matcher import twin_search

from directory_service.entries.attributes import ATTRIBUTES
from directory_service.entries.entry import BAL, PEOPLE, STRUCTURES
from directory_service.index import beginnings, lookups
from directory_service.index.directory import Directory
from directory_service.index.query import And, Equal, Or, Query, Scope, Substrings, View

NUMBERS = ("uid", "asNationalId", "asRpps", "asAdeli", "asStructureId", "asFiness", "asSiret", "asProfessionCode")
# Valid ones, with and without their type digit, and what is written where a number should be.
HELD = st.sampled_from(
    [
        "10900000018",
        "810900000018",
        "10900000026",
        "8 10900000026",
        "2A1234567",
        "02a1234567",
        "88",
        "750000119",
        "75 0000127",
        "75-x",
        "x75",
        "7é",
        "1@b",
        "1A@b",
        "a:b@c",
        "ssA",
        "ß1",
    ]
)
STARTS = st.one_of(
    st.builds(lambda text, size: text[:size], HELD, st.integers(1, 6)), st.sampled_from(["7", "8", "é", "-", "1a@"])
)


@st.composite
def worlds(draw):
    def entry(pk):
        branch = draw(st.sampled_from([BAL, PEOPLE, STRUCTURES]))
        allowed = [n for n in NUMBERS if branch in ATTRIBUTES[n.lower()].branches]
        chosen = draw(st.lists(st.sampled_from(allowed), max_size=4, unique=True))
        held = {n: draw(st.lists(HELD, min_size=1, max_size=3, unique=True)) for n in chosen}
        return make_entry(branch, pk, view=draw(st.sampled_from([0, 0, 2])), **held)

    return [entry(pk) for pk in range(1, draw(st.integers(2, 9)))]


LEAVES = st.builds(
    lambda name, start, middle: Substrings(name, start.encode(), middle, b""),
    st.sampled_from(NUMBERS),
    STARTS,
    st.sampled_from([(), (), (b"0",)]),
)
FILTERS = st.one_of(
    LEAVES,
    st.lists(LEAVES, min_size=2, max_size=3).map(lambda leaves: Or(tuple(leaves))),
    st.builds(lambda one, other: And((one, other)), LEAVES, LEAVES),
    st.builds(lambda one, other: And((one, Equal("cn", other))), LEAVES, st.sampled_from([b"a", b"none"])),
    LEAVES.map(lambda leaf: And((leaf, Equal("asProfessionCode", b"88")))),
    LEAVES.map(lambda leaf: Or((leaf, Substrings("cn", b"", (b"a",), b"")))),
)


@pytest.mark.parametrize("few", [True, False])
@settings(max_examples=40, deadline=None)
@given(worlds(), st.lists(st.tuples(FILTERS, st.sampled_from([View.ANONYMOUS, View.STAFF])), min_size=8, max_size=20))
def test_whoever_has_a_number_that_begins_so_is_found(few, world, asked) -> None:
    """However many they are: in the order of rank where pages are asked for."""
    keys = {"_GATHERED": 2, "_WEIGHED": 1} if few else {"_GATHERED": 9}
    tokens = {"_MOST_IN_TURN": 2, "_TOGETHER": 1, "_DEAR": 2} if few else {"_DEAR": 9}
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.multiple(lookups, **keys),
        mock.patch.multiple(beginnings, **tokens),
        closing(Directory(write_index(Path(name), world), SUFFIX)) as directory,
    ):
        for item, view in asked:
            query = Query(SUFFIX, Scope.SUBTREE, item, 100)
            expected = twin_search(all_entries(world), SUFFIX, query, view)
            found = directory.search(query, view)
            assert sorted(hit.id for hit in found.hits) == expected and not found.truncated
            assert [hit.id for hit in directory.search(replace(query, after=0), view).hits] == expected
            first = directory.search(replace(query, limit=2, after=0), view)
            assert [hit.id for hit in first.hits] == expected[:2]
            one = directory.search(replace(query, limit=1), view)
            assert {hit.id for hit in one.hits} <= set(expected) and len(one.hits) == min(1, len(expected))
