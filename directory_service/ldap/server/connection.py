"""One client on its socket: reads, hands over, writes, and closes in time.

Key look-ups are answered in the loop; other searches and the verification of secrets run in the threads of ``hub``.
What came in one read is answered in one write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final, cast

from directory_service.ldap.handler import BindOutcome, Channel, response_tag
from directory_service.ldap.limits import SecretsNeedTls
from directory_service.ldap.messages import (
    BIND_RESPONSE,
    COMPARE_RESPONSE,
    SEARCH_DONE,
    AbandonRequest,
    BindRequest,
    CompareRequest,
    ExtendedRequest,
    Request,
    SearchRequest,
    UnbindRequest,
    WriteRequest,
    extended_response,
    notice_of_disconnection,
    result,
)
from directory_service.ldap.server.faults import internal_fault
from directory_service.ldap.server.identities import Proof
from directory_service.ldap.server.stream import TlsStream
from directory_service.ldap.session import ANONYMOUS, Disconnect, Event, Refusal, Session
from directory_service.ldap.virtual import START_TLS
from directory_service.trust.throttle import is_local, keys_of

if TYPE_CHECKING:
    import ssl

    from directory_service.ldap.server.hub import Hub

OPERATIONS_ERROR, PROTOCOL_ERROR, TIME_LIMIT, BUSY = 1, 2, 3, 51
_TURN: Final = 0.004  # seconds that the requests of one connection are answered before others have their turn
_WAITING: Final = 256  # requests decoded and not yet answered before we stop reading


class Connection(asyncio.Protocol):
    """One client.  Events wait in ``events`` while a bind is verified or the client does not read."""

    __slots__ = ("address", "begun", "binding", "binds", "channel", "events", "heard", "hub", "paused", "proof",
                 "reading", "scheduled", "session", "shaking", "stalled", "stream", "transport", "unread",
                 "upgrading")  # fmt: skip

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.session = Session(hub.handler.resolve, hub.settings.limits)
        self.events: deque[Event] = deque()
        self.transport = cast(asyncio.Transport, None)
        self.address = ""
        self.binds = 0
        self.binding = self.paused = self.scheduled = self.upgrading = False
        self.stream: TlsStream | None = None
        self.shaking: float | None = None  # since when a TLS handshake is under way
        self.channel = Channel(discreet=False)
        self.proof: Proof | None = None  # what the session was opened with
        self.reading = True
        self.heard = hub.loop.time()
        self.begun: float | None = None  # when the message not yet whole began
        self.stalled: float | None = None  # since when the client has not read
        self.unread = 0  # octets it had to read at the last sweep

    # --- transport --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self.hub.settings.output_buffer)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        self.channel = Channel(discreet=_may_send_secrets(self.hub.settings.secrets_need_tls, self.address))
        if not self.hub.admit(self):
            self.disconnect(BUSY, "trop de connexions")

    def connection_lost(self, _error: Exception | None) -> None:
        self.session.closing = True
        self.events.clear()
        self.abandon_all()
        self.hub.forget(self)

    def data_received(self, data: bytes) -> None:
        self.heard = self.hub.loop.time()
        events = self.session.receive(data)
        if not self.session.partial:
            self.begun = None
        elif events or self.begun is None:
            self.begun = self.heard
        self.events.extend(events)
        if not self.scheduled:
            self.pump()

    def pause_writing(self) -> None:
        self.paused, self.stalled = True, self.hub.loop.time()

    def resume_writing(self) -> None:
        self.paused, self.stalled = False, None
        self.pump()

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
        self._steer()

    def write(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _steer(self) -> None:
        """Reads no more than it answers: TCP then tells the client to wait."""
        wanted = len(self.events) < _WAITING and not self.paused
        if wanted != self.reading and not self.transport.is_closing():
            self.reading = wanted
            self.begun = self.hub.loop.time() if self.session.partial else None  # we made it wait
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def answer(self, event: Event) -> bytes:
        """The octets to send now; those of a search in a thread come later."""
        if isinstance(event, Refusal):
            return event.reply
        if isinstance(event, Disconnect):
            self.close(event.reply)
            return b""
        try:
            refused = self.hub.handler.unknown_control(event) if event.controls else None
            return _ANSWERS[type(event)](self, event) if refused is None else refused
        except Exception as error:
            return internal_fault(error, event.message_id, response_tag(event))

    def search(self, request: SearchRequest) -> bytes:
        work = self.hub.handler.search(request, self.session.identity, self.channel)
        if isinstance(work, bytes):
            return work
        if work.point:
            return self.hub.run(work)
        if work.quick and (reply := self.hub.run_briefly(work)) is not None:
            return reply
        return self.submit(work.message_id, SEARCH_DONE, partial(self.hub.run_late, work, self.hub.loop.time()))

    def compare(self, request: CompareRequest) -> bytes:
        step = partial(self.hub.compare, request, self.session.identity)
        return self.submit(request.message_id, COMPARE_RESPONSE, step)

    def submit(self, message_id: int, tag: int, step: Callable[[], bytes]) -> bytes:
        """Runs ``step`` in a thread, its reply sent when it comes; the reply that says no when it may not."""
        settings, outstanding = self.hub.settings, self.session.outstanding
        most = settings.outstanding_operator if self.session.identity.dn else settings.outstanding_anonymous
        if message_id in outstanding:
            return result(message_id, tag, PROTOCOL_ERROR, "numéro de message déjà en cours")
        if len(outstanding) >= most:
            return result(message_id, tag, BUSY, f"plus de {most} opérations en cours")
        future = self.hub.threads.submit(step)
        outstanding[message_id] = future
        future.add_done_callback(partial(self.hub.post, self._deliver, message_id))
        return b""

    def _deliver(self, message_id: int, future: Future[bytes]) -> None:
        if self.session.outstanding.get(message_id) is future:  # neither abandoned nor disconnected
            del self.session.outstanding[message_id]
            self.heard = self.hub.loop.time()
            self.write(future.result())

    def abandon(self, request: AbandonRequest) -> bytes:
        """RFC 4511 4.11: no reply, whether there was something to abandon or not."""
        future = self.session.outstanding.pop(request.target, None)
        if future:
            cast(Future[bytes], future).cancel()
        return b""

    def abandon_all(self) -> None:
        for future in self.session.outstanding.values():
            cast(Future[bytes], future).cancel()
        self.session.outstanding.clear()

    def bind(self, request: BindRequest) -> bytes:
        """RFC 4511 4.2.1: what is under way is abandoned, and the client is nobody until the outcome is known."""
        self.abandon_all()
        self._is_nobody()
        hub = self.hub
        slow = hub.handler.binds_slowly(request, self.channel)
        if slow or request.mechanism is not None:
            self.binds += 1
            if self.binds > hub.settings.binds:
                self.disconnect(BUSY, f"plus de {hub.settings.binds} authentifications")
                return b""
        name = hub.handler.claimed(request) if slow else ""
        if not slow or (hub.operators and hub.operators.remembered(name, request.secret) is not None):
            return self._bound(request, hub.handler.bind(request, self.channel))
        return self._queue(request, keys_of(name, self.address))

    def _queue(self, request: BindRequest, keys: tuple[str, ...]) -> bytes:
        """Has the secret verified, later where too many were wrong, not at all where too many wait."""
        hub = self.hub
        full = hub.verifying >= hub.settings.verifications
        wait = None if full else hub.throttle.reserve(keys, hub.loop.time())
        if wait is None:
            return result(request.message_id, BIND_RESPONSE, BUSY, "trop de tentatives ; réessayez plus tard")
        self.binding = True
        if wait:
            hub.loop.call_later(wait, self._verify, request, keys)
        else:
            self._verify(request, keys)
        return b""

    def _verify(self, request: BindRequest, keys: tuple[str, ...]) -> None:
        if self.transport.is_closing():
            return
        self.hub.verifying += 1
        future = self.hub.verifier.submit(self.hub.handler.bind, request, self.channel)
        future.add_done_callback(partial(self.hub.post, partial(self._verified, request, keys), request.message_id))

    def _verified(self, request: BindRequest, keys: tuple[str, ...], message_id: int, future: Future[BindOutcome]
                  ) -> None:  # fmt: skip
        self.binding = False
        self.hub.verifying -= 1
        if future.cancelled() or self.transport.is_closing():
            return
        error = future.exception()
        if error:
            self.write(internal_fault(error, message_id, BIND_RESPONSE))
        else:
            if future.result().identity.dn:
                self.hub.throttle.refund(keys)
            self.write(self._bound(request, future.result()))
        self.pump()

    def _bound(self, request: BindRequest, outcome: BindOutcome) -> bytes:
        self.session.bound_as(outcome.identity)
        if outcome.identity.dn and self.hub.operators:
            by = self.channel.certificate if request.mechanism else b""
            self.proof = self.hub.operators.proof(outcome.identity.name, by)
        return outcome.reply

    def _is_nobody(self) -> None:
        self.session.bound_as(ANONYMOUS)
        self.proof = None

    # --- TLS --------------------------------------------------------------------------------------------------------

    def behind_tls(self, context: ssl.SSLContext) -> TlsStream:
        """The protocol that stands between this connection and its socket."""
        self.stream = TlsStream(self, context)
        self.shaking = self.hub.loop.time()
        return self.stream

    def start_tls(self, request: ExtendedRequest) -> bytes:
        """RFC 4511 4.14.  What was sent behind the request, in plain text, came from no one we can name (CVE-2011-0411
        and its kind): it is not answered but refused, and the connection with it."""
        code, text = 0, ""
        if request.value is not None:
            code, text = PROTOCOL_ERROR, "StartTLS n'a pas de valeur"
        elif self.stream is not None:
            code, text = OPERATIONS_ERROR, "TLS déjà établi"
        elif self.session.outstanding:
            code, text = OPERATIONS_ERROR, "opérations en cours"
        elif self.events or self.session.partial:
            self.disconnect(PROTOCOL_ERROR, "octets reçus derrière StartTLS")
            return b""
        self.upgrading = code == 0
        return extended_response(request.message_id, code, text, oid=START_TLS)

    def _upgrade(self) -> None:
        """The reply is written: what comes now is TLS.  Who was bound in plain text is so no longer (RFC 4513 3.2)."""
        self.upgrading = False
        if self.hub.tls is not None and not self.transport.is_closing():
            self._is_nobody()
            below, stream = self.transport, self.behind_tls(self.hub.tls.context)
            self.transport = cast(asyncio.Transport, stream)
            stream.take_over(below)

    def secured(self, certificate: bytes) -> None:
        """The handshake is over; ``certificate`` is the client's, verified, or empty."""
        self.shaking = None
        self.heard = self.hub.loop.time()
        self.channel = Channel(True, certificate)

    def unbind(self, _request: UnbindRequest) -> bytes:
        self.close(b"")
        return b""

    def extended(self, request: ExtendedRequest) -> bytes:
        if request.oid == START_TLS and self.hub.tls is not None:
            return self.start_tls(request)
        return self.hub.handler.extended(request, self.session.identity)

    def refuse_write(self, request: WriteRequest) -> bytes:
        return self.hub.handler.write(request)

    # --- the end ----------------------------------------------------------------------------------------------------

    def disconnect(self, code: int, text: str) -> None:
        """Closes, after saying why (RFC 4511 4.4.1)."""
        self.close(notice_of_disconnection(code, text))

    def close(self, last: bytes) -> None:
        """Closes once ``last``, and the replies of the present turn, are written."""
        self.session.closing = True
        self.events.clear()
        self.abandon_all()
        self.stalled = self.stalled or self.hub.loop.time()  # a client that does not read this either is cut off
        self.hub.loop.call_soon(self._close, last)

    def _close(self, last: bytes) -> None:
        self.write(last)
        self.transport.close()

    def overdue(self, now: float) -> None:
        """Closes where a time limit has passed."""
        settings, bound = self.hub.settings, self.session.identity.dn
        if self.shaking is not None:
            if now - self.shaking > settings.handshake_time:
                self.transport.abort()
        elif self.stalled is not None:
            left, before = self.transport.get_write_buffer_size(), self.unread
            self.unread = left
            if left < before:
                self.stalled = now
            elif now - self.stalled > settings.unread_time:
                self.transport.abort()
        elif self.begun is not None and self.reading and now - self.begun > settings.receive_time:
            self.disconnect(TIME_LIMIT, f"message inachevé après {settings.receive_time:g} s")
        elif not (self.session.outstanding or self.binding):
            idle = settings.idle_bound if bound else settings.idle_anonymous
            if now - self.heard > idle:
                self.disconnect(TIME_LIMIT, f"connexion inactive depuis {idle:g} s")


def _may_send_secrets(need: SecretsNeedTls, address: str) -> bool:
    return need is SecretsNeedTls.NEVER or (need is SecretsNeedTls.REMOTE and is_local(address))


_ANSWERS: Final = cast(
    dict[type[Request], Callable[[Connection, Request], bytes]],
    {
        SearchRequest: Connection.search, BindRequest: Connection.bind, UnbindRequest: Connection.unbind,
        AbandonRequest: Connection.abandon, CompareRequest: Connection.compare,
        ExtendedRequest: Connection.extended, WriteRequest: Connection.refuse_write,
    },
)  # fmt: skip
