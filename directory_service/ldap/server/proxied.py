"""Whose connection a balancer makes: its PROXY protocol header, before anything else is read (decision 0047).

Stands on the socket in the place of a connection, and makes the connection, over TLS or not, once the header has said
whose it is.  From peers that are not trusted no header is taken: theirs is the address of the socket, and their first
octet is LDAP's or TLS's.  Without the setting nothing of this is in the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from directory_service.errors import InvalidInput
from directory_service.ldap.proxyheader import find_header
from directory_service.model.networks import is_local

if TYPE_CHECKING:
    from directory_service.ldap.server.hub import Hub

Make = Callable[[str], asyncio.Protocol]  # a connection, given the address of its client; empty: that of its socket


def behind_proxies(hub: Hub, make: Make) -> Callable[[], asyncio.Protocol]:
    """What stands on a new socket: what ``make`` makes, or where headers are expected, what comes before it."""
    return partial(Proxied, hub, make) if hub.settings.proxies.held else partial(make, "")


def address_of(transport: asyncio.BaseTransport) -> str:
    """The other end of the socket; empty for a Unix socket."""
    peer = transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) else ""


def client_of(peer: str, named: str) -> str:
    """Whose the connection of a proxy is.  The loopback of another machine is that machine, and not ours, whose clients
    may send secrets in clear."""
    return peer if not named or (is_local(named) and not is_local(peer)) else named


class Proxied(asyncio.Protocol):
    """One socket until it is known whose it is."""

    __slots__ = ("_begun", "_data", "_hub", "_make", "_peer", "_transport")

    def __init__(self, hub: Hub, make: Make) -> None:
        self._hub, self._make = hub, make
        self._transport = cast(asyncio.Transport, None)
        self._peer = ""
        self._data = bytearray()
        self._begun = hub.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer = address_of(transport)
        if self._peer not in self._hub.settings.proxies or not self._hub.expect(self):
            self._is_of(self._peer)

    def connection_lost(self, _error: Exception | None) -> None:
        """Who goes without a word wanted to see whether the port is open."""
        self._leave("failed" if self._data else "")

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._data += data
        try:
            header = find_header(bytes(self._data))
        except InvalidInput:
            self.end()
            return
        if header is None:
            return
        self._leave("client" if header.address else "peer")
        connection = self._is_of(client_of(self._peer, header.address))
        if rest := bytes(self._data[header.size :]):
            connection.data_received(rest)

    def _is_of(self, address: str) -> asyncio.Protocol:
        """Gives the socket to the connection of this client, which is counted from here on."""
        connection = self._make(address)
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        return connection

    def overdue(self, now: float) -> None:
        if now - self._begun > self._hub.settings.handshake_time:
            self._hub.watch.limit("handshake_time")
            self.end()

    def end(self, outcome: str = "failed") -> None:
        """Nothing can be said to who does not say first who it speaks for."""
        self._leave(outcome)
        self._transport.abort()

    def _leave(self, outcome: str) -> None:
        """Once, whatever comes after."""
        if self._hub.expected(self) and outcome:
            self._hub.watch.meter.headers[outcome] += 1
