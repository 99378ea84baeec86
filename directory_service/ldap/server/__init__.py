"""The LDAP face on a socket: asyncio protocols on uvloop, one event loop a process, SO_REUSEPORT between processes.

``serve`` runs one worker; ``connection`` is one client, ``hub`` what they share.  What requests mean is ``handler``'s
business.  Nothing here logs a name, an address or the text of a query.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol

import uvloop

from directory_service.accesslog import AccessLog
from directory_service.errors import AnnuaireError, Forbidden
from directory_service.index.directory import Directory
from directory_service.ldap.handler import CheckSecret, Handler, nobody
from directory_service.ldap.limits import LdapSettings
from directory_service.ldap.searching import DirectoryReader
from directory_service.ldap.server.connection import Connection
from directory_service.ldap.server.harvest import Harvest
from directory_service.ldap.server.hub import Hub
from directory_service.ldap.server.metrics import SEQUENCE
from directory_service.ldap.server.watch import Watch
from directory_service.trust.access import Secrets
from ldap_schema.schema import load

_TICK: Final = 0.2  # seconds between two looks at ``stop``
_SWEEP: Final = 1.0  # seconds between two looks for connections to close
_SWITCH: Final = 0.001  # seconds a search thread keeps the interpreter when the loop wants it (Python: 5 ms)


class Stop(Protocol):
    """A ``threading.Event``, or that of ``multiprocessing``."""

    def is_set(self) -> bool: ...


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
          check_secret: CheckSecret = nobody, ready: Callable[[int], None] | None = None,
          log: AccessLog | None = None, counts: Path | None = None) -> None:  # fmt: skip
    """Serves until ``stop`` is set.  ``ready`` is called with the port once connections are accepted.

    With a host and port, several processes may serve the same (SO_REUSEPORT); ``counts`` is then the file in which
    they count together what each client was given (``harvest``).  ``log`` is the access log.
    """
    handler = Handler(
        directory, load(), settings, check_secret=check_secret, cookie_key=secrets.token_bytes(32),
        version=version("annuaire"),
    )  # fmt: skip
    sys.setswitchinterval(_SWITCH)
    harvest, watch = Harvest(settings, counts), Watch(settings, log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, closing(harvest):
        runner.run(_serve(handler, listener, stop, ready or (lambda _port: None), watch, harvest))


async def _serve(handler: Handler, listener: socket.socket | tuple[str, int], stop: Stop,
                 ready: Callable[[int], None], watch: Watch, harvest: Harvest) -> None:  # fmt: skip
    loop = asyncio.get_running_loop()
    hub = Hub(handler, handler.settings, loop, watch, harvest)
    make = partial(Connection, hub)
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
            hub.sweep()
            _tell_build(handler.searcher.directory)
    listening.close()
    await hub.shut_down()


def _tell_build(directory: DirectoryReader) -> None:
    """Up to which change this worker answers; nothing while there is no index."""
    if isinstance(directory, Directory):
        with suppress(AnnuaireError):
            SEQUENCE.set(directory.build().seq)
