"""The HTTP face as processes: gunicorn embedded, a few worker processes of a few threads each.

The directory is opened by each worker after the fork (an SQLite connection must not cross one).  Nothing of a request
is logged: gunicorn's own messages for requests that do not even read would quote them, so this worker answers those
itself.  The HTTPS port is a server of its own (gunicorn has one TLS for all its sockets), or TLS is left to a proxy.
"""

from __future__ import annotations

import atexit
import errno
import os
import selectors
import shutil
import socket
import ssl
import sys
import tempfile
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.http import errors
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import TConn, ThreadWorker

from directory_service.errors import RegistryUnavailable
from directory_service.heap import settle
from directory_service.settings import authority
from directory_service.siblings import PAUSE, Siblings
from directory_service.tls import Tls
from directory_service.web.arrivals import Arrivals
from directory_service.web.departures import Ciphered, Departures, Plain
from directory_service.web.inloop import Later, telling_where, whole_request
from directory_service.web.leaving import Leaving
from directory_service.web.readers import Readers
from directory_service.web.slow import TOO_LATE, Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from directory_service.settings import Settings

KEEP_ALIVE = 30  # seconds; longer than the pause between two words typed
# Seconds a thread keeps the interpreter when another wants it: Python's 5 ms is longer than a whole answer.
SWITCH = 0.0005
_METRICS = "PROMETHEUS_MULTIPROC_DIR"

# Requests that gunicorn refuses to read: the status that says so.
_STATUS = {errors.LimitRequestLine: (414, "URI Too Long"), errors.LimitRequestHeaders: (431, "Headers Too Large")}
# What is told of one that we do not wait for: the status line, the slug of ``problems``, the text.
_LOST = {
    408: ("Request Timeout", "bad-request", TOO_LATE),
    503: ("Service Unavailable", "unavailable", "trop de corps arrivent à la fois : réessayez après `Retry-After`"),
}


