"""The LDAP face on a socket: asyncio protocols on uvloop, one event loop a process, SO_REUSEPORT between processes.

Key look-ups are answered in the loop; other searches and the verification of secrets run in threads, so that one slow
request delays nobody.  What came in one read is answered in one write.  What requests mean is ``handler``'s business.
Nothing here logs a name, an address or the text of a query.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import secrets
import socket
import sys
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import Final, Protocol, cast

import uvloop

from directory_service.errors import Forbidden
from directory_service.index.directory import Directory
from directory_service.ldap.handler import BindOutcome, CheckSecret, Handler, nobody
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import (
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
    notice_of_disconnection,
    result,
)
from directory_service.ldap.searching import DirectoryReader, Work
from directory_service.ldap.session import ANONYMOUS, Disconnect, Event, Refusal, Session
from directory_service.trust.access import Secrets
from ldap_schema.schema import load

log = logging.getLogger(__name__)

TIME_LIMIT, BUSY, UNAVAILABLE, OTHER, PROTOCOL_ERROR = 3, 51, 52, 80, 2
_TURN: Final = 64  # requests of one connection answered before others have their turn
_WAITING: Final = 256  # requests decoded and not yet answered before we stop reading
_TICK: Final = 0.2  # seconds between two looks at ``stop``
_SWEEP: Final = 1.0  # seconds between two looks for connections to close
_NOTICED: Final = 0.05  # seconds in a queue that count against a search's time
_SWITCH: Final = 0.001  # seconds a search thread keeps the interpreter when the loop wants it (Python: 5 ms)


class Stop(Protocol):
    """A ``threading.Event``, or that of ``multiprocessing``."""

    def is_set(self) -> bool: ...


class Connection(asyncio.Protocol):
    """One client.  Events wait in ``events`` while a bind is verified or the client does not read."""

    __slots__ = ("address", "begun", "binding", "binds", "events", "heard", "paused", "reading", "scheduled", "server",
                 "session", "stalled", "transport")  # fmt: skip

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = Session(server.handler.resolve, server.settings.limits)
        self.events: deque[Event] = deque()
        self.transport = cast(asyncio.Transport, None)
        self.address = ""
        self.binds = 0
        self.binding = self.paused = self.scheduled = False
        self.reading = True
        self.heard = server.loop.time()
        self.begun: float | None = None  # when the message not yet whole began
        self.stalled: float | None = None  # since when the client has not read

    # --- transport --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self.server.settings.output_buffer)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else ""
        if not self.server.admit(self):
            self.disconnect(BUSY, "trop de connexions")

    def connection_lost(self, _error: Exception | None) -> None:
        self.session.closing = True
        self.events.clear()
        self.abandon_all()
        self.server.forget(self)

    def data_received(self, data: bytes) -> None:
        self.heard = self.server.loop.time()
        events = self.session.receive(data)
        if not self.session.partial:
            self.begun = None
        elif events or self.begun is None:
            self.begun = self.heard
        self.events.extend(events)
        if not self.scheduled:
            self.pump()

    def pause_writing(self) -> None:
        self.paused, self.stalled = True, self.server.loop.time()

    def resume_writing(self) -> None:
        self.paused, self.stalled = False, None
        self.pump()

    # --- work -------------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Answers what waits, as far as the client reads and others are not kept waiting."""
        self.scheduled = False
        out: list[bytes] = []
        size, turn = 0, _TURN
        while self.events and turn and not (self.binding or self.paused):
            reply = self.answer(self.events.popleft())
            out.append(reply)
            size += len(reply)
            turn -= 1
            if size > self.server.settings.output_buffer:
                self.write(b"".join(out))
                out, size = [], 0
        self.write(b"".join(out))
        if self.events and not (self.binding or self.paused):
            self.scheduled = True
            self.server.loop.call_soon(self.pump)
        self._steer()

    def write(self, data: bytes) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _steer(self) -> None:
        """Reads no more than it answers: TCP then tells the client to wait."""
        wanted = len(self.events) < _WAITING and not self.paused
        if wanted != self.reading and not self.transport.is_closing():
            self.reading = wanted
            (self.transport.resume_reading if wanted else self.transport.pause_reading)()

    def answer(self, event: Event) -> bytes:
        """The octets to send now; those of a search in a thread come later."""
        if isinstance(event, Refusal):
            return event.reply
        if isinstance(event, Disconnect):
            self.close(event.reply)
            return b""
        if event.controls and type(event) not in _NO_RESPONSE:
            refused = self.server.handler.unknown_control(event)
            if refused:
                return refused
        return _ANSWERS[type(event)](self, event)

    def search(self, request: SearchRequest) -> bytes:
        work = self.server.handler.search(request, self.session.identity)
        if isinstance(work, bytes):
            return work
        if work.point:
            return self.server.run(work)
        return self.submit(work.message_id, SEARCH_DONE, partial(self.server.run_late, work, self.server.loop.time()))

    def compare(self, request: CompareRequest) -> bytes:
        step = partial(self.server.compare, request, self.session.identity)
        return self.submit(request.message_id, COMPARE_RESPONSE, step)

    def submit(self, message_id: int, tag: int, step: Callable[[], bytes]) -> bytes:
        """Runs ``step`` in a thread, its reply sent when it comes; the reply that says no when it may not."""
        settings, outstanding = self.server.settings, self.session.outstanding
        most = settings.outstanding_operator if self.session.identity.dn else settings.outstanding_anonymous
        if message_id in outstanding:
            return result(message_id, tag, PROTOCOL_ERROR, "numéro de message déjà en cours")
        if len(outstanding) >= most:
            return result(message_id, tag, BUSY, f"plus de {most} opérations en cours")
        future = self.server.threads.submit(step)
        outstanding[message_id] = future
        future.add_done_callback(partial(self.server.post, self._deliver, message_id))
        return b""

    def _deliver(self, message_id: int, future: Future[bytes]) -> None:
        if self.session.outstanding.get(message_id) is future:  # neither abandoned nor disconnected
            del self.session.outstanding[message_id]
            self.heard = self.server.loop.time()
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
        self.session.bound_as(ANONYMOUS)
        handler = self.server.handler
        if not handler.binds_slowly(request):
            return self._bound(handler.bind(request))
        self.binds += 1
        if self.binds > self.server.settings.binds:
            self.disconnect(BUSY, f"plus de {self.server.settings.binds} authentifications")
            return b""
        self.binding = True
        future = self.server.verifier.submit(handler.bind, request)
        future.add_done_callback(partial(self.server.post, self._verified, request.message_id))
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
            _log_fault(error)
            self.write(result(message_id, 0x61, OTHER, "erreur interne"))
        else:
            self.write(self._bound(future.result()))
        self.pump()

    def unbind(self, _request: UnbindRequest) -> bytes:
        self.close(b"")
        return b""

    def extended(self, request: ExtendedRequest) -> bytes:
        return self.server.handler.extended(request, self.session.identity)

    def refuse_write(self, request: WriteRequest) -> bytes:
        return self.server.handler.write(request)

    # --- the end ----------------------------------------------------------------------------------------------------

    def disconnect(self, code: int, text: str) -> None:
        """Closes, after saying why (RFC 4511 4.4.1)."""
        self.close(notice_of_disconnection(code, text))

    def close(self, last: bytes) -> None:
        """Closes once ``last``, and the replies of the present turn, are written."""
        self.session.closing = True
        self.events.clear()
        self.abandon_all()
        self.stalled = self.stalled or self.server.loop.time()  # a client that does not read this either is cut off
        self.server.loop.call_soon(self._close, last)

    def _close(self, last: bytes) -> None:
        self.write(last)
        self.transport.close()

    def overdue(self, now: float) -> None:
        """Closes where a time limit has passed."""
        settings, bound = self.server.settings, self.session.identity.dn
        if self.stalled is not None:
            if now - self.stalled > settings.unread_time:
                self.transport.abort()
        elif self.begun is not None and now - self.begun > settings.receive_time:
            self.disconnect(TIME_LIMIT, f"message inachevé après {settings.receive_time:g} s")
        elif not (self.session.outstanding or self.binding):
            idle = settings.idle_bound if bound else settings.idle_anonymous
            if now - self.heard > idle:
                self.disconnect(TIME_LIMIT, f"connexion inactive depuis {idle:g} s")


