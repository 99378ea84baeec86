"""Connections whose next request has not come yet: the loop waits for them, and no thread.

A browser opens some ahead of need, and anybody may open hundreds; each would hold one of a few threads for seconds, a
TLS handshake that stops half way too.  The head of the request and a small body are collected here as they come, and
given back to gunicorn's parser when the request is whole, or when it need not be whole to be refused.  What a thread
has to read on is for ``readers``.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from directory_service.web.framing import BY_THREAD, LONGEST_HEAD, MORE, request_length

SILENT: Final = 30.0  # seconds without an octet: longer than the pause between two words typed
STOPPING: Final = 2.0  # seconds that those who said nothing yet may still speak in once we stop
MOST_HELD: Final = 16 << 20  # octets collected of all: 250 of the longest bodies, which come in a moment
_LOOK: Final = 0.5  # seconds between two looks at who is late


@dataclass(slots=True, eq=False)
class _Waiting:
    due: float
    shaking: bool
    octets: bytearray = field(default_factory=bytearray)
    length: int = MORE  # of the request


class Arrivals:
    """Of one worker, in its loop.  ``ready`` takes a connection whose request is whole, ``unread`` one of whose request
    a thread must read more, ``lost`` one that is over, with the status to be told; ``handshake`` and ``request``:
    seconds that each may take from its first octet on."""

    def __init__(
        self, poller: selectors.BaseSelector, ready: Callable[[Any], None], unread: Callable[[Any], None],
        lost: Callable[[Any, int], None], handshake: float, request: float,
    ) -> None:  # fmt: skip
        self._poller, self._ready, self._unread, self._lost = poller, ready, unread, lost
        self._handshake, self._request = handshake, request
        self._waiting: dict[Any, _Waiting] = {}
        self._held = 0
        self._looked = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, connection: Any) -> None:
        """A new one of gunicorn's, with its parser; its socket does not block."""
        tls = isinstance(connection.sock, ssl.SSLSocket)
        self._wait(connection, _Waiting(time.monotonic() + (self._handshake if tls else SILENT), tls))

    def read_on(self, connection: Any) -> None:
        """One that was answered before, and has something to be read, or had some of it read ahead."""
        waiting = _Waiting(time.monotonic() + self._request, shaking=False)
        self._wait(connection, waiting)
        if ahead := connection.parser.unreader.take_buffered():
            self._take(connection, waiting, ahead)
        if connection in self._waiting:  # of TLS, more may be deciphered than was read
            self._more(connection, None)

    def _wait(self, connection: Any, waiting: _Waiting) -> None:
        self._waiting[connection] = waiting
        self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._more, connection))

    def _more(self, connection: Any, _socket: object) -> None:
        if (waiting := self._waiting.get(connection)) is None:  # ended in this turn of the loop, to make room
            return
        try:
            if waiting.shaking:
                connection.sock.do_handshake()
                waiting.shaking, waiting.due = False, time.monotonic() + SILENT
                return
            octets = _received(connection.sock)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:  # no TLS, a certificate that is refused, a client that is gone
            octets = b""
        if not octets:
            self._end(connection)
            return
        if not waiting.octets:
            waiting.due = time.monotonic() + self._request
        self._take(connection, waiting, octets)

    def _take(self, connection: Any, waiting: _Waiting, octets: bytes) -> None:
        waiting.octets += octets
        self._held += len(octets)
        if waiting.length == MORE:
            waiting.length = request_length(waiting.octets)
        if waiting.length != MORE and len(waiting.octets) >= waiting.length:
            self._forget(connection)
            (self._unread if waiting.length == BY_THREAD else self._ready)(connection)
        while self._held > MOST_HELD:
            self._end(next(c for c, w in self._waiting.items() if w.octets), 503)

    def cut(self, *, stopping: bool = False) -> None:
        """Ends those whose time is over; called at each turn of the loop, and there may be a thousand."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        for connection, waiting in list(self._waiting.items()):
            if stopping and not waiting.octets:
                waiting.due = min(waiting.due, now + STOPPING)
            if waiting.due < now:
                self._end(connection, 408 if waiting.length else 0)

    def make_room(self) -> None:
        """Ends the one that has waited longest, if any: who has something to ask sends it at once."""
        if self._waiting:
            self._end(next(iter(self._waiting)))

    def _end(self, connection: Any, status: int = 0) -> None:
        self._forget(connection)
        self._lost(connection, status)

    def _forget(self, connection: Any) -> None:
        """What has come of its request is gunicorn's again."""
        octets = self._waiting.pop(connection).octets
        self._held -= len(octets)
        connection.parser.unreader.unread(octets)
        self._poller.unregister(connection.sock)


def _received(client: socket.socket) -> bytes:
    """Not by the socket's own method, to which nothing to read yet is the end of it (``sockets``)."""
    if not isinstance(client, ssl.SSLSocket):
        return client.recv(LONGEST_HEAD)
    octets = ssl.SSLSocket.recv(client, LONGEST_HEAD)
    while client.pending():  # deciphered already: the poller sees nothing of it
        octets += ssl.SSLSocket.recv(client, client.pending())
    return octets
