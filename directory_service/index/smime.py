"""S/MIME certificates in the index: apart from the entries, by address, each with its dates.

An index may live on long after a certificate has expired: what is given is judged by the clock of whoever asks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import orjson

from directory_service.model.certificates import MailCertificate
from directory_service.registry.clock import parse_instant

_INSERT: Final = "INSERT OR REPLACE INTO smime(address, sha256, begins, ends, der, json) VALUES (?, ?, ?, ?, ?, ?)"
_SERVED: Final = (
    "SELECT sha256, der, json FROM smime WHERE address = ? AND begins <= ? AND ends > ? ORDER BY begins DESC, sha256"
)


class Published(NamedTuple):
    """``json``: what ``/v1/mailboxes`` says of it."""

    sha256: str
    der: bytes
    json: dict[str, Any]


def write_certificates(db: sqlite3.Connection, found: Iterable[tuple[str, MailCertificate]]) -> None:
    """Puts them in; those of an address that is rendered again are taken out with it (``patch.remove_mailbox``)."""
    db.executemany(_INSERT, (_row(address, certificate) for address, certificate in found))


def _row(address: str, c: MailCertificate) -> tuple[Any, ...]:
    said = {
        "sha256": c.sha256,
        "issuer": c.issuer,
        "serial": c.serial,
        "not_before": c.not_before,
        "not_after": c.not_after,
        "uses": c.uses,
    }
    begins, ends = (int(parse_instant(text).timestamp()) for text in (c.not_before, c.not_after))
    return address.casefold(), c.sha256, begins, ends, c.der, orjson.dumps(said)


def served(connection: sqlite3.Connection, address: str, now: float) -> list[Published]:
    """Those of one address that are valid at ``now`` (POSIX seconds), the newest first."""
    rows = connection.execute(_SERVED, (address.strip().casefold(), now, now))
    return [Published(sha256, der, orjson.loads(said)) for sha256, der, said in rows]