_NO_RESPONSE: Final = (UnbindRequest, AbandonRequest)
_ANSWERS: Final = cast(
    dict[type[Request], Callable[[Connection, Request], bytes]],
    {
        SearchRequest: Connection.search, BindRequest: Connection.bind, UnbindRequest: Connection.unbind,
        AbandonRequest: Connection.abandon, CompareRequest: Connection.compare,
        ExtendedRequest: Connection.extended, WriteRequest: Connection.refuse_write,
    },
)  # fmt: skip


class Server:
    """What the connections of one process share."""

    def __init__(self, handler: Handler, settings: LdapSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.handler = handler
        self.settings = settings
        self.loop = loop
        self.threads = ThreadPoolExecutor(settings.workers, "ldap-search")
        self.verifier = ThreadPoolExecutor(1, "ldap-bind")  # apart, so that a flood of binds delays no search
        self.connections: set[Connection] = set()
        self.addresses: Counter[str] = Counter()

    def admit(self, connection: Connection) -> bool:
        """Counts the connection; false when it is one too many."""
        self.connections.add(connection)
        self.addresses[connection.address] += 1
        settings = self.settings
        crowded = self.addresses[connection.address] > settings.connections_per_address
        return not crowded and len(self.connections) <= settings.connections

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.addresses[connection.address] -= 1
        if self.addresses[connection.address] <= 0:
            del self.addresses[connection.address]

    def run(self, work: Work, waited: float = 0.0) -> bytes:
        """The reply to a search, whatever happens."""
        try:
            return self.handler.run(work, waited)
        except Exception as error:
            _log_fault(error)
            return result(work.message_id, SEARCH_DONE, OTHER, "erreur interne")

    def run_late(self, work: Work, since: float) -> bytes:
        """``run`` for a search that waited in the queue."""
        waited = self.loop.time() - since
        return self.run(work, waited if waited > _NOTICED else 0.0)

    def compare(self, request: CompareRequest, identity: object) -> bytes:
        try:
            return self.handler.compare(request, identity)  # type: ignore[arg-type]
        except Exception as error:
            _log_fault(error)
            return result(request.message_id, COMPARE_RESPONSE, OTHER, "erreur interne")

    def post(self, receive: Callable[..., None], message_id: int, future: Future[object]) -> None:
        """From a thread to the loop, if there still is one."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(receive, message_id, future)

    def sweep(self) -> None:
        """A thousand connections take about a millisecond; a timer each would take more."""
        now = self.loop.time()
        for connection in list(self.connections):
            connection.overdue(now)

    async def shut_down(self) -> None:
        """What is under way ends, as far as ``shutdown_time`` allows; then everybody is told."""
        deadline = self.loop.time() + self.settings.shutdown_time
        while self.loop.time() < deadline and any(c.session.outstanding or c.binding for c in self.connections):
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.disconnect(UNAVAILABLE, "arrêt du service")
        while self.loop.time() < deadline + 0.5 and self.connections:
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        for pool in (self.threads, self.verifier):
            pool.shutdown(wait=True, cancel_futures=True)


def _log_fault(error: BaseException) -> None:
    """Where it happened, not what was asked: messages of exceptions may hold a value of the query."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("internal fault: %s at %s", type(error).__name__, where)


def operator_check(directory: Directory) -> CheckSecret:
    """Operators and their secrets as the index knows them; suspended or unknown are the same answer."""
    known = Secrets(directory)

    def check(name: str, secret: bytes) -> bool:
        try:
            known.check(name, secret.decode("utf-8", "surrogateescape"))
        except Forbidden:
            return False
        return True

    return check


def serve(settings: LdapSettings, listener: socket.socket | tuple[str, int], directory: DirectoryReader, stop: Stop, *,
          check_secret: CheckSecret = nobody, ready: Callable[[int], None] | None = None) -> None:  # fmt: skip
    """Serves until ``stop`` is set.  ``ready`` is called with the port once connections are accepted.

    With a host and port, several processes may serve the same (SO_REUSEPORT).
    """
    handler = Handler(
        directory, load(), settings, check_secret=check_secret, cookie_key=secrets.token_bytes(32),
        version=version("annuaire"),
    )  # fmt: skip
    sys.setswitchinterval(_SWITCH)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(handler, settings, listener, stop, ready or (lambda _port: None)))


async def _serve(handler: Handler, settings: LdapSettings, listener: socket.socket | tuple[str, int], stop: Stop,
                 ready: Callable[[int], None]) -> None:  # fmt: skip
    loop = asyncio.get_running_loop()
    server = Server(handler, settings, loop)
    make = partial(Connection, server)
    if isinstance(listener, socket.socket):
        listening = await loop.create_server(make, sock=listener, backlog=1024)
    else:
        listening = await loop.create_server(make, *listener, reuse_port=True, backlog=1024)
    gc.freeze()  # the schema and the modules are here to stay: full collections need not look at them
    ready(listening.sockets[0].getsockname()[1])
    swept = loop.time()
    while not stop.is_set():
        await asyncio.sleep(_TICK)
        if loop.time() - swept >= _SWEEP:
            swept = loop.time()
            server.sweep()
    listening.close()
    await server.shut_down()
