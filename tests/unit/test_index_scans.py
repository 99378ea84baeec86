"""Filters with nothing to look up: how far the index is read for them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from index_world import make_entry, write_index
from record_factories import SUFFIX

from directory_service.entries.entry import PEOPLE
from directory_service.index.criteria import Criteria, filter_of
from directory_service.index.directory import Directory
from directory_service.index.plan import make_plan
from directory_service.index.query import Equal, Query, Scope, Substrings, View

PERSONS = f"ou=personnes,{SUFFIX}"
PEOPLE_THERE = 300
LAST = f"8{10_000_000_000 + PEOPLE_THERE}"


@pytest.mark.parametrize(("candidates", "found"), [(15 * PEOPLE_THERE - 15, False), (15 * PEOPLE_THERE + 15, True)])
def test_a_filter_with_nothing_to_look_up_may_look_at_a_fifteenth(tmp_path: Path, candidates: int, found: bool) -> None:
    """Who is meant is the last of all."""
    everyone = [make_entry(PEOPLE, n, uid=[f"8{10_000_000_000 + n}"]) for n in range(1, PEOPLE_THERE + 1)]
    with closing(Directory(write_index(tmp_path, everyone), SUFFIX, candidates=candidates)) as directory:
        scanned = directory.search(
            Query(PERSONS, Scope.ONE, Substrings("uid", b"", (LAST[1:].encode(),), b""), 10), View.ANONYMOUS
        )
        looked_up = directory.search(Query(PERSONS, Scope.ONE, Equal("uid", LAST.encode()), 10), View.ANONYMOUS)
    assert (bool(scanned.hits), scanned.truncated) == (found, not found)
    assert len(looked_up.hits) == 1 and not looked_up.truncated


@pytest.mark.parametrize(
    "criteria",
    [
        Criteria(structure="750000119"),  # a FINESS, or a SIREN
        Criteria(structure="75000011900011"),
        Criteria(structure="centre hospitalier universitaire de paris"),
        Criteria(structure="ch"),
        Criteria(structure="1"),
        Criteria(city="y"),
    ],
)
def test_structures_and_towns_are_looked_up(criteria: Criteria) -> None:
    """What is not has shorter pages, and a total that is not exact."""
    assert make_plan(filter_of(criteria), PEOPLE).paths
