"""TLS between a connection and its socket: a protocol for the one, a transport for the other.

OpenSSL works on two memory buffers; this moves octets between them, the socket and the connection, in the loop, and
keeps no octets of its own.  What the socket's transport says of slow readers passes through.  The connection is told
when its client's identity is known; how long a handshake may take is the connection's to watch.  The loops' own TLS
would count a connection, and let us close it, only once its handshake is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any, Final, Protocol, cast

_RECORD: Final = 16_384  # octets that a record holds at most (RFC 8446 5.1), so that a read leaves none of it behind


class Client(Protocol):
    """The part of ``connection.Connection`` that is needed here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...
    def connection_lost(self, error: Exception | None) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def secured(self, certificate: bytes) -> None: ...


class TlsStream(asyncio.Protocol):
    """One connection's TLS; ``established`` once the handshake is over."""

    __slots__ = ("_client", "_in", "_out", "_ssl", "_transport", "established")

    def __init__(self, client: Client, context: ssl.SSLContext) -> None:
        self._client = client
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._in, self._out, server_side=True)
        self._transport = cast(asyncio.Transport, None)
        self.established = False

    def take_over(self, transport: asyncio.Transport) -> None:
        """What comes from the socket is TLS from now on (StartTLS)."""
        self._transport = transport
        transport.set_protocol(self)

    # --- below: the socket ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._client.connection_made(cast(asyncio.Transport, self))

    def connection_lost(self, error: Exception | None) -> None:
        """The connection holds us and we hold it: let go, so that nothing is left for the collector."""
        client = self._client
        del self._client
        self.established = False
        client.connection_lost(error)

    def pause_writing(self) -> None:
        self._client.pause_writing()

    def resume_writing(self) -> None:
        self._client.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._in.write(data)
        try:
            if not self.established:
                self._ssl.do_handshake()
                self.established = True
                self._client.secured(self._ssl.getpeercert(binary_form=True) or b"")
            ended = self._read()
        except ssl.SSLWantReadError:
            ended = False
        except ssl.SSLError:  # not TLS, no version or cipher in common, a certificate refused: the alert says so
            ended = True
        self._flush()
        if ended:
            self.close()

    def _read(self) -> bool:
        """Hands over what was deciphered; true at the client's close_notify."""
        found: list[bytes] = []
        ended = False
        try:
            while self._in.pending and not ended:
                found.append(self._ssl.read(_RECORD))
                ended = not found[-1]
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = True
        if data := b"".join(found):
            self._client.data_received(data)
        return ended

    def _flush(self) -> None:
        if self._out.pending:
            self._transport.write(self._out.read())

    # --- above: the connection --------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Before the handshake is over nothing can be said: a notice of disconnection is lost."""
        if not self.established:
            return
        left = memoryview(data)
        while left:
            left = left[self._ssl.write(left) :]
        self._flush()

    def close(self) -> None:
        """Says close_notify, and waits for no answer (RFC 8446 6.1)."""
        if self.established and not self._transport.is_closing():
            with contextlib.suppress(ssl.SSLError):
                self._ssl.unwrap()
            self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
