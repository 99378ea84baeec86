"""The access log: one line of JSON for each operation of either face, off unless a setting says where it goes.

A line says who, what kind, how much and how long; never a name, an address of the directory, a value or the text of a
query.  Faces give records whose fields are those of ``FIELDS``; this module writes them, shortens client addresses
where that is asked for, and opens the file again when it was moved away (logrotate), so that no signal is needed.
A log that cannot be written disturbs nobody: its lines are lost, and counted in ``/metrics``.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client import Counter

from directory_service.model.networks import find_address

LOST: Final = Counter("annuaire_access_log_lost_total", "Lines of the access log that could not be written.")
# Every field, with its meaning: the table of docs/reference/observability.md.
FIELDS: Final = {
    "at": "end of the operation, UTC",
    "face": "`ldap` or `http`",
    "worker": "process id of the worker",
    "connection": "LDAP: number of the connection within the worker",
    "address": "client address, shortened as `access_log_address` says; empty when it says `none`",
    "identity": "name of the operator, or `client~` and that of the program; empty for unnamed clients",
    "operation": "LDAP: `search`, `bind`, `compare`…; HTTP: the method",
    "route": "HTTP: template of the route, `unmatched` for none",
    "base": "LDAP search: `root`, `suffix`, `bal`, `personnes`, `structures`; `entry` below one of them, else `other`",
    "scope": "LDAP search: `base`, `one` or `subtree`",
    "filter": "LDAP search: its shape: attribute names, kinds of assertion, `_` for a value, `(?=)` for Undefined",
    "entries": "LDAP search: entries sent",
    "code": "LDAP: result code",
    "status": "HTTP: status",
    "ms": "milliseconds from the request being read to the answer being ready",
    "bytes": "octets of the answer",
    "limit": "LDAP: name of the limit that was met, when one was",
}
_PENDING: Final = 2_000  # lines kept for one write
_LOOK: Final = 1.0  # seconds between two looks whether the file was moved


class AccessLog:
    """``target``: a path, or ``-`` for standard error.  Thread-safe; several processes may write to one file, since
    whole lines are appended at once."""

    def __init__(self, target: str, addresses: str = "full", clock: Callable[[], float] = time.time) -> None:
        self._target = target
        self._clock = clock
        self._shorten = SHORTEN[addresses]
        self._worker = os.getpid()
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._file = -1
        self._cut = False  # does it end with half a line?
        self._looked = 0.0

    def add(self, face: str, address: str, record: Mapping[str, Any]) -> None:
        """Keeps a line for the next ``flush``."""
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": at, "face": face, "worker": self._worker, "address": self._shorten(address), **record}
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._lines) >= _PENDING:
            self.flush()

    def flush(self) -> None:
        """Writes what was added, in one go."""
        with self._lock:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]  # others may add meanwhile
            if not lines:
                return
            try:
                file = self._open()
                block = (b"\n" if self._cut else b"") + b"".join(lines)
                written = os.write(file, block)
            except OSError:
                LOST.inc(len(lines))
                return
            LOST.inc(block.count(b"\n", written))  # where the disk was full in the middle of them
            self._cut = not block.endswith(b"\n", 0, written)

    def close(self) -> None:
        self.flush()
        if self._file > 2:
            os.close(self._file)
        self._file = -1

    def _open(self) -> int:
        if self._target == "-":
            return sys.stderr.fileno()
        now = time.monotonic()
        if self._file >= 0 and now - self._looked > _LOOK:
            self._looked = now
            if not _is_at(self._file, self._target):
                os.close(self._file)
                self._file = -1
        if self._file < 0:
            self._cut = False
            self._file = os.open(self._target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            self._looked = now
        return self._file


def _is_at(file: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(file), Path(path).stat())
    except FileNotFoundError:
        return False


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    """The /24 or /48: enough to see where a load comes from, not who."""
    found = find_address(address)
    if found is None:
        return ""
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False))


SHORTEN: Final[dict[str, Callable[[str], str]]] = {
    "full": lambda address: address,
    "network": _network,
    "none": lambda _address: "",
}
