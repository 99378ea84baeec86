"""The registry, for the routes that must ask it (the transparency log): only read, and opened at each question.

All others ask the index, and answer while the registry is down; these then answer 503.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from flask import current_app

from directory_service.errors import RegistryUnavailable
from directory_service.registry.engine import asking


def read_registry() -> AbstractContextManager[Any]:
    """One picture of the registry: a connection.  Raises RegistryUnavailable."""
    settings = current_app.config["ANNUAIRE"]
    if settings is None:
        raise RegistryUnavailable("ce service n'a pas de registre")
    return asking(settings.registry_url)
