"""The index follows the registry: a change committed there is in the next answer, a build replaces another whole."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import web_world as world
from index_world import fingerprint
from record_factories import SUFFIX
from sqlalchemy import Engine, inspect, update

from directory_service.errors import NotFound, RegistryUnavailable
from directory_service.index import follower as following
from directory_service.index import render
from directory_service.index.directory import Criteria, Directory
from directory_service.index.files import alone, current_name, open_writer
from directory_service.index.follower import Follower
from directory_service.index.query import TRUE, Approx, Equal, Query, Scope, Substrings, View
from directory_service.index.segments import FULL_TEXT, merge
from directory_service.index.writer import build_index
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.journal import append
from directory_service.registry.operators import remove_domain
from directory_service.registry.regions import regions
from directory_service.registry.tables import binding, mailbox, organization, practitioner

NEW = "2026-11-24T03:45:00Z"
BAL = f"ou=bal,{SUFFIX}"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened, _ = world.build_world(tmp_path)
    opened.close()
    found = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    yield found
    found.dispose()


@pytest.fixture
def directory(engine: Engine, tmp_path: Path) -> Iterator[Directory]:
    with closing(Directory(tmp_path / "index", SUFFIX)) as opened:
        yield opened


@pytest.fixture
def follower(engine: Engine, tmp_path: Path) -> Follower:
    return Follower(engine, tmp_path / "index", SUFFIX)


def change(engine: Engine, table, key: int, subject: str, **values: object) -> None:
    with writing(engine) as connection:
        connection.execute(update(table).where(table.c.id == key).values(**values))
        append(connection, actor="test", kind="update", subject=subject, subject_id=key)


def addresses(directory: Directory, word: str) -> list[str]:
    hits = directory.suggest(word, 10, View.ANONYMOUS).hits
    return sorted(json.loads(hit.json)["address"] for hit in hits)


def test_a_name_that_is_new_to_the_country_is_found_by_who_mistypes_it(engine, directory, follower) -> None:
    asked = Query(BAL, Scope.ONE, Approx("cn", b"uqinternell"), 10)  # an error in each half
    assert not directory.search(asked, View.ANONYMOUS).hits
    change(engine, practitioner, 2, "practitioner", family_name="QUINTERNEL")
    follower.catch_up()
    assert len(directory.search(asked, View.ANONYMOUS).hits) == 3
    assert directory.find(Criteria(q="uqinternell"), View.ANONYMOUS, 10, None).total == 1


def test_a_changed_name_is_found_and_the_former_one_is_not(engine, directory, follower) -> None:
    before = directory.build()
    change(engine, practitioner, 2, "practitioner", family_name="QUINTERNEL")
    assert follower.catch_up() == 1
    held = ["ailleurs@nulle-part.fr", "jean.dupont@medecin.mssante.fr", "partage@cabinet.mssante.fr"]
    assert addresses(directory, "quinternel") == held
    assert directory.find(Criteria(family="quinternel"), View.ANONYMOUS, 10, None).total == 1
    after = directory.build()
    assert after.seq == before.seq + 1 and after.id != before.id


def test_the_follower_and_a_build_from_scratch_agree(engine, follower, tmp_path) -> None:
    change(engine, practitioner, 2, "practitioner", family_name="ŒUVRARD Ж")
    change(engine, practitioner, 1, "practitioner", status="inactive", status_since=NEW, given_names="ZOÉ Ω")
    change(engine, practitioner, 4, "practitioner", status="active", status_since=NEW)
    change(engine, organization, 1, "organization", name="HÔPITAL ДЕ L'EST", siret="26690000000025")
    change(engine, binding, 2, "mailbox", until=NEW)
    change(engine, mailbox, 3, "mailbox", unlisted=True)
    change(engine, mailbox, 8, "mailbox", unlisted=False)
    follower.catch_up()
    _agrees_with_a_build(engine, tmp_path)
    # What the follower wrote it takes out again.
    change(engine, practitioner, 2, "practitioner", family_name="DUPUIS")
    change(engine, practitioner, 4, "practitioner", status="inactive", status_since=NEW)
    change(engine, mailbox, 3, "mailbox", type="ORG")
    change(engine, mailbox, 8, "mailbox", unlisted=True)
    follower.catch_up()
    _agrees_with_a_build(engine, tmp_path)


def test_it_leaves_no_segments_to_gather(engine, follower, tmp_path) -> None:
    """Each search would read each of them."""
    for number in range(8):
        change(engine, practitioner, 2, "practitioner", family_name=f"NOM{number}")
        follower.catch_up()
    with closing(open_writer(tmp_path / "index" / current_name(tmp_path / "index"))) as db:
        assert [merge(db, table) for table in FULL_TEXT] == [False] * 3


def _agrees_with_a_build(engine: Engine, folder: Path) -> None:
    """Letters that are gone may still be known."""
    build_index(engine, folder / "again", SUFFIX)
    assert fingerprint(folder / "index") == fingerprint(folder / "again")
    assert _letters(folder / "index") >= _letters(folder / "again")


def _letters(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / current_name(folder))) as db:
        return set(db.execute("SELECT value FROM meta WHERE key = 'letters'").fetchone()[0])


def test_catching_up_again_changes_nothing(engine, follower, tmp_path) -> None:
    change(engine, practitioner, 2, "practitioner", given_names="JEANNE")
    assert follower.catch_up() == 1
    once = fingerprint(tmp_path / "index")
    assert follower.catch_up() == 0
    assert once == fingerprint(tmp_path / "index")


def test_figures_are_right_once_changes_that_came_too_soon_to_be_counted_have_ended(
    engine, directory, follower, monkeypatch
) -> None:
    """They showed the first of two people closed in the same second, until something else changed."""
    seconds = 0.0
    monkeypatch.setattr(following, "time", SimpleNamespace(monotonic=lambda: seconds))
    for key in (1, 2):
        change(engine, practitioner, key, "practitioner", status="inactive", status_since=NEW)
        assert follower.catch_up() == 1
    assert directory.build().counts["practitioners_active"] == 3
    seconds = 11.0
    assert follower.catch_up() == 0
    assert directory.build().counts["practitioners_active"] == 2


def test_a_closed_mailbox_leaves_the_branch_and_stays_known(engine, directory, follower) -> None:
    address = "zoe.d-essai@medecin.mssante.fr"
    change(engine, binding, 1, "mailbox", until=NEW)
    change(engine, mailbox, 1, "mailbox", until=NEW)
    follower.catch_up()
    query = Query(BAL, Scope.ONE, Equal("mail", address.encode()), 10)
    assert directory.search(query, View.STAFF).hits == []
    assert directory.mailbox(address, View.ANONYMOUS)["status"] == "closed"


def test_a_registry_that_was_restored_and_went_on_past_the_index_is_built_again(
    engine, directory, follower, tmp_path
) -> None:
    """Its changes have the numbers of others, which the index holds."""
    backup = tmp_path / "backup.sqlite"
    with closing(sqlite3.connect(tmp_path / "registry.sqlite")) as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    with writing(engine) as connection:
        connection.execute(update(practitioner).where(practitioner.c.id == 2).values(family_name="PERDU"))
        append(connection, actor="test", kind="update", subject="practitioner", subject_id=2, at=NEW)
    follower.catch_up()
    assert addresses(directory, "perdu")
    engine.dispose()
    with closing(sqlite3.connect(backup)) as old, closing(sqlite3.connect(tmp_path / "registry.sqlite")) as db:
        old.backup(db)
    for _ in range(2):
        change(engine, practitioner, 1, "practitioner", given_names="ZOÉ MARIE")
    follower.catch_up()
    with closing(Directory(tmp_path / "index", SUFFIX)) as opened:
        assert not addresses(opened, "perdu") and addresses(opened, "dupont")


def test_a_merged_person_is_found_by_her_number_no_more_under_two_entries(engine, directory, follower) -> None:
    change(engine, practitioner, 3, "practitioner", merged_into=2)
    follower.catch_up()
    with pytest.raises(NotFound):
        directory.practitioner(world.JEAN_BIS, View.STAFF)
    assert directory.practitioner(world.JEAN, View.STAFF)[1] is None


def test_a_new_build_is_picked_up_and_old_files_go(engine, directory, tmp_path) -> None:
    folder = tmp_path / "index"
    first = directory.build()
    names = [build_index(engine, folder, SUFFIX).name for _ in range(3)]
    assert directory.build().built_at >= first.built_at and current_name(folder) == names[-1]
    assert sorted(p.name for p in folder.glob("*.sqlite")) == sorted(names[-2:])
    assert len(directory.search(Query(SUFFIX, Scope.SUBTREE, TRUE, 1000), View.STAFF).hits) > 10


def test_builds_that_meet_come_one_after_the_other(engine, directory, tmp_path) -> None:
    """``annuaire index`` while the follower builds: each would forget the other's file, made current or not."""
    folder = tmp_path / "index"
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: build_index(engine, folder, SUFFIX), range(3)))
    assert len(set(made)) == 3
    assert folder / current_name(folder) in made
    assert len(list(folder.glob("*.sqlite"))) == 2
    assert len(directory.search(Query(SUFFIX, Scope.SUBTREE, TRUE, 1000), View.STAFF).hits) > 10


