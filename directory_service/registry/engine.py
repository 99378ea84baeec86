"""Opening the registry, on SQLite or PostgreSQL.

SQLite: the driver's own idea of transactions is switched off, since it leaves DDL outside of them; BEGIN is ours.
``writing`` is the one way to change the registry: one writer at a time in both databases, so that the order of the
journal is the order of the commits, which is what the follower of the index relies on.
Connections are not pooled: opening is cheap beside what they are opened for, and nothing is shared across a fork.  Only
the follower, which looks four times a second, keeps one to a PostgreSQL server, where opening takes a process and a
secret; a file of SQLite may have been put back from a backup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from directory_service.errors import InvalidInput, RegistryBusy, RegistryUnavailable, unread
from directory_service.registry.failures import FAULTS, FAULTS_OF_WRITING, told

REVISION = "0033"  # of the tables: the newest of migrations/versions
BUSY_SECONDS = 30  # a publication waits that long for another writer; an import holds the lock for minutes
_WRITER_LOCK = 0x616E6E75  # "annu": key of PostgreSQL's advisory lock

_OPENED_ANEW: dict[str, Any] = {"poolclass": NullPool}
# One stays open, others close after use; asked whether it lives before it is used, and not for longer than a firewall
# remembers it.
_KEPT: dict[str, Any] = {
    "poolclass": QueuePool, "pool_size": 1, "max_overflow": -1, "pool_pre_ping": True, "pool_recycle": 300,
}  # fmt: skip

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers never wait for an import
    "PRAGMA synchronous = NORMAL",  # a power cut may lose the last commit, never the file
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
    "PRAGMA mmap_size = 1073741824",
)


def open_registry(url: str, *, patience: float | None = None) -> Engine:
    """The engine for ``sqlite:///path`` or ``postgresql+psycopg://…`` (``postgresql://`` means the same driver).
    Nothing is read or written before the first connection.  ``patience``: seconds that a writer waits for another one,
    and for a server to be reached; by default ``BUSY_SECONDS`` on SQLite, and as long as it takes on PostgreSQL.
    Raises InvalidInput for a URL of another kind."""
    return _engine(_parsed(url), patience, _OPENED_ANEW)


@contextmanager
def kept_open(url: str) -> Iterator[Engine]:
    """The engine for who asks all the time: one connection to a server stays open between two questions.  It must not
    be inherited by another process.  Raises InvalidInput like ``open_registry``."""
    where = _parsed(url)
    engine = _engine(where, None, _OPENED_ANEW if where.drivername == "sqlite" else _KEPT)
    try:
        yield engine
    finally:
        engine.dispose()


def _engine(where: URL, patience: float | None, pool: dict[str, Any]) -> Engine:
    engine = create_engine(where, connect_args=_connect_args(where, patience), **pool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        _set_up_postgresql(engine, patience)
    return engine


def _parsed(url: str) -> URL:
    """The URL is not told: it may hold a password.  Where ``init`` tells it, its password alone is hidden."""
    try:
        found: URL | None = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number
        found = None
    name = found.drivername if found else ""
    if found and name in ("postgresql", "postgresql+psycopg"):
        if isinstance(secret := found.query.get("password"), str):  # libpq takes it there too
            found = found.difference_update_query(["password"]).set(password=secret)
        return found.set(drivername="postgresql+psycopg")
    if found and name == "sqlite" and _is_path(found.database) and not (found.host or found.query):
        return found
    raise InvalidInput("sqlite:///chemin ou postgresql+psycopg://hôte/base est attendu", where="réglage database_url")


def _is_path(database: str | None) -> bool:
    return bool(database) and database != ":memory:" and "\0" not in str(database)


def _connect_args(url: URL, patience: float | None) -> dict[str, Any]:
    if url.drivername == "sqlite":
        return {"timeout": BUSY_SECONDS if patience is None else patience, "isolation_level": None}
    return {} if patience is None else {"connect_timeout": max(2, round(patience))}  # libpq takes no less


def _set_up_postgresql(engine: Engine, patience: float | None) -> None:
    event.listen(engine, "connect", _require_unicode, insert=True)  # before SQLAlchemy reads what it cannot decode
    event.listen(engine, "connect", _suit_poolers)
    event.listen(engine, "begin", _limiting(patience))


def _require_unicode(connection: Any, _record: object) -> None:
    """Names that another encoding lacks (Œ, in LATIN1) would stop an import on the day when they come."""
    if (encoding := connection.info.parameter_status("server_encoding")) not in (None, "UTF8"):
        connection.close()
        why = f"la base du registre est en {encoding}, il la faut en UTF8"
        raise RegistryUnavailable(why, hint="createdb -T template0 -E UTF8 …")


def _suit_poolers(connection: Any, _record: object) -> None:
    """Behind a pooler that hands out servers by transaction (PgBouncer), what one transaction prepared is another one's
    later: nothing is prepared there.  A pooler is known by a session that is not the one that libpq was told of."""
    ((session,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
    connection.rollback()
    if session != connection.info.backend_pid:
        connection.prepare_threshold = None


# For the transaction alone: behind a pooler, what holds for a session holds for whoever gets it next.
_LIMITS: Final = ("statement_timeout", "idle_in_transaction_session_timeout")


def _limiting(patience: float | None) -> Callable[[Connection], None]:
    """PostgreSQL waits for locks, advisory ones too, for ``patience`` seconds.  Without it, this is a job that takes as
    long as it takes, an import that reads files meanwhile: limits that an administrator gave the role against sessions
    that were forgotten do not count, as in pg_dump."""
    limits = dict.fromkeys(_LIMITS, 0) if patience is None else {}
    limits["lock_timeout"] = 0 if patience is None else max(1, int(patience * 1000))

    def begin(connection: Connection) -> None:
        recent = (connection.dialect.server_version_info or ()) >= (17,)
        also = {"transaction_timeout": 0} if patience is None and recent else {}
        said = ", ".join(f"set_config('{name}', '{most}', true)" for name, most in {**limits, **also}.items())
        connection.exec_driver_sql(f"SELECT {said}")

    return begin


def _set_up_sqlite(connection: Any, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    try:
        connection.exec_driver_sql(f"BEGIN {mode}")
    except DBAPIError as error:
        if not getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise
        raise _busy() from error


def _busy() -> RegistryBusy:
    return RegistryBusy("le registre est occupé : une autre écriture dure plus longtemps que l'attente permise")


@contextmanager
def writing(engine: Engine, *, upgrading: bool = False) -> Iterator[Connection]:
    """One transaction that changes the registry: committed at the end, rolled back on any error.  It waits for the
    writer before it.  Raises RegistryUnavailable if the registry does not answer, or has the tables of another version
    (unless ``upgrading``): a service that was not stopped for an upgrade would write there what it knows no more of;
    RegistryBusy past its patience."""
    # IMMEDIATE: a deferred transaction that read first could no longer become a writer after another's commit.
    immediate = engine.execution_options(sqlite_begin="IMMEDIATE")
    with told(FAULTS_OF_WRITING), connected(immediate) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            _wait_in_postgresql(connection)
        if not upgrading:
            require_tables(connection)
        yield connection


def _wait_in_postgresql(connection: Connection) -> None:
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise _busy() from error


@contextmanager
def filling(engine: Engine) -> Iterator[Connection]:
    """``writing``, for who fills an empty registry.  SQLite's log is left for a rollback journal meanwhile, unless
    somebody else has the file open: a log as large as the registry is written twice, and searched for every page that
    left the cache, while new pages need no journal.  Whoever else connects then waits, or meets RegistryUnavailable;
    there is nothing to read yet.  See docs/decisions/0006."""
    if engine.dialect.name != "sqlite":
        with writing(engine) as connection:
            yield connection
        return
    immediate = engine.execution_options(sqlite_begin="IMMEDIATE")
    with told(FAULTS_OF_WRITING), connected(immediate) as connection:
        driver: Any = connection.connection.driver_connection
        _set_journal(driver, "DELETE")
        driver.execute("PRAGMA synchronous = FULL").close()  # NORMAL withstands a power cut with a log only
        driver.execute("PRAGMA mmap_size = 0").close()  # each page of a whole scan would count as memory of ours
        try:
            with connection.begin():
                require_tables(connection)
                yield connection
        finally:
            if not connection.invalidated:  # as Ctrl-C within a statement leaves it: closed
                _set_journal(driver, "WAL")


def _set_journal(driver: Any, mode: str) -> None:
    """Where another connection is in the way, the mode stays; the next one that opens the file asks for the log."""
    with suppress(OperationalError):
        driver.execute("PRAGMA busy_timeout = 0").close()
        driver.execute(f"PRAGMA journal_mode = {mode}").close()
    driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}").close()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent picture of the registry, however long the reading lasts and whatever is written meanwhile;
    writing is refused by the database."""
    with connected(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
            yield connection


@contextmanager
def asking(url: str) -> Iterator[Connection]:
    """``reading``, for who asks one thing of a registry that may be down, from any thread or process: the engine is
    kept, the connection is not.  Raises RegistryUnavailable for whatever the database says."""
    try:
        with reading(_kept(url)) as connection:
            yield connection
    except DBAPIError as error:
        raise RegistryUnavailable(f"le registre ne répond pas ({type(error.orig).__name__})") from None


@lru_cache(maxsize=8)
def _kept(url: str) -> Engine:
    return open_registry(url)


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """A connection, no transaction.  Raises RegistryUnavailable if the registry does not answer, or no longer does."""
    require_file(engine)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise _unopened(error, engine.url.database) from error
    with told(FAULTS), connection:
        yield connection


def _unopened(error: DBAPIError, file: str | None = None) -> RegistryUnavailable:
    if getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
        hint = f"ce compte peut-il écrire {file or 'ce fichier'} et son dossier ?"
        return RegistryUnavailable("impossible d'ouvrir le registre", hint=hint)
    said = str(error.orig)
    why = next((why for part, why in _UNOPENED.items() if re.search(part, said)), type(error.orig).__name__)
    return RegistryUnavailable("le registre ne répond pas", hint=f"{why} (réglage database_url)")


# What libpq, or the server that it reached, says of a connection that is not made, with no code; SQLite, of a file.
# A server says it in the language of its lc_messages: English, or French as Debian's does where the system is French.
_UNOPENED: Final = {
    'database ".*" does not exist|base de données « .* » n.existe pas': (
        "cette base n'existe pas : créez-la (createdb), puis lancez `annuaire init`"
    ),
    'role ".*" (does not exist|is not permitted)|rôle « .* » n.(existe|est) pas': (
        "ce rôle n'existe pas, ou n'a pas le droit de se connecter"
    ),
    "password authentication failed|no password supplied|mot de passe échouée": "mot de passe refusé",
    "read-only|not read-write": "ce serveur est en lecture seule (serveur de secours ?)",
    "SSL negotiation|expected authentication request": "ce qui répond là n'est pas un serveur PostgreSQL",
    "certificate|private key file|SSL error|support SSL": (
        "pas de TLS avec ce serveur, ou pas de confiance en lui : voir sslmode et sslrootcert"
    ),
    "Connection refused|No such file": "aucun serveur n'écoute là : PostgreSQL est-il lancé ?",
    "resolve host|translate host name": "cet hôte est inconnu (un @ du mot de passe s'écrit %40)",
    "invalid port": "ce numéro de port est faux",
    "invalid connection option|invalid .* value|bad value for|definition of service|configuration param|command-line": (
        "une option de cette adresse est inconnue ou fausse"
    ),
    "timeout expired": "pas de réponse à temps",
    "too many (connections|clients)|connection slots|trop de clients|emplacements de connexion": (
        "le serveur n'a plus de connexion libre"
    ),
    r"pg_hba\.conf": "le serveur n'admet pas cette connexion (pg_hba.conf)",
    "database system is|syst.me de bases? de données|closed the connection": "le serveur démarre ou s'arrête",
    "disk is full|disk I/O error": "le disque du registre est plein, ou abîmé",
    "not a database|malformed": "ce fichier n'est pas un registre, ou il est abîmé",
}


def require_current(engine: Engine) -> None:
    """Raises RegistryUnavailable unless the registry exists and has this version's tables."""
    with reading(engine) as connection:
        require_tables(connection)


def require_tables(connection: Connection) -> None:
    """The same, of the registry at this moment."""
    if revision_of(connection) != REVISION:
        raise RegistryUnavailable("le registre n'est pas à jour : lancez `annuaire init`")


_FOREIGN: Final = "cette base est celle d'un autre programme (réglage database_url)"


def require_no_others(connection: Connection, names: Iterable[str]) -> None:
    """Raises RegistryUnavailable where a new registry would stand among tables of these names."""
    if revision_of(connection) is None and not set(names).isdisjoint(inspect(connection).get_table_names()):
        raise RegistryUnavailable(_FOREIGN)


def revision_of(connection: Connection) -> str | None:
    """The version of the tables; None where there are none.  Raises RegistryUnavailable for a later one than ours, or
    another program's: revisions are numbered in their order."""
    known = inspect(connection).has_table("alembic_version")
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() if known else None
    if found and not found.isdecimal():  # Alembic's own numbers are hexadecimal, of twelve digits
        raise RegistryUnavailable(_FOREIGN)
    if found and found > REVISION:
        raise RegistryUnavailable(
            "le registre est d'une version plus récente : mettez ce programme à jour, et relancez-le"
        )
    return found


def file_of(engine: Engine) -> Path | None:
    database = engine.url.database
    return Path(database) if engine.dialect.name == "sqlite" and database else None


def require_file(engine: Engine) -> None:
    """Raises RegistryUnavailable unless an SQLite registry is there: it would create an empty file, and hide a mistyped
    folder."""
    path = file_of(engine)
    try:
        missing = path is not None and not path.exists()
    except OSError as error:  # not allowed to look, or a name longer than names are
        raise RegistryUnavailable(unread(error)) from error
    if missing:
        raise RegistryUnavailable("le registre n'existe pas : lancez `annuaire init`")
