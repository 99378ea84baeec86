"""How often wrong secrets may be tried: so many at once, then one every so often, by name and by address.  PURE: the
time is an argument.

Every attempt takes a place in the queue of each of its keys before it is verified, and gives it back when it succeeds:
a thousand attempts at the same time are a thousand failures until proven otherwise.  Names nobody has are counted like
the others.  Each process counts for itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from directory_service.model.networks import subscriber_of

KEYS = 20_000  # kept at most, the least recently used forgotten first: about 4 MB


@dataclass
class Throttle:
    """``burst`` failures are free, then one every ``pause`` seconds; who would wait more than ``patience`` is told so
    at once (RFC 4511 A.2: busy)."""

    burst: int = 10
    pause: float = 2.0
    patience: float = 8.0  # under the 10 s that a bind may take
    _due: OrderedDict[str, float] = field(default_factory=OrderedDict)  # when all attempts so far are paid for

    def reserve(self, keys: Sequence[str], now: float) -> float | None:
        """Seconds to wait before verifying; None: too many wait already, and nothing is counted."""
        due = {key: max(now, self._due.get(key, 0.0)) for key in keys}
        wait = max([0.0, *(at - now - (self.burst - 1) * self.pause for at in due.values())])
        if wait > self.patience:
            return None
        for key, at in due.items():
            self._due[key] = at + self.pause
            self._due.move_to_end(key)
        while len(self._due) > KEYS:
            self._due.popitem(last=False)
        return wait

    def refund(self, keys: Sequence[str]) -> None:
        """The attempt succeeded."""
        for key in keys:
            if key in self._due:
                self._due[key] -= self.pause


def keys_of(name: str, address: str) -> tuple[str, ...]:
    """What an attempt counts against: the name, and whose address it is."""
    return (f"name {name}", f"from {subscriber_of(address)}")
