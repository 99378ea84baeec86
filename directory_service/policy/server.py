"""The policy service on a socket: one process, one event loop, Postfix's connections that stay open for minutes.

A question takes under a millisecond (``rules``), so that it is answered in the loop.  There is no authentication: it
listens on loopback unless told otherwise, and says no more than what an SMTP client learns from the reply.
Nothing of a request is logged.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client import Counter

from directory_service.errors import InvalidInput
from directory_service.model.networks import listened_on
from directory_service.policy.protocol import Request, Requests, write_action
from directory_service.policy.rules import Answer, Policy, decide, without_index

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

log = logging.getLogger(__name__)
_TICK: Final = 0.2  # seconds between two looks at ``stop``
IDLE: Final = 330.0  # seconds; Postfix closes what was idle for 300 (smtpd_policy_service_max_idle)
RECEIVE: Final = 10.0  # seconds to finish a request once begun, and to read an answer
_TURN: Final = 4096  # octets of one connection answered before others have their turn: some requests
CONNECTIONS: Final = 1_000  # Postfix has one for each smtpd process, 100 by default

ANSWERS = Counter("annuaire_policy_answers_total", "Answers to Postfix.", ("side", "outcome"))


class Stop(Protocol):
    """A ``threading.Event``, or that of ``serve``."""

    def is_set(self) -> bool: ...


def serve(host: str, port: int, directory: Directory, policy: Policy, stop: Stop) -> None:
    """Serves until ``stop`` is set."""
    asyncio.run(_serve(host, port, Service(directory, policy), stop))


async def _serve(host: str, port: int, service: Service, stop: Stop) -> None:
    server = await asyncio.start_server(service.client, listened_on(host), port, reuse_port=True, backlog=1024)
    while not stop.is_set():
        await asyncio.sleep(_TICK)
    server.close()
    service.close()


class Service:
    """The clients of one event loop."""

    def __init__(self, directory: Directory, policy: Policy) -> None:
        self._directory, self._policy = directory, policy
        self._open: set[asyncio.StreamWriter] = set()

    def close(self) -> None:
        """Postfix asks again on another connection, by its own settings, when one is closed."""
        for writer in self._open:
            writer.close()

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end; a request that does not read ends it (SMTPD_POLICY_README: Postfix retries)."""
        if len(self._open) >= CONNECTIONS:
            writer.close()
            return
        self._open.add(writer)
        try:
            with suppress(OSError, TimeoutError, InvalidInput, asyncio.CancelledError):
                await self._answer_all(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests, loop = Requests(), asyncio.get_running_loop()
        due = loop.time() + IDLE
        while True:
            async with asyncio.timeout_at(due):
                data = await reader.read(_TURN)
            if not data:
                return
            was_idle = requests.idle
            answers = [write_action(self._answer(request)) for request in requests.feed(data)]
            writer.write(b"".join(answers))
            async with asyncio.timeout(RECEIVE):
                await writer.drain()
            await asyncio.sleep(0)  # neither a read nor a drain yields while there are octets, or room for them
            if requests.idle:
                due = loop.time() + IDLE
            elif answers or was_idle:
                due = loop.time() + RECEIVE

    def _answer(self, request: Request) -> str:
        try:
            found = decide(self._directory, request, self._policy)
        except Exception as error:  # a fault of ours must not stop the mail
            log.error("erreur interne : %s", type(error).__name__)
            found = without_index(self._policy)
        count(found)
        return found.action


def count(answer: Answer) -> None:
    ANSWERS.labels(answer.side or "both", answer.outcome).inc()
