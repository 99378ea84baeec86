"""A registry in a PostgreSQL that others administer: rights, limits, encodings and languages that we did not choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import factories as f
import psycopg
import pytest
from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from directory_service.errors import RegistryUnavailable
from directory_service.registry import engine as engines
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.lock import locked
from directory_service.registry.operators import add_operator
from directory_service.registry.trusted import read_operators
from directory_service.registry.upgrading import upgrade
from importers.load import run_import

New = Callable[[str], URL]


def _administer(url: URL, *statements: str) -> None:
    """As who owns the server, in this database."""
    where = {"host": url.query["host"], "user": "test", "dbname": url.database}
    with psycopg.connect(**where, autocommit=True) as connection:  # type: ignore[arg-type]
        for statement in statements:
            connection.execute(statement)


def _opened(url: URL) -> Engine:
    return open_registry(url.render_as_string(hide_password=False))


def _limit(url: URL) -> None:
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        _administer(url, f"ALTER ROLE {url.username} SET {name} = '1s'")


def _own_schema(url: URL) -> Engine:
    """What the how-to grants: a schema of its own, nothing of the database."""
    role = url.username
    _administer(
        url,
        f"REVOKE ALL ON DATABASE {url.database} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {url.database} TO {role}",
        f"CREATE SCHEMA {role} AUTHORIZATION {role}",
    )
    return _opened(url)


def test_a_role_that_owns_its_schema_alone_is_enough(new_database: New, tmp_path: Path) -> None:
    engine = _own_schema(new_database("ENCODING 'UTF8'"))
    upgrade(engine)
    path = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])
    assert run_import(engine, [path], actor="tests").counts["practitioner"] == {"created": 1}


def test_a_role_without_a_schema_hears_what_to_grant(new_database: New) -> None:
    url = new_database("ENCODING 'UTF8'")
    with pytest.raises(RegistryUnavailable, match=f"CREATE SCHEMA {url.username}"):
        upgrade(_opened(url))
    _administer(url, f"ALTER ROLE {url.username} SET search_path = nowhere")
    with pytest.raises(RegistryUnavailable, match="aucun schéma"):
        upgrade(_opened(url))


def test_an_import_without_temporary_tables_hears_so_before_it_reads(new_database: New, tmp_path: Path) -> None:
    url = new_database("ENCODING 'UTF8'")
    engine = _own_schema(url)
    upgrade(engine)
    _administer(url, f"REVOKE TEMPORARY ON DATABASE {url.database} FROM {url.username}")
    path, told = f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))]), list[str]()
    with pytest.raises(RegistryUnavailable, match="GRANT TEMPORARY ON DATABASE"):
        run_import(engine, [path], actor="tests", progress=lambda label, _done, _total: told.append(label))
    assert told == []


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_name_is_refused(new_database: New, encoding: str) -> None:
    url = new_database(f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'")
    with pytest.raises(RegistryUnavailable, match=f"{encoding}.*UTF8"):
        upgrade(_own_schema(url))


def test_limits_against_forgotten_sessions_do_not_stop_a_job(new_database: New) -> None:
    url = new_database("ENCODING 'UTF8'")
    engine = _own_schema(url)
    upgrade(engine)
    _limit(url)
    with locked(engine, work="import", actor="aude"), reading(engine) as idle, writing(engine) as job:
        job.exec_driver_sql("SELECT pg_sleep(1.5)")  # meanwhile the lock and the other transaction are idle
        idle.exec_driver_sql("SELECT 1")
    with locked(engine, work="import", actor="zoé"):
        pass


def test_they_hold_for_whoever_has_little_patience(registry_url: str) -> None:
    if not registry_url.startswith("postgresql"):
        pytest.skip("SQLite has none")
    engine = open_registry(registry_url, patience=2.0)
    with writing(engine) as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "2s"
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "2s"


def test_a_first_load_leaves_the_tables_of_the_server_alone(new_database: New, tmp_path: Path) -> None:
    """It would be told of each that only its owner may analyze it: six thousand lines of its log for four imports."""
    url = new_database("ENCODING 'UTF8'")
    engine = _own_schema(url)
    upgrade(engine)
    log = Path(str(url.query["host"])) / "log"
    before = log.stat().st_size
    run_import(engine, [f.write_activity(tmp_path / "a.txt", [f.activity(f.rpps(1))])], actor="tests")
    assert "analy" not in log.read_text(errors="replace")[before:].lower()
    with reading(engine) as connection:
        analysed = "SELECT count(*) FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'practitioner'"
        assert connection.exec_driver_sql(analysed).scalar()


@pytest.mark.parametrize("locale", ["LOCALE 'C'", "LOCALE_PROVIDER icu ICU_LOCALE 'fr-FR' LOCALE 'C.UTF-8'"])
def test_operators_come_in_one_order_whatever_the_language_of_the_database(new_database: New, locale: str) -> None:
    engine = _own_schema(new_database(f"ENCODING 'UTF8' {locale}"))
    upgrade(engine)
    with writing(engine) as connection:
        for name in ("ab", "a_b", "a1"):
            add_operator(connection, name, ["ch-essai.mssante.fr"], actor="tests")
    with reading(engine) as connection:
        assert [operator.name for operator in read_operators(connection)] == ["a1", "a_b", "ab"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('FATAL:  database "annuaire" does not exist', "createdb"),
        ("FATAL:  la base de données « annuaire » n'existe pas", "createdb"),
        ("FATAL:  le rôle « annuaire » n'est pas autorisé à se connecter", "ce rôle"),
        ("FATAL:  authentification par mot de passe échouée pour l'utilisateur  « annuaire »", "mot de passe"),
        ("FATAL:  sorry, too many clients already", "connexion libre"),
        ("FATAL:  désolé, trop de clients sont déjà connectés", "connexion libre"),
        ("FATAL:  le système de bases de données se lance", "démarre ou s'arrête"),
        ("FATAL:  le système de bases de données n'accepte pas encore les connexions", "démarre ou s'arrête"),
        ("FATAL:  the database system is shutting down", "démarre ou s'arrête"),
        ("session is read-only", "lecture seule"),
        ('root certificate file "/etc/ca.pem" does not exist', "sslrootcert"),
        ('could not open certificate file "/etc/us.pem": No such file or directory', "sslrootcert"),
        ("SSL error: certificate verify failed", "sslrootcert"),
        ("server does not support SSL, but SSL was required", "sslmode"),
        ('FATAL:  no pg_hba.conf entry for host "192.0.2.1", user "annuaire", database "annuaire", SSL off', "pg_hba"),
    ],
)
def test_why_a_server_is_not_reached_is_told_in_whichever_language_it_speaks(said: str, why: str) -> None:
    """libpq gives no code for it.  Heard from servers of Debian 12, English and French."""
    assert why in str(engines._unopened(DBAPIError("", None, psycopg.OperationalError(said))))


def test_a_database_of_another_program_is_left_alone(new_database: New) -> None:
    """Of two programs that both keep mailboxes: it was an internal fault."""
    url = new_database("ENCODING 'UTF8'")
    engine = _own_schema(url)
    _administer(url, f"CREATE TABLE {url.username}.mailbox (id int)", f"ALTER TABLE {url.username}.mailbox OWNER TO "
                f"{url.username}")  # fmt: skip
    with pytest.raises(RegistryUnavailable, match="autre programme"):
        upgrade(engine)


def test_a_session_that_is_ours_prepares_what_it_repeats(registry_url: str) -> None:
    """What a pooler would mix up is prepared where there is none: an import repeats the same few statements."""
    if not registry_url.startswith("postgresql"):
        pytest.skip("of psycopg alone")
    with reading(open_registry(registry_url)) as connection:
        for _ in range(8):
            connection.exec_driver_sql("SELECT 1")
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()
