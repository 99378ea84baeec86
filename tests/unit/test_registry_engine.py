"""Opening the registry, its version, its transactions; on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from full_disk import full_disk
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from directory_service.errors import InvalidInput, RegistryUnavailable
from directory_service.registry.bulk import insert_rows
from directory_service.registry.clock import format_instant, parse_instant
from directory_service.registry.engine import filling, kept_open, open_registry, reading, require_current, writing
from directory_service.registry.tables import metadata, nomenclature
from directory_service.registry.upgrading import upgrade


def _labels(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(nomenclature.c.label)).scalars())


def test_the_migrations_make_the_tables_that_the_code_describes(registry: Engine) -> None:
    with reading(registry) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_upgrading_twice_changes_nothing(registry: Engine) -> None:
    upgrade(registry)
    require_current(registry)


def test_a_registry_that_was_never_created_says_how_to_create_it(tmp_path: Path) -> None:
    engine = open_registry(f"sqlite:///{tmp_path / 'none.sqlite'}")
    with pytest.raises(RegistryUnavailable, match="annuaire init"):
        require_current(engine)
    assert not (tmp_path / "none.sqlite").exists()


def test_a_registry_without_tables_says_how_to_create_them(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    path.touch()
    with pytest.raises(RegistryUnavailable, match="annuaire init"):
        require_current(open_registry(f"sqlite:///{path}"))


def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    engine = open_registry(f"postgresql://nobody@/none?host={tmp_path}")
    with pytest.raises(RegistryUnavailable), reading(engine):
        pass


def test_a_registry_that_does_not_open_says_what_an_account_needs(tmp_path: Path) -> None:
    """SQLite says the same of a folder as of a file that this account may not open (root, as CI is, may open any)."""
    with pytest.raises(RegistryUnavailable, match=f"écrire {re.escape(str(tmp_path))} et son dossier"):
        require_current(open_registry(f"sqlite:///{tmp_path}"))


def test_a_registry_that_finds_no_room_to_open_tells_of_its_disk(sqlite_template: Path, tmp_path: Path) -> None:
    path = shutil.copy(sqlite_template, tmp_path / "registry.sqlite")
    with full_disk(), pytest.raises(RegistryUnavailable, match="disque du registre"):
        require_current(open_registry(f"sqlite:///{path}"))


@pytest.mark.parametrize(
    "url", ["annuaire", "mysql://x:secret@y/z", "postgresql+psycopg2://x:secret@y/z", "sqlit:///a"]
)
def test_a_url_of_no_registry_is_refused_by_its_setting_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput, match="database_url") as refusal:
        open_registry(url)
    assert "secret" not in str(refusal.value)


def test_a_server_that_is_not_reached_says_what_to_look_at(postgresql: Path) -> None:
    """It was ``OperationalError``."""
    server = f"postgresql+psycopg://test@/{{}}?host={postgresql}"
    for url, why in (
        (server.format("absente"), "cette base n'existe pas : créez-la"),
        (server.format("postgres").replace("test@", "absent@"), "ce rôle n'existe pas"),
        ("postgresql+psycopg://test@127.0.0.1:1/x", "PostgreSQL est-il lancé"),
        ("postgresql+psycopg://test@annuaire.invalid/x", "cet hôte est inconnu"),
        ("postgresql+psycopg://test:se@cret@127.0.0.1/x", "%40"),
        ("postgresql+psycopg://test@127.0.0.1:99999/x", "numéro de port"),
        (server.format("postgres") + "&sslmode=secret", "option"),
        (server.format("postgres") + "&connect_timeout=secret", "option"),
        (server.format("postgres") + "&secret=1", "option"),
        (server.format("postgres") + "&service=secret", "option"),
        (server.format("postgres") + "&options=-csecret%3D1", "option"),
    ):
        with pytest.raises(RegistryUnavailable, match=why) as refusal:
            require_current(open_registry(url))
        assert "réglage database_url" in str(refusal.value) and refusal.value.message == "le registre ne répond pas"
        assert "cret" not in str(refusal.value)


def test_what_answers_may_be_another_service(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=_say_http, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(RegistryUnavailable, match="pas un serveur PostgreSQL"):
            require_current(open_registry(f"postgresql://u@127.0.0.1:{port}/x?sslmode=disable"))
        thread.join(60)


def _say_http(server: socket.socket) -> None:
    peer, _ = server.accept()
    with peer:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_password_is_hidden_wherever_it_stands_in_the_url() -> None:
    for url in ("postgresql://u:secret@h/b", "postgresql://u@h/b?password=secret", "postgresql://h/b?password=secret"):
        engine = open_registry(url)
        assert engine.url.password == "secret"
        assert "secret" not in engine.url.render_as_string(hide_password=True) + repr(engine)


def test_a_registry_of_another_program_is_told_as_one(registry: Engine) -> None:
    """Its version was taken for a later one of ours."""
    with writing(registry) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '1975ea83b712'")
    for ask in (require_current, upgrade):
        with pytest.raises(RegistryUnavailable, match="autre programme"):
            ask(registry)


def test_a_registry_of_a_later_version_is_told_as_one_and_left_alone(registry: Engine) -> None:
    with writing(registry) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for ask in (require_current, upgrade):
        with pytest.raises(RegistryUnavailable, match="plus récente"):
            ask(registry)


@pytest.mark.parametrize("change", [writing, filling])
@pytest.mark.parametrize("tables", ["9999", "0025"])
def test_who_opened_a_registry_before_it_was_upgraded_writes_nothing_in_it(registry: Engine, change, tables) -> None:
    """An old service's follower wrote the transparency log there without what the new tables say."""
    with writing(registry) as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{tables}'")
    with pytest.raises(RegistryUnavailable, match=r"mettez ce programme à jour|annuaire init"), change(registry):
        pytest.fail("it may write")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@h/b",
        "postgres://h/b",
        "postgresql://h:port/b",
        "sqlite://a",
        "sqlite:///:memory:",
        "var",
        "sqlite:///a?timeout=x",
        "sqlite:///a%00b",
    ],
)
def test_a_url_of_another_kind_is_wrong_usage_and_is_not_told(url: str) -> None:
    with pytest.raises(InvalidInput, match="attendu") as refusal:
        open_registry(url)
    assert url not in str(refusal.value) and refusal.value.exit_code == 2


