"""Ranges of hashes: what is made up cannot be told from what is not."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import web_world as world

from directory_service.index.directory import Directory
from directory_service.index.ranges import DIGITS, hash_of
from directory_service.index.writer import build_index
from directory_service.registry.engine import open_registry
from directory_service.registry.upgrading import upgrade
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


def test_where_no_domain_is_the_patients_theirs_is_one_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "255081416802538@patient.mssante.fr"
    monkeypatch.setattr(world, "_BOXES", (*world._BOXES, (20, address, "PER", False, ((4, None, world.START, None),))))
    engine = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    world.fill(engine, white_list=False)
    build_index(engine, tmp_path / "index", world.SUFFIX, workers=1)
    engine.dispose()
    start, rest = hash_of(address)[:DIGITS], hash_of(address)[DIGITS:]
    with closing(Directory(tmp_path / "index", world.SUFFIX)) as found:
        told = [verdicts_in(found, start, domain)[1].get(rest) for domain in ("", "patient.mssante.fr")]
    assert told == ["inactive", None]


def test_what_is_closed_is_in_no_range(directory: Directory) -> None:
    hashed = hash_of(CLOSED_BOX)
    assert hashed[DIGITS:] not in verdicts_in(directory, hashed[:DIGITS])[1]
