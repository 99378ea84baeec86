"""Decisions about who is who: what the matching found, what waits for the staff, what the staff said.

One row is one decision about two names: two national ids (the same person?), or an address and a national id (whose
mailbox?).  Names are kept rather than keys, so that the table reads alone.  What a person decided stands: ``refused``
is asked before anything is merged, and an automatic decision never replaces it.  A rollback takes a decision back with
the run that took it, a person's answer being a run of its own (``registry.undo``).
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, func, or_, select, tuple_, update

from directory_service.errors import NotFound
from directory_service.registry.bulk import chunks, insert_rows, update_rows
from directory_service.registry.tables import decision


class Kind(StrEnum):
    SAME_PERSON = "person"  # are an ADELI and an RPPS record one person?
    LINK = "link"  # the link table says otherwise than what is known
    HOLDER = "mailbox"  # the names written beside an address are not those of its holder


class Outcome(StrEnum):
    MERGE = "merge"  # applied by a run
    REVIEW = "review"  # waits for the staff
    APART = "apart"  # too little speaks for it
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LATER = "later"
    SPLIT = "split"


OPEN = (Outcome.REVIEW, Outcome.LATER)
HUMAN = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.SPLIT)
Weight = tuple[str, str, float]  # comparison, level reached, bits
Pair = tuple[str, str]  # ``one`` and ``other`` of a decision
Seen = Sequence[Mapping[str, Any]]  # both records as they were compared


@dataclass(frozen=True, slots=True)
class Decision:
    """``one`` is the record that is, or would be, absorbed (or an address); ``other`` the one that stays.  ``at`` and
    ``actor``: who took it and when; ``note``: what a person wrote."""

    kind: Kind
    outcome: Outcome
    one: str
    other: str
    how: str
    reason: str
    run: int
    actor: str
    at: str
    score: float | None = None
    probability: float | None = None
    weights: tuple[Weight, ...] = ()
    seen: Seen = ()
    note: str = ""
    pk: int = 0


_COLUMNS = (
    "kind", "outcome", "one", "other", "how", "reason", "run_id", "actor", "at", "score", "probability", "weights",
    "seen", "note",
)  # fmt: skip


def add(connection: Connection, decisions: Iterable[Decision]) -> None:
    insert_rows(connection, decision, _COLUMNS, map(_values, decisions))


def renew(connection: Connection, decisions: Mapping[int, Decision]) -> None:
    """Questions that a run asks again, by number: as it says them."""
    update_rows(connection, decision, _COLUMNS, [(*_values(d), pk) for pk, d in decisions.items()])


def _values(d: Decision) -> tuple[Any, ...]:
    return (
        str(d.kind), str(d.outcome), d.one, d.other, d.how, d.reason, d.run, d.actor, d.at, d.score, d.probability,
        json.dumps(d.weights), json.dumps(d.seen, ensure_ascii=False), d.note,
    )  # fmt: skip


def forget_open(connection: Connection, ones: Sequence[str], *, but: Container[Pair]) -> dict[Pair, int]:
    """Takes back what runs left open about these records, who were judged again.  What a person put off stays, and so
    do questions ``but`` about these pairs, whose numbers are given: the staff may have noted them."""
    kept, gone = dict[Pair, int](), list[int]()
    columns = decision.c.id, decision.c.outcome, decision.c.one, decision.c.other
    automatic = decision.c.outcome.in_([Outcome.REVIEW, Outcome.APART]), decision.c.kind == str(Kind.SAME_PERSON)
    for some in chunks(ones):
        for pk, outcome, one, other in connection.execute(select(*columns).where(*automatic, decision.c.one.in_(some))):
            if outcome == Outcome.REVIEW and (one, other) in but:
                kept[one, other] = pk
            else:
                gone.append(pk)
    forget(connection, gone)
    return kept


def asked(connection: Connection, how: str) -> dict[int, Pair]:
    """What runs left open by one rule, by number; not what a person put off."""
    columns = decision.c.id, decision.c.one, decision.c.other
    query = select(*columns).where(decision.c.how == how, decision.c.outcome == str(Outcome.REVIEW))
    return {pk: (one, other) for pk, one, other in connection.execute(query)}


def forget(connection: Connection, pks: Iterable[int]) -> None:
    """Takes questions back that nobody needs to answer any more."""
    for some in chunks(pks):
        connection.execute(delete(decision).where(decision.c.id.in_(some)))


def close(connection: Connection, joined: Iterable[Pair], *, but: int = 0) -> None:
    """Takes back whatever waits about records that are merged (``one`` into ``other``), what a person put off included:
    who they are one person with, and what the link table says, where it says this.  Not question ``but``, which a
    person is answering."""
    columns = decision.c
    waiting = columns.outcome.in_([*OPEN, Outcome.APART]), columns.id != but
    for some in chunks(joined):
        of_one = and_(columns.kind == str(Kind.SAME_PERSON), columns.one.in_([one for one, _ in some]))
        so_linked = and_(columns.kind == str(Kind.LINK), tuple_(columns.one, columns.other).in_(some))
        connection.execute(delete(decision).where(*waiting, or_(of_one, so_linked)))


def refused(connection: Connection, kind: Kind) -> set[Pair]:
    """Pairs that a person said are not one."""
    return _pairs(connection, kind, (Outcome.REJECTED, Outcome.SPLIT))


def apart(connection: Connection) -> set[Pair]:
    """ADELI and RPPS national ids that a person said are not of one person, whatever was asked."""
    return refused(connection, Kind.SAME_PERSON) | refused(connection, Kind.LINK)


def settled(connection: Connection, kind: Kind) -> set[Pair]:
    """Pairs on which a person has the word, or that wait already."""
    return _pairs(connection, kind, (*OPEN, *HUMAN))


def _pairs(connection: Connection, kind: Kind, outcomes: Sequence[Outcome]) -> set[Pair]:
    query = select(decision.c.one, decision.c.other)
    found = connection.execute(query.where(decision.c.outcome.in_(outcomes), decision.c.kind == str(kind)))
    return {(one, other) for one, other in found}


def read_open(connection: Connection, *, kind: str | None = None, limit: int = 50) -> list[Decision]:
    """The queue: what was put off last, then the likeliest first."""
    query = select(decision).where(decision.c.outcome.in_(OPEN))
    if kind:
        query = query.where(decision.c.kind == kind)
    put_off = case((decision.c.outcome == str(Outcome.LATER), 1), else_=0)
    query = query.order_by(put_off, func.coalesce(decision.c.probability, 1.0).desc(), decision.c.id)
    return [_decision(row) for row in connection.execute(query.limit(limit))]


def get(connection: Connection, pk: int) -> Decision:
    """Raises NotFound."""
    row = connection.execute(select(decision).where(decision.c.id == pk)).first()
    if row is None:
        raise NotFound(f"aucune décision ne porte le numéro {pk}")
    return _decision(row)


def about(connection: Connection, name: str) -> list[Decision]:
    """Every decision about a national id or an address, the last one first."""
    named = or_(decision.c.one == name, decision.c.other == name)
    query = select(decision).where(named).order_by(decision.c.id.desc())
    return [_decision(row) for row in connection.execute(query)]


def decide(connection: Connection, pk: int, outcome: Outcome, *, actor: str, at: str, run: int, note: str = "") -> None:
    """A person's word on a decision."""
    values = {"outcome": str(outcome), "actor": actor, "at": at, "run_id": run, "note": note}
    connection.execute(update(decision).where(decision.c.id == pk).values(values))


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Kind ► outcome ► number."""
    query = select(decision.c.kind, decision.c.outcome, func.count()).group_by(decision.c.kind, decision.c.outcome)
    found: dict[str, dict[str, int]] = {}
    for kind, outcome, number in connection.execute(query.order_by(decision.c.kind, decision.c.outcome)):
        found.setdefault(kind, {})[outcome] = number
    return found


def _decision(row: Row[Any]) -> Decision:
    weights = tuple((name, level, bits) for name, level, bits in json.loads(row.weights))
    known = (row.one, row.other, row.how, row.reason, row.run_id, row.actor, row.at, row.score, row.probability)
    return Decision(Kind(row.kind), Outcome(row.outcome), *known, weights, json.loads(row.seen), row.note, row.id)
