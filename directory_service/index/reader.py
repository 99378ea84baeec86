"""One connection to one build: look-ups run, candidates checked.  Used by one thread at a time.

Hot path of house.md §3: a mail look-up about 20 µs, Thunderbird's filter about 1 ms at national scale
(docs/reference/performance.md).  What to look up is ``plan``'s business, who may see what and when to open another
build ``directory``'s.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from directory_service.entries.entry import BAL, PEOPLE, STRUCTURES, kind_of
from directory_service.index.files import open_reader
from directory_service.index.plan import NO_LEXICON, Plan, make_plan
from directory_service.index.plan.access import Path as Way
from directory_service.index.plan.pieces import Lexicon
from directory_service.index.plan.predicate import Layout, Row, Test, compile_filter
from directory_service.index.query import Filter
from directory_service.index.schema import BODY_COLUMNS
from directory_service.ldap.dn import normalise

BUDGET: Final = 50_000  # candidates one search may check: about 0.2 s, past which a better filter is due
_STEP: Final = 20_000  # SQLite instructions between two looks at the clock: about a millisecond
_MOST_STEPS: Final = 500  # of one search: as much work as the candidates of ``BUDGET``
_WEIGHED: Final = 2_000  # rows counted to see which of two look-ups finds less


class Build(NamedTuple):
    """What a file says of itself.  ``sources`` are ``registry.read.SourceState`` as dicts, ``counts`` by name."""

    id: str
    seq: int
    built_at: str
    sources: list[dict[str, Any]]
    counts: dict[str, int]


class Hit(NamedTuple):
    """One entry found; see ``entries.Entry``."""

    id: int
    dn: str
    ber: bytes
    json: bytes
    created: str
    changed: str


class Span(NamedTuple):
    """Entries with ``low < id < high``, and the plan that finds what is asked in them."""

    low: int
    high: int
    plan: Plan


@dataclass
class Search:
    """The state of one search: what was found, and what it may still cost."""

    limit: int
    view: int
    deadline: float
    budget: int = BUDGET
    hits: list[Hit] = field(default_factory=list)
    truncated: bool = False
    timed_out: bool = False

    @property
    def over(self) -> bool:
        return self.truncated or self.timed_out

    def add(self, rows: Iterable[Row]) -> None:
        """One row more than the limit, and the search is truncated."""
        hits, limit = self.hits, self.limit
        for row in rows:
            if len(hits) >= limit:
                self.truncated = True
                return
            hits.append(hit_of(row))


class Reader:
    """``name`` is the file that ``current`` pointed to."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.connection = open_reader(folder / name)
        self.connection.set_progress_handler(self._stops, _STEP)
        self._deadline, self._steps_left = float("inf"), _MOST_STEPS
        self._seen = -1
        self._looked = 0.0
        self.build: Build
        self.lexicon = NO_LEXICON
        self.refresh()

    def close(self) -> None:
        self.connection.close()

    def _stops(self) -> bool:
        """Asked by SQLite every ``_STEP`` instructions; True stops the statement."""
        self._steps_left -= 1
        return self._steps_left < 0 or self._is_late()

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    # --- the build ---------------------------------------------------------------------------------------------------

    def refresh(self) -> Build:
        """The build as it is now: the follower may have committed since."""
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        if version != self._seen:
            self._load()
            self._seen = version
        return self.build

    def _load(self) -> None:
        meta: dict[str, str] = dict(self.connection.execute("SELECT key, value FROM meta"))
        seq = int(meta["seq"])
        sources, counts = json.loads(meta["sources"]), json.loads(meta["counts"])
        self.build = Build(f"{meta['build']}.{seq}", seq, meta["built_at"], sources, counts)
        self.lexicon = _lexicon(meta["letters"], meta["terms"])
        rows = self.connection.execute("SELECT id, dn FROM body WHERE id < ?", (1 << 36,))
        self.containers = {normalise(dn): entry for entry, dn in rows}
        self.white_list = self.connection.execute("SELECT 1 FROM domain LIMIT 1").fetchone() is not None

    def recent(self, now: float) -> Build:
        """Like ``refresh``, but may be 20 ms old: looking costs as much as a look-up."""
        if now - self._looked > 0.02:
            self.refresh()
            self._looked = now
        return self.build

    # --- searches ----------------------------------------------------------------------------------------------------

    def spans(self, asked: Filter, branches: Sequence[int], after: int) -> list[Span]:
        """One span a branch; neighbours with the same plan are one, so that what fits best comes first in all."""
        found: list[Span] = []
        for branch in branches:
            low, high = max((branch << 36) - 1, after), (branch + 1) << 36
            plan = make_plan(asked, kind_of(branch), self.lexicon)
            if found and found[-1].plan == plan and found[-1].high == low + 1:
                low = found.pop().low
            if low + 1 < high:
                found.append(Span(low, high, plan))
        return found

    def run(self, search: Search, spans: Sequence[Span], *, ranked: bool) -> None:
        """Fills ``search``.  ``ranked``: in rank order throughout."""
        self._deadline, self._steps_left = search.deadline, _MOST_STEPS
        try:
            for span in spans:
                self._run_span(search, span, ranked=ranked)
                if search.over:
                    return
        finally:
            self._deadline, self._steps_left = float("inf"), _MOST_STEPS

    def _run_span(self, search: Search, span: Span, *, ranked: bool) -> None:
        plan, layout = span.plan, Layout()
        if plan.paths == ():
            return
        test = compile_filter(plan.filter, layout)
        if ranked or not plan.first:
            search.add(self._matching(search, plan.paths, span, test, layout))
        elif plan.estimate > 400 * search.limit or not self._run_few(search, span, test, layout):
            self._run_tiers(search, span, test, layout)

    def _run_few(self, search: Search, span: Span, test: Test, layout: Layout) -> bool:
        """All of them, sorted; False, and nothing done, when there are more than the limit."""
        tiers = [compile_filter(tier.filter, layout) for tier in span.plan.first]
        room = search.limit - len(search.hits)
        rows = list(islice(self._matching(search, span.plan.paths, span, test, layout), room + 1))
        if len(rows) > room:
            return False
        rows.sort(key=lambda row: next((n for n, tier in enumerate(tiers) if tier(row)), len(tiers)))
        search.hits += map(hit_of, rows)
        return True

    def _run_tiers(self, search: Search, span: Span, test: Test, layout: Layout) -> None:
        """What people most likely mean first; stops as soon as there is enough of it."""
        seen: set[int] = set()
        for ways in (*(tier.paths for tier in span.plan.first), span.plan.paths):
            rows = self._matching(search, ways, span, test, layout)
            search.add(row for row in rows if row[0] not in seen)
            if search.over:
                return
            seen.update(hit.id for hit in search.hits)

    def _matching(
        self, search: Search, ways: tuple[Way, ...] | None, span: Span, test: Test, layout: Layout
    ) -> Iterator[Row]:
        """Candidates that match, as long as the search may go on."""
        view = search.view
        try:
            for row in self.candidates(ways, span, layout.columns):
                search.budget -= 1
                if row[1] <= view and test(row):
                    yield row
                if search.budget & 255 == 0 and (search.budget <= 0 or self._is_late()):
                    break
            else:
                return
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
        search.timed_out = self._is_late()
        search.truncated = not search.timed_out

    def candidates(self, ways: tuple[Way, ...] | None, span: Span, columns: Sequence[str]) -> Iterator[Row]:
        """Rows of ``columns`` that the look-ups find, in rank order, each once."""
        chosen = _chosen(columns)
        condition, values = span.plan.sieve or ("1", ())
        if ways is None:
            sql = (
                f"SELECT {chosen} FROM entry e CROSS JOIN body b ON b.id = e.id "  # noqa: S608
                f"WHERE e.id > ? AND e.id < ? AND {condition} ORDER BY e.id"
            )
            return iter(self.connection.execute(sql, (span.low, span.high, *values)))
        streams = [self._stream(way, span, chosen) for way in ways]
        return streams[0] if len(streams) == 1 else _merged(streams)

    def _stream(self, way: Way, span: Span, chosen: str) -> Iterator[Row]:
        low, high = span.low, span.high
        if way.keys:
            return self._by_keys(way.keys, low, high, chosen)
        table, asked = ("text", way.text) if way.text else ("tag", way.tag)
        if way.text and way.tag and self._finds_less("tag", way.tag, "text", way.text, low, high):
            table, asked = "tag", way.tag
        condition, values = span.plan.sieve or ("1", ())
        sql = (
            f"SELECT {chosen} FROM {table} f CROSS JOIN entry e ON e.id = f.rowid CROSS JOIN body b ON b.id = e.id "  # noqa: S608
            f"WHERE f.{table} MATCH ? AND f.rowid > ? AND f.rowid < ? AND {condition} ORDER BY f.rowid"
        )
        return iter(self.connection.execute(sql, (asked, low, high, *values)))

    def _by_keys(self, keys: Sequence[str], low: int, high: int, chosen: str) -> Iterator[Row]:
        if len(keys) == 1:
            sql = _BY_KEY if chosen is _HEAD else _BY_KEY.replace(_HEAD, chosen)
            return iter(self.connection.execute(sql, (keys[0], low, high)))
        marks = ", ".join("?" * len(keys))
        sql = (
            f"SELECT {chosen} FROM entry e CROSS JOIN body b ON b.id = e.id WHERE e.id IN "  # noqa: S608
            f"(SELECT id FROM key WHERE value IN ({marks}) AND id > ? AND id < ?) ORDER BY e.id"
        )
        return iter(self.connection.execute(sql, (*keys, low, high)))

    def _finds_less(self, table: str, asked: str, other: str, than: str, low: int, high: int) -> bool:
        """Whether the first look-up finds fewer entries than the second, as far as a short count tells."""
        size = self._count(other, than, low, high)
        return size >= _WEIGHED and self._count(table, asked, low, high) < size

    def _count(self, table: str, asked: str, low: int, high: int) -> int:
        sql = (
            f"SELECT count(*) FROM (SELECT 1 FROM {table} "  # noqa: S608
            f"WHERE {table} MATCH ? AND rowid > ? AND rowid < ? LIMIT {_WEIGHED})"
        )
        return int(self.connection.execute(sql, (asked, low, high)).fetchone()[0])

    def by_keys(self, keys: Sequence[str], low: int, high: int) -> list[Row]:
        """Rows of ``Layout.HEAD`` with ``low < id < high``, best first."""
        return list(self._by_keys(keys, low, high, _HEAD))

    def branch_below(self, container: str) -> int | None:
        """The branch whose entries stand under this container."""
        return _BRANCHES.get(container.partition(",")[0]) if container in self.containers else None


_BRANCHES: Final = {"ou=bal": BAL, "ou=personnes": PEOPLE, "ou=structures": STRUCTURES}


@lru_cache(maxsize=4)
def _lexicon(letters: str, terms: str) -> Lexicon:
    """One for all threads, so that they share plans."""
    return Lexicon(letters, json.loads(terms))


def hit_of(row: Row) -> Hit:
    return Hit(row[0], row[2], row[5], row[6], row[3], row[4])


def _chosen(columns: Sequence[str]) -> str:
    return ", ".join(f"b.{c}" if c in BODY_COLUMNS and c != "id" else f"e.{c}" for c in columns)


_HEAD: Final = _chosen(Layout.HEAD)
_BY_KEY: Final = (
    f"SELECT {_HEAD} FROM key k CROSS JOIN entry e ON e.id = k.id CROSS JOIN body b ON b.id = e.id "  # noqa: S608
    "WHERE k.value = ? AND k.id > ? AND k.id < ? ORDER BY k.id"
)


def _merged(streams: Sequence[Iterator[Row]]) -> Iterator[Row]:
    last = -1
    for row in heapq.merge(*streams, key=lambda row: row[0]):
        if row[0] != last:
            last = row[0]
            yield row
