"""The registry, for the few routes that need it; all others ask the index, and answer while the registry is down."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlalchemy import Connection

from directory_service.errors import RegistryUnavailable
from directory_service.registry.engine import asking
from directory_service.web.context import services, settings


def read_registry() -> AbstractContextManager[Connection]:
    """One picture of the registry.  Raises RegistryUnavailable."""
    known = settings()
    if known is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    return asking(known.registry_url)


def write_registry() -> AbstractContextManager[Connection]:
    """One transaction of the desk of this process: ``Desk.writing``.  Raises RegistryBusy, RegistryUnavailable."""
    desk = services().desk
    if desk is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    return desk.writing()
