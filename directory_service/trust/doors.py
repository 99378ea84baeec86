"""Who a bearer secret speaks for: an operator, or a program that has a key; and how often wrong ones may be tried.

The secret of an operator reads ``<name>.<random>``, the key of a program ``client~<name>.<random>``: a tilde stands in
no operator's name, so that neither is ever taken for the other.  What is known already (``Secrets.remembered``) is
answered at once; what must be computed is counted first, by the name and by the address, as LDAP counts binds
(``throttle``).  Where the right secret was shown lately, strangers who try wrong ones under its name elsewhere close
nothing.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from directory_service.errors import Forbidden, TooManyAttempts
from directory_service.model.clients import PREFIX
from directory_service.model.networks import is_local, subscriber_of
from directory_service.trust.access import LONGEST_SECRET, BadCredentials, Secrets
from directory_service.trust.throttle import Throttle

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

_QUEUE: Final = 2.0  # seconds to wait for the secrets of others to be computed, one at a time
_WAITING: Final = 4  # threads that may wait so: a process has eight, and the others answer who needs no secret
_KNOWN_FOR: Final = 86_400.0
_MOST_KNOWN: Final = 4096


class Bearer(NamedTuple):
    """One of the two has a name; ``secret_hash`` is that of the secret shown, which may be the one before the last."""

    operator: str = ""
    client: str = ""
    secret_hash: str = ""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A secret: whose it claims to be, under which full name it is counted, and from where ("" from this machine)."""

    holders: Secrets
    holder: str
    secret: str = field(repr=False)
    name: str
    network: str

    def remembered(self) -> bool:
        return self.holders.remembered(self.holder, self.secret) is not None

    def check(self) -> str:
        return self.holders.check(self.holder, self.secret)


class Doors:
    """Of one process.  Thread-safe."""

    def __init__(
        self, directory: Directory, throttle: Throttle | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._operators = Secrets(directory.operator)
        self._clients = Secrets(directory.client)
        self._throttle = throttle or Throttle(patience=0.0)
        self._clock = clock
        self._lock = threading.Lock()
        self._queue = threading.BoundedSemaphore(_WAITING)
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()  # who showed it where, until when that counts

    def bearer(self, secret: str, address: str) -> Bearer:
        """Whose secret this is.  Raises BadCredentials, the same for unknown and wrong; Forbidden for a suspended
        operator; TooManyAttempts, right or wrong, where too many wrong ones came before.  What is longer than any
        secret costs nothing to refuse: it is not counted, and its name, which may be as long, is not kept."""
        if len(secret) > LONGEST_SECRET:
            raise BadCredentials("authentification refusée")
        name = secret.rpartition(".")[0]
        is_client = name.startswith(PREFIX)
        holders, holder = (self._clients, name.removeprefix(PREFIX)) if is_client else (self._operators, name)
        shown = _Shown(holders, holder, secret, name, "" if is_local(address) else subscriber_of(address))
        found = shown.check() if shown.remembered() else self._compute(shown)
        return Bearer(client=holder, secret_hash=found) if is_client else Bearer(operator=holder, secret_hash=found)

    def _compute(self, shown: _Shown) -> str:
        """One at a time, so that many requests with one right secret, which nobody remembers yet, are one attempt."""
        if not self._queue.acquire(blocking=False):
            raise _refused(_QUEUE)
        try:
            return self._compute_in_turn(shown)
        finally:
            self._queue.release()

    def _compute_in_turn(self, shown: _Shown) -> str:
        if not self._lock.acquire(timeout=_QUEUE):
            raise _refused(_QUEUE)
        try:
            if shown.remembered():
                return shown.check()
            keys = self._keys(shown.name, shown.network)
            if self._throttle.reserve(keys, self._clock()) is None:
                raise _refused(self._throttle.pause)
            found = self._check(shown, keys)
            if shown.network:
                self._remember(shown.name, shown.network)
            return found
        finally:
            self._lock.release()

    def _check(self, shown: _Shown, keys: tuple[str, ...]) -> str:
        try:
            found = shown.check()
        except BadCredentials:
            raise
        except Forbidden:  # a right secret of a suspended operator
            self._throttle.refund(keys)
            raise
        self._throttle.refund(keys)
        return found

    def _keys(self, name: str, network: str) -> tuple[str, ...]:
        """This machine has no address of its own to count by: a proxy that is not declared would be everybody."""
        by_name = () if self._known.get((name, network), 0.0) > self._clock() else (f"name {name}",)
        return (*by_name, f"from {network}") if network else by_name

    def _remember(self, name: str, network: str) -> None:
        self._known[name, network] = self._clock() + _KNOWN_FOR
        self._known.move_to_end((name, network))
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def _refused(seconds: float) -> TooManyAttempts:
    return TooManyAttempts("trop de secrets erronés : réessayez plus tard", retry_after=max(1, ceil(seconds)))
