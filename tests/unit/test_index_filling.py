"""The file of a build: nothing is left of how it was made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from record_factories import SUFFIX

from directory_service.entries.containers import container_entries
from directory_service.index.filling import fill, finish, opened
from directory_service.index.render import Batch, batch_of

FTS = ("text", "names", "tag")


def batch() -> Batch:
    return batch_of(container_entries(SUFFIX), [("a@b.fr", b"{}")], 1)


def test_no_page_is_free_and_no_file_stands_beside(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with opened(path, 0) as db:
        fill(db, [batch()])
        finish(db, lambda *_: None)
    assert [found.name for found in tmp_path.iterdir()] == ["x.sqlite"]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_full_text_indexes_are_brought_over_whole(tmp_path: Path) -> None:
    """With the options that the follower writes by."""
    path = tmp_path / "x.sqlite"
    with opened(path, 0) as db:
        fill(db, [batch()])
        finish(db, lambda *_: None)
    with closing(sqlite3.connect(path)) as db:
        for table in FTS:
            assert db.execute(f"SELECT v FROM {table}_config WHERE k = 'automerge'").fetchone() == (4,)
            db.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")
        assert db.execute("SELECT count(*) FROM text WHERE text MATCH '\"bal\"'").fetchone() == (1,)


def test_what_stands_beside_goes_when_a_build_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(tmp_path / "x.sqlite", 0):
        assert len(list(tmp_path.iterdir())) == 2
        raise ZeroDivisionError
    assert [found.name for found in tmp_path.iterdir()] == ["x.sqlite"]