def run_http(
    settings: Settings,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    threads: int | None = None,
    tls: Tls | None = None,
) -> None:
    """Serves until SIGTERM; what is not given is the setting's.  Workers that die are replaced by gunicorn.  With
    ``tls``, over TLS only: whoever sends anything else is cut off."""
    # Read by prometheus_client when it is first imported, which is after the fork.  The supervisor gives a folder that
    # the LDAP workers write to as well.
    given = os.environ.get(_METRICS)
    metrics = given or tempfile.mkdtemp(prefix="annuaire-metrics-")
    os.environ[_METRICS] = metrics
    _Server(
        settings,
        {
            "bind": [authority(host or settings.host, settings.http_port if port is None else port)],
            "workers": workers or settings.processes,
            "threads": threads or settings.threads,
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
        context.sslsocket_class = _Patient
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF  # else nothing can be told once reading is over (``slow``)
        return context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)


READ_TIME = 30.0  # seconds without an octet of a request that a thread waits for


class _Patient(Ciphered):
    """A TLS socket that does not wait for ever: gunicorn looks whether there is something to read before it gives a
    thread to a plain connection, but cannot once there is TLS."""

    def setblocking(self, flag: bool) -> None:
        self.settimeout(READ_TIME if flag else 0.0)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (TimeoutError, ssl.SSLError) as error:
            raise ConnectionResetError(errno.ECONNRESET, type(error).__name__) from None


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


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, less what it tells of itself and of the requests it refuses, and with its loop
    answering what is short (``inloop``)."""

    def init_process(self) -> None:
        self.patience = Patience(self.app.settings.http_request_time, lambda conn: conn in self.readers, self._arrived)
        Response.default_headers = _without_server
        sys.setswitchinterval(SWITCH)
        host, port = self.sockets[0].getsockname()[:2]
        self.siblings = None if self.cfg.is_ssl else Siblings.among(self.app.settings.run_folder, "http", host, port)
        self.looked = 0.0
        self.arrivals: Arrivals
        self.readers: Readers
        self.leaving: Leaving
        self.departures: Departures
        super().init_process()

    def run(self) -> None:
        """Not before: the poller is made in ``init_process``, which ends with this."""
        known = self.app.settings
        time_for_one = known.http_request_time
        self.leaving = Leaving(self.poller, self._lose)
        half = max(1, self.cfg.threads // 2)
        self.readers = Readers(half, self.enqueue_req, self._lose, time_for_one)
        self.departures = Departures(self.poller, self._lose, time_for_one, half)
        self.arrivals = Arrivals(
            *(self.poller, self.enqueue_req, self.readers.add, self._lose),
            *(known.ldap_handshake_time, time_for_one),
        )
        if self.siblings:
            self.poller.register(self.siblings, selectors.EVENT_READ, self._take_in)
        try:
            super().run()
        finally:
            if self.siblings:
                self.siblings.close()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi: Any = telling_where(self.patience.around(self.wsgi))
        settle()

    def accept(self, listener: socket.socket) -> None:
        """Called in the loop, which waits for the request (``arrivals``)."""
        try:
            client, address = listener.accept()
            here = listener.getsockname()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):  # taken by another worker, or gone
                raise
            return
        conn = TConn(self.cfg, client := Plain.of(client), address, here)
        try:
            conn.init()
            self.departures.take(conn)
            conn.sock.setblocking(False)
        except OSError:  # gone meanwhile
            client.close()
            return
        conn.data_ready = True
        self.nr_conns += 1
        self._make_room()
        self.arrivals.expect(conn)

    def _make_room(self) -> None:
        """At as many as gunicorn takes: ends one that only its client is still to close; else the one that has waited
        longest, of those that are more: kept ones, those that have not asked yet, whose bodies wait, or that read."""
        if self.nr_conns < self.worker_connections:
            return
        rooms: list[Arrivals | Readers | Departures] = [self.arrivals, self.readers, self.departures]
        waiting = max(rooms, key=len)
        if self.leaving:
            self.leaving.make_room()
        elif len(waiting) > len(self.keepalived_conns):
            waiting.make_room()
        elif self.keepalived_conns:
            self._lose_kept()

    def _lose_kept(self) -> None:
        conn = self.keepalived_conns.popleft()
        self.poller.unregister(conn.sock)
        self._lose(conn)

    def _lose(self, conn: Any, status: int = 0) -> None:
        """With a ``status``, its client is told."""
        if status:
            phrase, slug, text = _LOST[status]
            with suppress(OSError):  # gone, or it reads nothing
                conn.sock.setblocking(False)
                conn.sock.send(_problem(status, phrase, slug, text))
            self.leaving.add(conn)
            return
        self.nr_conns -= 1
        conn.close()

    def _arrived(self, conn: Any) -> None:
        """Called in the thread that has read its body."""
        self.method_queue.defer(self.readers.done, conn)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """Called in the loop."""
        self.readers.done(conn)
        done = partial(self._finish, conn, fs)
        if conn.sock.rest and not (fs.cancelled() or fs.exception()):
            self.departures.see_off(conn, done)
        else:
            done()
        self._make_room()  # else one that stays would keep everybody out

    def _finish(self, conn: Any, fs: Future[Any]) -> None:
        """gunicorn would give a thread to half a request that was read ahead, and wait here until a client closes what
        we do."""
        if fs.cancelled() or fs.exception() or not fs.result():
            self.leaving.add(conn)
        elif conn.parser.unreader.buf.getvalue():
            conn.sock.setblocking(False)
            self.arrivals.read_on(conn)
        else:
            super().finish_request(conn, fs)

    def handle(self, conn: Any) -> Any:
        with self.patience.with_thread(conn):
            return super().handle(conn)

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Called in the loop, for a connection that was answered before: it stays where it is while it is answered
        here."""
        request = whole_request(client) if self.alive and not self.cfg.is_ssl else b""
        if not request:
            if client.fileno() < 0:  # ended in this turn of the loop, to make room
                return
            self.poller.unregister(client)
            self.keepalived_conns.remove(conn)
            self.arrivals.read_on(conn)
            return
        try:
            kept = self.handle(conn)
        except Later:
            conn.parser.mesg = None  # as though it had not been read
            conn.parser.unreader.unread(request)
            super().on_client_socket_readable(conn, client)
            return
        self.keepalived_conns.remove(conn)
        if kept and self.alive and not conn.sock.rest and not conn.parser.unreader.buf.getvalue():  # nothing has come
            client.setblocking(False)
            conn.set_timeout()
            self.keepalived_conns.append(conn)
        else:
            self.poller.unregister(client)
            self.finish_request(conn, _done(kept))

    def murder_pending(self) -> None:
        """Called once a second at least."""
        super().murder_pending()
        self.patience.cut()
        self.arrivals.cut(stopping=not self.alive)
        self.readers.cut()
        self.leaving.cut()
        self.departures.cut()
        now = time.monotonic()
        if self.siblings and not self.alive:
            self.poller.unregister(self.siblings)
            self.siblings.close()
            self.siblings = None
        elif self.siblings and now - self.looked > PAUSE:
            self.looked = now
            self.siblings.even_out(self.nr_conns, self._hand_over)

    def _hand_over(self, number: int, give: Callable[[socket.socket], bool]) -> None:
        """To a worker that has fewer: kept connections of which nothing is read ahead."""
        for conn in [c for c in self.keepalived_conns if not c.parser or not c.parser.unreader.buf.getvalue()][:number]:
            if not give(conn.sock):
                return
            self.poller.unregister(conn.sock)
            self.keepalived_conns.remove(conn)
            self.nr_conns -= 1
            conn.sock.close()  # ours; the other's descriptor keeps it open

    def _take_in(self, siblings: Siblings) -> None:
        for client in siblings.received():
            try:
                conn = TConn(self.cfg, client := Plain.of(client), client.getpeername(), client.getsockname())
                conn.init()
                self.departures.take(conn)
            except OSError:  # gone meanwhile
                client.close()
                continue
            self.nr_conns += 1
            self.finish_request(conn, _done(True))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """A request that does not read, or a fault outside the application: told as a problem, logged as a type."""
        refused = isinstance(exc, errors.ParseException)
        status, phrase = _STATUS.get(type(exc), (400, "Bad Request") if refused else (500, "Internal Server Error"))
        if not refused:
            self.log.error("%s hors de l'application", type(exc).__name__)
        try:
            client.sendall(_problem(status, phrase))
        except OSError:
            self.log.debug("client parti")


def _done(result: Any) -> Future[Any]:
    """What ``finish_request`` takes, of what the loop did."""
    done: Future[Any] = Future()
    done.set_result(result)
    return done


_default_headers = Response.default_headers


def _without_server(self: Response) -> list[str]:
    return [line for line in _default_headers(self) if not line.startswith("Server:")]


def _problem(status: int, phrase: str, slug: str = "", text: str = "") -> bytes:
    from directory_service.web.problems import MIMETYPE
    from directory_service.web.problemtypes import PROBLEMS, problem_body

    slug = slug or ("bad-request" if status < 500 else "internal")
    body = problem_body(slug, status, text or PROBLEMS[slug][1])
    head = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: {MIMETYPE}\r\n"
    if status == 503:
        head += "Retry-After: 5\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _forget(server: Any, worker: Any) -> None:
    """The gauges of a worker that is gone no longer count."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid, os.environ[_METRICS])  # type: ignore[no-untyped-call]
