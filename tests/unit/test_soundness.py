"""A build is read whole where that takes seconds; of a larger one what is read is bounded, and damage is met anyway."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from directory_service.errors import RegistryUnavailable
from directory_service.index.soundness import Looked, look

PAGE = 4096


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "build.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA page_size = {PAGE}")
        db.execute("CREATE TABLE body (id INTEGER PRIMARY KEY, json BLOB)")
        db.execute('CREATE TABLE "key" (name TEXT PRIMARY KEY, id INTEGER) WITHOUT ROWID')
        db.execute("CREATE VIRTUAL TABLE text USING fts5 (words)")
        db.executemany("INSERT INTO body VALUES (?, ?)", ((n, b"x" * (n % 3 * PAGE + 500)) for n in range(500)))
        db.executemany('INSERT INTO "key" VALUES (?, ?)', ((f"key {n}", n) for n in range(5_000)))
        db.executemany("INSERT INTO text VALUES (?)", ((f"words {n}",) for n in range(500)))
        db.commit()
    return path


def test_a_small_build_is_read_whole(build: Path) -> None:
    looked = look(build)
    assert (looked.whole, looked.pages) == (looked.tables, 0) and looked.tables > 4


def test_of_a_large_one_some_pages_are_looked_at(build: Path) -> None:
    tables = look(build).tables
    assert look(build, checked=-1.0) == Looked(0, tables, build.stat().st_size // PAGE)
    assert look(build, checked=-1.0, sampled=-1.0) == Looked(0, tables, 0)


@pytest.mark.parametrize("checked", [60.0, -1.0])
@pytest.mark.parametrize("octet", [b"\0", b"\xff", b"~"])
def test_what_is_written_over_is_found(build: Path, octet: bytes, checked: float) -> None:
    pages = build.stat().st_size // PAGE
    with build.open("r+b") as file:
        file.seek(pages // 4 * PAGE)
        file.write(octet * PAGE * (pages // 2))
    with pytest.raises(RegistryUnavailable, match="annuaire index --rebuild"):
        look(build, checked=checked)


def test_an_end_that_is_missing_is_found(build: Path) -> None:
    with build.open("r+b") as file:
        file.truncate(build.stat().st_size - PAGE)
    with pytest.raises(RegistryUnavailable, match="annuaire index --rebuild"):
        look(build)


def test_what_a_free_page_holds_is_no_damage(build: Path) -> None:
    """One that was freed in the transaction that took it is never written: a hole, once the file is longer."""
    with closing(sqlite3.connect(build)) as db:
        before = build.stat().st_size // PAGE
        db.execute("INSERT INTO body VALUES (1000, ?)", (b"y" * 300 * PAGE,))
        db.execute('INSERT INTO "key" VALUES (?, 1)', ("z" * PAGE * 2,))
        db.commit()
        db.execute("DELETE FROM body WHERE id = 1000")
        db.commit()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
    assert free > 200
    with build.open("r+b") as file:  # the middle of what went: leaves of the list
        file.seek((before + 100) * PAGE)
        file.write(bytes(50 * PAGE))
    assert look(build).pages == 0
    for _ in range(5):
        assert look(build, checked=-1.0).pages > before