def test_a_build_that_waits_for_another_says_so(engine, tmp_path) -> None:
    folder, said = tmp_path / "index", list[tuple[str, int, int]]()

    with ThreadPoolExecutor(1) as pool, ExitStack() as first:
        first.enter_context(alone(folder))

        def show(what: str, done: int, total: int) -> None:
            said.append((what, done, total))
            first.close()

        assert pool.submit(build_index, engine, folder, SUFFIX, progress=show).result(60).exists()
    assert [(done, total) for what, done, total in said if what.startswith("Attente")] == [(0, 0), (1, 1)]
    said.clear()
    build_index(engine, folder, SUFFIX, progress=lambda what, done, total: said.append((what, done, total)))
    assert {what for what, *_ in said}.isdisjoint({"Attente de la fin d'une autre construction de l'index"})


def test_several_processes_build_what_one_builds(engine, tmp_path) -> None:
    folder = tmp_path / "index"
    alone = fingerprint(folder)
    with reading(engine) as connection:
        work = regions(connection, 2)
    assert len(work) > 3
    batches = list(render.render_all(engine, SUFFIX, work, 2))
    below = [
        row for row in alone if len(row) in (8, 11) and isinstance(row[0], int) and row[0] >> 36
    ]  # not the containers
    assert sorted(row for b in batches for row in b.entries) + sorted(row for b in batches for row in b.bodies) == below


