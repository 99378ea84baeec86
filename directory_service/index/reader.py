"""One connection to one build: look-ups run, candidates checked.  Used by one thread at a time.

Hot path of house.md §3: a mail look-up about 13 µs, Thunderbird's filter half a millisecond at national scale, half of
it for the bodies (docs/reference/performance.md; bench: ``python -m bench ldap``).  A search first finds ids, on small
rows, then fetches the bodies of those that go out.  What to look up is ``plan``'s business, who may see what and when
to open another build ``directory``'s.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from directory_service.entries.entry import BAL, PEOPLE, STRUCTURES, UNLISTED, first_id, kind_of
from directory_service.errors import RegistryUnavailable
from directory_service.index.answers import LONGEST, Answer, Held
from directory_service.index.beginnings import Beginnings
from directory_service.index.bodies import BY_IDS, BY_KEY, Hit, hit_of
from directory_service.index.feed import end_of
from directory_service.index.files import open_reader
from directory_service.index.lookups import Lookups, Span
from directory_service.index.newest import NewestLexicon
from directory_service.index.plan import NO_LEXICON, Plan, Tier, Tiers, make_plan, plan_once
from directory_service.index.plan.access import Path as Way
from directory_service.index.plan.predicate import Row
from directory_service.index.query import Filter, Part
from directory_service.index.schema import VERSION
from directory_service.index.snapshots import Snapshots
from directory_service.index.spelled import Spelled
from directory_service.index.underway import Search
from directory_service.ldap.dn import normalise

_RECENT: Final = 0.02  # seconds
_STEP: Final = 20_000  # SQLite instructions between two looks at the clock: about a millisecond
_MOST_STEPS: Final = 500  # of one search: as much work as the candidates of ``BUDGET``
_FEW: Final = 100, 3  # candidates, or so many for one that is wanted, are sooner sorted than looked up tier by tier
_FEW_OF_PAIRS: Final = 10  # the same of two words: most do not match, and are sooner left behind than looked up again
_SURELY_MANY: Final = 15  # the same, by one list: most of them match
_MOST_PAIRS: Final = 1_000  # mailboxes that are looked at because two words start so: names longer than these are rare
_MOST_ALONE: Final = 1_000  # words of which is kept who has them: 1 MB at most
_LONG: Final = ("terms", "fours")  # of ``meta``: megabytes, read once a build
_FARES: Final = "operators"  # of ``meta``: read when it is asked for
_UNMAILED: Final = (PEOPLE, STRUCTURES)  # branches whose entries may have no mailbox: those of the first rank have
_RANKS: Final = ((0, 1), (1, 16))
_BRANCHES: Final = {"ou=bal": BAL, "ou=personnes": PEOPLE, "ou=structures": STRUCTURES}
_LEXICON: Final = NewestLexicon()
_first = itemgetter(0)


class Build(NamedTuple):
    """What a file says of itself.  ``sources`` are ``registry.overview.SourceState`` as dicts, ``counts`` by name."""

    id: str
    seq: int
    built_at: str
    sources: list[dict[str, Any]]
    counts: dict[str, int]
    cursor: str = "0"  # of the feed: after all that the build holds


class Reader:
    """``name`` is the file that ``current`` pointed to."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.connection = open_reader(folder / name)
        self.connection.set_progress_handler(self._stops, _STEP)
        self._steps_left = _MOST_STEPS
        self.snapshots = Snapshots(self.connection)
        self.snapshot = self.snapshots.one
        self._search: Search | None = None  # the one that is watched
        self._seen = -1
        self._looked = 0.0
        self.build: Build
        self.lookups: Lookups
        self.lexicon = self._of_unlisted = NO_LEXICON
        self._path = folder / name
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.snapshots.forget()
        self.connection.close()

    def _stops(self) -> bool:
        """Asked by SQLite every ``_STEP`` instructions; True stops the statement.  Look-ups by key are no search: they
        are short, and a million of them must not use up what one search may cost."""
        if self._search is None:
            return False
        self._steps_left -= 1
        return self._steps_left < 0 or self._is_late()

    def _is_late(self) -> bool:
        return self._search is not None and self._search.is_late()

    # --- the build ---------------------------------------------------------------------------------------------------

    def refresh(self) -> Build:
        """The build as it is now: the follower may have committed since."""
        self.snapshots.let_go()
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        if version != self._seen:
            self._load()
            self._seen = version
        return self.build

    def _load(self) -> None:
        sql = "SELECT key, value FROM meta WHERE key NOT IN (?, ?, ?)"
        meta: dict[str, str] = dict(self.connection.execute(sql, (*_LONG, _FARES)))
        if meta["version"] != VERSION:
            raise RegistryUnavailable("l'index est d'une autre version : lancez `annuaire index --rebuild`")
        seq = int(meta["seq"])
        sources, counts = json.loads(meta["sources"]), json.loads(meta["counts"])
        cursor = str(end_of(self.connection, seq))
        self.build = Build(f"{meta['build']}.{seq}", seq, meta["built_at"], sources, counts, cursor)
        lexicon = _LEXICON.of((self._path, meta["letters"], meta["suffix"]), self._counts)
        if lexicon is not self.lexicon:  # plans are remembered by it
            self.lexicon, self._of_unlisted = lexicon, replace(lexicon, whole=False)
        rows = self.connection.execute("SELECT id, dn FROM body WHERE id < ?", (first_id(BAL),))
        self.containers = {normalise(dn): entry for entry, dn in rows}
        self._listed_since: str | None = None
        self._alone = Held[Answer](self.build.id, _MOST_ALONE)
        self.spelled = Spelled(self.connection, self.build.id)
        self.lookups = Lookups(self.connection, Beginnings(self.connection, self.build.id))

    @property
    def listed_since(self) -> str:
        """Since when a white list is known; "" for none.  Looked for when it is asked: it takes a
        reading of all domains, and a reader loads at each commit of the follower."""
        if self._listed_since is None:
            (first,) = self.connection.execute("SELECT min(listed) FROM domain WHERE listed > ''").fetchone()
            self._listed_since = first or ""
        return self._listed_since

    def operator_states(self) -> list[dict[str, Any]]:
        """``model.anomalies.OperatorState`` of each operator, as the follower last counted."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (_FARES,)).fetchone()
        found: list[dict[str, Any]] = json.loads(row[0]) if row else []
        return found

    def _counts(self) -> list[dict[str, int]]:
        sql = "SELECT value FROM meta WHERE key = ?"
        return [json.loads(self.connection.execute(sql, (key,)).fetchone()[0]) for key in _LONG]

    def recent(self, now: float) -> Build:
        """Like ``refresh``, but may be ``_RECENT`` old: looking costs as much as a look-up.  A snapshot has nothing
        new."""
        if now - self._looked > _RECENT and not self.snapshots.is_inside:
            self.refresh()
            self._looked = now
            self.snapshots.keep(now, _RECENT)
        return self.build

    # --- searches ----------------------------------------------------------------------------------------------------

    def spans(self, asked: Filter, branches: Sequence[int], after: int, *, kept: bool = True) -> list[Span]:
        """Whoever has a mailbox before all others: the spans of a branch are of its first rank and of the rest, unless
        the plan puts fit first.  Neighbours with the same plan are one, unless that would put others first."""
        found: list[Span] = []
        make, settled = make_plan if kept else plan_once, None
        for branch in branches:
            lexicon = self._of_unlisted if branch == UNLISTED else self.lexicon
            plan = make(asked, kind_of(branch), lexicon)
            if plan.fit_first:
                settled = settled or self.spelled.settled(asked)
                plan = make(settled, kind_of(branch), lexicon)
            start = first_id(branch)
            parts = _RANKS if branch in _UNMAILED and plan.first and not plan.fit_first else ((0, 16),)
            for first, end in parts:
                low, high = max(start + (first << 32) - 1, after), start + (end << 32)
                if found and not plan.first and found[-1].plan == plan and found[-1].high == low + 1:
                    low = found.pop().low
                if low + 1 < high:
                    found.append(Span(low, high, plan))
        return found

    def run(self, search: Search, spans: Sequence[Span], *, ranked: bool) -> None:
        """Fills ``search``.  ``ranked``: in rank order throughout."""
        with self.watched(search):
            for span in spans:
                try:
                    with search.scanning() if span.is_scan else nullcontext():
                        self._run_span(search, span, ranked=ranked)
                except sqlite3.OperationalError as error:
                    search.stopped_by(error)
                if search.over:
                    return

    @contextmanager
    def watched(self, search: Search) -> Iterator[None]:
        """Statements inside end in time, or when the search is called off: ``sqlite3.OperationalError``."""
        self._search, self._steps_left = search, _MOST_STEPS
        try:
            yield
        finally:
            self._search, self._steps_left = None, _MOST_STEPS

    def _run_span(self, search: Search, span: Span, *, ranked: bool) -> None:
        plan = span.plan
        if plan.paths == ():
            return
        if plan.halves and not ranked:
            self._run_halves(search, span)
        elif ranked or not plan.first:
            search.add(self._matching(search, plan.paths, span, ranked=ranked))
        elif not self._run_few(search, span):
            self._run_tiers(search, span)

    def _run_halves(self, search: Search, span: Span) -> None:
        """Whoever has all the words, then whoever has one of them alone, each once."""
        several, alone = (span._replace(plan=half) for half in span.plan.halves)
        before, search.ids = search.ids, []
        self._run_span(search, several, ranked=False)
        found = dict.fromkeys(search.ids)
        if not search.over:
            search.ids = []
            self._run_alone(search, alone)
            found |= dict.fromkeys(search.ids)
        search.ids = before
        search.add(found)

    def _run_alone(self, search: Search, span: Span) -> None:
        """Whoever has one word, which stays the same while somebody types the next: found once a build."""
        key = (span.plan.filter, span.low, span.high, search.view, search.limit)
        if (known := self._alone.known(key)) is not None:
            search.ids, search.truncated = known.ids.tolist(), known.truncated
            return
        self._run_span(search, span, ranked=False)
        complete = len(search.ids) >= search.limit or not search.over  # not cut short by the cost of the other half
        if complete and len(search.ids) <= LONGEST:
            self._alone.keep(key, Answer(array("q", search.ids), search.truncated))

    def _run_few(self, search: Search, span: Span) -> bool:
        """All of them, sorted; False, and nothing done, when they are many."""
        plan = span.plan
        if plan.is_short:
            paired = isinstance(plan.first, Tiers) and plan.first.pair is not None
            if plan.estimate > _SURELY_MANY * search.limit and not paired:
                return False
            most = max(_FEW[0], (_FEW_OF_PAIRS if paired else _FEW[1]) * search.limit)
            ids = self.lookups.short_list(span, most)
            if len(ids) >= most:
                return False
            if len(ids) > 1:
                self._sort_list(search, plan, ids)
            elif ids:
                search.add(map(_first, self.lookups.listed(ids, plan, plan.check.columns, search.view)))
            return True
        return plan.estimate <= 400 * search.limit and self._run_all(search, span, search.limit)

    def _sort_list(self, search: Search, plan: Plan, ids: set[int]) -> None:
        """By SQLite where it can: rows take longer to bring to Python than to sort."""
        best = self.lookups.sorted_list(ids, plan, search.view, search.limit + 1)
        if best is None:
            self._sort(search, plan, self.lookups.listed(ids, plan, plan.check.ranking.columns, search.view))
        else:
            search.add(map(_first, best))

    def _run_all(self, search: Search, span: Span, most: int) -> bool:
        """All that match, sorted; False, and nothing done, when they are more than so many."""
        rows = list(islice(self._rows(search, span.plan.paths, span, span.plan.check.ranking.columns), most + 1))
        if len(rows) > most or search.over:
            search.truncated = search.timed_out = False
            return False
        self._sort(search, span.plan, rows)
        return True

    def _sort(self, search: Search, plan: Plan, rows: Iterable[Row]) -> None:
        search.add(map(_first, sorted(rows, key=plan.check.ranking.place)))

    def _run_tiers(self, search: Search, span: Span) -> None:
        """What people most likely mean first; stops as soon as there is enough of it."""
        start, every, seen, tried = len(search.ids), span.plan.paths, set[int](), span.plan.is_short
        for tier in span.plan.first:
            ways = tier.paths
            if not ways or (ways == every and tier.sieve is None):
                continue
            search.add(pk for pk in self._matching(search, ways, span, tier) if pk not in seen)
            if search.over:
                return
            if tier.is_token and not tried:  # what else there is takes longer to find, and once is enough
                tried = True
                found, search.ids = search.ids[start:], search.ids[:start]
                if self._run_all(search, span, max(_FEW[0], _FEW[1] * search.limit)):
                    return
                search.ids += found
            seen.update(search.ids)
        search.add(pk for pk in self._matching(search, every, span, ranked=False) if pk not in seen)

    def _matching(
        self,
        search: Search,
        ways: tuple[Way, ...] | None,
        span: Span,
        tier: Tier | None = None,
        *,
        ranked: bool = True,
    ) -> Iterator[int]:
        """Ids of the candidates that match, of the tier, as long as the search may go on: in rank order, that of the
        tier, or as ``Lookups.candidates`` says."""
        return map(_first, self._rows(search, ways, span, span.plan.check.columns, tier, ranked=ranked))

    def _rows(
        self,
        search: Search,
        ways: tuple[Way, ...] | None,
        span: Span,
        columns: Sequence[str],
        tier: Tier | None = None,
        *,
        ranked: bool = True,
    ) -> Iterator[Row]:
        test = span.plan.check.test
        try:
            if tier and tier.is_token and ways and ways[0].tag:
                rows = self.lookups.begun(ways[0], span, columns, search.view, _MOST_PAIRS, tier)
            else:
                also = tier.sieve if tier else None
                rows = self.lookups.candidates(ways, span, columns, search.view, also, ranked=ranked)
            if test is None:
                yield from rows
                return
            for row in rows:
                search.budget -= 1
                if test(row):
                    yield row
                if search.budget & 255 == 0 and (search.budget <= 0 or self._is_late()):
                    break
            else:
                return
        except sqlite3.OperationalError as error:
            search.stopped_by(error)
            return
        search.end_early()

    def by_key(self, key: str, low: int, high: int, view: int, part: Part = Part.ALL) -> list[Hit]:
        """Entries with this key and ``low < id < high``, best first."""
        asked = (key, low, high, int(view))  # what is not exactly an int, ``sqlite3`` looks for ways to adapt
        return [hit_of(row) for row in self.connection.execute(BY_KEY[part], asked)]

    def hits(self, ids: Sequence[int], part: Part = Part.ALL) -> list[Hit]:
        """The entries of these ids, in their order."""
        if not ids:
            return []
        rows = self.connection.execute(BY_IDS[part], (str(list(ids)),))
        if part is Part.BER:
            return [hit_of((pk, "", ber, b"", "", "", "")) for pk, ber in rows]
        if part is Part.JSON:
            return [hit_of((pk, "", b"", json, "", "", alike)) for pk, json, alike in rows]
        return list(map(hit_of, rows))

    def branch_below(self, container: str) -> int | None:
        """The branch whose entries stand under this container."""
        return _BRANCHES.get(container.partition(",")[0]) if container in self.containers else None
