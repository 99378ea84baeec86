"""What counting costs a request, in processor time: ``python -m bench.limits``.

Beside it the ``limits`` package, where it is installed (``pip install limits``): its memory storage is of one process,
so that it is no equal.
"""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from directory_service.trust.harvest import Harvest
from directory_service.trust.rates import Quota, Rates

_ROUNDS, _CALLS, _CALLERS = 7, 20_000, 500


def main() -> None:
    callers = [f"suggest-192.0.{n // 250}.{n % 250}" for n in range(_CALLERS)]
    with tempfile.TemporaryDirectory() as folder:
        rates, quota = Rates(Path(folder) / "rates"), Quota(10**6, 60.0)
        harvest = Harvest(200_000, 400_000, 86_400.0, Path(folder) / "harvest")
        ids = [(1 << 36) + n * 7919 for n in range(10)]
        _tell("rates: one request", lambda n: rates.take(callers[n % _CALLERS], quota))

        def records(n: int) -> None:
            client = harvest.client(f"192.0.2.{n % 200}")
            if not harvest.spent(client):
                harvest.count(client, ids)

        _tell("harvest: ten records", records)
    try:
        limits, strategies = importlib.import_module("limits"), importlib.import_module("limits.strategies")
    except ImportError:
        return
    item = limits.RateLimitItemPerMinute(10**6)
    for kind in ("FixedWindowRateLimiter", "SlidingWindowCounterRateLimiter"):
        limiter = getattr(strategies, kind)(limits.storage.MemoryStorage())

        def one(n: int, limiter: object = limiter) -> None:
            limiter.hit(item, callers[n % _CALLERS])  # type: ignore[attr-defined]
            limiter.get_window_stats(item, callers[n % _CALLERS])  # type: ignore[attr-defined]

        _tell(f"limits.{kind}, with what its headers need", one)


def _tell(name: str, call: Callable[[int], object]) -> None:
    rounds = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        for n in range(_CALLS):
            call(n)
        rounds.append((time.process_time() - start) / _CALLS * 1e6)
    print(f"{name}: {statistics.median(rounds):.1f} µs (best {min(rounds):.1f})")


if __name__ == "__main__":
    main()
