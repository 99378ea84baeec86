"""Programs that have a key of the API: software of practices and hospitals, webmails.  PURE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "client~"  # of keys, before the name: a tilde stands in no operator's name


@dataclass(frozen=True, slots=True)
class ApiClient:
    """One program, by the name that its key begins with.  ``contact``: whom to tell of it; ``revoked`` is empty while
    the key opens anything.  Instants are UTC text."""

    name: str
    secret_hash: str
    contact: str
    created: str
    revoked: str = ""

    @property
    def status(self) -> str:
        return "revoked" if self.revoked else "active"

    def hashes(self, _now: str) -> tuple[str, ...]:
        """Of the key: there is one, until it is revoked."""
        return (self.secret_hash,)
