"""Where a server that mostly reads writes: the registry, opened when it is first needed, with little patience.

A face answers from the index and holds nothing of the registry; a write takes a connection of its own for one
transaction.  An import may hold the registry for minutes: who comes meanwhile waits ``patience`` seconds, and only so
many at once, so that the threads that read are never all waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from directory_service.errors import RegistryBusy, RegistryUnavailable
from directory_service.registry.engine import open_registry, require_current, writing


class Desk:
    """One process's.  Thread-safe; to be made after a fork, or used after it only."""

    def __init__(self, url: str, *, patience: float, writers: int) -> None:
        self._url, self._patience = url, patience
        self._engine: Engine | None = None
        self._places = threading.BoundedSemaphore(max(1, writers))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction (``engine.writing``).  Raises RegistryBusy past the patience, or when too many wait already;
        RegistryUnavailable."""
        if not self._places.acquire(blocking=False):
            raise RegistryBusy("trop d'écritures attendent déjà : réessayez plus tard")
        try:
            with writing(self._opened()) as connection:
                yield connection
        except OperationalError as error:  # the server went away, or the disk is full: nothing was written
            raise RegistryUnavailable(f"écriture impossible dans le registre ({type(error.orig).__name__})") from error
        finally:
            self._places.release()

    def _opened(self) -> Engine:
        """The engine, once the registry is known to have this version's tables."""
        if self._engine is None:
            engine = open_registry(self._url, patience=self._patience)
            require_current(engine)
            self._engine = engine
        return self._engine
