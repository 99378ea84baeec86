"""What a plan says to look up, looked up: rows of candidates, in rank order.  I/O: one connection to one build."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from directory_service.index.beginnings import Beginnings
from directory_service.index.plan import Plan, Tier
from directory_service.index.plan.access import Path as Way
from directory_service.index.plan.predicate import Row
from directory_service.index.plan.sieve import Sieve
from directory_service.index.schema import BODY_COLUMNS, IN_ORDER

_WEIGHED: Final = 2_000  # rows counted to see which of two look-ups finds less
_NUMBERED: Final = 20_000  # ids of one look-up that are read to go through another with them
_GATHERED: Final = 20_000  # entries that are put in the order of rank; of more, a part of all is soon found by reading


class Span(NamedTuple):
    """Entries with ``low < id < high``, and the plan that finds what is asked in them."""

    low: int
    high: int
    plan: Plan

    @property
    def is_single(self) -> bool:
        """Of one entry: a container, or the base of a search."""
        return self.high - self.low == 2

    @property
    def is_scan(self) -> bool:
        """Nothing is looked up, and many entries have to be looked at."""
        return self.plan.is_scan and not self.is_single


Asked = tuple[str, str]  # a table, and an expression on it


class _Chosen(NamedTuple):
    """What every look-up of one search has in common."""

    span: Span
    view: int
    columns: str
    body: str  # the join that the columns need, if any
    sieve: str
    values: tuple[str, ...]


_LAST: Final = 2**63 - 1  # no id is after it
# The entries of a list, in its order: ``CROSS JOIN`` says which of the two is gone through.
_OF_IDS: Final = "json_each(?) j CROSS JOIN entry e ON e.id = j.value"


class Lookups:
    def __init__(self, connection: sqlite3.Connection, beginnings: Beginnings) -> None:
        self.connection, self._beginnings, self._opened = connection, beginnings, beginnings.opened

    def candidates(
        self,
        ways: tuple[Way, ...] | None,
        span: Span,
        columns: Sequence[str],
        view: int,
        also: Sieve | None = None,
        *,
        ranked: bool = True,
    ) -> Iterator[Row]:
        """Rows of ``columns`` that the look-ups find, this view sees and the sieves (that of the plan, and ``also``)
        let through, each once: in rank order, but for those by the start of a family name, which are in that of names,
        and, unless ``ranked``, those by how a number begins, which are last and in that of numbers."""
        chosen = _Chosen(span, view, *selected(tuple(columns)), *_sifted(span.plan, also))
        if ways is None:
            return self._all(chosen)
        begun = {way: rows for way in ways if not ranked and (rows := self._by_number(way, chosen))}
        streams = [self._stream(way, chosen) for way in ways if way not in begun]
        found = streams[0] if len(streams) == 1 else _merged(streams)
        return _in_turn([found, *begun.values()]) if begun else found

    def _all(self, chosen: _Chosen) -> Iterator[Row]:
        sql = (
            f"SELECT {chosen.columns} FROM entry e {chosen.body} "  # noqa: S608
            f"WHERE e.id > ? AND e.id < ? AND e.view <= ? AND {chosen.sieve} ORDER BY e.id"
        )
        return iter(self.connection.execute(sql, (chosen.span.low, chosen.span.high, chosen.view, *chosen.values)))

    def _stream(self, way: Way, chosen: _Chosen) -> Iterator[Row]:
        low, high, _ = chosen.span
        if way.begins:
            ids = self._begun_ids(way.begins, chosen, _WEIGHED if way.is_other else _GATHERED)
            if ids is not None:
                return self._of_ids(ids, *chosen[1:])
            if not way.is_other:
                return self._all(chosen)
        if way.keys:
            return self._by_keys(way.keys, chosen)
        if way.start:
            return self._by_start(way.start, chosen)
        if not way.text and not way.names and self._beginnings.are_many(way.tag):
            return self._all(chosen)
        return self._listed(*self._narrowest(way, low, high), chosen)

    def _listed(self, table: str, asked: str, among: Sequence[int], chosen: _Chosen) -> Iterator[Row]:
        """Of whom this expression finds, ``among`` these if there are any.  The ``+`` keeps SQLite from looking the
        expression up anew for each of them."""
        (low, high, _), view = chosen.span, chosen.view
        held, listed = ("+f.rowid IN (SELECT value FROM json_each(?))", (str(among),)) if among else ("1", ())
        sql = (
            f"SELECT {chosen.columns} FROM {table} f CROSS JOIN entry e ON e.id = f.rowid {chosen.body} "  # noqa: S608
            f"WHERE f.{table} MATCH ? AND f.rowid > ? AND f.rowid < ? AND {held} AND e.view <= ? AND {chosen.sieve} "
            "ORDER BY f.rowid"
        )
        return iter(self.connection.execute(sql, (asked, low, high, *listed, view, *chosen.values)))

    def begun(self, way: Way, span: Span, columns: Sequence[str], view: int, most: int, tier: Tier) -> Iterator[Row]:
        """``candidates`` of one look-up by tokens, among the first ``most`` that have them: those of the tier, in its
        order.  Apart from ``tagged``, where counting would cost 0.1 µs each."""
        named, body = selected(tuple(columns))
        sieve, values = _sifted(span.plan, tier.sieve)
        order, more = (f"ORDER BY {tier.order.sql}, f.id", tier.order.values) if tier.order else ("", ())
        sql = (
            f"SELECT {named} FROM (SELECT rowid AS id FROM tag WHERE tag MATCH ? AND rowid > ? AND rowid < ? "  # noqa: S608
            f"LIMIT ?) f CROSS JOIN entry e ON e.id = f.id {body} WHERE e.view <= ? AND {sieve} {order}"
        )
        asked = self._opened(way.tag)
        return iter(self.connection.execute(sql, (asked, span.low, span.high, most, view, *values, *more)))

    def tagged(self, expression: str, span: Span, columns: Sequence[str], view: int) -> Iterator[Row]:
        """Rows of ``columns`` of whoever this expression on ``tag`` finds and the sieve of the plan lets through."""
        named, body = selected(tuple(columns))
        sieve, values = span.plan.condition
        sql = (
            f"SELECT {named} FROM tag f CROSS JOIN entry e ON e.id = f.rowid {body} "  # noqa: S608
            f"WHERE f.tag MATCH ? AND f.rowid > ? AND f.rowid < ? AND e.view <= ? AND {sieve} ORDER BY f.rowid"
        )
        asked = self._opened(expression)
        return iter(self.connection.execute(sql, (asked, span.low, span.high, view, *values)))

    def ids(self, table: str, asked: str, low: int, high: int, most: int) -> list[int]:
        """Ids with ``low < id < high`` of at most so many entries that an expression on ``names``, ``text`` or ``tag``
        finds."""
        asked = self._opened(asked) if table == "tag" else asked
        return self._ids(table, asked, low, high, most) if asked else []

    def _ids(self, table: str, asked: str, low: int, high: int, most: int) -> list[int]:
        sql = f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid > ? AND rowid < ? LIMIT ?"  # noqa: S608
        return [pk for (pk,) in self.connection.execute(sql, (asked, low, high, most))]

    def keyed(self, low_key: str, high_key: str, low: int, high: int, view: int, most: int) -> list[int]:
        """Ids with ``low < id < high`` of at most so many entries that have a key from ``low_key`` on, before
        ``high_key``."""
        sql = "SELECT id FROM key WHERE value >= ? AND value < ? AND id > ? AND id < ? AND view <= ? LIMIT ?"
        return [pk for (pk,) in self.connection.execute(sql, (low_key, high_key, low, high, view, most))]

    def rows_of(self, ids: Collection[int], plan: Plan, columns: Sequence[str], view: int) -> Iterator[Row]:
        """Rows of those of these entries that the sieve of the plan lets through, in rank order."""
        return self._of_ids(ids, view, *selected(tuple(columns)), *plan.condition)

    def _of_ids(
        self, ids: Collection[int], view: int, columns: str, body: str, sieve: str, values: Sequence[str]
    ) -> Iterator[Row]:
        sql = f"SELECT {columns} FROM {_OF_IDS} {body} WHERE e.view <= ? AND {sieve}"  # noqa: S608
        return iter(self.connection.execute(sql, (str(sorted(ids)), view, *values))) if ids else iter(())

    def _narrowest(self, way: Way, low: int, high: int) -> tuple[str, str, Sequence[int]]:
        """The look-up to make, and among whom: where tokens find many and texts do too, tokens are read as numbers
        first, of which ten take the time of one entry.  Of more, who has the letters is soon one of them."""
        known = self._known(way)
        best, least = self._shortest(known, low, high)
        if known[0][0] != "tag" or least < _WEIGHED:
            return *best, ()
        ids = self._ids(*known[0], low, high, _NUMBERED)
        return *known[1], ids if len(ids) < _NUMBERED else ()

    def _known(self, way: Way) -> list[Asked]:
        """The look-ups that each find all that is meant."""
        text = "" if way.whole else way.text
        return [asked for asked in (("tag", self._opened(way.tag)), ("names", way.names), ("text", text)) if asked[1]]

    def _shortest(self, known: Sequence[Asked], low: int, high: int) -> tuple[Asked, int]:
        """That which finds least, as far as counting is worth it, and how many (``_WEIGHED``: or more).  Tokens are
        counted soonest, the texts last: there, rare letters are found by way of common ones."""
        if len(known) == 1:
            return known[0], 0
        best, least = next(asked for asked in known if asked[0] != "names"), _WEIGHED
        for table, asked in known:
            if table == "text" and least < _WEIGHED:
                break
            if (size := self._count(table, asked, low, high, least)) < least:
                best, least = (table, asked), size
        return best, least

    def _count(self, table: str, asked: str, low: int, high: int, most: int) -> int:
        sql = (
            f"SELECT count(*) FROM (SELECT 1 FROM {table} "  # noqa: S608
            f"WHERE {table} MATCH ? AND rowid > ? AND rowid < ? LIMIT ?)"
        )
        return int(self.connection.execute(sql, (asked, low, high, most)).fetchone()[0])

    def _by_start(self, start: str, chosen: _Chosen) -> Iterator[Row]:
        """Mailboxes whose first family name starts so, in the order of these names, then of rank: as the index has
        them, so that the first hundred of ten thousand are soon found."""
        span, last = chosen.span, after(start)
        sql = (
            f"SELECT {chosen.columns} FROM entry f INDEXED BY by_sn CROSS JOIN entry e ON e.id = f.id "  # noqa: S608
            f"{chosen.body} WHERE f.sn >= ? AND f.sn < ? AND f.{IN_ORDER} AND f.id > ? AND f.id < ? "
            f"AND e.view <= ? AND {chosen.sieve} ORDER BY f.sn, f.id"
        )
        return iter(self.connection.execute(sql, (start, last, span.low, span.high, chosen.view, *chosen.values)))

    def _by_number(self, way: Way, chosen: _Chosen) -> Iterator[Row] | None:
        """Whoever is found by how a number begins, in the order of numbers; None for whoever is sooner found
        otherwise."""
        if way.begins and not (way.is_other and self._begun_ids(way.begins, chosen, _WEIGHED) is None):
            return self._begun_keys(way.begins, chosen)
        parts = self._beginnings.in_turn(way.tag) if way.tag and not (way.begins or way.text or way.names) else None
        return parts and chain.from_iterable(self._listed("tag", part, (), chosen) for part in parts)

    def _begun_ids(self, starts: Sequence[str], chosen: _Chosen, most: int) -> set[int] | None:
        """Who has a key that begins so; None when these keys, of any branch, are more than so many."""
        found = list[int]()
        for start in starts:
            found += self.keyed(start, after(start), -1, _LAST, chosen.view, most + 1 - len(found))
        low, high, _ = chosen.span
        return {pk for pk in found if low < pk < high} if len(found) <= most else None

    def _begun_keys(self, starts: Sequence[str], chosen: _Chosen) -> Iterator[Row]:
        """Of whoever has a key that begins so, in the order of these keys: as the index has them, so that the first
        hundred of a million are soon found."""
        (low, high, _), view = chosen.span, chosen.view
        sql = (
            f"SELECT {chosen.columns} FROM key k CROSS JOIN entry e ON e.id = k.id {chosen.body} "  # noqa: S608
            f"WHERE k.value >= ? AND k.value < ? AND k.id > ? AND k.id < ? AND k.view <= ? AND e.view <= ? "
            f"AND {chosen.sieve} ORDER BY k.value, k.id"
        )
        for start in starts:
            yield from self.connection.execute(sql, (start, after(start), low, high, view, view, *chosen.values))

    def _by_keys(self, keys: Sequence[str], chosen: _Chosen) -> Iterator[Row]:
        marks = ", ".join("?" * len(keys))
        sql = (
            f"SELECT {chosen.columns} FROM entry e {chosen.body} WHERE e.id IN "  # noqa: S608
            f"(SELECT id FROM key WHERE value IN ({marks}) AND id > ? AND id < ?) AND e.view <= ? ORDER BY e.id"
        )
        return iter(self.connection.execute(sql, (*keys, chosen.span.low, chosen.span.high, chosen.view)))

    def short_list(self, span: Span, most: int) -> set[int]:
        """Ids of the candidates of a plan that is short: all of them when they are fewer than ``most``."""
        found: set[int] = set()
        for way in span.plan.paths or ():
            if len(found) < most:
                found.update(self.ids("names", way.names, span.low, span.high, most))
        return found

    def listed(self, ids: set[int], plan: Plan, columns: tuple[str, ...], view: int) -> Iterator[Row]:
        """Rows of those of these candidates that match, best first; ``columns`` begin with those of the check."""
        rows = self.rows_of(ids, plan, columns, view)
        return filter(plan.check.test, rows) if plan.check.test else rows

    def sorted_list(self, ids: set[int], plan: Plan, view: int, most: int) -> Iterator[Row] | None:
        """Rows of at least so many, the best, of those of these candidates that match, in the order of the tiers; None
        where SQLite cannot tell that order."""
        order = plan.first.order if plan.first else None
        if order is None:
            return None
        named, body = selected(plan.check.columns)
        sieve, values = plan.condition
        sql = (
            f"SELECT {named} FROM {_OF_IDS} {body} "  # noqa: S608
            f"WHERE e.view <= ? AND {sieve} ORDER BY {order.sql}, e.id LIMIT ?"
        )
        test = plan.check.test
        kept = -1 if test else most  # SQLite cannot tell how many of them match
        rows = self.connection.execute(sql, (str(sorted(ids)), view, *values, *order.values, kept))
        return filter(test, rows) if test else rows


def _sifted(plan: Plan, also: Sieve | None) -> tuple[str, tuple[str, ...]]:
    """What the plan lets through, and ``also``: a condition and its values."""
    condition, values = plan.condition
    return (f"{condition} AND {also.sql}", (*values, *also.values)) if also else (condition, values)


@lru_cache(maxsize=512)
def selected(columns: tuple[str, ...]) -> tuple[str, str]:
    """The columns of a row of ``entry e``, and the join that they need, if any."""
    in_body = [c in BODY_COLUMNS and c != "id" for c in columns]
    named = ", ".join(f"{'b' if there else 'e'}.{c}" for c, there in zip(columns, in_body, strict=True))
    return named, "CROSS JOIN body b ON b.id = e.id" if any(in_body) else ""


def after(start: str) -> str:
    """The least text after all that begin so."""
    return start[:-1] + chr(ord(start[-1]) + 1)


def _in_turn(streams: Sequence[Iterator[Row]]) -> Iterator[Row]:
    """One after the other, each row once."""
    seen: set[int] = set()
    for row in chain.from_iterable(streams):
        if row[0] not in seen:
            seen.add(row[0])
            yield row


def _merged(streams: Sequence[Iterator[Row]]) -> Iterator[Row]:
    last = -1
    for row in heapq.merge(*streams, key=lambda row: row[0]):
        if row[0] != last:
            last = row[0]
            yield row
