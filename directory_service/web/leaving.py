"""Connections that are over, and whose client is still to read the last of it.

To close one while something unread has come would take the answer from the client (RFC 9112 9.6): we say that we are
done, and wait until it closes as well.  gunicorn does so in its loop, for two seconds, in which nobody else is heard.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

PATIENCE: Final = 2.0  # seconds
MOST: Final = 8 << 20  # octets that are thrown away: the longest body, which may be under way
_AT_ONCE: Final = 64 * 1024


@dataclass(slots=True, eq=False)
class _Left:
    due: float
    octets: int = 0


class Leaving:
    """Of one worker, in its loop.  ``lost`` takes one that may be closed."""

    def __init__(self, poller: selectors.BaseSelector, lost: Callable[[Any], None]) -> None:
        self._poller, self._lost = poller, lost
        self._leaving: dict[Any, _Left] = {}

    def __len__(self) -> int:
        return len(self._leaving)

    def add(self, connection: Any) -> None:
        """One that nobody else waits for."""
        try:
            connection.sock.setblocking(False)
            connection.sock.shutdown(socket.SHUT_WR)  # of TLS, what is deciphered goes too
            self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._more, connection))
        except (OSError, ValueError):  # gone, or closed
            self._lost(connection)
            return
        self._leaving[connection] = _Left(time.monotonic() + PATIENCE)

    def cut(self) -> None:
        """Ends those whose time is over."""
        now = time.monotonic()
        while (first := next(iter(self._leaving), None)) is not None and self._leaving[first].due < now:
            self._end(first)

    def make_room(self) -> None:
        """Ends the one that was left first, if any."""
        if self._leaving:
            self._end(next(iter(self._leaving)))

    def _more(self, connection: Any, _socket: object) -> None:
        if (left := self._leaving.get(connection)) is None:  # ended in this turn of the loop, to make room
            return
        try:
            came = len(socket.socket.recv(connection.sock, _AT_ONCE))
        except BlockingIOError:
            return
        except OSError:
            came = 0
        left.octets += came
        if not came or left.octets > MOST:
            self._end(connection)

    def _end(self, connection: Any) -> None:
        del self._leaving[connection]
        self._poller.unregister(connection.sock)
        self._lost(connection)
