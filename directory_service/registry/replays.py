"""Answers to writes that carry an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), to be given again.

Kept in the transaction of the write itself: a caller who lost the answer cannot tell whether it was written, and need
not.  A key belongs to its operator.  Old ones go when a new one comes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select

from directory_service.errors import InvalidInput
from directory_service.registry.clock import format_instant
from directory_service.registry.tables import replay


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
        """What was answered to it before.  Raises KeyReused."""
        c = replay.c
        columns = c.fingerprint, c.status, c.answer, c.version
        query = select(*columns).where(c.operator == self.operator, c.key == self.key, c.at >= self._oldest())
        row = connection.execute(query).first()
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise KeyReused("cette clé a déjà servi à une autre requête", where="Idempotency-Key")
        return Answer(row.status, zlib.decompress(row.answer), row.version)

    def keep_answer(self, connection: Connection, answer: Answer) -> None:
        mine = (replay.c.operator == self.operator) & (replay.c.key == self.key)
        connection.execute(delete(replay).where((replay.c.at < self._oldest()) | mine))
        values: dict[str, object] = {"operator": self.operator, "key": self.key, "fingerprint": self.fingerprint}
        values |= {"status": answer.status, "answer": zlib.compress(answer.body), "version": answer.version}
        connection.execute(insert(replay).values(values | {"at": format_instant(datetime.now(UTC))}))

    def _oldest(self) -> str:
        return format_instant(datetime.now(UTC) - timedelta(seconds=self.keep))
