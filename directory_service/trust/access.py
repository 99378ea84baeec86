"""Who is asking: a secret is the one whose hash is kept, or not.

A secret carries its operator's name (``<name>.<random>``), so that the secret alone identifies; the registry keeps
its argon2 hash and the index carries that hash to the nodes.  argon2 is slow on purpose (tens of milliseconds), so
each process remembers what it has decided of a secret for a short while, by a MAC of it under a key of its own: an
operator who binds for each look-up pays once.  Status and hash are read anew each time.
This module issues no secret (``registry.operators`` does) and reads no request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from directory_service.errors import Forbidden
from directory_service.index.query import View
from directory_service.registry.clock import now_text

REMEMBERED = 4096  # decisions kept by one process; right and wrong apart, so that a guesser forgets nobody's
FOR = 300.0  # seconds that a decision is kept: how long a stolen memory image would be worth guessing against
LONGEST_SECRET = 512  # characters; ours have about 60
_hasher = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``operator`` is the name of one ("" for others), ``rights`` words of ``model.mailboxes.RIGHTS``."""

    view: View
    operator: str = ""
    rights: frozenset[str] = frozenset()


class BadCredentials(Forbidden):
    """The secret presented is nobody's."""

    ldap_code: ClassVar[int] = 49  # invalidCredentials
    http_status: ClassVar[int] = 401
    slug: ClassVar[str] = "bad-credentials"


class Holder(Protocol):
    """Who has a secret: an operator, or a program."""

    @property
    def status(self) -> str: ...

    def hashes(self, now: str) -> tuple[str, ...]:
        """Of the secrets that open at this instant."""


class Secrets:
    """The secrets of those that ``find`` knows by name: operators, or programs.  Thread-safe; one argon2 computation at
    a time, so that a flood of wrong secrets costs one core and 64 MiB at most."""

    def __init__(self, find: Callable[[str], Holder | None]) -> None:
        self._find = find
        self._right, self._wrong = _Memory(), _Memory()
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def check(self, name: str, secret: str) -> str:
        """Whether ``secret`` is that of ``name``; an unknown name takes as long as a wrong secret (but one for an
        operator who has just changed its own takes twice as long).  Gives the hash that it has.
        Raises BadCredentials, or Forbidden when the operator is suspended."""
        if not secret or len(secret) > LONGEST_SECRET:
            raise BadCredentials("authentification refusée")
        operator, stored = self._stored(name)
        found = next((mark for mark in stored if self._matches(mark, secret)), None)
        if found is None:
            raise BadCredentials("authentification refusée")
        if operator is not None and operator.status != "active":
            raise Forbidden("opérateur suspendu")
        return found

    def remembered(self, name: str, secret: str) -> bool | None:
        """Whether this is the operator's secret, where that is known without computing anything."""
        marks = [self._mark(stored, secret) for stored in self._stored(name)[1]]
        if any(mark in self._right for mark in marks):
            return True
        return False if all(mark in self._wrong for mark in marks) else None

    def _stored(self, name: str) -> tuple[Holder | None, tuple[str, ...]]:
        """Whose it is, and the hashes to compare with: nobody's when there is none."""
        holder = self._find(name) if name else None
        return holder, (holder.hashes(now_text()) if holder is not None else ()) or (_nobody(),)

    def _mark(self, stored: str, secret: str) -> bytes:
        text = f"{stored}\n{secret}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, text, hashlib.sha256)

    def _matches(self, stored: str, secret: str) -> bool:
        mark = self._mark(stored, secret)
        if mark in self._right:  # not behind the lock: who is known does not wait for who is not
            return True
        with self._lock:
            if mark in self._right:
                return True
            if mark in self._wrong:
                return False
            right = _is_hash_of(stored, secret)
            (self._right if right else self._wrong).add(mark)
            return right


class _Memory:
    """Marks, each for ``FOR`` seconds at most.  Written under a lock, read without."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def __contains__(self, mark: bytes) -> bool:
        return time.monotonic() < self._until.get(mark, 0.0)

    def add(self, mark: bytes) -> None:
        self._until[mark] = time.monotonic() + FOR
        self._until.move_to_end(mark)
        if len(self._until) > REMEMBERED:
            self._until.popitem(last=False)


@cache
def _nobody() -> str:
    """A hash like ours, made of chance, that no secret has; made without computing one, since a loop may ask."""
    salt, digest = (b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32))
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


def _is_hash_of(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret.encode("utf-8", "surrogateescape"))
    except (VerificationError, InvalidHashError):
        return False
