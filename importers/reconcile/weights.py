"""The arithmetic of probable matches (Fellegi and Sunter, 1969): how much each agreement says, and what that makes.
PURE.

A pair is compared on several points; each comparison ends at one of a few levels, or at none where one side says
nothing. A level weighs log2(m/u) bits: m is how often pairs of one person end there, u how often other pairs do.
``estimate`` learns m, u and the share of matches from unlabelled pairs (expectation maximisation, as Splink does);
what it learnt is kept, so that a run never learns.  What is compared, and what follows from a score, is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any, Final

UNKNOWN: Final = -1
Levels = tuple[int, ...]  # one per comparison: rank of the level reached, or UNKNOWN
_UNSEEN: Final = 0.5  # pairs added to each level: none is impossible because it was not met
_ROUNDS: Final = 500
_SETTLED: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Comparison:
    """One point that pairs are compared on; the surest level first."""

    name: str
    levels: tuple[str, ...]
    m: tuple[float, ...]
    u: tuple[float, ...]

    def bits(self, level: int) -> float:
        return 0.0 if level == UNKNOWN else log2(self.m[level] / self.u[level])


@dataclass(frozen=True, slots=True)
class Model:
    """``prior``: share of matches among the pairs that blocking brings together."""

    comparisons: tuple[Comparison, ...]
    prior: float

    def score(self, levels: Levels) -> float:
        """Bits for (above 0) or against one person."""
        pairs = zip(self.comparisons, levels, strict=True)
        return log2(self.prior / (1 - self.prior)) + sum(c.bits(level) for c, level in pairs)

    def weights(self, levels: Levels) -> list[tuple[str, str, float]]:
        """(comparison, level reached, bits) of each point on which both sides say something."""
        pairs = zip(self.comparisons, levels, strict=True)
        return [(c.name, c.levels[n], c.bits(n)) for c, n in pairs if n != UNKNOWN]

    def as_dict(self) -> dict[str, Any]:
        return {
            "prior": self.prior,
            "comparisons": {
                c.name: {level: {"m": m, "u": u} for level, m, u in zip(c.levels, c.m, c.u, strict=True)}
                for c in self.comparisons
            },
        }


def model_of(values: Mapping[str, Any]) -> Model:
    """The inverse of ``Model.as_dict``."""
    comparisons = [
        Comparison(name, tuple(levels), *(tuple(v[side] for v in levels.values()) for side in ("m", "u")))
        for name, levels in values["comparisons"].items()
    ]
    return Model(tuple(comparisons), values["prior"])


def probability(bits: float) -> float:
    """Of 0 to 1."""
    return 1 / (1 + 2 ** min(-bits, 1000.0))


def start(levels: Mapping[str, Sequence[str]], prior: float) -> Model:
    """Where learning begins: matches agree nine times in ten, others half as much at each better level."""
    comparisons = []
    for name, each in levels.items():
        rest = len(each) - 1
        m = (0.9, *([0.1 / rest] * rest))
        u = [2.0**n for n in range(len(each))]
        comparisons.append(Comparison(name, tuple(each), m, tuple(v / sum(u) for v in u)))
    return Model(tuple(comparisons), prior)


def estimate(patterns: Mapping[Levels, float], model: Model, *, known_u: bool = False) -> Model:
    """The model under which these pairs are likeliest, found from ``model`` on.  ``patterns``: levels ► pairs that
    reach them.  ``known_u``: u is right already, only m and the prior are learnt."""
    for _ in range(_ROUNDS):
        matches = {levels: n * probability(model.score(levels)) for levels, n in patterns.items()}
        better = _maximised(patterns, matches, model, known_u)
        moved = max(abs(a - b) for one, other in zip(model.comparisons, better.comparisons, strict=True)
                    for a, b in zip(one.m + one.u, other.m + other.u, strict=True))  # fmt: skip
        model = better
        if moved < _SETTLED:
            break
    return model


def _maximised(patterns: Mapping[Levels, float], matches: Mapping[Levels, float], old: Model, known_u: bool) -> Model:
    comparisons = []
    for at, c in enumerate(old.comparisons):
        m, u = [0.0] * len(c.levels), [0.0] * len(c.levels)
        for levels, n in patterns.items():
            if levels[at] != UNKNOWN:
                m[levels[at]] += matches[levels]
                u[levels[at]] += n - matches[levels]
        m_u = _shares(m, c.m), c.u if known_u else _shares(u, c.u)
        comparisons.append(Comparison(c.name, c.levels, *m_u))
    return Model(tuple(comparisons), sum(matches.values()) / sum(patterns.values()))


def shares(patterns: Mapping[Levels, float], model: Model) -> Model:
    """u as these pairs, all of different people, have it."""
    nobody = dict.fromkeys(patterns, 0.0)
    known = _maximised(patterns, nobody, model, known_u=False)
    comparisons = (
        Comparison(c.name, c.levels, c.m, k.u) for c, k in zip(model.comparisons, known.comparisons, strict=True)
    )
    return Model(tuple(comparisons), model.prior)


def _shares(counts: Sequence[float], otherwise: tuple[float, ...]) -> tuple[float, ...]:
    total = sum(counts)
    if not total:
        return otherwise
    return tuple((n + _UNSEEN) / (total + _UNSEEN * len(counts)) for n in counts)
