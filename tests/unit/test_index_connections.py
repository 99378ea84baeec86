"""One connection to each thread, to the build that is current."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from index_world import write_index
from record_factories import SUFFIX

from directory_service.entries.entry import BAL
from directory_service.index.connections import Connections
from directory_service.index.files import current_name
from directory_service.index.newest import NewestLexicon
from directory_service.index.plan import make_plan
from directory_service.index.query import Present
from directory_service.index.reader import Reader


def test_a_thread_that_ends_leaves_no_connection(tmp_path: Path) -> None:
    with closing(Connections(write_index(tmp_path, []))) as connections:
        opened: list[Reader] = []
        thread = threading.Thread(target=lambda: opened.append(connections.reader(0.0)))
        thread.start()
        thread.join()
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            opened[0].refresh()


def test_the_lexicon_of_the_newest_build_is_one_and_takes_the_plans_of_the_last_with_it() -> None:
    newest, read = NewestLexicon(), list[int]()

    def counts() -> list[dict[str, int]]:
        read.append(1)
        return [{"abc": 2}, {"du": 7, "ma": 40}]

    key = Path("a.sqlite"), "é", SUFFIX
    first = newest.of(key, counts)
    assert newest.of(key, counts) is first and len(read) == 1
    assert (first.count("abc"), first.letters, first.suffix, first.mailboxes) == (2, "é", SUFFIX, 40)
    for other in ((Path("b.sqlite"), "é", SUFFIX), (Path("b.sqlite"), "è", SUFFIX), key):
        make_plan(Present("mail"), BAL, first)
        assert newest.of(other, counts) is not first
        assert make_plan.cache_info().currsize == 0


def test_a_new_build_is_asked_within_a_second(tmp_path: Path) -> None:
    with closing(Connections(write_index(tmp_path, []))) as connections:
        before = connections.reader(100.0).name
        write_index(tmp_path, [])
        assert connections.reader(101.0).name == current_name(tmp_path) != before


def test_what_is_held_and_what_is_fresh_is_of_the_newest_build_at_once(tmp_path: Path) -> None:
    with closing(Connections(write_index(tmp_path, []))) as connections:
        for _ in range(2):
            connections.reader(time.monotonic())
            write_index(tmp_path, [])
            with connections.held():
                assert connections.fresh().name == current_name(tmp_path)
            write_index(tmp_path, [])
            assert connections.fresh().name == current_name(tmp_path)


def test_what_is_closed_is_closed_for_every_thread_and_opened_anew_when_it_is_asked(tmp_path: Path) -> None:
    with closing(Connections(write_index(tmp_path, []))) as connections:
        opened, asked = threading.Event(), threading.Event()
        readers = [connections.reader(0.0)]

        def other() -> None:
            readers.append(connections.reader(0.0))
            opened.set()
            asked.wait(60)

        thread = threading.Thread(target=other)
        thread.start()
        assert opened.wait(60)
        connections.close()
        for reader in readers:
            with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
                reader.refresh()
        assert connections.reader(0.0).refresh()
        asked.set()
        thread.join()


def test_a_build_that_goes_while_it_is_opened_gives_way_to_the_next(tmp_path: Path) -> None:
    """The link is read first, the file opened then."""
    with closing(Connections(write_index(tmp_path, []))) as connections:
        gone = current_name(tmp_path)

        def late(folder: Path, name: str) -> Reader:
            if name == gone:
                write_index(tmp_path, [])
                (tmp_path / gone).unlink()
            return Reader(folder, name)

        connections.make = late
        assert connections.reader(100.0).name == current_name(tmp_path) != gone
