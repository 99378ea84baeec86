"""Clients that are slower than anybody has reason to be: a thread waits for each, and there are few.

A request has so many seconds to come, its body too, however many octets at a time; an answer, as many and what a slow
line needs for its size.  Between the two the time is ours and nobody is cut off.  A connection is ended by shutting it
down, which wakes the thread that waits for it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

PACE: Final = 16 * 1024  # octets a second: a whole export, which takes hours so, is not cut off on the slowest line
UNSAID: Final = 16 << 20  # octets of an answer that does not say how many: ten thousand verdicts with their receipts
ARRIVED: Final = "annuaire.arrived"  # in the environment of a request: what to call once its body is read
_NEVER: Final = float("inf")

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Connection(Protocol):
    """gunicorn's; ``sock`` changes when TLS begins."""

    sock: socket.socket


class Patience:
    """The connections for which threads of one worker wait.  Thread-safe."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[Connection, float] = {}
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

    def around(self, app: App) -> App:
        """The application, with what it tells us of the request and of the answer."""

        def timed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            said: list[tuple[str, str]] = []

            def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                said[:] = headers
                return start(status, headers, *more)

            environ[ARRIVED] = self._arrived
            if environ.get("CONTENT_LENGTH", "0") in ("", "0") and "HTTP_TRANSFER_ENCODING" not in environ:
                self._arrived()
            answer = app(environ, started)
            self._set(time.monotonic() + self._seconds + _size(said) / PACE)
            return answer

        return timed

    def cut(self) -> None:
        """Ends those whose time is over."""
        now = time.monotonic()
        for connection, due in list(self._due.items()):
            if due < now:
                with contextlib.suppress(OSError):  # gone meanwhile
                    # Not that of a TLS socket, which would forget its state under the thread that reads from it.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _arrived(self) -> None:
        self._set(_NEVER)

    def _set(self, due: float) -> None:
        self._due[self._here.connection] = due


def _size(headers: Iterable[tuple[str, str]]) -> int:
    return next((int(value) for name, value in headers if name.lower() == "content-length"), UNSAID)
