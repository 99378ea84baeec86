"""Answers to writes that carry an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), to be given again.

Kept in the transaction of the write itself: a caller who lost the answer cannot tell whether it was written, and need
not.  A batch takes several transactions: its key is taken in one of its own, before the first line, so that the same
batch sent twice at once is run once.  A key belongs to its operator.  Old ones go when a new one comes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from directory_service.errors import AnnuaireError, InvalidInput
from directory_service.registry.clock import format_instant
from directory_service.registry.tables import replay

_TAKEN: Final = 0  # in the place of a status: the answer is being made
_WORK: Final = 900.0  # seconds after which who took a key has died: ten thousand lines, and an import before each part


class KeyInUse(AnnuaireError):
    """The key came with the same request a moment ago, which is still at work."""

    http_status: ClassVar[int] = 409
    exit_code: ClassVar[int] = 5
    slug: ClassVar[str] = "key-in-use"


class KeyReused(InvalidInput):
    """The key came with another request before."""

    http_status: ClassVar[int] = 422
    slug: ClassVar[str] = "key-reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """``version``: of the mailbox, for its ETag; empty where there is none."""

    status: int
    body: bytes
    version: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request with a key.  ``fingerprint``: of all that makes it that request.  ``keep``: seconds."""

    operator: str
    key: str
    fingerprint: str
    keep: float

    def find(self, connection: Connection) -> Answer | None:
        """What was answered to it before.  Raises KeyReused, KeyInUse."""
        c = replay.c
        columns = c.fingerprint, c.status, c.answer, c.version, c.at
        query = select(*columns).where(c.operator == self.operator, c.key == self.key, c.at >= self._oldest())
        row = connection.execute(query).first()
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise KeyReused("cette clé a déjà servi à une autre requête", where="Idempotency-Key")
        if row.status == _TAKEN:
            if row.at >= _ago(_WORK):
                message = "la même requête est en cours : sa réponse viendra à qui la renvoie plus tard"
                raise KeyInUse(message, where="Idempotency-Key")
            return None
        return Answer(row.status, zlib.decompress(row.answer), row.version)

    def take(self, connection: Connection) -> Answer | None:
        """``find``; where there is none, the key is this request's until it keeps an answer or lets the key go."""
        found = self.find(connection)
        if found is None:
            self.keep_answer(connection, Answer(_TAKEN, b""))
        return found

    def let_go(self, connection: Connection) -> None:
        """No answer is kept: the same request may come again, and what it did already changes nothing then."""
        connection.execute(delete(replay).where(self._mine(), replay.c.status == _TAKEN))

    def keep_answer(self, connection: Connection, answer: Answer) -> None:
        connection.execute(delete(replay).where((replay.c.at < self._oldest()) | self._mine()))
        values: dict[str, object] = {"operator": self.operator, "key": self.key, "fingerprint": self.fingerprint}
        values |= {"status": answer.status, "answer": zlib.compress(answer.body), "version": answer.version}
        connection.execute(insert(replay).values(values | {"at": format_instant(datetime.now(UTC))}))

    def _mine(self) -> ColumnElement[bool]:
        return (replay.c.operator == self.operator) & (replay.c.key == self.key)

    def _oldest(self) -> str:
        return _ago(self.keep)


def _ago(seconds: float) -> str:
    return format_instant(datetime.now(UTC) - timedelta(seconds=seconds))