def test_the_folder_of_a_new_registry_is_created(tmp_path: Path) -> None:
    engine = open_registry(f"sqlite:///{tmp_path / 'var' / 'registry.sqlite'}")
    upgrade(engine)
    require_current(engine)


def test_a_failed_transaction_leaves_nothing_not_even_a_table(registry: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(registry) as connection:
        connection.execute(nomenclature.insert().values(system="mode", code="L", label="Libéral"))
        connection.execute(text("CREATE TABLE extra (id INTEGER)"))
        raise ZeroDivisionError
    assert _labels(registry) == []
    with reading(registry) as connection:
        assert not inspect(connection).has_table("extra")


def test_a_full_disk_or_a_server_that_leaves_makes_the_registry_unavailable(registry: Engine) -> None:
    """Met by the driver itself here, since rows in bulk go past SQLAlchemy."""
    rows = [("mode", str(n), "x" * 1000) for n in range(1000)]
    with pytest.raises(RegistryUnavailable, match=r"plein|s'arrête"), writing(registry) as connection:
        if registry.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # of no less than there are
            insert_rows(connection, nomenclature, ("system", "code", "label"), rows)
        else:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    assert _labels(registry) == []


def test_a_registry_that_cannot_be_written_is_unavailable(registry: Engine) -> None:
    with pytest.raises(RegistryUnavailable, match="lecture seule"), writing(registry) as connection:
        read_only = {"sqlite": "PRAGMA query_only = ON", "postgresql": "SET TRANSACTION READ ONLY"}
        connection.exec_driver_sql(read_only[registry.dialect.name])
        connection.execute(nomenclature.insert().values(system="mode", code="L", label="Libéral"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("SET LOCAL ROLE pg_read_all_data; DELETE FROM nomenclature", "droit"),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", "trop longue"),
    ],
)
def test_what_a_postgresql_server_does_not_allow_is_told(registry: Engine, said: str, why: str) -> None:
    if registry.dialect.name == "sqlite":
        pytest.skip("it has neither roles nor limits")
    with pytest.raises(RegistryUnavailable, match=why), writing(registry) as connection:
        connection.exec_driver_sql(said)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "r.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(RegistryUnavailable, match="n'est pas un registre"):
        require_current(open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(RegistryUnavailable, match="ne peut pas être créé"):
        upgrade(open_registry(f"sqlite:///{tmp_path / 'var' / 'registry.sqlite'}"))


def test_a_reader_keeps_its_picture_while_another_writes(registry: Engine) -> None:
    query = select(nomenclature.c.label)
    with reading(registry) as before:
        assert before.execute(query).all() == []
        with writing(registry) as connection:
            connection.execute(nomenclature.insert().values(system="mode", code="L", label="Libéral"))
        assert before.execute(query).all() == []
    assert _labels(registry) == ["Libéral"]


def test_who_asks_all_day_keeps_one_connection_to_a_server_until_it_is_gone(registry: Engine) -> None:
    def served_by() -> int:
        with reading(engine) as connection:
            return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    with kept_open(registry.url.render_as_string(hide_password=False)) as engine:
        if registry.dialect.name == "sqlite":  # the file may be another one next time
            assert isinstance(engine.pool, NullPool)
            return
        first = served_by()
        with writing(engine) as connection:
            connection.execute(nomenclature.insert().values(system="mode", code="L", label="Libéral"))
        assert served_by() == first and _labels(engine) == ["Libéral"]
        with writing(registry) as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({first})")
        assert served_by() != first


def test_a_reader_cannot_write(registry: Engine) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), reading(registry) as connection:
        connection.execute(nomenclature.insert().values(system="mode", code="L", label="Libéral"))


def test_foreign_keys_are_held(registry: Engine) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), writing(registry) as connection:
        connection.execute(text("INSERT INTO domain (name, operator_id, since) VALUES ('a.fr', 9, '2026')"))


