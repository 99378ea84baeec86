"""One connection to each thread, to the build that is current."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from index_world import write_index

from directory_service.index.connections import Connections
from directory_service.index.files import current_name
from directory_service.index.reader import Reader


def test_a_thread_that_ends_leaves_no_connection(tmp_path: Path) -> None:
    with closing(Connections(write_index(tmp_path, []))) as connections:
        opened: list[Reader] = []
        thread = threading.Thread(target=lambda: opened.append(connections.reader(0.0)))
        thread.start()
        thread.join()
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            opened[0].refresh()


def test_a_new_build_is_asked_within_a_second(tmp_path: Path) -> None:
    with closing(Connections(write_index(tmp_path, []))) as connections:
        before = connections.reader(100.0).name
        write_index(tmp_path, [])
        assert connections.reader(101.0).name == current_name(tmp_path) != before


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
