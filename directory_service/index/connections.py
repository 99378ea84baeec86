"""Connections to the current build, one to each thread: opened when it first asks, and anew when ``current`` moves."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Final, cast
from weakref import WeakSet

from directory_service.errors import RegistryUnavailable
from directory_service.index.files import current_name
from directory_service.index.reader import Build, Reader
from directory_service.index.snapshots import Later

_LOOK: Final = 0.2  # seconds between two looks at ``current``


class _Closing:
    """Closes a reader when the thread that it was opened for ends: its locals go then, and this is one of them.  The
    reader itself would wait for a collection, since SQLite calls it back."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __del__(self) -> None:
        self._reader.close()


class Connections:
    """The readers of one folder of builds.  Raises RegistryUnavailable while there is no build."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.make: Callable[[Path, str], Reader] = Reader
        self._local = threading.local()
        self._readers: WeakSet[Reader] = WeakSet()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections of every thread.  They must be done with their questions."""
        with self._lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
        self._local = threading.local()

    def linger(self, later: Later) -> None:
        """This thread asks often: what it has seen is kept a moment, and let go by ``later`` (``snapshots``)."""
        self._local.later = later

    def reader(self, now: float) -> Reader:
        """This thread's, of the build that was current a moment ago; ``now`` is monotonic."""
        local = self._local
        reader: Reader
        if now < getattr(local, "until", 0.0):
            reader = local.reader
            return reader
        name = current_name(self.folder)
        held: Reader | None = getattr(local, "reader", None)
        if held is None or held.name != name:
            local.reader = reader = self._open(name)
            reader.snapshots.later = getattr(local, "later", None)
            local.closing = _Closing(reader)
            if held is not None:
                held.close()
        else:
            reader = held
        local.until = now + _LOOK
        return reader

    def _open(self, name: str) -> Reader:
        """A build may be deleted between the look at ``current`` and the opening: then ``current`` has moved."""
        for _ in range(5):
            try:
                reader = self.make(self.folder, name)
                break
            except sqlite3.OperationalError:
                name = current_name(self.folder)
        else:
            raise RegistryUnavailable("impossible d'ouvrir l'index : lancez `annuaire index --rebuild`")
        with self._lock:
            self._readers.add(reader)
        return reader

    @contextmanager
    def held(self) -> Iterator[Build]:
        """All that this thread asks inside is answered from one commit of one build, that of the beginning."""
        if self._is_held():
            yield self._local.reader.build
            return
        self._local.until = 0.0
        reader = self.reader(time.monotonic())
        reader.snapshots.let_go()
        with reader.snapshot():
            reader.refresh()
            self._local.until = inf
            try:
                yield reader.build
            finally:
                self._local.until = 0.0

    def _is_held(self) -> bool:
        return getattr(self._local, "until", 0.0) == inf

    def fresh(self) -> Reader:
        """The reader, sure to be of the newest build and commit, unless one is held."""
        if self._is_held():
            return cast("Reader", self._local.reader)
        self._local.until = 0.0
        reader = self.reader(time.monotonic())
        reader.refresh()
        return reader