def test_instants_are_utc_text_that_reads_back() -> None:
    assert format_instant(parse_instant("2026-11-24T04:45:00+01:00")) == "2026-11-24T03:45:00Z"
    assert format_instant(parse_instant("2026-11-24")) == "2026-11-24T00:00:00Z"
    assert parse_instant("2026-11-24T03:45:00Z").utcoffset() is not None


def test_a_bad_instant_is_the_callers_fault() -> None:
    with pytest.raises(InvalidInput, match="ISO 8601"):
        parse_instant("hier")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("31/02/2026", "février 2026 compte 28 jours"),
        ("2024-02-30T06:00:00Z", "février 2024 compte 29 jours"),
        ("2026-11-31", "novembre 2026 compte 30 jours"),
        ("12/31/2026", "il n'y a pas de mois 31"),
        ("00/05/2026", "mai 2026 compte 31 jours"),
        ("0000-01-01", "il n'y a pas d'an 0"),
        ("6.8.2026 06:00", "s'écrit 2026-08-06"),
        ("2026-8-6", "s'écrit 2026-08-06"),
        ("2026-08-06T25:00", "ISO 8601 attendu"),
        ("26/08/26", "ISO 8601 attendu"),
        ("9" * 400, "ISO 8601 attendu"),
    ],
)
def test_a_day_that_is_none_is_told_as_such(typed: str, why: str) -> None:
    """31/02/2026 was shown as 2026-02-31, which is none either."""
    with pytest.raises(InvalidInput) as told:
        parse_instant(typed)
    assert why in told.value.message and "-02-3" not in told.value.message
