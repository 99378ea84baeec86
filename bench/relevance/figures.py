"""Where the person meant stands among the answers, and what that comes to over many questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.relevance.queries import Asked
from bench.relevance.targets import Person


@dataclass
class Figures:
    """``found`` and ``fitting``: ranks, from 1, of the very person, and of the first that the text fits as well."""

    asked: int = 0
    found: list[int] = field(default_factory=list)
    fitting: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, asked: Asked, target: Person, answers: Sequence[Person], seconds: float) -> None:
        self.asked += 1
        self.seconds.append(seconds)
        very = next((n for n, a in enumerate(answers, 1) if a.id == target.id), None)
        fits = next((n for n, a in enumerate(answers, 1) if a.id == target.id or asked.fits(target, a)), None)
        self.found += [very] if very else []
        self.fitting += [fits] if fits else []

    def recall(self, ranks: Sequence[int], within: int) -> float:
        return sum(rank <= within for rank in ranks) / self.asked

    def mrr(self, ranks: Sequence[int]) -> float:
        return sum(1 / rank for rank in ranks) / self.asked

    def slow(self) -> float:
        """Milliseconds of the 99th of a hundred."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000
