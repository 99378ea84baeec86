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
from typing import Any

Job = tuple["Future[Any]", Callable[[], Any]]


class Turns:
    """As many threads as ``workers``.  Thread-safe."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, "ldap-search")
        self._lock = threading.Lock()
        self._waiting: dict[str, dict[object, deque[Job]]] = {}  # in the order of the next turns

    def submit(self, step: Callable[[], Any], address: str, client: object) -> Future[Any]:
        """Runs ``step`` when it is the turn of this client, one of those at this address."""
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.setdefault(address, {}).setdefault(client, deque()).append((future, step))
        self._pool.submit(self._run_next)  # as many as there are steps; which one each runs is decided then
        return future

    def _run_next(self) -> None:
        future, step = self._take()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(step())
        except BaseException as error:
            future.set_exception(error)

    def _take(self) -> Job:
        """The next step; who it was taken from goes to the end, at both levels."""
        with self._lock:
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
        self._pool.shutdown(wait=True, cancel_futures=True)
