"""What the connections of one process share: the handler, the threads, the counts, the sweep, the shutdown."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from directory_service.ldap.handler import Handler
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.messages import COMPARE_RESPONSE, SEARCH_DONE, CompareRequest
from directory_service.ldap.searching import Stopped, Work
from directory_service.ldap.server.connection import Connection
from directory_service.ldap.server.faults import internal_fault
from directory_service.ldap.session import Identity

UNAVAILABLE = 52
_BRIEF: Final = 0.008  # seconds that one search may hold the loop; its work is then thrown away and done in a thread
_NOTICED: Final = 0.05  # seconds in a queue that count against a search's time


class Hub:
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

    def run(self, work: Work, waited: float = 0.0, stopped: Stopped | None = None) -> bytes:
        """The reply to a search, whatever happens."""
        try:
            return self.handler.run(work, waited, stopped)
        except Exception as error:
            return internal_fault(error, work.message_id, SEARCH_DONE)

    def run_briefly(self, work: Work) -> bytes | None:
        """The reply to a search that takes little, in the loop: a thread would cost more than most of them.  None when
        it turns out to take longer."""
        try:
            return self.handler.run_briefly(work, _BRIEF)
        except Exception as error:
            return internal_fault(error, work.message_id, SEARCH_DONE)

    def run_late(self, work: Work, since: float, stopped: Stopped) -> bytes:
        """``run`` for a search that waited in the queue."""
        waited = self.loop.time() - since
        return self.run(work, waited if waited > _NOTICED else 0.0, stopped)

    def compare(self, request: CompareRequest, identity: Identity, _stopped: Stopped) -> bytes:
        try:
            return self.handler.compare(request, identity)
        except Exception as error:
            return internal_fault(error, request.message_id, COMPARE_RESPONSE)

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
