"""Ranges of hashes: what is made up cannot be told from what is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import web_world as world

from directory_service.index.directory import Directory
from directory_service.index.ranges import DIGITS, hash_of
from directory_service.index.writer import build_index
from directory_service.registry.engine import open_registry
from directory_service.registry.upgrading import upgrade
from directory_service.trust import ranges
from directory_service.trust.ranges import SIZE, verdicts_in

ZOE_BOX, CLOSED_BOX = "zoe.d-essai@medecin.mssante.fr", "ancienne@medecin.mssante.fr"


def test_neither_their_place_nor_their_verdict_tells_which_are_made_up(directory: Directory) -> None:
    hashed = hash_of(ZOE_BOX)
    _, told = verdicts_in(directory, hashed[:DIGITS])
    assert told[hashed[DIGITS:]] == "verified" and len(told) == SIZE
    assert list(told) == sorted(told) and set(told.values()) == {"verified"}


def test_no_two_ranges_have_the_same_filling(directory: Directory) -> None:
    ranges = [verdicts_in(directory, f"{n:0{DIGITS}x}")[1] for n in range(8)]
    assert len({rest for told in ranges for rest in told}) == len(ranges) * SIZE


PATIENT, COMING = "255081416802538@patient.mssante.fr", "a-venir@medecin.mssante.fr"
NEIGHBOURS = [a for n in range(20_000) if hash_of(a := f"{n}@medecin.mssante.fr").startswith("abc")][:3]


@pytest.fixture
def more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    """A world without a white list that has these, too."""
    boxes = [(address, world.START) for address in (PATIENT, *NEIGHBOURS)] + [(COMING, "2099-01-01T00:00:00Z")]
    added = [(20 + n, a, "PER", False, ((4, None, since, None),)) for n, (a, since) in enumerate(boxes)]
    monkeypatch.setattr(world, "_BOXES", (*world._BOXES, *added))
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine, white_list=False)
    build_index(engine, tmp_path / "index", world.SUFFIX, workers=1)
    engine.dispose()
    with closing(Directory(tmp_path / "index", world.SUFFIX)) as found:
        yield found


def told(directory: Directory, address: str, *patients: str) -> str | None:
    return verdicts_in(directory, hash_of(address)[:DIGITS], *patients)[1].get(hash_of(address)[DIGITS:])


def test_where_no_domain_is_the_patients_theirs_is_one_like_others(more: Directory) -> None:
    assert [told(more, PATIENT, domain) for domain in ("", "patient.mssante.fr")] == ["inactive", None]


def test_what_is_not_open_yet_is_in_no_range(more: Directory) -> None:
    assert told(more, COMING) is None


def test_one_that_is_fuller_than_a_size_is_filled_to_the_next(more: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "SIZE", 2)
    held = verdicts_in(more, "abc")[1]
    assert len(held) == 4 and {hash_of(a)[DIGITS:] for a in NEIGHBOURS} < held.keys()


def test_what_is_closed_is_in_no_range(directory: Directory) -> None:
    hashed = hash_of(CLOSED_BOX)
    assert hashed[DIGITS:] not in verdicts_in(directory, hashed[:DIGITS])[1]
