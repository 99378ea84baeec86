"""How many different entries each client was given since its day began, and whether that is enough (decision 0011).

A client is an operator or a program by its name, or the network of an unnamed one (an IPv4 address, an IPv6 /64).  Its
entries are not kept: each sets one bit of a map of 8 KiB, and the number of bits still clear tells how many there were,
to within 1 % (Whang et al., "A linear-time probabilistic counting algorithm", 1990).  Maps are slots of one file that
the worker processes of a node map into memory; where a file is not given they are this process's own.  Names of clients
are in it as salted digests only.

LDAP and HTTP count in the same file: a budget is one for both.  What is counted, and whom to refuse, is theirs to ask.
No lock between processes: a bit lost when two write one byte at once is a bit set a little later.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import exp, log
from pathlib import Path
from typing import Final, NamedTuple

from directory_service.model.networks import subscriber_of
from directory_service.trust.shared import SALT, mapped

BITS: Final = 1 << 16  # of one map: a count is good up to BITS * log(BITS), 720,000
_MAP: Final = BITS // 8
_HEAD: Final = struct.Struct("<16sd?3xI")  # client, when its day began, whether its budget is spent, bits set
_EXACT: Final = 512  # new bits after which they are all counted again: processes may have lost some of the sum
_SLOT: Final = _HEAD.size + _MAP
_WAYS: Final = 4  # slots a client may have; the newcomer takes the place of who was given least
SLOTS: Final = 4096  # 32 MiB of addresses, of which only what is used takes memory
_WORD: Final = (1 << 64) - 1


class Client(NamedTuple):
    """Who is counted, and how many different entries it may have."""

    name: str
    budget: int


class Harvest:
    """Counts for all that one process serves; with a ``path``, together with other processes.  ``anonymous`` and
    ``named`` are budgets, 0 for none; ``window`` is the day, in seconds.  Thread-safe."""

    def __init__(self, anonymous: int, named: int, window: float, path: Path | None = None, *,
                 clock: Callable[[], float] = time.time) -> None:  # fmt: skip
        self.anonymous, self.named, self.window = anonymous, named, window
        self._clock = clock
        self._lock = threading.Lock()
        self._memory = mapped(path, SALT + SLOTS * _SLOT)
        salt = self._memory[:SALT]
        self._mixer = int.from_bytes(salt[:8], "little")
        self._digest = lru_cache(maxsize=4096)(lambda name: _digest(name, salt))

    def close(self) -> None:
        self._memory.close()

    def client(self, address: str, name: str = "") -> Client:
        """Who is asking: a named client is the same wherever it comes from."""
        return Client(f"n{name}", self.named) if name else Client(f"a{subscriber_of(address)}", self.anonymous)

    def spent(self, client: Client) -> bool:
        """Is it to be given exact look-ups only?  About 2 µs."""
        slot = self._find(self._digest(client.name), self._clock()) if client.budget else None
        return slot is not None and bool(_HEAD.unpack_from(self._memory, slot)[2])

    def count(self, client: Client, ids: Iterable[int]) -> None:
        """Counts these entries.  About 0.4 µs each, and 3 µs."""
        if not client.budget:
            return
        with self._lock:
            slot = self._slot(client)
            new = self._mark(slot + _HEAD.size, ids)
            if not new:
                return
            name, began, spent, ones = _HEAD.unpack_from(self._memory, slot)
            ones = self._ones(slot) if (ones + new) // _EXACT > ones // _EXACT else ones + new
            spent = spent or ones >= _ones_of(client.budget)
            _HEAD.pack_into(self._memory, slot, name, began, spent, ones)

    def renewed_in(self, client: Client) -> float:
        """Seconds until its next day begins."""
        now = self._clock()
        slot = self._find(self._digest(client.name), now)
        return 0.0 if slot is None else float(_HEAD.unpack_from(self._memory, slot)[1]) + self.window - now

    def counted(self, client: Client) -> int:
        """About how many different entries it was given."""
        slot = self._find(self._digest(client.name), self._clock())
        return 0 if slot is None else round(BITS * log(BITS / max(1, BITS - self._ones(slot))))

    # --- slots ------------------------------------------------------------------------------------------------------

    def _mark(self, start: int, ids: Iterable[int]) -> int:
        """The number of bits that were not set before."""
        memory, mixer, new = self._memory, self._mixer, 0
        for entry in ids:
            mixed = ((entry ^ mixer) * 0x9E3779B97F4A7C15) & _WORD
            mixed = ((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93) & _WORD
            place, bit = start + (mixed >> 51), 1 << (mixed >> 48 & 7)
            if not memory[place] & bit:
                memory[place] |= bit
                new += 1
        return new

    def _ones(self, slot: int) -> int:
        start = slot + _HEAD.size
        return int.from_bytes(self._memory[start : start + _MAP], "little").bit_count()

    def _ways(self, name: bytes) -> list[int]:
        first = int.from_bytes(name[:4], "little") % (SLOTS // _WAYS) * _WAYS
        return [SALT + (first + way) * _SLOT for way in range(_WAYS)]

    def _find(self, name: bytes, now: float) -> int | None:
        """The slot of this client, if its day is not over."""
        for slot in self._ways(name):
            if self._memory[slot : slot + 16] == name:
                began: float = _HEAD.unpack_from(self._memory, slot)[1]
                return slot if began <= now < began + self.window else None
        return None

    def _slot(self, client: Client) -> int:
        """The client's slot; a new day begins with its first entry."""
        name, now = self._digest(client.name), self._clock()
        found = self._find(name, now)
        if found is None:
            found = min(self._ways(name), key=lambda slot: self._worth(slot, name, now))
            _HEAD.pack_into(self._memory, found, name, now, False, 0)
            self._memory[found + _HEAD.size : found + _SLOT] = bytes(_MAP)
        return found

    def _worth(self, slot: int, name: bytes, now: float) -> int:
        """The client's own old slot first, then those whose day is over, then who was given least: a harvester cannot
        be forgotten by sending strangers."""
        held, began, *_ = _HEAD.unpack_from(self._memory, slot)
        if held == name:
            return -2
        return self._ones(slot) if began <= now < began + self.window else -1


@lru_cache(maxsize=16)
def _ones_of(budget: int) -> int:
    """Bits that so many entries set, on average."""
    return min(BITS - 1, round(BITS * (1 - exp(-budget / BITS))))


def _digest(name: str, salt: bytes) -> bytes:
    return hashlib.blake2b(name.encode(), key=salt, digest_size=16).digest()
