"""Who comes first for ``~=``, and what it looks at."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from index_world import make_entry, write_index
from record_factories import SUFFIX

from directory_service.entries.entry import BAL, PEOPLE
from directory_service.index.directory import Directory
from directory_service.index.query import And, Approx, Equal, Filter, Query, Scope, View

# The last are those who were meant: rank is the number.
NAMES = (
    ("Duport", "Joan"),  # an error in each
    ("Jean", "Ursule"),  # one word of the two
    ("Dupond", "Jean"),  # sounds so
    ("Dupont", "Joan Marie"),  # an error in one word
    ("Dupont Durand", "Jean"),
    ("Dupont", "Jean"),
)
FOUND = [6, 5, 3, 4, 1]


@pytest.fixture(params=[BAL, PEOPLE])
def branch(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def directory(tmp_path: Path, branch: int):  # type: ignore[no-untyped-def]
    entries = [
        make_entry(branch, pk, sn=[one], givenName=[two], cn=[f"{one} {two}", f"{two} {one}"], l=["Dole"])
        for pk, (one, two) in enumerate(NAMES, 1)
    ]
    with closing(Directory(write_index(tmp_path, entries), SUFFIX)) as opened:
        yield opened


BY_PARTS = And((Approx("sn", b"dupont"), Approx("givenName", b"jean")))


@pytest.mark.parametrize("asked", [
    Approx("cn", b"dupont jean"), Approx("cn", b"jean dupont"), BY_PARTS,
    And((Approx("cn", b"jean"), Approx("cn", b"dupont"))), And((Approx("cn", b"dupont jean"), Equal("l", b"dole"))),
])  # fmt: skip
def test_the_very_words_come_before_sounds_and_errors(directory: Directory, branch: int, asked: Filter) -> None:
    base = f"ou={'bal' if branch == BAL else 'personnes'},{SUFFIX}"
    found = [hit.id & 0xFFFF for hit in directory.search(Query(base, Scope.ONE, asked, 10), View.ANONYMOUS).hits]
    assert found[:3] == FOUND[:3]
    assert sorted(found[3:]) == sorted(FOUND[3:])


def test_of_several_words_one_that_is_right_tells(directory: Directory, branch: int) -> None:
    base = f"ou={'bal' if branch == BAL else 'personnes'},{SUFFIX}"
    asked = Query(base, Scope.ONE, Approx("cn", b"dupont jean"), 10)
    assert [hit.id & 0xFFFF for hit in directory.search(asked, View.ANONYMOUS).hits] == FOUND
