"""Answers of the present build that were found a moment ago: which entries, and whether there were more; suggestions as
they are sent.

People who look for somebody type the same few letters: an answer is a hundred numbers, and finding them again costs a
thousand times what keeping them does.  All of it goes when the build changes, the follower's commits included, so that
an answer is never older than the index.  Nothing is kept of who asked, and nothing outlives the process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, NamedTuple, TypeVar

MOST: Final = 2_000  # answers: at most 10 MB; of suggestions, 600 bytes each, 12 to 24 MB
LONGEST: Final = 200  # entries of an answer that is kept

T = TypeVar("T")


class Answer(NamedTuple):
    ids: tuple[int, ...]
    truncated: bool


class Suggested(NamedTuple):
    """``items``: JSON, of the entries ``ids``."""

    build: str
    ids: tuple[int, ...]
    items: list[bytes]


class Held(OrderedDict[Hashable, T]):
    """What is kept of one build; the first kept goes first.  Threads share it: every step is one operation."""

    def __init__(self, build: str) -> None:
        super().__init__()
        self.build = build

    def keep(self, key: Hashable, answer: T) -> None:
        self[key] = answer
        if len(self) > MOST:
            self.popitem(last=False)


class Answers(Generic[T]):
    def __init__(self) -> None:
        self._held = Held[T]("")

    def of(self, build: str) -> Held[T]:
        """What is kept of this build."""
        held = self._held
        if held.build != build:
            held = self._held = Held[T](build)
        return held
