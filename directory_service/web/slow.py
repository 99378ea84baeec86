"""Clients that are slower than anybody has reason to be: a thread waits for each, and there are few.

A request has so many seconds to come, its body too, and less if it comes too slowly for that; an answer, as many and
what a slow line needs for its size.  Between the two the time is ours and nobody is cut off.  A connection is ended by
shutting it down, which wakes the thread that waits for it; where that is a body, it can still say so.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from directory_service.web.framing import SMALL

PACE: Final = 16 * 1024  # octets a second: a whole export, which takes hours so, is not cut off on the slowest line
UNSAID: Final = 16 << 20  # octets of an answer that does not say how many: ten thousand verdicts with their receipts
# In the environment of a request: what to call once its body is read; false where it was cut off.
ARRIVED: Final = "annuaire.arrived"
TOO_LATE: Final = "le corps n'est pas arrivé à temps"
_NEVER: Final = float("inf")
_LOOKS: Final = 3  # at a body, in its time
_INFO: Final = struct.Struct("128xQ")  # tcp_info of <linux/tcp.h>: tcpi_bytes_received

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Connection(Protocol):
    """gunicorn's; ``sock`` changes when TLS begins."""

    sock: socket.socket
    parser: Any


@dataclass(slots=True, eq=False)
class _Body:
    """One that a thread reads."""

    look: float  # when, for the next time
    octets: int | None  # that the connection had received when we last looked
    late: bool = False


class Patience:
    """The connections for which threads of one worker wait.  ``reads`` says whether the thread of one has to read its
    body, and ``arrived`` is told, in that thread, that it has.  Thread-safe."""

    def __init__(self, seconds: float, reads: Callable[[Any], bool], arrived: Callable[[Any], None]) -> None:
        self._seconds, self._reads, self._told = seconds, reads, arrived
        self._due: dict[Connection, float] = {}
        self._bodies: dict[Connection, _Body] = {}
        self._here = threading.local()

    @contextlib.contextmanager
    def with_thread(self, connection: Connection) -> Any:
        """While this thread is the connection's."""
        self._here.connection = connection
        self._due[connection] = time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._due.pop(connection, None)
            self._bodies.pop(connection, None)

    def around(self, app: App) -> App:
        """The application, with what it tells us of the request and of the answer."""

        def timed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            said: list[tuple[str, str]] = []

            def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                said[:] = headers
                return start(status, headers, *more)

            environ[ARRIVED] = self._arrived
            connection = self._here.connection
            if self._reads(connection):
                self._bodies[connection] = _Body(time.monotonic() + self._seconds / _LOOKS, _received(connection))
            else:
                self._set(_NEVER)
            answer = app(environ, started)
            self._bodies.pop(connection, None)  # nobody reads it any more
            self._set(time.monotonic() + self._seconds + _size(said) / PACE)
            return answer

        return timed

    def cut(self) -> None:
        """Ends those whose time is over."""
        now = time.monotonic()
        for connection, due in list(self._due.items()):
            body = self._bodies.get(connection)
            if body is not None and not body.late:
                if due < now or self._is_slow(connection, body, now):
                    body.late, self._due[connection] = True, now + self._seconds
                    connection.parser.mesg.force_close()
                    _shut(connection, socket.SHUT_RD)
            elif due < now:
                _shut(connection, socket.SHUT_RDWR)

    def _is_slow(self, connection: Connection, body: _Body, now: float) -> bool:
        """Whether so little has come since we last looked that the shortest of long bodies would not come in time; what
        the thread has not taken yet is no fault of the client's."""
        if now < body.look:
            return False
        body.look, before, body.octets = now + self._seconds / _LOOKS, body.octets, _received(connection)
        few = before is not None and body.octets is not None and body.octets - before < SMALL // _LOOKS
        return few and not _has_more(connection)

    def _arrived(self) -> bool:
        connection = self._here.connection
        self._set(_NEVER)
        if (body := self._bodies.pop(connection, None)) is None:
            return True
        self._told(connection)
        return not body.late

    def _set(self, due: float) -> None:
        self._due[self._here.connection] = due


def _size(headers: Iterable[tuple[str, str]]) -> int:
    return next((int(value) for name, value in headers if name.lower() == "content-length"), UNSAID)


def _shut(connection: Connection, how: int) -> None:
    with contextlib.suppress(OSError):  # gone meanwhile
        # Not that of a TLS socket, which would forget its state under the thread that reads from it.
        socket.socket.shutdown(connection.sock, how)


def _has_more(connection: Connection) -> bool:
    """Whether something has come that its thread has not taken."""
    try:
        return any(fcntl.ioctl(connection.sock, termios.FIONREAD, bytes(4)))
    except (OSError, ValueError):  # its thread has just closed it
        return True


def _received(connection: Connection) -> int | None:
    """Octets, as the kernel counts them; None where it does not say."""
    try:
        told = connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    except OSError:
        return None
    return int(_INFO.unpack(told)[0]) if len(told) == _INFO.size else None
