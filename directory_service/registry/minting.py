"""Secrets of operators and keys of programs: made here, told once, kept as an argon2 hash."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from argon2 import PasswordHasher

_OCTETS: Final = 32  # of chance
_hasher = PasswordHasher()


class Minted(NamedTuple):
    """``secret`` is kept nowhere."""

    secret: str
    secret_hash: str


def mint(name: str) -> Minted:
    """A secret that says whose it is, before its last dot."""
    secret = f"{name}.{secrets.token_urlsafe(_OCTETS)}"
    return Minted(secret, _hasher.hash(secret))
