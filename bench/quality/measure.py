"""What one measure of matching gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """``pairs``: (ADELI, RPPS) numbers of one person that the registry holds; ``false``: pairs of numbers of different
    people under one record; ``recall_with_review``: what the staff would find if they answered the queue rightly."""

    name: str
    pairs: int
    found: int
    false: int
    recall_with_review: float | None = None

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.pairs if self.pairs else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.found / (self.found + self.false + self.pairs)

    def as_dict(self) -> dict[str, object]:
        rounded = {name: round(getattr(self, name), 5) for name in ("precision", "recall", "f1")}
        told = {"name": self.name, "pairs": self.pairs, "found": self.found, "false": self.false, **rounded}
        if self.recall_with_review is not None:
            told["recall_with_review"] = round(self.recall_with_review, 5)
        return told
