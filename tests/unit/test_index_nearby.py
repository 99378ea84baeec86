"""What is told of the numbers that a false one may mean: one or two that exist, to who may see them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from index_world import make_entry, write_index
from record_factories import SUFFIX

from directory_service.entries.entry import PEOPLE
from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.model.mistaken import meant_persons

FALSE = "10900000019"
TIERS = [tier for tier in meant_persons(FALSE) if tier]


def told(folder: Path, numbers: Sequence[str], view: int = 0) -> set[str]:
    people = [make_entry(PEOPLE, n, view=view, asRpps=[number[1:]]) for n, number in enumerate(numbers, 1)]
    with closing(Directory(write_index(folder, people), SUFFIX)) as directory:
        assert directory.near_persons(FALSE, View.STAFF) or len(numbers) > 2
        return set(directory.near_persons(FALSE, View.ANONYMOUS))


@pytest.mark.parametrize(("existing", "shown"), [(1, 1), (2, 2), (3, 0)])
def test_one_or_two_are_told_and_no_list_of_who_is_there(tmp_path: Path, existing: int, shown: int) -> None:
    numbers = TIERS[0][:existing]
    assert told(tmp_path, numbers) == {number[1:] for number in numbers[:shown]}


def test_the_likely_ones_come_alone(tmp_path: Path) -> None:
    assert len(TIERS) > 1
    assert told(tmp_path, [TIERS[0][0], TIERS[-1][0]]) == {TIERS[0][0][1:]}


def test_who_is_hidden_is_told_to_nobody_else(tmp_path: Path) -> None:
    assert told(tmp_path, TIERS[-1][:1], View.STAFF) == set()
