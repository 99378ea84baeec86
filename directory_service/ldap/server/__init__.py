"""The LDAP face on a socket: asyncio protocols on uvloop, one event loop a process, SO_REUSEPORT between processes.

``serve`` runs one worker; ``connection`` is one client, ``answering`` what it is told, ``hub`` what clients share.
What requests mean is ``handler``'s business.  Nothing here logs a name, an address or the text of a query.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol

import uvloop

from directory_service.accesslog import AccessLog
from directory_service.errors import AnnuaireError
from directory_service.heap import settle
from directory_service.index.directory import HELD, Directory
from directory_service.ldap.directory import DirectoryReader
from directory_service.ldap.handler import Handler, no_name, nobody
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.server.connection import Connection
from directory_service.ldap.server.harvest import harvest_of
from directory_service.ldap.server.hub import Hub
from directory_service.ldap.server.identities import Operators
from directory_service.ldap.server.metrics import SEQUENCE
from directory_service.ldap.server.proxied import behind_proxies
from directory_service.ldap.server.watch import Watch
from directory_service.ldap.virtual import START_TLS
from directory_service.model.networks import listened_on
from directory_service.siblings import Siblings
from directory_service.tls import Tls, TlsFiles
from ldap_schema.schema import load

logger = logging.getLogger(__name__)
_TICK: Final = 0.2  # seconds between two looks at ``stop``
_SWEEP: Final = 1.0  # seconds between two looks for connections to close
_SWITCH: Final = 0.001  # seconds a search thread keeps the interpreter when the loop wants it (Python: 5 ms)

__all__ = ["Operators", "Tls", "TlsFiles", "serve"]


class Stop(Protocol):
    """A ``threading.Event``, or that of ``multiprocessing``."""

    def is_set(self) -> bool: ...


Listener = socket.socket | tuple[str, int]


def serve(settings: LdapSettings, listener: Listener, directory: DirectoryReader, stop: Stop, *,
          operators: Operators | None = None, tls: Tls | None = None, ldaps: Listener | None = None,
          ready: Callable[..., None] | None = None, log: AccessLog | None = None,
          counts: Path | None = None, siblings: Siblings | None = None) -> None:  # fmt: skip
    """Serves until ``stop`` is set.  ``tls`` gives StartTLS and, on ``ldaps``, TLS from the first octet.  ``ready`` is
    called with the port, and that of ``ldaps`` if any, once connections are accepted.

    With a host and port, several processes may serve the same (SO_REUSEPORT); ``counts`` is then the file in which
    they count together what each client was given (``harvest``), and ``siblings`` evens out their connections.
    ``log`` is the access log.
    """

    settings = replace(settings, access=replace(settings.access, unheld=_unheld()))

    def name_of(certificate: bytes) -> str:
        return operators.name_of(certificate, tls.revocations) if operators and tls else no_name(certificate)

    handler = Handler(
        directory, load(), settings, check_secret=operators.check if operators else nobody, name_of=name_of,
        cookie_key=secrets.token_bytes(32), version=version("annuaire"), extensions=(START_TLS,) if tls else (),
    )  # fmt: skip
    sys.setswitchinterval(_SWITCH)
    harvest, watch = harvest_of(settings, counts), Watch(settings, log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, closing(harvest):
        hub = Hub(handler, settings, runner.get_loop(), watch, harvest, operators=operators, tls=tls, siblings=siblings)
        makes = [(behind_proxies(hub, partial(Connection, hub)), listener)]
        if tls and ldaps is not None:
            makes.append((behind_proxies(hub, hub.new_secure), ldaps))
        runner.run(_serve(hub, makes, stop, ready or (lambda *_ports: None)))


def _unheld() -> frozenset[str]:
    """The attributes of the schema that no entry holds."""
    return frozenset(a.name for a in load().attribute_types if a.name.lower() not in HELD)


async def _serve(hub: Hub, makes: Sequence[tuple[Callable[[], asyncio.Protocol], Listener]], stop: Stop,
                 ready: Callable[..., None]) -> None:  # fmt: skip
    listening = [await _listen(hub.loop, make, listener) for make, listener in makes]
    directory = hub.handler.searcher.directory
    if isinstance(directory, Directory):
        directory.linger(hub.loop.call_later)
    _tell_build(directory)  # which loads what it needs of the build
    settle()
    ready(*(server.sockets[0].getsockname()[1] for server in listening))
    watching = asyncio.create_task(_watch_files(hub.tls, hub.settings.certificate_check)) if hub.tls else None
    swept = hub.loop.time()
    while not stop.is_set():
        await asyncio.sleep(_TICK)
        if hub.loop.time() - swept >= _SWEEP:
            swept = hub.loop.time()
            hub.sweep()
            _tell_build(directory)
    if watching:
        watching.cancel()
    for server in listening:
        server.close()
    await hub.shut_down()


def _tell_build(directory: DirectoryReader) -> None:
    """Up to which change this worker answers; nothing while there is no index, or one that is damaged."""
    if isinstance(directory, Directory):
        with suppress(AnnuaireError, sqlite3.Error):
            SEQUENCE.set(directory.build().seq)


async def _listen(loop: asyncio.AbstractEventLoop, make: Callable[[], asyncio.Protocol], listener: Listener
                  ) -> asyncio.Server:  # fmt: skip
    if isinstance(listener, socket.socket):
        return await loop.create_server(make, sock=listener, backlog=1024)
    host, port = listener
    return await loop.create_server(make, listened_on(host), port, reuse_port=True, backlog=1024)


async def _watch_files(tls: Tls, pause: float) -> None:
    """Takes new certificates as they come; in a thread, since a revocation list may be long."""
    while True:
        await asyncio.sleep(pause)
        try:
            await asyncio.to_thread(tls.look)
        except Exception as error:  # a fault of ours must not end the watch
            logger.error("internal fault: %s while reading the TLS files", type(error).__name__)
