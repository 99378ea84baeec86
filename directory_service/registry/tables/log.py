"""The transparency log: what became of each binding, in an order that nobody can change (docs/reference/
transparency-log.md).  Rows are added and never changed, but for the place where the next reading of the journal begins.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from directory_service.registry.tables.base import Key, metadata

log_leaf = Table(
    "log_leaf",
    metadata,
    Column("number", Key, primary_key=True, autoincrement=False),  # from 0, without a gap
    Column("mailbox_id", Key, nullable=False, index=True),  # no foreign key: a rollback takes mailboxes out
    Column("binding_id", Key, nullable=False),
    Column("seq", Key, nullable=False),  # of the change in the journal
    Column("data", LargeBinary, nullable=False),  # model.events: the bytes that the hash is of
    Column("hash", LargeBinary, nullable=False),
)

log_node = Table(  # roots of complete subtrees; level 0 is log_leaf.hash
    "log_node",
    metadata,
    Column("level", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

log_head = Table(  # signed tree heads
    "log_head",
    metadata,
    Column("size", Key, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),  # hexadecimal
    Column("at", Text, nullable=False),
    Column("jws", Text, nullable=False),
)

log_place = Table(  # one row: the last change of the journal that the log has read
    "log_place",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("seq", Key, nullable=False),
)
