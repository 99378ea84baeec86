"""One search while it is under way: what it has found, and what it may still cost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

BUDGET: Final = 50_000  # candidates one search may check: about 0.2 s, past which a better filter is due
_SCANNED: Final = 15  # times fewer, where nothing is looked up: what is not among the first is not soon found

# What SQLite says of a statement that was stopped, and of one that was while it opened the first FTS5 table.
_STOPPED: Final = ("interrupted", "vtable constructor failed")


@dataclass
class Search:
    """The state of one search: the ids found, best first, and what it may still cost."""

    limit: int
    view: int
    deadline: float
    budget: int = BUDGET
    stopped: Callable[[], bool] | None = None
    ids: list[int] = field(default_factory=list)
    truncated: bool = False
    timed_out: bool = False

    def __post_init__(self) -> None:
        self._whole = self.budget

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """While nothing is looked up: entries are read one after the other."""
        most = min(self.budget, self._whole // _SCANNED)
        left, self.budget = self.budget - most, most
        yield
        self.budget += left

    @property
    def over(self) -> bool:
        return self.truncated or self.timed_out

    def is_late(self) -> bool:
        """Is time up, or nobody waiting any more?"""
        return time.monotonic() > self.deadline or (self.stopped is not None and self.stopped())

    def stopped_by(self, error: sqlite3.OperationalError) -> None:
        """What a search that may cost no more has found is its answer."""
        if not any(said in str(error) for said in _STOPPED):
            raise error
        self.end_early()

    def end_early(self) -> None:
        self.timed_out = self.is_late()
        self.truncated = not self.timed_out

    def add(self, found: Iterable[int]) -> None:
        """One more than the limit, and the search is truncated."""
        ids, room = self.ids, self.limit - len(self.ids)
        ids += islice(found, room + 1)
        if len(ids) > self.limit:
            ids.pop()
            self.truncated = True
