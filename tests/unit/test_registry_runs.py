"""Runs and operators as the registry keeps them; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json

import pytest
from argon2 import PasswordHasher
from registry_factories import LATER, START
from sqlalchemy import Connection, Engine, update

from directory_service.errors import Forbidden, InvalidInput, NotFound
from directory_service.registry import journal, operators, runs
from directory_service.registry.bulk import insert_rows
from directory_service.registry.engine import reading, writing
from directory_service.registry.overview import read_operators, read_sources
from directory_service.registry.tables import operator, rejection, run_file

ROW = (12, "Identifiant PP", "identifier", "clé fausse", "8|10000000018|…")


def _import(connection: Connection, layout: str, digest: str, *, status: str = "done") -> int:
    number = runs.create_run(connection, actor="essai", kind="import", as_of=START, started_at=START)
    key = runs.add_file(connection, number, layout=layout, name="a.txt", sha256=digest, size=9, rows=3)
    if status != "unchanged":  # a file that was read before is not read again
        columns = ("run_file_id", "line", "column_name", "reason", "message", "raw")
        insert_rows(connection, rejection, columns, [(key, *ROW)])
        connection.execute(update(run_file).where(run_file.c.id == key).values(rejected=1, warnings='["œ"]'))
    runs.finish_run(connection, number, status=status, counts={"created": 2}, finished_at=LATER)
    return number


def test_a_run_shows_its_files_its_impact_and_what_it_set_aside(registry: Engine) -> None:
    with writing(registry) as connection:
        number = _import(connection, "rpps.activity", "aa")
    with reading(registry) as connection:
        run = runs.get_run(connection, number)
        (rejected,) = runs.read_rejections(connection, number)
        assert runs.read_runs(connection) == [run]
    assert (run.actor, run.kind, run.status, run.finished_at, run.counts) == (
        "essai",
        "import",
        "done",
        LATER,
        {"created": 2},
    )
    (file,) = run.files
    assert (file.layout, file.sha256, file.bytes, file.rows, file.rejected, file.warnings) == (
        "rpps.activity", "aa", 9, 3, 1, ("œ",),
    )  # fmt: skip
    assert (rejected.file, rejected.line, rejected.reason, rejected.raw) == ("a.txt", 12, "identifier", ROW[4])


def test_runs_come_newest_first_and_as_many_as_asked(registry: Engine) -> None:
    with writing(registry) as connection:
        numbers = [_import(connection, "rpps.activity", d) for d in ("aa", "bb", "cc")]
    with reading(registry) as connection:
        assert [r.pk for r in runs.read_runs(connection, limit=2)] == numbers[:0:-1]


def test_an_unknown_run_is_not_found(registry: Engine) -> None:
    with reading(registry) as connection, pytest.raises(NotFound):
        runs.get_run(connection, 9)


def test_the_last_file_of_a_layout_tells_whether_the_next_one_is_new(registry: Engine) -> None:
    with writing(registry) as connection:
        assert runs.last_file(connection, "rpps.activity") is None
        _import(connection, "rpps.activity", "aa")
        _import(connection, "rpps.activity", "bb")
        _import(connection, "mssante.mailboxes", "cc")
        last = runs.last_file(connection, "rpps.activity")
    assert last is not None
    assert last.sha256 == "bb"


def test_each_source_stands_with_its_last_file(registry: Engine) -> None:
    with writing(registry) as connection:
        _import(connection, "rpps.activity", "aa")
        other = _import(connection, "mssante.mailboxes", "cc")
        last = _import(connection, "rpps.activity", "aa", status="unchanged")
        sources = read_sources(connection)
    assert [(s.name, s.run, s.finished_at, s.rows) for s in sources] == [
        ("mssante.mailboxes", other, LATER, 2),
        ("rpps.activity", last, LATER, 2),
    ]


def test_an_operator_is_added_with_its_domains(registry: Engine) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, "essai", ["B.mssante.fr.", "a.mssante.fr"], actor="test")
    with reading(registry) as connection:
        (found,) = read_operators(connection)
        assert operators.get_operator(connection, "essai") == found
    assert (found.name, found.status, found.secret_hash, found.domains) == (
        "essai", "active", "", ("a.mssante.fr", "b.mssante.fr"),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", "Essai", "a b", "a,b", "-a", "x" * 65])
def test_an_operators_name_needs_no_escaping_anywhere(registry: Engine, name: str) -> None:
    with writing(registry) as connection, pytest.raises(InvalidInput):
        operators.add_operator(connection, name, actor="test")


def test_a_name_is_taken_once(registry: Engine) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, "essai", actor="test")
        with pytest.raises(InvalidInput, match="déjà"):
            operators.add_operator(connection, "essai", actor="test")


@pytest.mark.parametrize("domain", ["", "fr", "a@b.fr", "a b.fr", "-a.fr", "a..fr"])
def test_a_domain_has_the_form_of_one(registry: Engine, domain: str) -> None:
    with writing(registry) as connection, pytest.raises(InvalidInput):
        operators.add_operator(connection, "essai", [domain], actor="test")


def test_a_secret_names_its_operator_and_only_its_hash_is_kept(registry: Engine) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, "essai", actor="test")
        old = operators.set_secret(connection, "essai", actor="test")
        secret = operators.set_secret(connection, "essai", actor="test")
        found = operators.get_operator(connection, "essai")
        written = json.dumps([str(e) for e in journal.read_after(connection, 0, 99)])
    assert secret.startswith("essai.")
    assert secret != old
    assert PasswordHasher().verify(found.secret_hash, secret)
    assert secret not in written
    assert found.secret_hash not in written


def test_suspending_is_dated_journalled_and_undone(registry: Engine) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, "essai", actor="test")
        assert operators.suspend(connection, "essai", actor="test", at=LATER)
        assert not operators.suspend(connection, "essai", actor="test")
        assert operators.get_operator(connection, "essai").status == "suspended"
        assert operators.set_status(connection, "essai", "active", actor="test")
        kinds = [e.kind for e in journal.read_after(connection, 0, 99)]
    assert kinds == ["create", "suspend", "resume"]


def test_only_an_active_operator_is_let_in(registry: Engine) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, "essai", actor="test")
        operators.require_active(connection, "essai")
        connection.execute(update(operator).values(status="withdrawn"))
        for name in ("essai", "personne"):
            with pytest.raises(Forbidden):
                operators.require_active(connection, name)


def test_a_domain_comes_and_goes_and_two_operators_may_hold_it(registry: Engine) -> None:
    with writing(registry) as connection:
        for name in ("essai", "autre"):
            operators.add_operator(connection, name, actor="test")
            assert operators.add_domain(connection, name, "a.mssante.fr", actor="test")
        assert not operators.add_domain(connection, "essai", "A.mssante.fr", actor="test")
        assert operators.remove_domain(connection, "essai", "a.mssante.fr", actor="test")
        assert not operators.remove_domain(connection, "essai", "a.mssante.fr", actor="test")
        assert operators.get_operator(connection, "essai").domains == ()
        assert operators.get_operator(connection, "autre").domains == ("a.mssante.fr",)
        assert operators.add_domain(connection, "essai", "a.mssante.fr", actor="test")
        assert operators.get_operator(connection, "essai").domains == ("a.mssante.fr",)


def test_what_is_asked_of_an_unknown_operator_is_not_found(registry: Engine) -> None:
    with writing(registry) as connection:
        for ask in (operators.set_secret, operators.suspend):
            with pytest.raises(NotFound):
                ask(connection, "personne", actor="test")
        with pytest.raises(NotFound):
            operators.get_operator(connection, "personne")


def test_rights_are_given_and_taken_one_by_one_and_the_journal_says_so(registry: Engine) -> None:
    with writing(registry) as connection:
        operators.add_operator(connection, "essai", actor="test")
        assert operators.get_operator(connection, "essai").rights == ("publish",)
        assert operators.set_right(connection, "essai", "unlisted", True, actor="test")
        assert not operators.set_right(connection, "essai", "unlisted", True, actor="test")
        assert operators.set_right(connection, "essai", "publish", False, actor="test")
        assert operators.get_operator(connection, "essai").rights == ("unlisted",)
        with pytest.raises(InvalidInput, match="publish, unlisted"):
            operators.set_right(connection, "essai", "all", True, actor="test")
    with reading(registry) as connection:
        kinds = [entry.kind for entry in journal.read_after(connection, 0, 10)]
    assert kinds == ["create", "right", "right"]
