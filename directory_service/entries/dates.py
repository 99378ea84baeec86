"""Instants as LDAP and JSON write them.  PURE.  A record that does not know its date is as old as Unix."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

OLDEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=20_000)
def generalized(moment: datetime | None) -> str:
    """``20261124034500Z`` (RFC 4517 3.3.13)."""
    return (moment or OLDEST).astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


@lru_cache(maxsize=20_000)
def iso(moment: datetime | None) -> str | None:
    """``2026-11-24T03:45:00Z``, as the registry writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def latest(moments: Iterable[datetime | None]) -> datetime:
    """What an entry made of several records was last changed at."""
    return max([m for m in moments if m], default=OLDEST)
