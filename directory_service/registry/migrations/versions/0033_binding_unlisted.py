"""Whether a binding ended while its mailbox was unlisted; the journal says when mailboxes were, all along."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_MAILBOX = sa.table("mailbox", sa.column("id"), sa.column("unlisted"))
_BINDING = sa.table("binding", *map(sa.column, ("id", "mailbox_id", "until", "unlisted")))
_COLUMNS = ("seq", "at", "actor", "run_id", "kind", "subject", "subject_id", "before", "after")
_JOURNAL = sa.table("journal", *map(sa.column, _COLUMNS))
_SOME = 500  # keys of one query
Turns = dict[int, list[tuple[str, bool]]]  # by mailbox: when it became listed or unlisted, and whether it was before


def upgrade() -> None:
    op.add_column("binding", sa.Column("unlisted", sa.Boolean(), server_default=sa.false(), nullable=False))
    connection = op.get_bind()
    now = dict(map(tuple, connection.execute(sa.select(_MAILBOX.c.id, _MAILBOX.c.unlisted).where(_MAILBOX.c.unlisted))))
    turns = _turns(connection)
    told = []
    for some in _some(sorted(now.keys() | turns.keys())):
        found = _ended_unlisted(connection, some, now, turns)
        for keys in _some([key for ended in found.values() for key in ended]):
            connection.execute(sa.update(_BINDING).where(_BINDING.c.id.in_(keys)).values(unlisted=sa.true()))
        told += [(box, ended) for box, ended in found.items() if box not in now]
    _tell(connection, told)


def _turns(connection: sa.Connection) -> Turns:
    """Publications alone list mailboxes, or hide them."""
    j, found = _JOURNAL.c, defaultdict(list)
    changed = j.subject == "mailbox", j.kind.in_(("update", "reopen")), j.run_id.is_(None), j.before.is_not(None)
    query = sa.select(j.subject_id, j.at, j.before).where(*changed).order_by(j.seq)
    for box, at, before in connection.execute(query.execution_options(yield_per=5000)):
        if b'"unlisted"' in before and "unlisted" in (said := json.loads(before)):
            found[box].append((at, bool(said["unlisted"])))
    return found


def _ended_unlisted(
    connection: sa.Connection, boxes: list[int], now: dict[int, Any], turns: Turns
) -> dict[int, list[int]]:
    """By mailbox: the bindings."""
    b, found = _BINDING.c, defaultdict(list)
    query = sa.select(b.id, b.mailbox_id, b.until).where(b.mailbox_id.in_(boxes), b.until.is_not(None)).order_by(b.id)
    for key, box, until in connection.execute(query):
        if _was_unlisted(turns.get(box, ()), until, box in now):
            found[box].append(key)
    return found


def _was_unlisted(turns: Iterable[tuple[str, bool]], until: str, now: bool) -> bool:
    """Just before ``until``; of several turns at that instant any counts."""
    later = [(at, before) for at, before in turns if at >= until]
    return any(before for at, before in later if at == later[0][0]) if later else now


def _tell(connection: sa.Connection, told: list[tuple[int, list[int]]]) -> None:
    """What is public of these mailboxes is no more what it was: the index, the log and the feed learn of it."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [
        {"at": at, "actor": "annuaire", "kind": "update", "subject": "mailbox", "subject_id": box, "before": b"{}",
         "after": json.dumps({"ended_unlisted": ended}).encode()}
        for box, ended in told
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(_JOURNAL), rows)


def _some(keys: list[int]) -> Iterable[list[int]]:
    return (keys[n : n + _SOME] for n in range(0, len(keys), _SOME))


def downgrade() -> None:
    op.drop_column("binding", "unlisted")
