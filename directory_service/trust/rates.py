"""How often each caller may ask: so many times in a window, at once or spread, counted by all processes of a node.

One number is kept for each caller: when all that it asked so far is paid for, each request costing an equal part of the
window (the generic cell rate algorithm of ITU-T I.371).  Callers are slots of one file that the workers map into memory
(``shared``); without a file they are this process's own.  Names of callers are in it as salted digests only.  On the
path of every keystroke: 2 µs of processor time (``python -m bench.limits``), where the windows of the ``limits``
package take 6 to 12 and are of one process.

No lock between processes: two that write one slot at once count one request for two.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from math import ceil, ulp
from pathlib import Path
from typing import Final, NamedTuple

from directory_service.trust.shared import SALT, mapped

_WAYS: Final = 4  # slots that a caller may have; a newcomer takes the place of who asked least
_SETS: Final = 1 << 14
_SET: Final = struct.Struct("<" + "Qd" * _WAYS)
_SLOT: Final = struct.Struct("<Qd")  # digest, when it is paid for
SIZE: Final = SALT + _SETS * _SET.size  # 1 MiB


class Quota(NamedTuple):
    """``most`` requests in ``window`` seconds."""

    most: int
    window: float


class Taken(NamedTuple):
    """What became of one request.  ``left``: how many more may follow at once; ``reset``: seconds until the quota is
    whole again; ``wait``: until the next one may come, 0 where this one may."""

    allowed: bool
    left: int
    reset: int
    wait: float


class Rates:
    """Thread-safe, but for what is said above."""

    def __init__(self, path: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._memory = mapped(path, SIZE)
        salt = self._memory[:SALT]
        self._digest = lru_cache(maxsize=4096)(lambda name: _digest(name, salt))

    def take(self, name: str, quota: Quota, times: int = 1) -> Taken:
        """Counts one request of the caller, or one that is worth several, unless it is too much."""
        digest, now = self._digest(name), self._clock()
        cost = quota.window / quota.most
        with self._lock:
            place, paid = self._find(digest)
            begin = max(paid, now)
            if begin > now + quota.window:  # the clock was set back: nobody waits longer than a window for that
                begin = now + quota.window
                _SLOT.pack_into(self._memory, place, digest, begin)
            # Each request has rounded what is paid for: of instants of today, to a quarter of a microsecond.
            left = int((now + quota.window - begin) / cost + min(0.5, 1e-6 + quota.most * ulp(now) / cost))
            whole = cost * min(times, quota.most)  # what is worth more than the quota waits for all of it
            if left < min(times, quota.most):
                return Taken(False, left, ceil(begin - now), begin + whole - now - quota.window)
            _SLOT.pack_into(self._memory, place, digest, begin + whole)
        return Taken(True, left - min(times, quota.most), ceil(begin + whole - now), 0.0)

    def owe(self, name: str, quota: Quota, times: int) -> None:
        """Counts what turned out to be worth more than was taken for it.  Nobody waits longer than a window for it."""
        digest, now = self._digest(name), self._clock()
        with self._lock:
            place, paid = self._find(digest)
            owed = max(paid, now) + times * quota.window / quota.most
            _SLOT.pack_into(self._memory, place, digest, min(owed, now + quota.window))

    def give_back(self, name: str, quota: Quota) -> None:
        """What ``take`` counted for one request that will be counted again."""
        digest = self._digest(name)
        with self._lock:
            place, paid = self._find(digest)
            if paid:
                _SLOT.pack_into(self._memory, place, digest, paid - quota.window / quota.most)

    def _find(self, digest: int) -> tuple[int, float]:
        """The caller's slot and what it holds; a newcomer's is that of who is paid for first."""
        start = SALT + digest % _SETS * _SET.size
        held = _SET.unpack_from(self._memory, start)
        for way in range(_WAYS):
            if held[2 * way] == digest:
                return start + way * _SLOT.size, held[2 * way + 1]
        oldest = min(range(_WAYS), key=lambda way: held[2 * way + 1])
        return start + oldest * _SLOT.size, 0.0


def _digest(name: str, salt: bytes) -> int:
    return int.from_bytes(blake2b(name.encode(), key=salt, digest_size=8).digest(), "little") or 1
