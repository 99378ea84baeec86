"""What the connections of one process share: the handler, the threads, the counts, the sweep, the shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Final

from directory_service.index.query import BRIEF
from directory_service.ldap.codes import UNAVAILABLE
from directory_service.ldap.handler import Handler
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import COMPARE_RESPONSE, SEARCH_DONE, CompareRequest
from directory_service.ldap.searching import Stopped, Work
from directory_service.ldap.selection import Hit
from directory_service.ldap.server.connection import Connection
from directory_service.ldap.server.faults import internal_fault
from directory_service.ldap.server.identities import Operators, end_sessions
from directory_service.ldap.server.proxied import Proxied
from directory_service.ldap.server.stream import TlsStream
from directory_service.ldap.server.turns import Turns
from directory_service.ldap.server.watch import Watch
from directory_service.ldap.session import Identity
from directory_service.siblings import Give, Siblings
from directory_service.tls import Tls
from directory_service.trust.certificates import NO_REVOCATION
from directory_service.trust.harvest import Client, Harvest
from directory_service.trust.throttle import Throttle

_NOTICED: Final = 0.05  # seconds in a queue that count against a search's time


Ran = tuple[bytes, int]  # the octets of an answer, and how many entries are in it


class Hub:
    """What the connections of one process share."""

    def __init__(self, handler: Handler, settings: LdapSettings, loop: asyncio.AbstractEventLoop,
                 watch: Watch, harvest: Harvest, *,
                 operators: Operators | None = None, tls: Tls | None = None,
                 siblings: Siblings | None = None) -> None:  # fmt: skip
        self.handler = handler
        self.operators = operators
        self.tls = tls
        self.throttle = Throttle(settings.bind_failures, settings.bind_pause)
        self.verifying = 0  # secrets in the queue of ``verifier``
        self.settings = settings
        self.loop = loop
        self.watch = watch
        self.harvest = harvest
        self.numbers = 0  # connections accepted so far
        self._run = threading.local()
        handler.searcher.sending = self._sending
        self.threads = Turns(settings.workers)
        self.verifier = ThreadPoolExecutor(1, "ldap-bind")  # apart, so that a flood of binds delays no search
        self.connections: set[Connection] = set()
        self.addresses: dict[str, int] = {}  # how many connections each has
        self.unnamed: set[Proxied] = set()  # sockets of proxies that have not said yet whose they are
        self.siblings = siblings
        self._arriving: set[asyncio.Task[object]] = set()
        if siblings:
            loop.add_reader(siblings.fileno(), self._take_in, siblings)

    def new_secure(self, address: str = "") -> TlsStream:
        """A connection that begins with TLS (ldaps)."""
        assert self.tls is not None
        return Connection(self, address).behind_tls(self.tls.context)

    @property
    def held(self) -> int:
        """All sockets of clients, known or not."""
        return len(self.connections) + len(self.unnamed)

    def expect(self, socket: Proxied) -> bool:
        """Counts a socket whose client is not known yet, among all connections and against no address; false, and not
        counted, when it is one too many."""
        if self.held >= self.settings.connections:
            return False
        self.unnamed.add(socket)
        return True

    def expected(self, socket: Proxied) -> bool:
        """It is known now, or gone.  Was it counted?"""
        if socket not in self.unnamed:
            return False
        self.unnamed.discard(socket)
        return True

    def admit(self, connection: Connection) -> str:
        """Counts and numbers the connection; gives the name of the limit when it is one too many."""
        self.connections.add(connection)
        here = self.addresses[connection.address] = self.addresses.get(connection.address, 0) + 1
        self.numbers += 1
        connection.number = self.numbers
        if not connection.handed:  # the worker that gave it has counted it
            self.watch.meter.accepted += 1
        if here > self.settings.connections_per_address:
            return "connections_per_address"
        return "connections" if self.held > self.settings.connections else ""

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        left = self.addresses.pop(connection.address, 0) - 1
        if left > 0:
            self.addresses[connection.address] = left

    def _sending(self, hits: Sequence[Hit]) -> None:
        """Told by the searcher, in the thread of the search, which entries its answer holds."""
        self._run.hits = hits

    def run(self, work: Work, waited: float = 0.0, stopped: Stopped | None = None) -> Ran:
        """The reply to a search, whatever happens."""
        self._run.hits = ()
        try:
            return self.handler.run(work, waited, stopped), len(self._run.hits)
        except Exception as error:
            return internal_fault(error, work.message_id, SEARCH_DONE), 0

    def run_briefly(self, work: Work, client: Client | None) -> Ran | None:
        """The reply to a search that takes little, in the loop: a thread would cost more than most of them.  None when
        it turns out to take longer."""
        self._run.hits = ()
        try:
            reply = self.handler.run_briefly(work, BRIEF)
        except Exception as error:
            reply = internal_fault(error, work.message_id, SEARCH_DONE)
        return None if reply is None else self._counted((reply, len(self._run.hits)), client)

    def run_late(self, work: Work, since: float, client: Client | None, stopped: Stopped) -> Ran:
        """``run`` for a search that waited in the queue."""
        waited = self.loop.time() - since
        return self._counted(self.run(work, waited if waited > _NOTICED else 0.0, stopped), client)

    def _counted(self, ran: Ran, client: Client | None) -> Ran:
        """The entries of the answer count against the budget of this client."""
        if client and ran[1]:
            self.harvest.count(client, [hit.id for hit in self._run.hits])
        return ran

    def compare(self, request: CompareRequest, identity: Identity, _stopped: Stopped) -> Ran:
        try:
            return self.handler.compare(request, identity), 0
        except Exception as error:
            return internal_fault(error, request.message_id, COMPARE_RESPONSE), 0

    def post(self, receive: Callable[..., None], message_id: int, future: Future[object]) -> None:
        """From a thread to the loop, if there still is one."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(receive, message_id, future)

    def sweep(self) -> None:
        """A thousand connections take about a millisecond; a timer each would take more."""
        now = self.loop.time()
        for connection in list(self.connections):
            connection.overdue(now)
        for unnamed in list(self.unnamed):
            unnamed.overdue(now)
        if self.operators:
            end_sessions(self.connections, self.operators, self.tls.revocations if self.tls else NO_REVOCATION)
        self.watch.flush(self.held)
        if self.siblings:
            self.siblings.even_out(len(self.connections), self._hand_over)

    def _hand_over(self, number: int, give: Give) -> None:
        """To a worker that has fewer: connections of which there is nothing to know but their socket, and the address
        of their client, which only a header may have told."""
        for connection in islice((c for c in list(self.connections) if c.is_blank), number):
            if not give(connection.transport.get_extra_info("socket").fileno(), connection.address.encode()):
                return
            connection.transport.abort()  # ours; the other's descriptor keeps it open

    def _take_in(self, siblings: Siblings) -> None:
        for client, address in siblings.received():
            task = self.loop.create_task(self._welcome(client, address.decode()))
            self._arriving.add(task)  # nobody else holds it
            task.add_done_callback(self._arriving.discard)

    async def _welcome(self, client: socket.socket, address: str) -> None:
        try:
            await self.loop.connect_accepted_socket(partial(Connection, self, address, handed=True), client)
        except OSError:  # gone meanwhile
            client.close()

    async def shut_down(self) -> None:
        """What is under way ends, as far as ``shutdown_time`` allows; then everybody is told."""
        if self.siblings:
            self.loop.remove_reader(self.siblings.fileno())
            self.siblings.close()
        for unnamed in list(self.unnamed):
            unnamed.end("")
        deadline = self.loop.time() + self.settings.shutdown_time
        while self.loop.time() < deadline and any(c.outstanding or c.binding for c in self.connections):
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.disconnect(UNAVAILABLE, "arrêt du service")
        while self.loop.time() < deadline + 0.5 and self.connections:
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        self.threads.shutdown()
        self.verifier.shutdown(wait=True, cancel_futures=True)
        self.watch.flush(0)
