"""Answers that their clients read more slowly than we write them: the loop sends the rest, and no thread waits.

A line that takes 40 KiB at a time is nothing special, and a page of results is three times that.  What the socket does
not take at once is kept beside it, up to ``ROOM``; when the thread is done, the loop sends it on.  Only of what is
longer (exports, whole books of cards, batches) does a thread wait for its client: of more than half the threads, those
whose clients hardly read are let go.  Times are as in ``slow``.
"""

from __future__ import annotations

import select
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from directory_service.web.slow import PACE
from directory_service.web.sockets import gone

ROOM: Final = 1 << 20  # octets of one answer
MOST: Final = 64 << 20  # octets of all that the loop sends
_PIECE: Final = 16 * 1024  # octets given to a socket at once: a record of TLS
_SILENT: Final = 30_000  # milliseconds in which a client reads nothing of what a thread has for it
_GRACE: Final = 0.5  # seconds before anybody is too slow


@dataclass(slots=True, eq=False)
class _Waiting:
    begun: float
    octets: int = 0


@dataclass(slots=True, eq=False)
class _Left:
    due: float
    octets: int
    done: Callable[[], None]


class Departures:
    """Of one worker.  ``lost`` takes a connection that is over; ``seconds`` as ``slow.Patience``; ``threads``: how many
    may wait for clients that hardly read."""

    def __init__(
        self, poller: selectors.BaseSelector, lost: Callable[[Any], None], seconds: float, threads: int
    ) -> None:
        self._poller, self._lost, self._seconds, self._threads = poller, lost, seconds, threads
        self._left: dict[Any, _Left] = {}  # by connection
        self._octets = 0
        self._waiting: dict[Any, _Waiting] = {}  # by socket

    def __len__(self) -> int:
        return len(self._left)

    def take(self, connection: Any) -> None:
        """A new one, whose socket is a ``Sending``."""
        connection.sock.departures, connection.sock.rest = self, bytearray()

    # --- in the thread that answers ----------------------------------------------------------------------------------

    def send(self, sock: Any, data: bytes) -> None:
        view = memoryview(data)
        if not sock.rest:
            while view and (sent := sock.send_now(view[:_PIECE])):
                view = view[sent:]
        if view:
            sock.rest += view
            if len(sock.rest) > ROOM:
                self._wait(sock)

    def _wait(self, sock: Any) -> None:
        """Until there is room again.  Raises OSError where the client has gone, or reads nothing."""
        self._waiting[sock] = waiting = _Waiting(time.monotonic())
        writable = select.poll()
        writable.register(sock, select.POLLOUT)
        try:
            while len(sock.rest) > ROOM:
                if not writable.poll(_SILENT):
                    raise gone("reads nothing")
                waiting.octets += _send_rest(sock)
        finally:
            del self._waiting[sock]

    # --- in the loop -------------------------------------------------------------------------------------------------

    def see_off(self, connection: Any, done: Callable[[], None]) -> None:
        """Sends the rest of an answer that a thread is done with, then calls ``done``."""
        size = len(connection.sock.rest)
        try:
            self._poller.register(connection.sock, selectors.EVENT_WRITE, partial(self._more, connection))
        except (OSError, ValueError):  # gone, or closed
            self._lost(connection)
            return
        self._left[connection] = _Left(time.monotonic() + self._seconds + size / PACE, size, done)
        self._octets += size
        while self._octets > MOST:
            self.make_room()

    def _more(self, connection: Any, _socket: object) -> None:
        if connection not in self._left:  # ended in this turn of the loop, to make room
            return
        try:
            while connection.sock.rest:
                if not _send_rest(connection.sock):
                    return
        except OSError:  # gone
            self._end(connection)
            return
        self._forget(connection).done()

    def cut(self) -> None:
        """Ends those whose time is over; and of more clients than threads may wait for, those that hardly read."""
        now = time.monotonic()
        for connection, left in list(self._left.items()):
            if left.due < now:
                self._end(connection)
        waiting = list(self._waiting.items())
        if len(waiting) > self._threads:
            for sock, one in waiting:
                if (elapsed := now - one.begun) > _GRACE and one.octets < PACE * elapsed:
                    with suppress(OSError):  # gone meanwhile
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # which wakes the thread

    def make_room(self) -> None:
        """Ends the one that has read for longest, if any."""
        if self._left:
            self._end(next(iter(self._left)))

    def _end(self, connection: Any) -> None:
        self._forget(connection)
        self._lost(connection)

    def _forget(self, connection: Any) -> _Left:
        left = self._left.pop(connection)
        self._octets -= left.octets
        self._poller.unregister(connection.sock)
        return left


def _send_rest(sock: Any) -> int:
    """How many octets the socket took."""
    with memoryview(sock.rest) as view, view[:_PIECE] as piece:
        sent: int = sock.send_now(piece)
    del sock.rest[:sent]
    return sent
