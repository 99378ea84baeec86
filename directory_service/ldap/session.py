"""One connection's state, without its socket: octets in, in any pieces; requests and refusals out.  PURE (sans-IO).

Knows who is bound and whether the connection is to be closed.  Does not answer requests (``handler``), does not tell
the time and does not write (``server``).
Legal order (RFC 4511 4.2.1, 4.3): anything may come at any time, but nothing after an Unbind or a fault.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from directory_service.index.query import View
from directory_service.ldap.ber import BerError
from directory_service.ldap.codes import PROTOCOL_ERROR
from directory_service.ldap.filters import Resolve
from directory_service.ldap.limits import Limits
from directory_service.ldap.messages import (
    BadRequest,
    Request,
    UnbindRequest,
    decode_request,
    frame,
    notice_of_disconnection,
)


class Identity(NamedTuple):
    """Who is bound; ``dn`` is empty for anonymous."""

    dn: str
    name: str
    view: View


ANONYMOUS: Final = Identity("", "", View.ANONYMOUS)


class Refusal(NamedTuple):
    """The reply to a request that could be read but not obeyed; the connection goes on.  ``limit``: the one met."""

    reply: bytes
    limit: str = ""


class Disconnect(NamedTuple):
    """A Notice of Disconnection to send before closing.  ``limit``: the one met."""

    reply: bytes
    limit: str = ""


Event = Request | Refusal | Disconnect


class Session:
    """``receive`` until ``closing``."""

    __slots__ = ("_cap", "_limits", "_need", "_partial", "_resolve", "closing", "identity")

    def __init__(self, resolve: Resolve, limits: Limits) -> None:
        self._resolve = resolve
        self._limits = limits
        self._partial = bytearray()
        self._need = 0  # octets before the first message of ``_partial`` is whole
        self._cap = limits.pdu_anonymous
        self.identity = ANONYMOUS
        self.closing = False

    @property
    def partial(self) -> bool:
        """Is a message begun and not finished?"""
        return bool(self._partial)

    def bound_as(self, identity: Identity) -> None:
        """The outcome of a Bind: what comes next is said by this identity (RFC 4511 4.2.1)."""
        self.identity = identity
        self._cap = self._limits.pdu_bound if identity.dn else self._limits.pdu_anonymous

    def receive(self, data: bytes) -> list[Event]:
        """The events that these octets complete, in order.  Nothing once ``closing``."""
        if self.closing:
            return []
        if self._partial:
            self._partial += data
            if len(self._partial) < self._need:  # so that a message sent octet by octet is copied once
                return []
            data = bytes(self._partial)
            self._partial.clear()
        events: list[Event] = []
        try:
            self._split(data, events)
        except BerError as error:
            self.closing = True
            # Without its offset, which depends on what else came in the same read.
            events.append(Disconnect(notice_of_disconnection(PROTOCOL_ERROR, error.message), error.limit))
        return events

    def _split(self, data: bytes, events: list[Event]) -> None:
        at, size = 0, len(data)
        while at < size and not self.closing:
            found = frame(data, at, self._cap)
            if found is None or found[1] > size:
                self._need = found[1] - at if found else 0
                self._partial += data[at:]
                return
            try:
                request = decode_request(data, found[0], found[1], self._resolve, self._limits)
                self.closing = type(request) is UnbindRequest
                events.append(request)
            except BadRequest as error:
                events.append(Refusal(error.reply, error.limit))
            at = found[1]
