"""Letters and a token that many have: whichever is gone through, with or without numbers, beside the plain matcher."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from index_world import all_entries, make_entry, write_index
from record_factories import SUFFIX
from twin_matcher import twin_search

from directory_service.entries.entry import BAL, PEOPLE, STRUCTURES
from directory_service.index import lookups
from directory_service.index.directory import Directory
from directory_service.index.query import And, Equal, Not, Or, Query, Scope, Substrings, View

NAMES = st.sampled_from(["MARTIN", "MARTINEZ", "SAINT MARTIN", "DURAND", "DURAND MARTIN", "DUMARTIN"])
TOWNS = st.sampled_from(["LYON", "LYON 03", "REIMS"])
STATES = st.sampled_from(["active", "active", "inactive"])
BRANCHES = st.sampled_from([BAL, BAL, PEOPLE, PEOPLE, STRUCTURES])


@st.composite
def worlds(draw):
    def entry(pk):
        branch, rank = draw(BRANCHES), draw(st.integers(0, 1))
        held = {"cn": [draw(NAMES)], "l": [draw(TOWNS)], "o": [draw(NAMES)], "asStatus": [draw(STATES)]}
        return make_entry(branch, pk, rank=rank, view=draw(st.sampled_from([0, 0, 0, 2])), **held)

    return [entry(pk) for pk in range(1, draw(st.integers(6, 16)))]


LETTERS = st.builds(
    lambda name, starts, piece: Substrings(name, piece if starts else b"", () if starts else (piece,), b""),
    st.sampled_from(["cn", "o"]),
    st.booleans(),
    st.sampled_from([b"martin", b"arti", b"dur", b"mar", b"ma"]),
)
TOKENS = st.one_of(
    st.builds(Equal, st.just("l"), TOWNS.map(str.encode)), st.builds(Equal, st.just("asStatus"), STATES.map(str.encode))
)
FILTERS = st.builds(
    lambda letters, token, more: And((letters, token, *more)),
    st.one_of(LETTERS, st.builds(lambda one, other: Or((one, other)), LETTERS, LETTERS)),
    st.one_of(TOKENS, st.builds(lambda one, other: Or((one, other)), TOKENS, TOKENS)),
    st.sampled_from([(), (), (Not(Substrings("cn", b"", (b"ez",), b"")),)]),
)


@settings(max_examples=20, deadline=None)
@given(worlds(), st.lists(FILTERS, min_size=6, max_size=10), st.sampled_from([1, 3, 20_000]))
def test_whoever_meets_both_is_found(world, asked, numbered) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.multiple(lookups, _WEIGHED=1, _NUMBERED=numbered),
        closing(Directory(write_index(Path(name), world), SUFFIX)) as directory,
    ):
        for item in asked:
            query = Query(SUFFIX, Scope.SUBTREE, item, 100)
            expected = twin_search(all_entries(world), SUFFIX, query, View.ANONYMOUS)
            assert sorted(hit.id for hit in directory.search(query, View.ANONYMOUS).hits) == expected
            first = directory.search(replace(query, limit=2, after=0), View.ANONYMOUS)
            assert [hit.id for hit in first.hits] == expected[:2]