def test_without_a_build_the_directory_is_unavailable(tmp_path) -> None:
    with closing(Directory(tmp_path, SUFFIX)) as nothing, pytest.raises(RegistryUnavailable):
        nothing.build()


def test_another_suffix_makes_another_build(engine, tmp_path) -> None:
    before = current_name(tmp_path / "index")
    Follower(engine, tmp_path / "index", "o=autre,c=fr").catch_up()
    assert current_name(tmp_path / "index") != before
    with closing(Directory(tmp_path / "index", "o=autre,c=fr")) as other:
        query = Query("ou=bal,o=autre,c=fr", Scope.ONE, Substrings("sn", b"dup", (), b""), 10)
        assert len(other.search(query, View.ANONYMOUS).hits) > 0


def test_a_build_of_another_version_is_built_again(engine, directory, follower, tmp_path) -> None:
    before = current_name(tmp_path / "index")
    with closing(sqlite3.connect(tmp_path / "index" / before)) as db, db:
        db.execute("UPDATE meta SET value = '1' WHERE key = 'version'")
    follower.catch_up()
    assert current_name(tmp_path / "index") != before
    assert addresses(directory, "dupont")


def test_a_registry_that_does_not_answer_is_waited_for(engine, directory, follower, tmp_path) -> None:
    registry, away = tmp_path / "registry.sqlite", tmp_path / "away"
    change(engine, practitioner, 2, "practitioner", family_name="QUINTERNEL")
    engine.dispose()
    registry.rename(away)
    registry.mkdir()
    pauses: list[float | None] = []

    class Stop:
        def is_set(self) -> bool:
            return len(pauses) == 2

        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            if len(pauses) == 1:
                registry.rmdir()
                away.rename(registry)
            return self.is_set()

    follower.run(Stop())
    assert pauses == [5.0, 0.25]
    assert addresses(directory, "quinternel")


