"""Who is asking: an operator's secret becomes a view.

A secret carries its operator's name (``<name>.<random>``), so that the secret alone identifies; the registry keeps
its argon2 hash and the index carries that hash to the nodes.  argon2 is slow on purpose (tens of milliseconds), so
each process remembers what it has decided of a secret, by the SHA-256 of it, for as long as the hash stands.
This module issues no secret (``registry.operators`` does) and reads no request.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from directory_service.errors import Forbidden
from directory_service.index.query import View

if TYPE_CHECKING:
    from directory_service.index.directory import Directory

REMEMBERED = 4096  # decisions kept by one process, right and wrong together
LONGEST_SECRET = 512  # characters; ours have about 60
_hasher = PasswordHasher()


class BadCredentials(Forbidden):
    """The secret presented is nobody's."""

    ldap_code: ClassVar[int] = 49  # invalidCredentials
    http_status: ClassVar[int] = 401
    slug: ClassVar[str] = "bad-credentials"


class Secrets:
    """The secrets of the operators of one directory.  Thread-safe; one argon2 computation at a time, so that a
    flood of wrong secrets costs one core and 64 MiB at most."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._decided: OrderedDict[tuple[bytes, str], bool] = OrderedDict()
        self._lock = threading.Lock()

    def view_of(self, secret: str) -> View:
        """The view that a bearer of ``secret`` has.  Raises BadCredentials, or Forbidden once suspended."""
        self.check(secret.rpartition(".")[0], secret)
        return View.OPERATOR

    def check(self, name: str, secret: str) -> None:
        """Whether ``secret`` is that of the operator ``name``; an unknown name takes as long as a wrong secret.
        Raises BadCredentials, or Forbidden when the operator is suspended."""
        if not secret or len(secret) > LONGEST_SECRET:
            raise BadCredentials("authentification refusée")
        operator = self._directory.operator(name) if name else None
        stored = operator.secret_hash if operator is not None else ""
        if not self._matches(stored or _nobody(), secret):
            raise BadCredentials("authentification refusée")
        if operator is not None and operator.status != "active":
            raise Forbidden("opérateur suspendu")

    def _matches(self, stored: str, secret: str) -> bool:
        key = (hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest(), stored)
        with self._lock:
            if key not in self._decided:
                self._decided[key] = _is_hash_of(stored, secret)
                if len(self._decided) > REMEMBERED:
                    self._decided.popitem(last=False)
            return self._decided[key]


@cache
def _nobody() -> str:
    """The hash of a secret that nobody has."""
    return _hasher.hash(secrets.token_urlsafe())


def _is_hash_of(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret.encode("utf-8", "surrogateescape"))
    except (VerificationError, InvalidHashError):
        return False
