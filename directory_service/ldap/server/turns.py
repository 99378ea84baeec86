"""Threads for the searches that are not one key look-up, and whose turn it is.

A queue in order of arrival lets whoever sends most be served most: a hundred connections with sixteen searches each
keep everybody else waiting for thousands.  Here addresses take turns, and the connections of one address among
themselves, so that one search waits for one of each of the others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

Job = tuple["Future[Any]", Callable[[], Any]]


class Turns:
    """As many threads as ``workers``.  Thread-safe."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, "ldap-search")
        self._workers, self._running = workers, 0  # how many threads there may be, and are at work
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[object, deque[Job]]] = {}  # in the order of the next turns

    def submit(self, step: Callable[[], Any], address: str, client: object) -> Future[Any]:
        """Runs ``step`` when it is the turn of this client, one of those at this address."""
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.setdefault(address, {}).setdefault(client, deque()).append((future, step))
            idle = self._running < self._workers
            self._running += idle
        future.add_done_callback(partial(self._forget, address, client))  # which must not hold the future: a cycle
        if idle:
            self._pool.submit(self._run)
        return future

    def _run(self) -> None:
        """As long as there is something to do."""
        while job := self._take():
            future, step = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(step())
                except BaseException as error:
                    future.set_exception(error)

    def _forget(self, address: str, client: object, future: Future[Any]) -> None:
        """What is called off before its turn leaves the queue: whoever asks and calls off, again and again, would have
        more there than was ever asked at once."""
        if not future.cancelled():
            return
        with self._lock:
            clients = self._waiting.get(address, {})
            jobs = clients.get(client, deque())
            if job := next((job for job in jobs if job[0] is future), None):
                jobs.remove(job)
                if not jobs:
                    del clients[client]
                if not clients:
                    del self._waiting[address]

    def _take(self) -> Job | None:
        """The next step, None when there is none; who it was taken from goes to the end, at both levels."""
        with self._lock:
            if not self._waiting:
                self._running -= 1
                return None
            address = next(iter(self._waiting))
            clients = self._waiting.pop(address)
            client = next(iter(clients))
            jobs = clients.pop(client)
            job = jobs.popleft()
            if jobs:
                clients[client] = jobs
            if clients:
                self._waiting[address] = clients
            return job

    def shutdown(self) -> None:
        """Ends what runs, and forgets what waits."""
        with self._lock:
            self._waiting.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)
