"""Answers of the present build that were found a moment ago: which entries, whether there were more, and the entries.

People who look for somebody type the same few letters: an answer is a hundred numbers, and finding them again costs a
thousand times what keeping them does.  All of it goes when the build changes, the follower's commits included, so that
an answer is never older than the index.  Nothing is kept of who asked, and nothing outlives the process.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from directory_service.index.query import Part
from directory_service.index.reader import Hit

MOST: Final = 2_000  # answers: at most 10 MB
MOST_HITS: Final = 16_000  # entries, of either part: about 25 MB
LONGEST: Final = 200  # entries of an answer that is kept


class Answer(NamedTuple):
    ids: tuple[int, ...]
    truncated: bool


@dataclass
class Held:
    """What is kept of one build.  Threads share it: every step is one operation on a dict."""

    build: str
    answers: dict[Hashable, Answer] = field(default_factory=dict)
    hits: dict[tuple[Part, int], Hit] = field(default_factory=dict)

    def keep(self, key: Hashable, answer: Answer) -> None:
        if len(self.answers) >= MOST:
            self.answers.clear()
        self.answers[key] = answer

    def read(self, ids: Sequence[int], part: Part, read: Callable[[Sequence[int], Part], list[Hit]]) -> list[Hit]:
        """The entries of these ids, in their order; ``read`` gives those that are not kept."""
        if part is Part.ALL:
            return read(ids, part)
        kept = {pk: hit for pk in ids if (hit := self.hits.get((part, pk))) is not None}
        missing = [pk for pk in ids if pk not in kept]
        if missing:
            found = {hit.id: hit for hit in read(missing, part)}
            if len(self.hits) + len(found) > MOST_HITS:
                self.hits.clear()
            self.hits.update(((part, pk), hit) for pk, hit in found.items())
            kept |= found
        return [kept[pk] for pk in ids if pk in kept]


class Answers:
    def __init__(self) -> None:
        self._held = Held("")

    def of(self, build: str) -> Held:
        """What is kept of this build."""
        held = self._held
        if held.build != build:
            held = self._held = Held(build)
        return held
