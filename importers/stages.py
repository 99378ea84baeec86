"""How long each stage of a run took, for ``annuaire import --json`` and ``python -m bench load``.

Seconds of the clock, told apart so that the next bottleneck shows; stages of a process beside overlap with the others.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Stages:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def during(self, stage: str, *, without: tuple[str, ...] = ()) -> Iterator[None]:
        """What the block takes counts, ``without`` what it adds to these stages."""
        start = time.perf_counter() - sum(self.seconds[s] for s in without)
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start - sum(self.seconds[s] for s in without)

    def each(self, stage: str, values: Iterable[T]) -> Iterator[T]:
        """The values; what it took to get them counts."""
        clock, start, total = time.perf_counter, time.perf_counter(), 0.0
        try:
            for value in values:
                total += clock() - start
                yield value
                start = clock()
        finally:
            self.seconds[stage] += total

    def timed(self, stage: str, function: Callable[P, T]) -> Callable[P, T]:
        """The function; what it takes counts."""
        clock, seconds = time.perf_counter, self.seconds

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            start = clock()
            result = function(*args, **kwargs)
            seconds[stage] += clock() - start
            return result

        return call

    def add(self, seconds: Mapping[str, float]) -> None:
        for stage, value in seconds.items():
            self.seconds[stage] += value

    def take(self) -> dict[str, float]:
        taken = dict(self.seconds)
        self.seconds.clear()
        return taken

    def rounded(self) -> dict[str, float]:
        return {stage: round(value, 2) for stage, value in self.seconds.items()}
