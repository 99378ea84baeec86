"""The HTTP face as processes: gunicorn embedded, a few worker processes (``worker``) of a few threads each.

What the application needs is loaded once, before the fork, and shared by the workers; the directory is opened by each
of them after it (an SQLite connection must not cross one).  The HTTPS port is a server of its own (gunicorn has one TLS
for all its sockets), or TLS is left to a proxy.
"""

from __future__ import annotations

import atexit
import os
import shutil
import ssl
import tempfile
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication

from directory_service.errors import RegistryUnavailable
from directory_service.heap import settle
from directory_service.settings import authority
from directory_service.web.sockets import Ciphered
from directory_service.web.worker import Worker

if TYPE_CHECKING:
    import socket

    from flask import Flask

    from directory_service.settings import Settings
    from directory_service.tls import Tls

KEEP_ALIVE: Final = 30  # seconds; longer than the pause between two words typed
_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"


def run_http(settings: Settings, tls: Tls | None = None) -> None:
    """Serves until SIGTERM.  Workers that die are replaced by gunicorn.  With ``tls``, on the HTTPS port and over TLS
    only: whoever sends anything else is cut off."""
    # Read by prometheus_client when it is first imported, with the application.  The supervisor gives a folder that the
    # LDAP workers write to as well.
    given = os.environ.get(_METRICS)
    metrics = given or tempfile.mkdtemp(prefix="annuaire-metrics-")
    os.environ[_METRICS] = metrics
    _load()
    _Server(
        settings,
        {
            "bind": [authority(settings.host, settings.https_port if tls else settings.http_port)],
            "workers": settings.processes,
            "threads": settings.threads,
            "worker_class": Worker,
            "keepalive": KEEP_ALIVE,
            "worker_connections": settings.http_connections,
            "timeout": 60,  # seconds without a sign of life from a worker, well over any search
            "graceful_timeout": max(1, int(settings.stop_deadline) - 1),
            "reuse_port": True,  # a next release starts beside the old one
            "limit_request_line": 8190,
            "limit_request_fields": 64,
            # Else ``Script_Name: /x`` makes ``/x/metrics`` out to be ``/metrics``, past a proxy of this machine.
            "forwarder_headers": "",
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "annuaire-https" if tls else "annuaire-http",
            "child_exit": _forget,
            # Not atexit: workers would inherit it, and the first to end would take the others' figures along.
            "on_exit": lambda server: None if given else shutil.rmtree(metrics, ignore_errors=True),
            **(_over(tls, settings) if tls else {}),
        },
        tls,
    ).run()


def _load() -> None:
    """All that workers need but what they open, which takes a second: once, not in each of them and of those that
    replace them, and told to the collector before the fork, so that its looks do not make pages theirs."""
    import_module("directory_service.web.app")
    import_module("directory_service.web.refusals")
    settle()


def _over(tls: Tls, settings: Settings) -> dict[str, Any]:
    """gunicorn asks for the context at each connection, and wraps its socket: both are ours."""
    handshakes = _Handshakes(tls, settings.ldap_certificate_check)
    return {
        "certfile": tls.files.certificate,
        "do_handshake_on_connect": True,
        "ssl_context": lambda _conf, _default: handshakes,
    }


class _Handshakes:
    """Stands where gunicorn wants an ``ssl.SSLContext``, to be the newest one; ``arrivals`` does the handshake."""

    def __init__(self, tls: Tls, look: float) -> None:
        self._tls, self._look = tls, look

    def wrap_socket(self, peer: socket.socket, **_: Any) -> ssl.SSLSocket:
        self._tls.look_at_times(self._look)
        context = self._tls.context
        context.sslsocket_class = Ciphered
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF  # else nothing can be told once reading is over (``slow``)
        return context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, options: dict[str, Any], tls: Tls | None) -> None:
        self.settings, self.options, self.tls = settings, options, tls
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called in each worker, after the fork."""
        from directory_service.index.directory import Directory
        from directory_service.web.app import create_app

        directory = Directory(self.settings.index_folder, self.settings.ldap_suffix)
        atexit.register(directory.close)
        with suppress(RegistryUnavailable):  # there may be none yet
            directory.build()
        return create_app(directory, self.settings, self.tls)


def _forget(server: Any, worker: Any) -> None:
    """The gauges of a worker that is gone no longer count."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid, os.environ[_METRICS])  # type: ignore[no-untyped-call]
