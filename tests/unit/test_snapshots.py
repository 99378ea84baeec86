"""What a connection keeps seeing, and for how long."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from index_world import make_entry, write_index
from record_factories import SUFFIX

from directory_service.entries.entry import BAL
from directory_service.errors import RegistryUnavailable, damaged
from directory_service.index import reader
from directory_service.index.directory import Directory
from directory_service.index.files import current_name
from directory_service.index.query import Equal, Query, Scope, View
from directory_service.index.snapshots import Snapshots

ENTRY = make_entry(BAL, 1, mail=["a@medecin.mssante.fr"])
ASKED = Query(f"ou=bal,{SUFFIX}", Scope.SUBTREE, Equal("mail", b"a@medecin.mssante.fr"), 10)


class Clock:
    """A loop's ``call_later``, whose time passes when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def later(self, seconds: float, step: Callable[[], None]) -> None:
        assert seconds > 0
        self.waiting.append(step)

    def pass_by(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


class World:
    """A file with one number in it, somebody who writes it and somebody who reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = sqlite3.connect(path, isolation_level=None)
        self.writer.execute("PRAGMA journal_mode = WAL")
        self.writer.execute("CREATE TABLE told(n)")
        self.writer.execute("INSERT INTO told VALUES (0)")
        self.reader = sqlite3.connect(path, isolation_level=None)
        self.clock = Clock()
        self.snapshots = Snapshots(self.reader)

    def close(self) -> None:
        self.reader.close()
        self.writer.close()

    def keep(self, now: float) -> None:
        self.snapshots.later = self.clock.later
        self.snapshots.keep(now, 0.02)

    def write(self, number: int) -> None:
        self.writer.execute("UPDATE told SET n = ?", (number,))

    @property
    def read(self) -> int:
        (number,) = self.reader.execute("SELECT n FROM told").fetchone()
        return int(number)

    def lose_files(self) -> None:
        """What is read from now on is a fault of the disk."""
        with Path("/dev/null").open("wb") as nothing:
            for number in Path("/proc/self/fd").iterdir():
                if str(number.resolve()).startswith(str(self.path)):
                    os.dup2(nothing.fileno(), int(number.name))

    @property
    def is_written_back(self) -> bool:
        (busy, *_) = self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(World(tmp_path / "file")) as opened:
        yield opened


def test_nothing_is_kept_where_nobody_lets_it_go(world: World) -> None:
    world.snapshots.keep(1.0, 0.02)
    assert world.read == 0
    world.write(1)
    assert world.read == 1


def test_what_is_kept_is_seen_until_its_time_is_over(world: World) -> None:
    world.keep(1.0)
    assert world.read == 0
    world.write(1)
    assert world.read == 0
    world.clock.pass_by()
    assert world.read == 1 and world.is_written_back


def test_what_was_kept_before_does_not_end_what_is_kept_now(world: World) -> None:
    world.keep(1.0)
    assert world.read == 0
    world.write(1)
    world.keep(2.0)
    assert world.read == 1
    world.write(2)
    world.clock.waiting.pop(0)()
    assert world.read == 1
    world.clock.pass_by()
    assert world.read == 2


def test_nothing_ends_a_snapshot_but_its_end(world: World) -> None:
    world.keep(1.0)
    with world.snapshots.one():
        assert world.read == 0
        world.write(1)
        world.clock.pass_by()
        world.snapshots.let_go()
        world.keep(2.0)
        with world.snapshots.one():
            assert world.read == 0
        assert world.read == 0
    world.snapshots.let_go()
    assert world.read == 1 and world.is_written_back


def test_questions_end_nothing_that_is_kept_and_are_of_one_commit_once_it_is_let_go(world: World) -> None:
    world.keep(1.0)
    with world.snapshots.one():
        assert world.read == 0
    world.write(1)
    with world.snapshots.one():
        assert world.read == 0
    world.clock.pass_by()
    with world.snapshots.one():
        assert world.read == 1
        world.write(2)
        assert world.read == 1
    assert world.read == 2


def test_of_one_connection_that_is_closed_nothing_is_let_go(world: World) -> None:
    world.keep(1.0)
    world.snapshots.forget()
    world.reader.close()
    world.clock.pass_by()


def test_a_transaction_that_sqlite_has_ended_is_not_ended_again(world: World) -> None:
    world.keep(1.0)
    world.reader.execute("ROLLBACK")
    world.clock.pass_by()
    assert world.read == 0


def test_a_disk_that_fails_is_what_a_question_tells_of(world: World) -> None:
    """SQLite ends the transaction then; that there is none to end hid the fault, and nobody was told to rebuild."""
    world.writer.executemany("INSERT INTO told VALUES (zeroblob(?))", [(5_000,)] * 100)
    with pytest.raises(sqlite3.OperationalError) as caught, world.snapshots.one():
        assert world.read == 0
        world.lose_files()
        world.reader.execute("SELECT sum(length(n)) FROM told").fetchone()
    assert isinstance(damaged(caught.value), RegistryUnavailable)


def test_a_loop_asks_one_commit_for_a_moment_and_all_else_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_RECENT", 60.0)  # a busy machine takes longer than a moment
    folder, clock = write_index(tmp_path, [ENTRY]), Clock()
    with (
        closing(Directory(folder, SUFFIX)) as directory,
        closing(sqlite3.connect(folder / current_name(folder))) as follower,
    ):
        directory.linger(clock.later)

        def found() -> int:
            return len(directory.search(ASKED, View.ANONYMOUS).hits)

        assert found() == 1
        follower.execute("DELETE FROM key")
        follower.execute("UPDATE meta SET value = '7' WHERE key = 'seq'")
        follower.commit()
        assert found() == 1 and len(clock.waiting) == 1
        with directory.held() as build:
            assert found() == 0 and build.seq == 7
        clock.pass_by()
        assert found() == 0