@pytest.mark.parametrize(("few", "share", "builds"), [(2, 20, True), (3, 20, False), (2, 1, False)])
def test_more_changes_than_a_share_of_all_records_make_a_build(
    engine, follower, tmp_path, monkeypatch, few: int, share: int, builds: bool
) -> None:
    """But few are always put in: of a small registry each is a large share."""
    monkeypatch.setattr(following, "_FEW", few)
    monkeypatch.setattr(following, "_SHARE", share)
    before = current_name(tmp_path / "index")
    for name in ("QUINTERNEL", "QUINTERNET", "QUINTERNELLE"):
        change(engine, practitioner, 2, "practitioner", family_name=name)
    assert follower.catch_up() == 3
    assert (current_name(tmp_path / "index") != before) is builds


def test_whom_operators_are_trusted_for_is_known_before_a_build_that_many_mailboxes_need(
    engine, directory, follower, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(following, "_MOST", 3)
    with writing(engine) as connection:
        remove_domain(connection, world.OPERATOR, "medecin.mssante.fr", actor="test")
    with ThreadPoolExecutor(1) as pool, alone(tmp_path / "index"):
        caught_up = pool.submit(follower.catch_up)  # ends once it may build
        until = time.monotonic() + 60
        while directory.operators_of("medecin.mssante.fr"):
            assert time.monotonic() < until
        assert not caught_up.done()


class _Twice:
    """Stops at the second pause."""

    def __init__(self) -> None:
        self.pauses: list[float | None] = []

    def is_set(self) -> bool:
        return len(self.pauses) > 1

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return self.is_set()


@pytest.mark.parametrize(("tables", "todo"), [("9999", "mettez ce programme à jour"), ("0025", "annuaire init")])
def test_a_registry_of_another_version_is_not_followed_and_why_is_told_once(
    engine, directory, follower, tmp_path, tables: str, todo: str
) -> None:
    """A service that was not stopped for an upgrade, or that was started before `annuaire init`."""
    change(engine, practitioner, 2, "practitioner", family_name="QUINTERNEL")
    with writing(engine) as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{tables}'")
    before, told = current_name(tmp_path / "index"), list[str]()
    follower.run(_Twice(), warn=told.append)
    assert len(told) == 1 and todo in told[0]
    assert current_name(tmp_path / "index") == before
    assert directory.find(Criteria(family="quinternel"), View.ANONYMOUS, 10, None).total == 0


class _Repaired(_Twice):
    """Stopped after two looks; the registry is in order again before the second."""

    def __init__(self, repair) -> None:
        super().__init__()
        self.repair = repair

    def wait(self, timeout: float | None = None) -> bool:
        self.repair()
        return super().wait(timeout)


def test_a_registry_that_is_followed_again_is_told(engine, directory, follower) -> None:
    """Else nobody would know whether what was told still holds."""
    change(engine, practitioner, 2, "practitioner", family_name="QUINTERNEL")
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE alembic_version RENAME TO away")

    def repair() -> None:
        with writing(engine, upgrading=True) as connection:
            if not inspect(connection).has_table("alembic_version"):
                connection.exec_driver_sql("ALTER TABLE away RENAME TO alembic_version")

    told = list[str]()
    follower.run(_Repaired(repair), warn=told.append)
    assert len(told) == 2 and "annuaire init" in told[0] and told[1] == ""
    assert directory.find(Criteria(family="quinternel"), View.ANONYMOUS, 10, None).total == 1


def test_a_build_that_is_damaged_is_built_again_when_a_change_meets_it(engine, directory, follower, tmp_path) -> None:
    build = (tmp_path / "index" / "current").resolve()
    with closing(sqlite3.connect(build)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = db.execute("PRAGMA page_size").fetchone()[0]
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'body'").fetchone()
    with build.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(bytes(size))
    change(engine, practitioner, 2, "practitioner", family_name="QUINTERNEL")
    assert follower.catch_up() == 1
    assert directory.find(Criteria(family="quinternel"), View.ANONYMOUS, 10, None).total == 1
