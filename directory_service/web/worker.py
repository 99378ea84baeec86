"""One worker process of the HTTP face: gunicorn's, with a loop that waits for clients so that threads need not.

A connection passes through rooms.  ``arrivals`` collects its request, ``readers`` gives it a thread where the body is
long, ``departures`` sends what of the answer its client has not taken, ``leaving`` sees the last of it read.  What
gunicorn says of requests that do not even read would quote them: this worker answers those itself (``refusals``).
"""

from __future__ import annotations

import errno
import selectors
import socket
import sys
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gunicorn.http import errors
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import TConn, ThreadWorker

from directory_service import runfolder
from directory_service.heap import settle
from directory_service.siblings import PAUSE, Siblings
from directory_service.web.arrivals import Arrivals
from directory_service.web.departures import Departures
from directory_service.web.inloop import Later, telling_where, whole_request
from directory_service.web.leaving import Leaving
from directory_service.web.readers import Readers
from directory_service.web.slow import Patience
from directory_service.web.sockets import Plain

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds a thread keeps the interpreter when another wants it: Python's 5 ms is longer than a whole answer.
SWITCH: Final = 0.0005
# Requests that gunicorn refuses to read, if not by 400.
_STATUS: Final = {errors.LimitRequestLine: 414, errors.LimitRequestHeaders: 431}


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, less what it tells of itself and of the requests it refuses, and with its loop
    answering what is short (``inloop``)."""

    def init_process(self) -> None:
        Response.default_headers = _without_server
        sys.setswitchinterval(SWITCH)
        host, port = self.sockets[0].getsockname()[:2]
        if self.app.settings.run_folder:  # without it no worker starts, and gunicorn, which lost one at that, ends
            runfolder.restore(Path(self.app.settings.run_folder))
        self.siblings = None if self.cfg.is_ssl else Siblings.among(self.app.settings.run_folder, "http", host, port)
        self.looked = 0.0
        super().init_process()

    def load_wsgi(self) -> None:
        """Called after the fork, once the poller is made."""
        from directory_service.web.refusals import Refusals  # it measures (``run_http``)

        super().load_wsgi()
        self.refusals = Refusals(self.wsgi)
        settings = self.app.settings
        patient, half = settings.http_request_time, max(1, self.cfg.threads // 2)
        self.leaving = Leaving(self.poller, self._lose)
        self.readers = Readers(half, self.enqueue_req, self._lose, patient)
        self.departures = Departures(self.poller, self._lose, patient, half)
        self.arrivals = Arrivals(
            self.poller, ready=self.enqueue_req, unread=self.readers.add, lost=self._lose,
            handshake=settings.ldap_handshake_time, request=patient,
        )  # fmt: skip
        self.patience = Patience(patient, self.readers.__contains__, self._arrived)
        self.wsgi: Any = telling_where(self.patience.around(self.wsgi))
        settle()

    def run(self) -> None:
        if self.siblings:
            self.poller.register(self.siblings, selectors.EVENT_READ, self._take_in)
        try:
            super().run()
        finally:
            if self.siblings:
                self.siblings.close()

    def accept(self, listener: socket.socket) -> None:
        """Called in the loop, which waits for the request (``arrivals``)."""
        try:
            client, address = listener.accept()
            here = listener.getsockname()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):  # taken by another worker, or gone
                raise
            return
        if (conn := self._connection(client, address, here)) is None:
            return
        conn.sock.setblocking(False)
        conn.data_ready = True
        self._make_room()
        self.arrivals.expect(conn)

    def _connection(self, client: socket.socket, address: Any, here: Any) -> Any:
        """gunicorn's, counted; None where its client has gone meanwhile."""
        conn = TConn(self.cfg, client := Plain.of(client), address, here)
        try:
            conn.init()
        except OSError:
            client.close()
            return None
        self.departures.take(conn)
        self.nr_conns += 1
        return conn

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
            answer = self.refusals.answer(status, conn.client[0], _read_ahead(conn))
            with suppress(OSError):  # gone, or it reads nothing
                conn.sock.send(answer)
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

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Of HTTP/1.1, none that does not say whom it is for (RFC 9112 3.2)."""
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            raise errors.InvalidHeader("HOST", req)
        return super().handle_request(req, conn)

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
        for client, _note in siblings.received():
            try:
                address, here = client.getpeername(), client.getsockname()
            except OSError:  # gone meanwhile
                client.close()
                continue
            if (conn := self._connection(client, address, here)) is not None:
                self.finish_request(conn, _done(True))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """A request that does not read, or a fault outside the application: told as a problem, logged as a type."""
        refused = isinstance(exc, errors.ParseException)
        if not refused:
            self.log.error("%s hors de l'application", type(exc).__name__)
        answer = self.refusals.answer(_STATUS.get(type(exc), 400 if refused else 500), addr[0], req)
        with suppress(OSError):  # gone
            client.sendall(answer)


def _read_ahead(conn: Any) -> Any:
    """The request whose body, or whose turn, did not come; None where its head did not either, or does not read."""
    try:
        return next(conn.parser)
    except (OSError, errors.ParseException, StopIteration):
        return None


def _done(result: Any) -> Future[Any]:
    """What ``finish_request`` takes, of what the loop did."""
    done: Future[Any] = Future()
    done.set_result(result)
    return done


_default_headers = Response.default_headers


def _without_server(self: Response) -> list[str]:
    return [line for line in _default_headers(self) if not line.startswith("Server:")]
