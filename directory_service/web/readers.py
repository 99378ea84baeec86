"""Requests that threads read: long bodies, and those that do not say how long they are.

So many threads at once may wait for a body, and no more: half of them are left for everybody else.  The other bodies
wait in the loop, unread, for a place; what finds none in time is told to come back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from directory_service.model.networks import subscriber_of


class Readers:
    """Of one worker, in its loop.  ``start`` gives a connection to a thread, ``lost`` takes one that is over, with the
    status to be told; ``seconds``: that one may wait for a place."""

    def __init__(
        self, places: int, start: Callable[[Any], None], lost: Callable[[Any, int], None], seconds: float
    ) -> None:
        self._places, self._start, self._lost, self._seconds = places, start, lost, seconds
        self._reading: dict[Any, str] = {}  # by connection, of whom
        self._waiting: dict[Any, tuple[str, float]] = {}  # until when, too

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def __contains__(self, connection: Any) -> bool:
        """Whether a thread reads from it, as far as we were told."""
        return connection in self._reading

    def add(self, connection: Any) -> None:
        self._waiting[connection] = subscriber_of(connection.client[0]), time.monotonic() + self._seconds
        self._next()

    def done(self, connection: Any) -> None:
        """Its body has come, or it was answered without; no matter whether it had a place."""
        if self._reading.pop(connection, None) is not None:
            self._next()

    def cut(self) -> None:
        """Ends those that have found no place in time."""
        now = time.monotonic()
        while (first := next(iter(self._waiting), None)) is not None and self._waiting[first][1] < now:
            self._end(first, 503)

    def make_room(self) -> None:
        """Ends the one that has waited longest, if any: at once, where to be told takes a while."""
        if self._waiting:
            self._end(next(iter(self._waiting)), 0)

    def _next(self) -> None:
        """In turn, but first who has the fewest places: whoever takes all of them lets others pass."""
        while self._waiting and len(self._reading) < self._places:
            taken = Counter(self._reading.values())
            connection = min(self._waiting, key=lambda one: taken[self._waiting[one][0]])
            self._reading[connection] = self._waiting.pop(connection)[0]
            self._start(connection)

    def _end(self, connection: Any, status: int) -> None:
        del self._waiting[connection]
        self._lost(connection, status)
