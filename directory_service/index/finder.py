"""``/v1/search``: practitioners by the one box and by criteria, ranked, counted and page by page.  I/O: one reader.

Whoever matches is found by tokens (``onebox``).  Few are all read, scored and sorted, and so are few who have the words
as typed; the others of many are read tier by tier, each in rank order, as far as the page goes.  When hardly anybody
matches, words are also taken by sound, with typing errors, as short beginnings, and failing that inside other words.
What is done goes by numbers of the build, so that within a build every page is of the same order; the clock only ends
what takes too long.  Figures: docs/reference/search.md.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

from directory_service.entries.entry import PEOPLE
from directory_service.errors import LimitExceeded
from directory_service.index.criteria import NO_WISHES, Wishes
from directory_service.index.cursors import Place, Rank
from directory_service.index.inside import candidates
from directory_service.index.lookups import Span
from directory_service.index.onebox import Box, facets, within
from directory_service.index.onebox.explain import explained
from directory_service.index.onebox.score import Fit, Match, match
from directory_service.index.onebox.tiers import (
    FIRST_RELAXED,
    IDENTIFIED,
    TIERS,
    Near,
    everyone,
    expressions,
    with_tokens,
)
from directory_service.index.people import GIVEN, MORE, SN, TAGS, People, Row
from directory_service.index.plan import make_plan
from directory_service.index.points import ids_of
from directory_service.index.query import And, Filter, HasTag, Not, Or
from directory_service.index.reader import Reader
from directory_service.index.underway import Search
from directory_service.model.likeness import Likeness

SCORED: Final = 500  # matches that are all read, scored and sorted
COUNTED: Final = 2_000  # matches counted one by one; more are "at least"
EXAMINED: Final = 20_000  # the same where facets are asked for, and candidates of one look-up
SORTED: Final = 10_000  # people sorted by something else than relevance
LITTLE: Final = 10  # matches; of fewer, what sounds so or is mistyped so is looked for too
SURE: Final = 3  # words; where somebody matches so many, she is meant
LOOSE: Final = 1_000  # candidates by sound and typing errors
INSIDE: Final = 300  # candidates of one look-up of what stands inside words
TIME: Final = 2.0  # seconds


class Found(NamedTuple):
    """One page.  ``facets`` is None where none were asked for.  ``total`` is a lower bound unless ``exact``, each count
    of ``facets`` unless ``facets_exact``.  ``relaxed``: nobody matches but by sound, with errors or inside words."""

    ranks: list[Rank]
    more: bool
    total: int
    exact: bool
    relaxed: bool = False
    facets: dict[str, list[dict[str, Any]]] | None = None
    facets_exact: bool = True


@dataclass
class _Everyone:
    """Who was found, where all of them are known: rank and what was read of each."""

    ranks: list[Rank] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)


class Finder:
    """Answers one question.  ``box`` is None when only criteria were given.  ``uncounted`` are those of the criteria
    that no facet counts, None where these are all.  ``search``: what it may cost, where others have spent of it."""

    def __init__(
        self,
        reader: Reader,
        box: Box | None,
        criteria: Filter,
        near: Near,
        wishes: Wishes,
        view: int,
        uncounted: Filter | None = None,
        search: Search | None = None,
    ) -> None:
        self._reader, self._box, self._near, self._wishes, self._view = reader, box, near, wishes, view
        if box and box.titled:
            self._near = Near((*near.classes, box.titled))
        self._criteria, self._uncounted = criteria, uncounted
        plan = make_plan(criteria, PEOPLE, reader.lexicon)
        self._span = Span(*ids_of(PEOPLE), plan)
        self._nobody = plan.paths == ()
        only = plan.paths[0] if plan.paths and len(plan.paths) == 1 else None
        self._tokens = only.tag if only else ""  # that whoever meets the criteria has
        self._search = search or Search(EXAMINED, view, time.monotonic() + TIME, EXAMINED)
        self._people = People(reader, self._span, self._search, view)
        self._told: Callable[[int], Match | None] = lambda _pk: None

    def page(self, limit: int, place: Place | None) -> Found:
        """At most ``limit`` people after ``place``."""
        if self._nobody or (self._box and not self._box.words):
            return self._of(_Everyone(), limit, place, exact=True)
        with self._reader.watched(self._search):
            return self._listed(limit, place) if self._box is None else self._boxed(self._box, limit, place)

    def explained(self, pk: int, record: dict[str, Any]) -> dict[str, Any]:
        """Why a person of the page was found."""
        found = self._told(pk) if self._box else None
        return explained(self._box, found, record) if self._box and found else {"tier": None, "words": []}

    # --- by the box --------------------------------------------------------------------------------------------------

    def _boxed(self, box: Box, limit: int, place: Place | None) -> Found:
        keyed = self._people.keyed(box)
        rows: list[Row] = []
        # What is typed as it is comes cheaper than all that begins so.
        for most in dict.fromkeys((Likeness.EXACT, box.most)):
            typed, rows = rows, list(islice(self._people.tagged(self._where(box, most)), SCORED + 1))
            if len(rows) > SCORED:
                return self._many(box, keyed, typed, limit, place)
        found = self._scored(box, rows, keyed)
        least = min(LITTLE, 1) if len(box.needed) >= SURE else LITTLE
        if box.exact or len(found.ranks) >= least or (found.ranks and self._has(least, box, found)):
            return self._of(found, limit, place, exact=not self._search.over)
        return self._little(box, found, limit, place)

    def _has(self, least: int, box: Box, found: _Everyone) -> bool:
        """Whether the text finds so many, if need be whatever the criteria that facets count: with one more of these,
        a search then widens as it did without, and finds those who were counted."""
        if len(found.ranks) >= least or self._uncounted is None:
            return len(found.ranks) >= least
        wider = Finder(self._reader, box, self._uncounted, Near(), NO_WISHES, self._view, search=self._search)
        rows = islice(wider._people.tagged(wider._where(box, box.most)), least)
        return len(wider._scored(box, rows, wider._people.keyed(box)).ranks) >= least

    def _begun(self, box: Box, most: Likeness) -> tuple[list[Row], bool]:
        """Rows of the first who have the words that are long enough, if the others begin what is not looked up by so
        little; and whether these are all."""
        if box.begun is None:
            return [], True
        others, whole = box.begun
        rows = list(islice(self._people.tagged(self._where(others, most)), LOOSE + 1))
        may_fit = within.quick_look(whole)
        return [row for row in rows[:LOOSE] if may_fit(f" {row[TAGS]} ", ())], len(rows) <= LOOSE

    def _where(self, box: Box, most: Likeness) -> str:
        whole = everyone(box, most)
        return with_tokens(whole, self._tokens) if whole else ""

    def _scored(self, box: Box, rows: Iterable[Row], keyed: dict[int, list[Fit | None]]) -> _Everyone:
        """Those of the rows, and of those found by a key, who match: in order."""
        held = {row[0]: row for row in (*rows, *self._people.of_ids(list(keyed)))}
        self._tell(box, held, keyed)
        found = _Everyone()
        for pk, row in held.items():
            fit = match(box, f" {row[TAGS]} ", keyed.get(pk, ()))
            if fit is not None:
                found.ranks.append(Rank(fit.tier, fit.fine, self._near.of(f" {row[TAGS]} "), pk))
                found.rows[pk] = row
        found.ranks.sort()
        return found

    def _little(self, box: Box, found: _Everyone, limit: int, place: Place | None) -> Found:
        """Looks further: by sound and errors, and, when there is nobody, by short beginnings, then inside words."""
        try:
            loose = box.loosened(self._reader.spelled.near)
        except sqlite3.OperationalError as error:
            self._search.stopped_by(error)
            return self._of(found, limit, place, exact=False)
        rows = list(islice(self._people.tagged(self._where(loose, Likeness.TYPO)), LOOSE + 1))
        exact, keyed, whole = len(rows) <= LOOSE, self._people.keyed(loose), loose.begun[1] if loose.begun else loose
        if self._has(1, box, found):
            close = self._scored(loose, [*rows[:LOOSE], *found.rows.values()], keyed)
        else:
            begun, all_begun = self._begun(box, box.most)
            exact, close = exact and all_begun, self._scored(whole, [*rows[:LOOSE], *begun], keyed)
        strict = found.ranks or [rank for rank in close.ranks if IDENTIFIED < rank.tier < FIRST_RELAXED]
        if not close.ranks and loose.begun:
            begun, exact = self._begun(loose, Likeness.TYPO)
            close = self._scored(whole, begun, keyed)
        if not close.ranks:
            exact = self._inside(loose, close)
        relaxed = bool(close.ranks) and not strict
        return self._of(close, limit, place, exact=exact and not self._search.over, relaxed=relaxed)

    def _inside(self, box: Box, found: _Everyone) -> bool:
        """Adds those in whose texts words stand inside others; False where there may be more."""
        try:
            ids, over = candidates(self._reader, self._span, box, self._some)
        except sqlite3.OperationalError as error:
            self._search.stopped_by(error)
            return False
        more = [pk for pk in ids if pk not in found.rows]
        held = {row[0]: row for row in self._people.of_ids(more, within.COLUMNS)}
        may_fit = within.quick_look(box)

        def fit(pk: int) -> Match | None:
            tags, texts = f" {held[pk][TAGS]} ", held[pk][MORE:]
            return match(box, tags, (), within.fits(box, texts)) if may_fit(tags, texts) else None

        for pk, row in held.items():
            if (fits := fit(pk)) is not None:
                found.ranks.append(Rank(fits.tier, fits.fine, self._near.of(f" {row[TAGS]} "), pk))
                found.rows[pk] = row
        found.ranks.sort()
        told = self._told
        self._told = lambda pk: fit(pk) if pk in held else told(pk)
        return not over

    def _some(self, asked: Filter) -> list[int]:
        """The first who meet this and the criteria."""
        return [rank.id for rank in self._ids([And((self._criteria, asked))], None, INSIDE)[0]]

    def _many(
        self,
        box: Box,
        keyed: dict[int, list[Fit | None]],
        typed: Sequence[Row],
        limit: int,
        place: Place | None,
    ) -> Found:
        """Tier by tier, as far as the page goes.  ``typed``: all who have the words as typed; none where there are too
        many."""
        first = self._scored(box, (), keyed)
        if self._wishes.sort != "relevance":
            rows = islice(self._people.tagged(self._where(box, box.most)), SORTED + 1)
            return self._of(_known([*rows, *first.rows.values()]), limit, place, exact=not self._search.over)
        start = place.rank if place else Rank(-1, 0, 0, 0)
        best = self._scored(box, typed, keyed) if typed else first
        ranks = [rank for rank in best.ranks if rank > start]
        for part in expressions(box, self._near, self._tokens):
            if len(ranks) > limit:
                break
            if typed and TIERS[part.tier].worst is Likeness.EXACT:
                continue
            if (part.tier, part.near) >= (start.tier, start.near):
                after = start.id if (part.tier, part.near) == (start.tier, start.near) else -1
                ids = (row[0] for row in self._people.tagged(part.expression, after) if row[0] not in first.rows)
                ranks += islice((Rank(part.tier, 0, part.near, pk) for pk in ids), limit + 1 - len(ranks))
        self._tell(box, {row[0]: row for row in self._people.of_ids([rank.id for rank in ranks])}, keyed)
        shown, more = ranks[:limit], len(ranks) > limit or self._search.over
        if place and not self._wishes.facets:
            return Found(shown, more, place.total, place.exact)
        total, exact, counts = self._count(box, first, few_typed=bool(typed))
        told = facets.told(counts, self._wishes.facets) if self._wishes.facets else None
        known = (place.total, place.exact) if place else (total, exact)
        return Found(shown, more, *known, facets=told, facets_exact=exact)

    def _count(self, box: Box, first: _Everyone, *, few_typed: bool) -> tuple[int, bool, Counter[str]]:
        """How many match, whether that is all, and how often each token occurs (where facets are asked for).  What is
        typed as it is may be enough to know that there are too many to count; not where it is ``few_typed``."""
        most = EXAMINED if self._wishes.facets else COUNTED
        if not few_typed and not self._wishes.facets and box.most is not Likeness.EXACT:
            sure = sum(1 for _ in islice(self._people.tagged(self._where(box, Likeness.EXACT)), COUNTED + 1))
            if sure > COUNTED:
                return COUNTED, False, Counter()
        counts: Counter[str] = Counter()
        others, total = dict(first.rows), 0
        for total, row in enumerate(islice(self._people.tagged(self._where(box, box.most)), most + 1), 1):
            if self._wishes.facets and total <= most:
                counts.update(set(row[TAGS].split()))
            others.pop(row[0], None)
        counts.update(facets.count(row[TAGS] for row in others.values()))
        return min(total, most) + len(others), total <= most and not self._search.over, counts

    # --- by criteria alone -------------------------------------------------------------------------------------------

    def _listed(self, limit: int, place: Place | None) -> Found:
        """In rank order, the near ones first."""
        parts = self._by_nearness()
        if self._wishes.sort != "relevance":
            ranks, over = self._ids(parts, None, SORTED + 1)
            return self._of(self._read(ranks), limit, place, exact=not over)
        most = limit if place else EXAMINED if self._wishes.facets else max(limit, COUNTED)
        ranks, over = self._ids(parts, place, most)
        total, exact = (place.total, place.exact) if place else (len(ranks), not over)
        found = Found(ranks[:limit], over or len(ranks) > limit, total, exact)
        if not self._wishes.facets:
            return found
        counted, over = self._ids(parts, None, EXAMINED) if place else (ranks, over)
        counts = facets.count(row[TAGS] for row in self._people.of_ids([rank.id for rank in counted]))
        return found._replace(facets=facets.told(counts, self._wishes.facets), facets_exact=not over)

    def _read(self, ranks: list[Rank]) -> _Everyone:
        return _Everyone(ranks, {row[0]: row for row in self._people.of_ids([rank.id for rank in ranks])})

    def _by_nearness(self) -> list[Filter]:
        """The criteria for each class, exclusive of one another."""
        held = [Or(tuple(HasTag(token) for token in tokens)) for tokens in self._near.classes]
        parts = [And((self._criteria, here, *map(Not, held[:n]))) for n, here in enumerate(held)]
        return [*parts, And((self._criteria, *map(Not, held)))]

    def _ids(self, parts: Sequence[Filter], place: Place | None, limit: int) -> tuple[list[Rank], bool]:
        """At most ``limit`` after ``place``, and whether there may be more.  What SQLite still runs is watched anew."""
        found: list[Rank] = []
        search = Search(limit, self._view, self._search.deadline, EXAMINED)
        for number, asked in enumerate(parts):
            if place and number < place.rank.near:
                continue
            after = place.rank.id if place and number == place.rank.near else -1
            search.ids, search.limit = [], limit - len(found)
            self._reader.run(search, self._reader.spans(asked, (PEOPLE,), after), ranked=True)
            found += [Rank(0, 0, number, pk) for pk in search.ids]
            if search.over:
                return found, True
        return found, False

    # --- a page of what is wholly known ------------------------------------------------------------------------------

    def _tell(self, box: Box, rows: dict[int, Row], keyed: dict[int, list[Fit | None]]) -> None:
        self._told = lambda pk: match(box, f" {rows[pk][TAGS]} ", keyed.get(pk, ())) if pk in rows else None

    def _of(self, found: _Everyone, limit: int, place: Place | None, *, exact: bool, relaxed: bool = False) -> Found:
        ranks = found.ranks
        if self._wishes.sort != "relevance":
            ranks = self._sorted(found)
            start = _start_of(ranks, place)
        else:
            start = sum(1 for rank in ranks if rank <= place.rank) if place else 0
        shown = ranks[start : start + limit]
        total, known = (place.total, place.exact) if place else (len(ranks), exact)
        more = len(ranks) > start + limit
        counts = facets.count(row[TAGS] for row in found.rows.values()) if self._wishes.facets else None
        told = facets.told(counts, self._wishes.facets) if counts is not None else None
        return Found(shown, more, total, known, relaxed, told, exact)

    def _sorted(self, found: _Everyone) -> list[Rank]:
        """Raises LimitExceeded for more than ``SORTED``."""
        if len(found.ranks) > SORTED:
            raise LimitExceeded(f"plus de {SORTED} réponses : elles ne se trient pas, ajoutez un critère")
        key = _SORTS[self._wishes.sort]
        ordered = sorted(found.ranks, key=lambda rank: (key(found.rows[rank.id]), rank.id))
        return [rank._replace(tier=n, fine=0, near=0) for n, rank in enumerate(ordered)]


def _known(rows: Iterable[Row]) -> _Everyone:
    held = {row[0]: row for row in rows}
    return _Everyone([Rank(0, 0, 0, pk) for pk in held], held)


def _start_of(ranks: Sequence[Rank], place: Place | None) -> int:
    """After the last one shown; when it is gone, after as many as were shown."""
    if place is None:
        return 0
    return next((n + 1 for n, rank in enumerate(ranks) if rank.id == place.rank.id), place.rank.tier + 1)


def _town(row: Row) -> str:
    """The first town, as one word; after all others where there is none."""
    return next((token[1:] for token in row[TAGS].split() if token[0] == "3"), "\U0010ffff")


_SORTS: Final[dict[str, Callable[[Row], tuple[str, ...]]]] = {
    "name": lambda row: (row[SN], row[GIVEN]),
    "city": lambda row: (_town(row), row[SN], row[GIVEN]),
}
