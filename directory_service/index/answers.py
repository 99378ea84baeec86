"""Answers of the present build that were found a moment ago: which entries, and whether there were more.

People who look for somebody type the same few letters: an answer is a hundred numbers, and finding them again costs a
thousand times what keeping them does.  All of them go when the build changes, the follower's commits included, so that
an answer is never older than the index.  Nothing is kept of who asked, and nothing outlives the process.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, NamedTuple

MOST: Final = 2_000  # answers: at most 10 MB
LONGEST: Final = 200  # entries of an answer that is kept


class Answer(NamedTuple):
    ids: tuple[int, ...]
    truncated: bool


class Answers:
    """Shared by the threads of a process: every step is one operation on a dict."""

    def __init__(self) -> None:
        self._build = ""
        self._held: dict[Hashable, Answer] = {}

    def of(self, build: str) -> dict[Hashable, Answer]:
        """Those of this build."""
        if self._build != build or len(self._held) >= MOST:
            self._held, self._build = {}, build
        return self._held
