"""The registry, for the routes that must ask it (the transparency log): opened at the first question, only read.

All others ask the index, and answer while the registry is down; these then answer 503.  One engine to a process, made
after the fork; a connection to each question (``registry.engine``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from flask import current_app

from directory_service.errors import RegistryUnavailable
from directory_service.registry.engine import open_registry, reading

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_ENGINE = "annuaire.registry"
_gate = Lock()


@contextmanager
def read_registry() -> Iterator[Connection]:
    """One picture of the registry.  Raises RegistryUnavailable."""
    from sqlalchemy.exc import DBAPIError

    try:
        with reading(_engine()) as connection:
            yield connection
    except DBAPIError:
        raise RegistryUnavailable("le registre ne répond pas") from None


def _engine() -> Engine:
    settings = current_app.config["ANNUAIRE"]
    if settings is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    with _gate:
        found: Engine | None = current_app.extensions.get(_ENGINE)
        if found is None:
            found = current_app.extensions[_ENGINE] = open_registry(settings.registry_url)
    return found
