"""Memory and descriptors of every process of a service over time, and whether they grow.

Memory is PSS without the pages of mapped files (``bench.machine``): what a process keeps for itself.  Growth is the
slope of a straight line through the second half of the run, times the length of that half: the first half is warming
up (caches fill, threads start), and a leak is what goes on.  The line goes through the least of every ten samples: the
verification of a secret takes 64 MB for 50 ms on purpose (Argon2), an index swap two indexes for a second, and neither
is growth, while a leak raises the floor.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import anonymous, descendants

EVERY = 1.0  # seconds between samples
FLOOR = 10  # samples whose least is one point of the line
TOLERATED_MB, TOLERATED_SHARE = 6.0, 0.08  # growth in half a run: an allocator that fragments, caches that still fill
TOLERATED_DESCRIPTORS = 12.0  # the number of connections open at an instant is chance


@dataclass
class Series:
    """What one process had, sample after sample."""

    part: str
    at: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)

    def grown(self, values: list[float]) -> float:
        """By how much, over the second half, along the line that fits it best."""
        half = len(values) // 2
        spans = range(half, len(values), FLOOR)
        x, y = [self.at[n] for n in spans], [min(values[n : n + FLOOR]) for n in spans]
        if len(x) < 3:
            return 0.0
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        spread = sum((a - mean_x) ** 2 for a in x)
        return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread * (x[-1] - x[0])

    def faults(self) -> list[str]:
        mean = sum(self.megabytes) / len(self.megabytes)
        memory, descriptors = self.grown(self.megabytes), self.grown(self.descriptors)
        found = []
        if memory > max(TOLERATED_MB, TOLERATED_SHARE * mean):
            found.append(f"{self.part}: memory grew by {memory:.1f} MB over the second half")
        if descriptors > TOLERATED_DESCRIPTORS:
            found.append(f"{self.part}: descriptors grew by {descriptors:.0f} over the second half")
        return found

    def row(self) -> str:
        half = len(self.at) // 2
        return (
            f"| {self.part} | {min(self.megabytes[:FLOOR]):.1f} | {min(self.megabytes[half : half + FLOOR]):.1f}"
            f" | {min(self.megabytes[-FLOOR:]):.1f} | {max(self.megabytes):.1f} | {self.grown(self.megabytes):+.2f}"
            f" | {self.descriptors[0]:.0f} | {max(self.descriptors):.0f} | {self.descriptors[-1]:.0f}"
            f" | {self.grown(self.descriptors):+.1f} |"
        )


HEADER = (
    "| process | MB, start | middle | end | most | growth in 2nd half | descriptors, start | most | end | growth |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


class Watch(threading.Thread):
    """Samples the tree of ``pid`` until ``stop``.  Use ``series`` after ``join``."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.began, self.done = pid, time.monotonic(), threading.Event()
        self.series: dict[int, Series] = {}

    def run(self) -> None:
        self.sample()
        while not self.done.wait(EVERY):
            self.sample()

    def sample(self) -> None:
        for pid in [self.pid, *descendants(self.pid)]:
            self._sample(pid)

    def _sample(self, pid: int) -> None:
        try:
            part, descriptors = _part(pid), len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - ours, and quick
        except OSError:
            return  # gone between the listing and the reading
        found = self.series.setdefault(pid, Series(part))
        found.at.append(time.monotonic() - self.began)
        found.megabytes.append(anonymous(pid) / 1024)
        found.descriptors.append(float(descriptors))

    def stop(self) -> list[Series]:
        """The processes that served from the first to the last sample, named apart."""
        self.sample()
        self.done.set()
        self.join()
        counts: dict[str, int] = defaultdict(int)
        for found in self.series.values():
            counts[found.part] += 1
            found.part = f"{found.part} {counts[found.part]}"
        return list(self.series.values())

    def alive(self) -> dict[int, str]:
        """The processes of the tree now; to compare before and after."""
        return {pid: _part(pid) for pid in [self.pid, *descendants(self.pid)]}


def _part(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return words[-2] if "directory_service.serve" in words else "http" if "gunicorn" in " ".join(words) else "serve"
