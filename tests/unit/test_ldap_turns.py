"""Whose search is run next: addresses take turns, and the connections of each."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait

import pytest

from directory_service.ldap.server.turns import Turns


def test_one_search_waits_for_one_of_each_of_the_others() -> None:
    turns, held, done = Turns(1), threading.Event(), list[str]()
    first = turns.submit(lambda: held.wait(60), "a", 0)  # the only thread is busy: all the rest waits
    asked = [("a", 1, "a1.1"), ("a", 1, "a1.2"), ("a", 1, "a1.3"), ("a", 2, "a2.1"), ("b", 3, "b3.1"), ("c", 4, "c4.1"),
             ("c", 4, "c4.2")]  # fmt: skip
    futures = [turns.submit(lambda name=name: done.append(name), address, client) for address, client, name in asked]
    held.set()
    wait([first, *futures], 10)
    turns.shutdown()
    assert done == ["a1.1", "b3.1", "c4.1", "a2.1", "c4.2", "a1.2", "a1.3"]


def test_what_was_cancelled_is_not_run_and_what_fails_says_so() -> None:
    turns, held, done = Turns(1), threading.Event(), list[int]()
    first = turns.submit(lambda: held.wait(60), "a", 0)
    dropped, failing, last = (
        turns.submit(step, "a", 0) for step in (lambda: done.append(1), lambda: 1 // 0, lambda: done.append(2))
    )
    assert dropped.cancel()
    held.set()
    all_of_them: list[Future[object]] = [first, failing, last]
    wait(all_of_them, 10)
    turns.shutdown()
    assert done == [2]
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_what_is_called_off_leaves_the_queue_at_once() -> None:
    """A client that sends a search and its Abandon, again and again, while the threads are busy with others."""
    turns, held, done = Turns(1), threading.Event(), list[int]()
    first = turns.submit(lambda: held.wait(60), "a", 0)
    kept = turns.submit(lambda: done.append(1), "b", 1)
    for n in range(1000):
        assert turns.submit(lambda n=n: done.append(n), "bc"[n % 2], n % 3).cancel()
    assert [{client: len(jobs) for client, jobs in clients.items()} for clients in turns._waiting.values()] == [{1: 1}]
    assert turns._pool._work_queue.qsize() == 0
    held.set()
    wait([first, kept], 10)
    assert turns.submit(lambda: done.append(2), "b", 1).result(10) is None  # threads that ended come back
    turns.shutdown()
    assert done == [1, 2]


def test_every_thread_is_put_to_work() -> None:
    turns, together = Turns(3), threading.Barrier(3)
    for _ in range(20):
        wait([turns.submit(lambda: together.wait(60), "a", n) for n in range(3)], 10)
        assert not together.broken
    turns.shutdown()
