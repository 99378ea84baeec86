"""One person, two records: numbers added to a record, records made one.  Each act is journalled with its reason.

Nothing is lost: the absorbed record stays, marked with the one that took its place, and its numbers answer there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select, update

from directory_service.registry import decisions
from directory_service.registry.bulk import chunks, update_rows
from directory_service.registry.decisions import Decision, Kind, Outcome, Seen
from directory_service.registry.tables import (
    activity,
    binding,
    expertise,
    identifier,
    practitioner,
    qualification,
    source_record,
)
from importers.impact import counted
from importers.known import People
from importers.lastwords import LastWords, forget, last_words
from importers.marks import move_sources
from importers.sources import person_sources
from importers.store import Store

_HELD: tuple[Table, ...] = (activity, expertise, qualification, binding, identifier)


@dataclass(frozen=True, slots=True)
class Merge:
    """``absorbed`` (ADELI) is the same person as ``survivor`` (RPPS); ``how``: link-table, rule:<name>, review."""

    absorbed: int
    survivor: int
    how: str
    reason: str = ""
    score: float | None = None  # bits, of a probable match
    probability: float | None = None
    weights: tuple[tuple[str, str, float], ...] = ()
    seen: Seen = ()
    by_staff: bool = False  # the decision is theirs, and written already
    line: int | None = None  # of the file being read, if a row says so


def add_former_adeli(store: Store, people: People, pk: int, adeli: str, how: str, *, line: int | None = None) -> None:
    """An ADELI number of someone known by her RPPS number: it answers for her, for ever."""
    people.ids[("0" + adeli).encode()] = pk
    store.pending[identifier].append((pk, "0", adeli, False, store.as_of, store.as_of, how))
    store.note("update", "practitioner", pk, {}, {"identifier": ["0" + adeli], "how": how}, line=line)


def add_rpps(store: Store, people: People, pk: int, rpps: str, how: str, *, line: int | None = None) -> None:
    """An RPPS number for someone known by ADELI only: it takes precedence (RG_EXP_030)."""
    store.flush()
    old = store.connection.execute(select(practitioner.c.national_id).where(practitioner.c.id == pk)).scalar_one()
    people.ids[("8" + rpps).encode()] = pk
    store.pending[identifier].append((pk, "8", rpps, True, store.as_of, None, how))
    _retire_adelis(store, pk)
    change = {"national_id": "8" + rpps, "changed_at": store.as_of}
    store.connection.execute(update(practitioner).where(practitioner.c.id == pk).values(change))
    decisions.close(store.connection, [(old, "8" + rpps)])  # nobody is under an ADELI number alone any more
    after = {"national_id": "8" + rpps, "how": how}
    store.note("update", "practitioner", pk, {"national_id": old}, after, line=line)


def _retire_adelis(store: Store, pk: int) -> None:
    held = identifier.c.practitioner_id == pk, identifier.c.scheme == "0", identifier.c.current
    store.connection.execute(update(identifier).where(*held).values(current=False, until=store.as_of))


def merge(store: Store, people: People, merges: Iterable[Merge]) -> None:
    """Each record ``absorbed`` becomes part of its ``survivor``: activities, mailboxes, numbers."""
    store.flush()
    for some in chunks(merges):
        _merge(store, people, some)
    store.flush()
    decisions.close(store.connection, [(d.one, d.other) for d in store.decided])
    decisions.add(store.connection, store.decided)
    store.decided.clear()


def _merge(store: Store, people: People, merges: Sequence[Merge]) -> None:
    into = {m.absorbed: m.survivor for m in merges}
    with counted(store, [*into, *into.values()], merged=into):
        _apply(store, people, merges, into)


def _apply(store: Store, people: People, merges: Sequence[Merge], into: dict[int, int]) -> None:
    connection, as_of = store.connection, store.as_of
    unsaid = _last_words(store, people, merges)
    forget(store, unsaid)
    state = _state(store, list(into))
    _journal(store, merges, state, unsaid)
    for table, rows in state.rows.items():
        update_rows(
            connection, table, ("practitioner_id",), [(into[pk], row) for pk, ids in rows.items() for row in ids]
        )
    how = {m.absorbed: m.how for m in merges}
    retired = [(False, as_of, how[pk], number[0]) for pk, found in state.numbers.items() for number in found]
    update_rows(connection, identifier, ("current", "until", "how"), retired)
    move_sources(store, [(source, key, into[pk]) for pk, found in state.sources.items() for source, key in found])
    update_rows(connection, practitioner, ("merged_into", "changed_at"), [(s, as_of, a) for a, s in into.items()])
    for pk, found in state.numbers.items():
        for _, scheme, value, *_ in found:
            people.ids[(scheme + value).encode()] = into[pk]
    for absorbed, survivor in into.items():
        people.vouch(survivor, people.vouchers(absorbed))
    _wake(store, people, {m.survivor: m.line for m in merges})


def _last_words(store: Store, people: People, merges: Sequence[Merge]) -> LastWords:
    """Of those whom no source names any more, of pairs where one names the other: the person practises as it says."""
    pairs = [(m.absorbed, m.survivor) for m in merges]
    awake = [pair for pair in pairs if any(map(people.vouchers, pair))]
    return last_words(store, [pk for pair in awake for pk in pair if not people.vouchers(pk)])


@dataclass(frozen=True, slots=True)
class _State:
    """What hangs on records about to be absorbed, by record: keys of rows by table, numbers (row, scheme, value,
    current, until, how), (source, key) of what sources said.  None of them has absorbed others: those that have bear an
    RPPS number."""

    rows: dict[Table, dict[int, list[int]]]
    numbers: dict[int, list[tuple[Any, ...]]]
    sources: dict[int, list[tuple[str, str]]]


def _state(store: Store, pks: list[int]) -> _State:
    return _State({table: _held(store, table, pks) for table in _HELD}, _numbers(store, pks), _sources(store, pks))


def _held(store: Store, table: Table, pks: list[int]) -> dict[int, list[int]]:
    """Keys of the rows that hang on these people."""
    found: dict[int, list[int]] = defaultdict(list)
    query = select(table.c.practitioner_id, table.c.id).where(table.c.practitioner_id.in_(pks)).order_by(table.c.id)
    for pk, row in store.connection.execute(query):
        found[pk].append(row)
    return found


def _numbers(store: Store, pks: list[int]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    columns = [identifier.c[name] for name in ("practitioner_id", "id", "scheme", "value", "current", "until", "how")]
    query = select(*columns).where(columns[0].in_(pks)).order_by(identifier.c.id)
    for pk, *number in store.connection.execute(query):
        found[pk].append(tuple(number))
    return found


def _sources(store: Store, pks: list[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    columns = source_record.c
    query = select(columns.subject_id, columns.source, columns.key)
    query = query.where(columns.subject_id.in_(pks), columns.source.in_(person_sources()))
    for pk, source, key in store.connection.execute(query):
        found[pk].append((source, key))
    return found


def _journal(store: Store, merges: Sequence[Merge], state: _State, unsaid: LastWords) -> None:
    """All that a split needs to put back: the record absorbed, its numbers as they were, the keys of what moves, the
    rows that leave."""
    query = select(practitioner).where(practitioner.c.id.in_([m.absorbed for m in merges]))
    records = {row["id"]: {str(k): v for k, v in row.items()} for row in store.connection.execute(query).mappings()}
    columns = practitioner.c.id, practitioner.c.national_id, practitioner.c.status, practitioner.c.status_since
    query = select(*columns).where(columns[0].in_([m.survivor for m in merges]))
    survivors = {pk: rest for pk, *rest in store.connection.execute(query)}
    for m in merges:
        pk = m.absorbed
        rows = {str(table.name): ids[pk] for table, ids in state.rows.items() if ids.get(pk)}
        numbers = state.numbers.get(pk, [])
        national, *status = survivors[m.survivor]
        before = {
            **records[pk], **rows, "numbers": [scheme + value for _, scheme, value, *_ in numbers],
            "identifiers": numbers, "sources": state.sources.get(pk, []), "survivor": status,
            "last_words": _told(unsaid, (pk, m.survivor)),
        }  # fmt: skip
        after = {"into": m.survivor, "how": m.how, "reason": m.reason}
        store.note("merge", "practitioner", pk, before, after, line=m.line)
        store.note("update", "practitioner", m.survivor, {}, {"merged": pk}, line=m.line, count=False)
        if not m.by_staff:
            store.decided.append(
                Decision(Kind.SAME_PERSON, Outcome.MERGE, records[pk]["national_id"], national, m.how, m.reason,
                         store.run_id, store.actor, store.at, m.score, m.probability, m.weights, m.seen)
            )  # fmt: skip


def _told(unsaid: LastWords, pks: Iterable[int]) -> list[tuple[Any, ...]]:
    """(person, table, source, values of its rows)."""
    return [
        (pk, str(table.name), source, [values for _, values in rows])
        for pk in pks
        for table, source, rows in unsaid.get(pk, ())
    ]


def _wake(store: Store, people: People, lines: Mapping[int, int | None]) -> None:
    """A survivor (and the line that says so) is active if any record that it took in is vouched for."""
    query = select(practitioner.c.id, practitioner.c.status, practitioner.c.status_since)
    rows = []
    for pk, status, since in store.connection.execute(query.where(practitioner.c.id.in_(sorted(lines)))).all():
        if status != "active" and people.vouchers(pk):
            before, after = ({"status": s, "status_since": d} for s, d in ((status, since), ("active", store.as_of)))
            store.note("reopen", "practitioner", pk, before, after, line=lines[pk])
            rows.append(("active", store.as_of, store.as_of, pk))
        else:
            rows.append((status, since, store.as_of, pk))
    update_rows(store.connection, practitioner, ("status", "status_since", "changed_at"), rows)
