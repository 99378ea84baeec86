"""Answers of the present build that were found a moment ago: which entries, and whether there were more; suggestions as
they are sent.

People who look for somebody type the same few letters: an answer is a hundred numbers, and finding them again costs a
thousand times what keeping them does.  All of it goes when the build changes, the follower's commits included, so that
an answer is never older than the index.  Nothing is kept of who asked, and nothing outlives the process.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from typing import Final, Generic, NamedTuple, TypeVar

MOST: Final = 20_000  # answers: 10 to 30 MB; half of what a country types was typed among so many
MOST_SENT: Final = 6_000  # suggestions as they are sent, 3 kilobytes each in the mean: 20 MB
LONGEST: Final = 200  # entries of an answer that is kept

T = TypeVar("T")


class Answer(NamedTuple):
    ids: array[int]  # "q": a quarter of what a tuple takes
    truncated: bool


class Suggested(NamedTuple):
    """``items``: JSON, of the entries ``ids``, with a comma between them."""

    build: str
    ids: tuple[int, ...]
    items: bytes
    timed_out: bool = False


class Held(OrderedDict[Hashable, T]):
    """What is kept of one build; what nobody asked for the longest goes first.  Threads share it: every step is one
    operation."""

    def __init__(self, build: str, most: int) -> None:
        super().__init__()
        self.build, self._most = build, most

    def known(self, key: Hashable) -> T | None:
        found = self.get(key)
        if found is not None:
            with suppress(KeyError):  # another thread has just put it out
                self.move_to_end(key)
        return found

    def keep(self, key: Hashable, answer: T) -> None:
        self[key] = answer
        if len(self) > self._most:
            self.popitem(last=False)


class Answers(Generic[T]):
    def __init__(self, most: int) -> None:
        self._most = most
        self._held = Held[T]("", most)

    def of(self, build: str) -> Held[T]:
        """What is kept of this build."""
        held = self._held
        if held.build != build:
            held = self._held = Held[T](build, self._most)
        return held
