"""The segments of full-text indexes: what is patched in is merged with its like, never with what was built."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from index_world import make_entry
from record_factories import SUFFIX

from directory_service.entries.containers import container_entries
from directory_service.entries.entry import BAL, Entry
from directory_service.index.files import open_writer
from directory_service.index.filling import fill, finish, opened
from directory_service.index.patch import replace_mailbox
from directory_service.index.render import batch_of
from directory_service.index.segments import FULL_TEXT, gather, lift, merge

CHANGES = 100
BUILT = 2_000  # mailboxes: many more pages than the changes write, since FTS5 merges what is small with its like
BATCH = 500
TOUCHED = 5


def box(number: int, name: str) -> Entry:
    return make_entry(BAL, number, cn=[name], mail=[f"{number}@a.fr"])


def put(db: sqlite3.Connection, number: int, name: str) -> None:
    db.execute("BEGIN IMMEDIATE")
    replace_mailbox(db, f"{number}@a.fr", b"{}", [box(number, name)])
    db.execute("COMMIT")


def segments(db: sqlite3.Connection, table: str) -> set[int]:
    return {segment for (segment,) in db.execute(f"SELECT segid FROM {table}_idx")}


def pages(db: sqlite3.Connection, table: str) -> set[tuple[int, bytes]]:
    """All that its segments are made of: a number is given again, pages are not written alike again."""
    return set(db.execute(f"SELECT id, block FROM {table}_data WHERE id >= {1 << 37}"))


def found(db: sqlite3.Connection, piece: str) -> list[int]:
    return [row for (row,) in db.execute("SELECT rowid FROM text WHERE text MATCH ? ORDER BY rowid", (f'"{piece}"',))]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Several batches, so that FTS5 has merged them."""
    entries = [*container_entries(SUFFIX), *(box(number, f"durand {number}") for number in range(1, BUILT + 1))]
    with opened(tmp_path / "x.sqlite", 0) as db:
        _, hidden = fill(db, [batch_of(entries[at : at + BATCH], [], 1) for at in range(0, len(entries), BATCH)])
        finish(db, hidden, lambda *_: None)
    with closing(open_writer(tmp_path / "x.sqlite")) as db:
        yield db


def check(db: sqlite3.Connection) -> None:
    for table in FULL_TEXT:  # raises where what it holds is not whole; ``text`` is compared with the entries too
        db.execute(f"INSERT INTO {table}({table}) VALUES ('integrity-check')")


def test_a_build_is_one_segment(build: sqlite3.Connection) -> None:
    assert FULL_TEXT == ("text", "names", "tag")
    assert [len(segments(build, table)) for table in FULL_TEXT] == [1, 1, 1]
    check(build)


@pytest.mark.parametrize("often", [1, 7, CHANGES])
def test_what_was_built_is_never_written_again_and_the_rest_stays_few(build: sqlite3.Connection, often: int) -> None:
    """However many changes come between two gatherings."""
    before = {table: pages(build, table) for table in FULL_TEXT}
    for number in range(CHANGES):
        put(build, number % TOUCHED + 1, f"martin {number}")
        if (number + 1) % often == 0:
            gather(build)
    gather(build)
    check(build)
    assert not any(merge(build, table) for table in FULL_TEXT)
    for table in FULL_TEXT:
        assert before[table] <= pages(build, table)
        assert len(segments(build, table)) <= 1 + CHANGES.bit_length()
    assert found(build, "mar") == [box(number, "").id for number in range(1, TOUCHED + 1)]
    assert len(found(build, "dur")) == BUILT - TOUCHED


def test_without_any_gathering_they_stay_few_too(build: sqlite3.Connection) -> None:
    """FTS5 merges four of a level by itself as it writes, but never with what was built."""
    before = {table: pages(build, table) for table in FULL_TEXT}
    for number in range(CHANGES):
        put(build, number % TOUCHED + 1, f"martin {number}")
    for table in FULL_TEXT:
        assert before[table] <= pages(build, table)
        assert len(segments(build, table)) <= 20
    check(build)


def test_nothing_to_gather_writes_nothing(build: sqlite3.Connection) -> None:
    put(build, 1, "martin")
    gather(build)
    before = {table: build.execute(f"SELECT id, block FROM {table}_data").fetchall() for table in FULL_TEXT}
    gather(build)
    assert before == {table: build.execute(f"SELECT id, block FROM {table}_data").fetchall() for table in FULL_TEXT}


@pytest.mark.parametrize("written", [b"\x7f", b"\x81\x00", b"\xff\x7f", b"\x81\x80\x00"])
def test_numbers_of_several_octets_are_read_whole(tmp_path: Path, written: bytes) -> None:
    """A national build has written a hundred thousand leaves, a small one a few."""
    with opened(tmp_path / "x.sqlite", 0) as db:
        _, hidden = fill(db, [batch_of([box(1, "durand")], [], 1)])
        finish(db, hidden, lambda *_: None)
    with closing(open_writer(tmp_path / "x.sqlite")) as db:
        for table in FULL_TEXT:
            (block,) = db.execute(f"SELECT block FROM {table}_data WHERE id = 10").fetchone()
            assert block[6] < 0x80  # leaves written: after a cookie, levels and segments
            changed = block[:6] + written + block[7:]
            db.execute(f"UPDATE {table}_data SET block = ? WHERE id = 10", (changed,))
        lift(db)  # once more
    with closing(open_writer(tmp_path / "x.sqlite")) as db:
        check(db)
        put(db, 2, "martin")
        assert (found(db, "dur"), found(db, "mar")) == ([box(1, "").id], [box(2, "").id])


def test_gathering_goes_on_where_it_stopped(build: sqlite3.Connection) -> None:
    """Each step is committed: one that was interrupted leaves an index that is whole."""
    for number in range(CHANGES):
        put(build, number % TOUCHED + 1, f"martin {number}")
    build.execute("INSERT INTO text(text, rank) VALUES ('merge', 1)")
    check(build)
    gather(build)
    check(build)
    for number in range(3):
        put(build, number + 1, "petit")
    assert all(len(segments(build, table)) >= 4 for table in FULL_TEXT)
    gather(build)
    assert all(len(segments(build, table)) <= 3 for table in FULL_TEXT)
    assert not any(merge(build, table) for table in FULL_TEXT)
