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

from directory_service.errors import InvalidInput
from directory_service.ldap.handler import BindOutcome, response_tag
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
from directory_service.ldap.searching import Stopped
from directory_service.ldap.server.faults import internal_fault
from directory_service.ldap.server.operations import (
    CANCEL_TEXTS,
    CANCELED,
    CANNOT_CANCEL,
    NO_SUCH_OPERATION,
    TOO_LATE,
    Operation,
    cancelled_id,
)
from directory_service.ldap.session import ANONYMOUS, Disconnect, Event, Refusal, Session
from directory_service.ldap.virtual import CANCEL

if TYPE_CHECKING:
    from directory_service.ldap.server.hub import Hub

PROTOCOL_ERROR, TIME_LIMIT, BUSY = 2, 3, 51
_TURN: Final = 0.004  # seconds that the requests of one connection are answered before others have their turn
_WAITING: Final = 256  # requests decoded and not yet answered before we stop reading


class Connection(asyncio.Protocol):
    """One client.  Events wait in ``events`` while a bind is verified or the client does not read."""

    __slots__ = ("address", "begun", "binding", "binds", "events", "heard", "hub", "paused", "reading", "scheduled",
                 "session", "stalled", "transport", "unread")  # fmt: skip

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.session = Session(hub.handler.resolve, hub.settings.limits)
        self.events: deque[Event] = deque()
        self.transport = cast(asyncio.Transport, None)
        self.address = ""
        self.binds = 0
        self.binding = self.paused = self.scheduled = False
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
            refused = self.hub.handler.refuse_controls(event) if event.controls else None
            return _ANSWERS[type(event)](self, event) if refused is None else refused
        except Exception as error:
            return internal_fault(error, event.message_id, response_tag(event))

    def search(self, request: SearchRequest) -> bytes:
        work = self.hub.handler.search(request, self.session.identity)
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

    def submit(self, message_id: int, tag: int, step: Callable[[Stopped], bytes]) -> bytes:
        """Runs ``step`` in a thread, its reply sent when it comes; the reply that says no when it may not."""
        settings, outstanding = self.hub.settings, self.session.outstanding
        most = settings.outstanding_operator if self.session.identity.dn else settings.outstanding_anonymous
        if message_id in outstanding:
            return result(message_id, tag, PROTOCOL_ERROR, "numéro de message déjà en cours")
        if len(outstanding) >= most:
            return result(message_id, tag, BUSY, f"plus de {most} opérations en cours")
        operation = Operation(tag)
        operation.future = self.hub.threads.submit(step, operation.is_stopped)
        outstanding[message_id] = operation
        operation.future.add_done_callback(partial(self.hub.post, self._deliver, message_id))
        return b""

    def _deliver(self, message_id: int, future: Future[bytes]) -> None:
        operation = self.session.outstanding.get(message_id)
        if operation and cast(Operation, operation).future is future:  # neither abandoned nor disconnected
            del self.session.outstanding[message_id]
            self.heard = self.hub.loop.time()
            self.write(future.result())

    def abandon(self, request: AbandonRequest) -> bytes:
        """RFC 4511 4.11: no reply, whether there was something to abandon or not."""
        operation = self.session.outstanding.pop(request.target, None)
        if operation:
            cast(Operation, operation).stop()
        return b""

    def cancel(self, request: ExtendedRequest) -> bytes:
        """RFC 3909: the operation called off answers before the Cancel does.  Only what runs in a thread is ever
        there to be called off; binds are waited for, and a Cancel of itself is the loop of CVE-2020-36227."""
        try:
            target = cancelled_id(request)
        except InvalidInput as error:
            return extended_response(request.message_id, PROTOCOL_ERROR, error.message)
        code, last = self._call_off(request.message_id, target)
        return last + extended_response(request.message_id, code, CANCEL_TEXTS[code])

    def _call_off(self, own: int, target: int) -> tuple[int, bytes]:
        operation = cast(Operation | None, self.session.outstanding.get(target))
        if operation is None:
            return CANNOT_CANCEL if target == own else NO_SUCH_OPERATION, b""
        if operation.future.done():
            return TOO_LATE, b""
        del self.session.outstanding[target]
        operation.stop()
        return 0, result(target, operation.tag, CANCELED, "opération annulée")

    def abandon_all(self) -> None:
        for operation in self.session.outstanding.values():
            cast(Operation, operation).stop()
        self.session.outstanding.clear()

    def bind(self, request: BindRequest) -> bytes:
        """RFC 4511 4.2.1: what is under way is abandoned, and the client is nobody until the outcome is known."""
        self.abandon_all()
        self.session.bound_as(ANONYMOUS)
        handler = self.hub.handler
        if not handler.binds_slowly(request):
            return self._bound(handler.bind(request))
        self.binds += 1
        if self.binds > self.hub.settings.binds:
            self.disconnect(BUSY, f"plus de {self.hub.settings.binds} authentifications")
            return b""
        self.binding = True
        future = self.hub.verifier.submit(handler.bind, request)
        future.add_done_callback(partial(self.hub.post, self._verified, request.message_id))
        return b""

    def _bound(self, outcome: BindOutcome) -> bytes:
        self.session.bound_as(outcome.identity)
        return outcome.reply

    def _verified(self, message_id: int, future: Future[BindOutcome]) -> None:
        self.binding = False
        if future.cancelled() or self.transport.is_closing():
            return
        error = future.exception()
        if error:
            self.write(internal_fault(error, message_id, BIND_RESPONSE))
        else:
            self.write(self._bound(future.result()))
        self.pump()

    def unbind(self, _request: UnbindRequest) -> bytes:
        self.close(b"")
        return b""

    def extended(self, request: ExtendedRequest) -> bytes:
        if request.oid == CANCEL:
            return self.cancel(request)
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
        if self.stalled is not None:
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


_ANSWERS: Final = cast(
    dict[type[Request], Callable[[Connection, Request], bytes]],
    {
        SearchRequest: Connection.search, BindRequest: Connection.bind, UnbindRequest: Connection.unbind,
        AbandonRequest: Connection.abandon, CompareRequest: Connection.compare,
        ExtendedRequest: Connection.extended, WriteRequest: Connection.refuse_write,
    },
)  # fmt: skip
