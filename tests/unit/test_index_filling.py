"""The file of a build: nothing is left of how it was made."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from index_world import make_entry
from record_factories import SUFFIX

from directory_service.entries.containers import container_entries
from directory_service.entries.entry import BAL, PEOPLE, STRUCTURES, UNLISTED
from directory_service.index import filling
from directory_service.index.filling import counts, fill, finish, opened
from directory_service.index.render import Batch, batch_of

FTS = ("text", "names", "tag")


def batch() -> Batch:
    return batch_of(container_entries(SUFFIX), [("a@b.fr", b"{}")], 1)


def test_no_page_is_free_and_no_file_stands_beside(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with opened(path, 0) as db:
        finish(db, fill(db, [batch()])[1], lambda *_: None)
    assert [found.name for found in tmp_path.iterdir()] == ["x.sqlite"]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_full_text_indexes_are_brought_over_whole(tmp_path: Path) -> None:
    """With the options that the follower writes by."""
    path = tmp_path / "x.sqlite"
    with opened(path, 0) as db:
        finish(db, fill(db, [batch()])[1], lambda *_: None)
    with closing(sqlite3.connect(path)) as db:
        for table in FTS:
            assert db.execute(f"SELECT v FROM {table}_config WHERE k = 'automerge'").fetchone() == (4,)
            db.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")
        assert db.execute("SELECT count(*) FROM text WHERE text MATCH '\"bal\"'").fetchone() == (1,)


def built(path: Path, batches: list[Batch]) -> tuple[dict[str, str], list[list[object]]]:
    """What it says of itself, and what can be found in it."""
    with opened(path, 0) as db:
        meta, hidden = fill(db, batches)
        finish(db, hidden, lambda *_: None)
        meta |= counts(db, hidden)
    with closing(sqlite3.connect(path)) as db:
        rows: list[list[object]] = [
            db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall() for t in ("entry", "body", "key")
        ]
        for table in FTS:
            db.execute(f"CREATE VIRTUAL TABLE temp.held_{table} USING fts5vocab(main, {table}, row)")
            rows.append(db.execute(f"SELECT term, doc FROM temp.held_{table}").fetchall())
    return meta, rows


def test_several_batches_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mailboxes, listed and not, before and after others; letters of other scripts in some of them."""
    monkeypatch.setattr(filling, "RARE", 1)
    places = ((BAL, "Ж"), (BAL, "a"), (UNLISTED, "b b"), (PEOPLE, "Ω"), (STRUCTURES, "c"), (BAL, "d"), (UNLISTED, "e"))
    made = [make_entry(place, n, cn=[f"durand {x}"], mail=["a@b.fr"]) for n, (place, x) in enumerate(places, 1)]
    first, second = [*container_entries(SUFFIX), *made[:4]], made[4:]
    one, several = (
        built(tmp_path / f"{len(parts)}.sqlite", [batch_of(part, [], 1) for part in parts])
        for parts in ([first + second], [first, second])
    )
    assert several[1] == one[1] and [len(rows) for rows in one[1][:2]] == [len(first) + len(second)] * 2
    assert several[0]["letters"] == one[0]["letters"] and set("жω") <= set(one[0]["letters"].casefold())
    held = json.loads(several[0]["fours"])
    assert held == json.loads(one[0]["fours"]) and set(held.values()) == {3}  # unlisted ones are not counted
    terms = sum((Counter(batch_of(part, [], 1).terms) for part in (first, second)), Counter[str]())
    assert json.loads(several[0]["terms"]) == terms


def test_what_stands_beside_goes_when_a_build_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), opened(tmp_path / "x.sqlite", 0):
        assert len(list(tmp_path.iterdir())) == 3
        raise ZeroDivisionError
    assert [found.name for found in tmp_path.iterdir()] == ["x.sqlite"]


def test_ctrl_c_at_the_end_of_a_build_waits_for_nothing(tmp_path: Path) -> None:
    """Another thread merges texts then: it is told to stop, and its file goes too."""

    def interrupt(_label: str, done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt), opened(tmp_path / "x.sqlite", 0) as db:
        finish(db, fill(db, [batch()])[1], interrupt)
    assert threading.active_count() == threads
    assert [found.name for found in tmp_path.iterdir()] == ["x.sqlite"]
