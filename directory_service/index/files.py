"""Where builds are: ``<folder>/<build>.sqlite``, and ``current``, a symbolic link to the one to read.

The link is replaced in one step, so that a reader finds the old build or the new one and never half of either.  Old
builds are deleted but for the one before: readers that still hold a deleted file go on reading it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from directory_service.errors import RegistryUnavailable
from directory_service.index.beginnings import TOKENS
from directory_service.index.schema import MMAP_SIZE
from directory_service.registry.failures import told

CURRENT: Final = "current"
_SUFFIX: Final = ".sqlite"
_BESIDE: Final = ("loose", "lists")
_FAULTS: Final = {
    "SQLITE_FULL": "le disque de l'index est plein",
    "SQLITE_IOERR": "erreur de lecture ou d'écriture sur le disque de l'index : est-il plein ?",
    "SQLITE_CANTOPEN": "ce compte n'a pas accès au dossier de l'index",
    "SQLITE_READONLY": "l'index ne peut pas être écrit par ce compte",
}
_SIDE_FILES: Final = ("", "-wal", "-shm", "-journal", *(f"-{name}" for name in _BESIDE))


@contextmanager
def told_of_index() -> Iterator[None]:
    """Around what writes the index; inside of any reading of the registry, which would tell the fault as its own.
    Raises RegistryUnavailable for what the index's disk refuses."""
    with told(_FAULTS):
        yield


def current_name(folder: Path) -> str:
    """File name of the build to read.  Raises RegistryUnavailable when none was ever built."""
    try:
        return os.readlink(folder / CURRENT)  # noqa: PTH115 - five times quicker than Path.readlink, and often called
    except PermissionError:
        raise RegistryUnavailable("ce compte n'a pas le droit de lire l'index", where=str(folder)) from None
    except OSError:
        raise RegistryUnavailable("il n'y a pas encore d'index : lancez `annuaire index`") from None


def new_path(folder: Path, at: datetime) -> Path:
    """A file name that no build has: builds sort by their time."""
    stem, number = at.strftime("%Y%m%dT%H%M%S"), 0
    while any(folder.glob(f"{stem}{_more(number)}{_SUFFIX}*")):
        number += 1
    return folder / f"{stem}{_more(number)}{_SUFFIX}"


def _more(number: int) -> str:
    return f"-{number}" if number else ""


@contextmanager
def alone(folder: Path, waiting: Callable[[bool], None] = lambda _over: None) -> Iterator[None]:
    """One build at a time, whoever makes it: the follower, ``annuaire index``, ``annuaire serve`` at its start.  The
    next one waits here, since ``publish`` forgets whatever is not current; ``waiting`` is told so, and when it is
    over."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(False)
            fcntl.flock(handle, fcntl.LOCK_EX)
            waiting(True)
        yield
    finally:
        os.close(handle)


def publish(path: Path) -> None:
    """Makes ``path`` the current build, once all of it is on disk, and forgets builds older than the one before."""
    _flush(path)
    folder = path.parent
    before = _target(folder)
    link = folder / f"{CURRENT}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(path.name)
    link.replace(folder / CURRENT)
    _flush(folder)
    for old in folder.glob(f"*{_SUFFIX}"):
        if old.name not in (path.name, before):
            discard(old)


def beside(path: Path) -> dict[str, Path]:
    """What a build that is being made keeps apart: files by name."""
    return {name: path.with_name(f"{path.name}-{name}") for name in _BESIDE}


def _target(folder: Path) -> str:
    with suppress(RegistryUnavailable):
        return current_name(folder)
    return ""


def discard(path: Path) -> None:
    for side in _SIDE_FILES:
        path.with_name(path.name + side).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def bring_in(folder: Path) -> None:
    """Reads the part of the current build that readers map, up to half of the machine's memory, so that nobody waits
    for the disk whom the system could have spared it: after a start of the machine, or much other work, the first
    searches do otherwise (figures: docs/reference/performance.md).  Best effort."""
    with suppress(OSError, RegistryUnavailable), (folder / current_name(folder)).open("rb", buffering=0) as build:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        octets, block = min(MMAP_SIZE, memory // 2), bytearray(1 << 20)
        while octets > 0 and (read := build.readinto(block)):
            octets -= read


def open_reader(path: Path) -> sqlite3.Connection:
    """Read-only; may be closed by another thread.  Raises sqlite3.OperationalError if the file is gone."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256)
    own = (f"mmap_size = {MMAP_SIZE}", "cache_size = -16384", "temp_store = MEMORY")
    return _prepared(connection, *_pragmas(*own), TOKENS, *_pragmas("query_only = ON"))


def open_writer(path: Path) -> sqlite3.Connection:
    """For the follower: readers go on meanwhile."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30.0)
    return _prepared(connection, *_pragmas("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY"))


def _pragmas(*settings: str) -> list[str]:
    return [f"PRAGMA {setting}" for setting in settings]


def _prepared(connection: sqlite3.Connection, *statements: str) -> sqlite3.Connection:
    """A file that is no database is closed again: it is found out here, not when it is opened."""
    try:
        for statement in statements:
            connection.execute(statement).close()
    except BaseException:
        connection.close()
        raise
    return connection
