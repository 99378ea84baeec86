"""Listed addresses by the beginning of their hash, for those who ask without saying whom about (k-anonymity).

The table holds the first ``DIGITS`` hexadecimal digits of the SHA-256 of every address that is not unlisted, closed
ones included: what each is worth is for ``trust`` to say, from the record.  Of 550,000 addresses, three digits leave
134 to each of 4,096 ranges; four would leave 8, among which a question is nearly told.
Everything here is for use inside a transaction of the writer, the follower or a reader.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Final

from directory_service.index.schema import HIDDEN

DIGITS: Final = 3
FILLING: Final = "filling"

TABLE: Final = (
    "CREATE TABLE hashed(range INTEGER NOT NULL, address TEXT NOT NULL, PRIMARY KEY(range, address)) WITHOUT ROWID"
)
# At the end of a build, from the table of all mailboxes.
FILL: Final = (
    "INSERT INTO hashed SELECT range_of(address), address FROM mailbox "
    "WHERE substr(address, 1, 1) <> hidden_mark() ORDER BY 1, 2"
)


def hash_of(address: str) -> str:
    """Hexadecimal SHA-256 of the address in lower case: what callers compute."""
    return hashlib.sha256(address.encode()).hexdigest()


def range_of(address: str) -> int:
    return int(hash_of(address)[:DIGITS], 16)


def prepare(db: sqlite3.Connection) -> None:
    """Lets ``db`` run ``FILL``."""
    db.create_function("range_of", 1, range_of, deterministic=True)
    db.create_function("hidden_mark", 0, lambda: HIDDEN, deterministic=True)


def filling_key(db: sqlite3.Connection) -> bytes:
    """What the hashes of nothing are made with: drawn at random for each build, and given to nobody."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (FILLING,)).fetchone()
    return row[0].encode() if row else b""


def put(db: sqlite3.Connection, address: str) -> None:
    """``address`` as ``mailbox`` has it, unlisted ones with their mark: those are left out."""
    if not address.startswith(HIDDEN):
        db.execute("INSERT OR IGNORE INTO hashed(range, address) VALUES (?, ?)", (range_of(address), address))


def remove(db: sqlite3.Connection, shown: str) -> None:
    db.execute("DELETE FROM hashed WHERE range = ? AND address = ?", (range_of(shown), shown))


def addresses_in(connection: sqlite3.Connection, start: str) -> list[str]:
    """Those whose hash starts with these ``DIGITS`` digits, in the order of the alphabet."""
    rows = connection.execute("SELECT address FROM hashed WHERE range = ? ORDER BY address", (int(start, 16),))
    return [address for (address,) in rows]
