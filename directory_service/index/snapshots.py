"""What one connection sees: one commit of the follower for all statements of a question, and, where a thread asks all
the time, for those of a few hundredths of a second.

SQLite locks the file, and lets go of it, for each statement that is in no transaction: three system calls, a third of
what a look-up by key costs.  A thread that has an event loop keeps its snapshot, and the loop's clock ends it, so that
a thread that is asked nothing more keeps no commit from being written back (decision 0045).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

Later = Callable[[float, Callable[[], None]], object]  # seconds, and what to do then: a loop's ``call_later``


class Snapshots:
    """Of one connection, which one thread uses.  ``later``: by which what is kept is let go; without it nothing is."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.later: Later | None = None
        self._connection = connection
        self._kept: float | None = None  # since when
        self._inside = False

    @property
    def is_inside(self) -> bool:
        """Whether a question is being answered, from one commit throughout."""
        return self._inside

    @contextmanager
    def one(self) -> Iterator[None]:
        """All statements inside see one commit; so do those of a snapshot inside another."""
        if self._inside:
            yield
            return
        if self._kept is None:
            self._connection.execute("BEGIN")
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            if self._kept is None:
                self._end()

    def keep(self, now: float, seconds: float) -> None:
        """What the next statement sees stands for so long, or until ``let_go``."""
        if self.later and not self._inside:
            self.let_go()
            self._connection.execute("BEGIN")
            self._kept = now
            self.later(seconds, partial(self._expire, now))

    def _expire(self, since: float) -> None:
        if self._kept == since:
            self.let_go()

    def let_go(self) -> None:
        """The next statement sees the newest commit, unless it is inside."""
        if self._kept is not None and not self._inside:
            self.forget()
            self._end()

    def _end(self) -> None:
        if self._connection.in_transaction:  # SQLite ends it by itself where the file cannot be read
            self._connection.execute("COMMIT")

    def forget(self) -> None:
        """The connection is closed."""
        self._kept = None
