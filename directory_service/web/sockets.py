"""The sockets of the HTTP face: they give what they cannot write to ``departures``, and one of TLS does not read for
ever."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from directory_service.web.departures import Departures

READ_TIME: Final = 30.0  # seconds without an octet of a request that a thread waits for
_READ: Final = 64 * 1024  # octets of a file


class Sending:
    """Mixed into a socket that does not wait where it cannot write."""

    departures: Departures
    rest: bytearray  # what the client is still to be sent

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.departures.send(self, data)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """``count`` is always given by gunicorn."""
        number, sent = file.fileno(), 0
        while piece := os.pread(number, min(_READ, (count or 0) - sent), offset + sent):
            self.sendall(piece)
            sent += len(piece)
        return sent

    def send_now(self, piece: memoryview) -> int:
        """How many octets of it the socket takes, 0 when it must be waited for.  Raises OSError when the client is
        gone."""
        raise NotImplementedError


class Plain(Sending, socket.socket):
    """What gunicorn accepts."""

    @classmethod
    def of(cls, client: socket.socket) -> Plain:
        return cls(client.family, client.type, client.proto, fileno=client.detach())

    def send_now(self, piece: memoryview) -> int:
        with suppress(BlockingIOError):
            return socket.socket.send(self, piece, socket.MSG_DONTWAIT)
        return 0


class Ciphered(Sending, ssl.SSLSocket):
    """The same over TLS.  What it did not take must be given to it again, or more: ``Departures`` does.

    gunicorn looks whether there is something to read before it gives a thread to a plain connection, but cannot once
    there is TLS: reading ends after ``READ_TIME``."""

    def send_now(self, piece: memoryview) -> int:
        wait = self.gettimeout()
        try:
            ssl.SSLSocket.settimeout(self, 0.0)
            return ssl.SSLSocket.send(self, piece)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except ssl.SSLError as error:
            raise gone(type(error).__name__) from None
        finally:
            ssl.SSLSocket.settimeout(self, wait)

    def setblocking(self, flag: bool) -> None:
        self.settimeout(READ_TIME if flag else 0.0)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (TimeoutError, ssl.SSLError) as error:
            raise gone(type(error).__name__) from None


def gone(why: str) -> ConnectionResetError:
    """As gunicorn takes it without a word in the log."""
    return ConnectionResetError(errno.ECONNRESET, why)
