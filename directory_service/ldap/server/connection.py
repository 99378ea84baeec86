"""One client on its socket: reads, hands over, writes, and closes in time.

Key look-ups are answered in the loop; other searches and the verification of secrets run in the threads of ``hub``
(``answering``).  What came in one read is answered in one write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Final, cast

from directory_service.ldap.codes import BUSY, TIME_LIMIT_EXCEEDED
from directory_service.ldap.handler import Channel, response_tag
from directory_service.ldap.messages import AbandonRequest, UnbindRequest, notice_of_disconnection
from directory_service.ldap.searching import Work
from directory_service.ldap.server.answering import ANSWERS
from directory_service.ldap.server.binding import is_nobody, may_send_secrets
from directory_service.ldap.server.ending import end_at_once
from directory_service.ldap.server.faults import internal_fault
from directory_service.ldap.server.identities import Proof
from directory_service.ldap.server.operations import Operation
from directory_service.ldap.server.proxied import address_of
from directory_service.ldap.server.stream import TlsStream
from directory_service.ldap.session import Disconnect, Event, Refusal, Session

if TYPE_CHECKING:
    import ssl

    from directory_service.ldap.server.hub import Hub

_TURN: Final = 0.004  # seconds that the requests of one connection are answered before others have their turn
_WAITING: Final = 256  # requests decoded and not yet answered before we stop reading
_LAST_ANSWERS: Final = 1.0  # seconds for what is under way once the client sends no more: it may be gone
_SILENT: Final = (UnbindRequest, AbandonRequest)  # have no reply
_OPEN, _DISCREET = Channel(discreet=False), Channel()  # those of every client without a certificate


class Connection(asyncio.Protocol):
    """One client.  Events wait in ``events`` while a bind is verified or the client does not read."""

    __slots__ = ("address", "asked", "begun", "binding", "binds", "channel", "ended", "entries", "events", "handed",
                 "heard", "hub", "number", "outstanding", "paused", "promised", "proof", "reading", "scheduled",
                 "session", "shaking", "stalled", "stream", "transport", "unread", "upgrading", "work")  # fmt: skip

    def __init__(self, hub: Hub, address: str = "", *, handed: bool = False) -> None:
        """``address`` is the client's where it is not that of the socket (``proxied``)."""
        self.hub = hub
        self.handed = handed  # by another process (``siblings``)
        self.session = Session(hub.handler.resolve, hub.settings.limits)
        self.events: deque[Event] = deque()
        self.outstanding: dict[int, Operation] = {}  # in threads, by message id
        self.transport = cast(asyncio.Transport, None)
        self.address = address
        self.number = 0
        self.asked = self.binds = 0
        self.work: Work | None = None  # the search answered just now
        self.entries = 0  # in its answer
        self.binding = self.paused = self.scheduled = self.upgrading = self.ended = False
        self.stream: TlsStream | None = None
        self.shaking: float | None = None  # since when a TLS handshake is under way
        self.channel = _OPEN
        self.proof: Proof | None = None  # what the session was opened with
        self.promised = False  # was it given a cookie or a context id, which no other process can read?
        self.reading = True
        self.heard = hub.loop.time()
        self.begun: float | None = None  # when the message not yet whole began
        self.stalled: float | None = None  # since when the client has not read
        self.unread = 0  # octets it had to read at the last sweep

    # --- transport --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self.hub.settings.output_buffer)
        self.address = self.address or address_of(transport)
        self.channel = _DISCREET if may_send_secrets(self.hub.settings.secrets_need_tls, self.address) else _OPEN
        crowded = self.hub.admit(self)
        if crowded:
            self.disconnect(BUSY, "trop de connexions", crowded)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.shaking is not None:
            self.hub.watch.meter.handshakes["failed"] += 1
        self.session.closing = True
        self.events.clear()
        self.abandon_all()
        self.hub.forget(self)

    def data_received(self, data: bytes) -> None:
        self.heard = self.hub.loop.time()
        self.hub.watch.meter.received += len(data)
        events = self.session.receive(data)
        if not self.session.partial:
            self.begun = None
        elif events or self.begun is None:
            self.begun = self.heard
        self.events.extend(events)
        if not self.scheduled:
            self.pump()

    def eof_received(self) -> bool:
        """The client sends no more.  Whether it has gone or waits for its last answers (``shutdown(SHUT_WR)``) nobody
        can tell: those have a moment to come, and what takes longer is called off with the connection."""
        self.session.closing = self.ended = True
        if waits := not self._is_done():
            self.hub.loop.call_later(_LAST_ANSWERS, self._give_up)
        return waits

    def _give_up(self) -> None:
        """Not while it reads what there is: it is there."""
        if (self.events or self.paused) and not self.transport.is_closing():
            self.hub.loop.call_later(_LAST_ANSWERS, self._give_up)
        else:
            self.close(b"")

    def _is_done(self) -> bool:
        return not (self.events or self.outstanding or self.binding)

    def pause_writing(self) -> None:
        self.paused, self.stalled = True, self.hub.loop.time()
        self.hub.watch.limit("output_buffer")

    def resume_writing(self) -> None:
        self.paused, self.stalled = False, None
        self.pump()

    @property
    def is_blank(self) -> bool:
        """Whether another process may go on with it: in plain text, nobody's, with no search to be continued, and
        nothing said that is not answered."""
        waiting = self.events or self.outstanding or self.session.partial or self.session.closing
        busy = self.binding or self.paused or self.scheduled or self.upgrading or not self.reading
        known = self.stream or self.binds or self.promised or self.session.identity.dn
        return not (waiting or busy or known or self.transport.get_write_buffer_size())

    # --- work -------------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Answers what waits, as far as the client reads and others are not kept waiting."""
        self.scheduled = False
        out: list[bytes] = []
        size, until = 0, monotonic() + _TURN  # the loop's own clock stands still meanwhile
        while self.events and not (self.binding or self.paused):
            reply = self.answer(self.events.popleft())
            out.append(reply)
            size += len(reply)
            if monotonic() > until:
                break
            if size > self.hub.settings.output_buffer:
                self.write(b"".join(out))
                out, size = [], 0
        self.write(b"".join(out))
        if self.upgrading:
            self._upgrade()
        if self.events and not (self.binding or self.paused):
            self.scheduled = True
            self.hub.loop.call_soon(self.pump)
        self._go_on()

    def write(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.hub.watch.meter.sent += len(data)
            self.transport.write(data)

    def _go_on(self) -> None:
        """Reads no more than it answers: TCP then tells the client to wait.  Who sends no more is closed at its end."""
        if self.ended:
            if self._is_done():
                self.close(b"")
            return
        wanted = len(self.events) < _WAITING and not self.paused
        if wanted != self.reading and not self.transport.is_closing():
            self.reading = wanted
            self.begun = self.hub.loop.time() if self.session.partial else None  # we made it wait
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def answer(self, event: Event) -> bytes:
        """The octets to send now; those of a search in a thread come later."""
        if isinstance(event, Refusal):
            self.hub.watch.refused(self, event.reply, event.limit)
            return event.reply
        if isinstance(event, Disconnect):
            self.hub.watch.disconnected(self, event.reply, event.limit)
            self.close(event.reply)
            return b""
        self.work, self.entries = None, 0
        started = perf_counter()
        try:
            refused = self.hub.handler.refuse_controls(event) if event.controls else None
            reply = ANSWERS[type(event)](self, event) if refused is None else refused
        except Exception as error:
            reply = internal_fault(error, event.message_id, response_tag(event))
        if reply or type(event) in _SILENT:
            self.hub.watch.answered(self, event, reply, perf_counter() - started, self.entries, self.work)
        return reply

    def deliver(self, reply: bytes) -> None:
        """The octets of an answer that a thread has made."""
        self.heard = self.hub.loop.time()
        self.write(reply)
        self._go_on()

    def abandon_all(self) -> None:
        for operation in self.outstanding.values():
            operation.stop()
        self.outstanding.clear()

    # --- TLS --------------------------------------------------------------------------------------------------------

    def behind_tls(self, context: ssl.SSLContext) -> TlsStream:
        """The protocol that stands between this connection and its socket."""
        self.stream = TlsStream(self, context)
        self.shaking = self.hub.loop.time()
        return self.stream

    def _upgrade(self) -> None:
        """The reply is written: what comes now is TLS.  Who was bound in plain text is so no longer (RFC 4513 3.2)."""
        self.upgrading = False
        if self.hub.tls is not None and not self.transport.is_closing():
            is_nobody(self)
            below, stream = self.transport, self.behind_tls(self.hub.tls.context)
            self.transport = cast(asyncio.Transport, stream)
            stream.take_over(below)

    def secured(self, certificate: bytes) -> None:
        """The handshake is over; ``certificate`` is the client's, verified, or empty."""
        self.shaking = None
        self.hub.watch.meter.handshakes["done"] += 1
        self.heard = self.hub.loop.time()
        self.channel = Channel(True, certificate) if certificate else _DISCREET

    # --- the end ----------------------------------------------------------------------------------------------------

    def disconnect(self, code: int, text: str, limit: str = "") -> None:
        """Closes, after saying why (RFC 4511 4.4.1).  ``limit`` names the one that was met, if that is why."""
        notice = notice_of_disconnection(code, text)
        self.hub.watch.disconnected(self, notice, limit)
        self.close(notice)

    def close(self, last: bytes) -> None:
        """Closes once ``last``, and the replies of the present turn, are written."""
        self.session.closing = True
        self.events.clear()
        self.abandon_all()
        self.stalled = self.stalled or self.hub.loop.time()  # a client that does not read this either is cut off
        self.hub.loop.call_soon(self._close, last)

    def _close(self, last: bytes) -> None:
        if last and self.asked:
            end_at_once(self.transport)
        self.write(last)
        self.transport.close()

    def overdue(self, now: float) -> None:
        """Closes where a time limit has passed."""
        settings, bound = self.hub.settings, self.session.identity.dn
        if self.shaking is not None:
            if now - self.shaking > settings.handshake_time:
                self.hub.watch.limit("handshake_time")
                self.transport.abort()
        elif self.stalled is not None:
            before, self.unread = self.unread, self.transport.get_write_buffer_size()
            if self.unread < before:
                self.stalled = now
            elif now - self.stalled > settings.unread_time:
                self.hub.watch.limit("unread_time")
                self.transport.abort()
        elif self.begun is not None and self.reading and now - self.begun > settings.receive_time:
            self.disconnect(TIME_LIMIT_EXCEEDED, f"message inachevé après {settings.receive_time:g} s", "receive_time")
        elif not (self.outstanding or self.binding):
            idle = settings.idle_bound if bound else settings.idle_anonymous
            if now - self.heard > idle:
                self.disconnect(TIME_LIMIT_EXCEEDED, f"connexion inactive depuis {idle:g} s", "idle")
