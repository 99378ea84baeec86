"""Connections whose next request has not come yet: the loop waits for them, and no thread.

A browser opens some ahead of need, and anybody may open hundreds; each would hold one of a few threads for seconds, a
TLS handshake that stops half way too.  The head of the request is read here as it comes, and given back to gunicorn's
parser when it is whole, or when it need not be whole to be refused.  Bodies are read by threads (``slow`` limits them).
"""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

SILENT: Final = 30.0  # seconds without an octet: longer than the pause between two words typed
STOPPING: Final = 2.0  # seconds that those who said nothing yet may still speak in once we stop
_LOOK: Final = 0.5  # seconds between two looks at who is late
_LONGEST: Final = 16 * 1024  # octets of a head that is read here; a longer one is read on by a thread
_FIRST_LINE: Final = re.compile(rb"[^\r\n]+ HTTP/1\.[01]\r\n")


@dataclass(slots=True, eq=False)
class _Waiting:
    due: float
    shaking: bool
    head: bytes = b""


class Arrivals:
    """Of one worker, in its loop.  ``ready`` takes a connection whose request may be read, ``lost`` one that is over;
    ``handshake`` and ``request``: seconds that each may take from its first octet on."""

    def __init__(
        self, poller: selectors.BaseSelector, ready: Callable[[Any], None], lost: Callable[[Any], None],
        handshake: float, request: float,
    ) -> None:  # fmt: skip
        self._poller, self._ready, self._lost = poller, ready, lost
        self._handshake, self._request = handshake, request
        self._waiting: dict[Any, _Waiting] = {}
        self._looked = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, connection: Any) -> None:
        """A new one of gunicorn's, with its parser; its socket does not block."""
        tls = isinstance(connection.sock, ssl.SSLSocket)
        self._wait(connection, _Waiting(time.monotonic() + (self._handshake if tls else SILENT), tls))

    def read_on(self, connection: Any) -> None:
        """One that was answered before, and has something to be read."""
        self._wait(connection, _Waiting(time.monotonic() + self._request, shaking=False))
        self._more(connection, None)

    def _wait(self, connection: Any, waiting: _Waiting) -> None:
        self._waiting[connection] = waiting
        self._poller.register(connection.sock, selectors.EVENT_READ, partial(self._more, connection))

    def _more(self, connection: Any, _socket: object) -> None:
        waiting = self._waiting[connection]
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
        if not waiting.head:
            waiting.due = time.monotonic() + self._request
        waiting.head += octets
        if _is_enough(waiting.head):
            self._forget(connection)
            connection.parser.unreader.unread(waiting.head)
            self._ready(connection)

    def cut(self, *, stopping: bool = False) -> None:
        """Ends those whose time is over; called at each turn of the loop, and there may be a thousand."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        for connection, waiting in list(self._waiting.items()):
            if stopping and not waiting.head:
                waiting.due = min(waiting.due, now + STOPPING)
            if waiting.due < now:
                self._end(connection)

    def make_room(self) -> None:
        """Ends the one that has waited longest, if any: who has something to ask sends it at once."""
        for connection in self._waiting:
            self._end(connection)
            return

    def _end(self, connection: Any) -> None:
        self._forget(connection)
        self._lost(connection)

    def _forget(self, connection: Any) -> None:
        del self._waiting[connection]
        self._poller.unregister(connection.sock)


def _received(client: socket.socket) -> bytes:
    """Not by the socket's own method, to which nothing to read yet is the end of it (``server``)."""
    if not isinstance(client, ssl.SSLSocket):
        return client.recv(_LONGEST)
    octets = ssl.SSLSocket.recv(client, _LONGEST)
    while client.pending():  # deciphered already: the poller sees nothing of it
        octets += ssl.SSLSocket.recv(client, client.pending())
    return octets


def _is_enough(head: bytes) -> bool:
    """Whether a thread would wait for nothing more of the head."""
    if b"\r\n\r\n" in head or len(head) >= _LONGEST:
        return True
    return b"\n" in head and not _FIRST_LINE.match(head)
