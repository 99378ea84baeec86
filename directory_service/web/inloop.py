"""Requests that the loop of a worker answers itself: handing one to a thread and back costs more than a suggestion.

Only what cannot keep the loop waiting is: a whole request for ``/v1/suggest`` that has come already, without
authorization (a secret takes long to check) or body, from a client that has read all that it was sent, so that a short
answer finds room.  What then takes longer than ``query.BRIEF`` raises ``Later``, and is asked again in a thread, where
it is counted.
"""

from __future__ import annotations

import fcntl
import socket
import termios
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

_LOOKED_AT: Final = 2048  # octets: browsers send some 800
_LONGEST: Final = 32 * 1024  # octets that an answer never has; room for it is asked of the socket
_START: Final = b"GET /v1/suggest?"
_END: Final = b"\r\n\r\n"
_APART: Final = (b"\nauthorization", b"\ncontent-length", b"\ntransfer-encoding", b"\nexpect", b"\nupgrade")
_HERE: Final = "annuaire.inloop"

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Later(BaseException):
    """The answer takes longer than the loop may wait.  Not an ``Exception``: nobody on the way answers for it."""


def whole_request(client: socket.socket) -> bytes:
    """The octets of the request that the loop may answer, left to be read; none for any other.  ``client`` is a plain
    socket that does not block."""
    try:
        head = client.recv(_LOOKED_AT, socket.MSG_PEEK)
        if not head.startswith(_START) or head.find(_END) != len(head) - len(_END):
            return b""
        lower = head.lower()
        if any(name in lower for name in _APART) or not _has_room(client):
            return b""
    except OSError:  # gone, or nothing there after all
        return b""
    return head


def _has_room(client: socket.socket) -> bool:
    """Whether an answer can be written at once: the client has everything that it was sent before."""
    unread = fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4))
    return not any(unread) and client.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) >= _LONGEST


def telling_where(app: App) -> App:
    """The application, told which requests this thread answers that made it: the loop."""
    loop = threading.get_ident()

    def told(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        environ[_HERE] = threading.get_ident() == loop
        return app(environ, start)

    return told


def in_loop(environ: dict[str, Any]) -> bool:
    """Whether the loop waits for this answer."""
    return bool(environ.get(_HERE))
