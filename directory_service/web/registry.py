"""The registry, for the few routes that need it; all others ask the index, and answer while the registry is down."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast

from flask import current_app
from sqlalchemy import Connection

from directory_service.errors import RegistryUnavailable
from directory_service.registry.desk import Desk
from directory_service.registry.engine import asking
from directory_service.web.context import settings

_DESK = "annuaire.desk"


def attach_desk(extensions: dict[str, object], desk: Desk | None) -> None:
    """None in an application that was given no settings."""
    extensions[_DESK] = desk


def read_registry() -> AbstractContextManager[Connection]:
    """One picture of the registry.  Raises RegistryUnavailable."""
    known = settings()
    if known is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    return asking(known.registry_url)


def write_registry() -> AbstractContextManager[Connection]:
    """One transaction of the desk of this process: ``Desk.writing``.  Raises RegistryBusy, RegistryUnavailable."""
    desk = cast("Desk | None", current_app.extensions.get(_DESK))
    if desk is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    return desk.writing()
