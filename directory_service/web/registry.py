"""The registry, for the few routes that need it; all others ask the index, and answer while the registry is down.

``read_registry`` opens it at each question.  ``writing_soon`` waits a short while for whoever writes: an import holds
SQLite for minutes, and a thread of ours that waited as long would be missed by those who read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from directory_service.errors import RegistryBusy, RegistryUnavailable
from directory_service.registry.engine import asking, open_registry, writing

PATIENCE = 2.0  # seconds
_ENGINE = "annuaire.registry"
_BUSY = ("SQLITE_BUSY", "LockNotAvailable")  # of SQLite, of PostgreSQL


def read_registry() -> AbstractContextManager[Connection]:
    """One picture of the registry.  Raises RegistryUnavailable."""
    settings = current_app.config["ANNUAIRE"]
    if settings is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    return asking(settings.registry_url)


@contextmanager
def writing_soon() -> Iterator[Connection]:
    """``registry.engine.writing``.  Raises RegistryBusy when somebody else goes on writing, RegistryUnavailable where
    this application has no registry, or one that does not answer."""
    try:
        with writing(_engine()) as connection:
            yield connection
    except (DBAPIError, RegistryUnavailable) as error:
        cause = error if isinstance(error, DBAPIError) else error.__cause__
        original = getattr(cause, "orig", None)
        if original is None and not isinstance(error, DBAPIError):
            raise
        kind = getattr(original, "sqlite_errorname", "") or type(original).__name__
        if kind.startswith(_BUSY):
            raise RegistryBusy("le registre est occupé par un import : réessayez dans quelques secondes") from None
        raise RegistryUnavailable(f"le registre ne répond pas ({kind})") from None


def _engine() -> Engine:
    extensions = current_app.extensions
    if _ENGINE not in extensions:
        settings = current_app.config["ANNUAIRE"]
        if settings is None:
            raise RegistryUnavailable("ce service n'a pas de registre")
        engine = open_registry(settings.registry_url)
        listen = _short_on_sqlite if engine.dialect.name == "sqlite" else _short_on_postgresql
        event.listen(engine, "connect", listen, insert=True)  # before the pragmas, which wait too
        extensions.setdefault(_ENGINE, engine)
    return cast("Engine", extensions[_ENGINE])


def _short_on_sqlite(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}").close()


def _short_on_postgresql(connection: Any, _record: object) -> None:
    connection.execute(f"SET lock_timeout = {int(PATIENCE * 1000)}")
    connection.commit()
