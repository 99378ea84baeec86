"""How the mailboxes of each operator fare, counted: what ``model.anomalies`` judges.  Reads all mailboxes, twice: a
second or two at national scale, so that the follower asks once in a while.

Listed ones alone: what is told of an operator is told to others, and where a domain has one mailbox, a count or the
date of a change would tell that an unlisted one is there.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, func, select, true

from directory_service.model.anomalies import LEARNT_OVER, DomainState, OperatorState, states
from directory_service.registry.clock import format_instant, parse_instant
from directory_service.registry.tables import binding, domain, mailbox, operator

_LISTED: Final = mailbox.c.unlisted.is_(False)


def read_states(connection: Connection, now: datetime) -> list[OperatorState]:
    """By operator, by name; those whose domains have never had a mailbox are not there."""
    return states(_domains(connection), _days(connection, now), now.date())


def _domain_of(connection: Connection) -> ColumnElement[str]:
    address = mailbox.c.address
    if connection.dialect.name == "postgresql":
        return func.split_part(address, "@", 2)
    return func.substr(address, func.instr(address, "@") + 1)


def _domains(connection: Connection) -> list[DomainState]:
    columns, name = mailbox.c, _domain_of(connection)
    last = connection.execute(select(func.max(columns.changed_at)).where(_LISTED)).scalar()
    if last is None:
        return []
    day_before = format_instant(parse_instant(last) - timedelta(days=1))
    counted = [func.count(case((condition, 1))) for condition in (
        columns.until.is_(None), columns.until.is_not(None), columns.until > day_before
    )]  # fmt: skip
    dates = func.max(columns.changed_at), func.coalesce(func.max(columns.until), "")
    query: Any = select(name, *counted, *dates).where(_LISTED).group_by(name)
    held = _holders(connection)
    return [DomainState(name, tuple(held.get(name, ())), *row) for name, *row in connection.execute(query)]


def _holders(connection: Connection) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = select(domain.c.name, operator.c.name).join(operator).where(domain.c.until.is_(None))
    for name, holder in sorted(map(tuple, connection.execute(query))):
        found[name].append(holder)
    return found


def _days(connection: Connection, now: datetime) -> dict[str, set[str]]:
    """Domain ► days on which a mailbox opened or closed, lately."""
    start, name = format_instant(now - timedelta(days=LEARNT_OVER)), _domain_of(connection)
    found: defaultdict[str, set[str]] = defaultdict(set)
    ended = select(binding.c.mailbox_id).where(binding.c.unlisted)
    again = mailbox.c.id.in_(ended)  # who has it now opened it, to others' eyes
    first = func.min(binding.c.since)
    query = select(name, first).join(binding, binding.c.mailbox_id == mailbox.c.id).group_by(mailbox.c.id)
    opened = query.where(_LISTED, again, ~binding.c.unlisted).having(first > start)
    for key, at in connection.execute(opened):
        found[key].add(at[:10])
    for column, which in ((mailbox.c.since, ~again), (mailbox.c.until, true())):
        day = func.substr(column, 1, 10)
        days = select(name, day).where(_LISTED, which, column > start).group_by(name, day)
        for key, value in connection.execute(days):
            found[key].add(value)
    return found
