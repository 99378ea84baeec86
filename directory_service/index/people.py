"""Practitioners whom tokens, numbers or addresses find, of those who meet the criteria, as far as a search may go.
I/O: one reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from directory_service.index.lookups import Span
from directory_service.index.onebox import Box
from directory_service.index.onebox.readings import Word
from directory_service.index.onebox.score import Fit
from directory_service.index.reader import Reader
from directory_service.index.underway import Search
from directory_service.model.likeness import Likeness

Row = Sequence[Any]  # the id, what ``_OWN`` says, then more columns if they were asked for
TAGS, SN, GIVEN, MORE = range(1, 5)  # places in a row
_OWN: Final = ("tags", "sn", "given")  # columns read of everybody
_KEYED: Final = 500  # entries that one identifier, or its beginning, may find


class People:
    """Those of ``span``, the branch of people, who meet its plan.  Each who is looked at in vain counts against
    ``search``, whose end ends what is read."""

    def __init__(self, reader: Reader, span: Span, search: Search, view: int) -> None:
        self._lookups, self._span, self._search, self._view = reader.lookups, span, search, view
        self._columns = (*span.plan.check.columns, *_OWN)

    def tagged(self, expression: str, after: int = -1) -> Iterator[Row]:
        """Those who have the tokens, in rank order after an id."""
        if not expression:
            return
        low, high, plan = self._span
        span = Span(max(low, after), high, plan)
        yield from self._checked(lambda: self._lookups.tagged(expression, span, self._columns, self._view))

    def of_ids(self, ids: Sequence[int], more: Sequence[str] = ()) -> Iterator[Row]:
        """These, and ``more`` columns of each."""
        plan, columns = self._span.plan, (*self._columns, *more)
        yield from self._checked(lambda: self._lookups.rows_of(ids, plan, columns, self._view))

    def keyed(self, box: Box) -> dict[int, list[Fit | None]]:
        """The ids that numbers and addresses find, whether or not they meet the criteria, with what they fit of each
        word."""
        found: dict[int, list[Fit | None]] = {}
        for n, word in enumerate(box.words):
            for pk, fit in self._of_keys(word, box.exact):
                fits = found.setdefault(pk, [None] * len(box.words))
                if (known := fits[n]) is None or fit.likeness < known.likeness:
                    fits[n] = fit
        return found

    def _of_keys(self, word: Word, exact: bool) -> Iterator[tuple[int, Fit]]:
        low, high, _ = self._span
        for keys in word.keys:
            if exact and keys.likeness is not Likeness.EXACT:
                continue
            found = self._lookups.keyed(keys.low, keys.high, low, high, self._view, _KEYED)
            self._search.truncated |= len(found) == _KEYED
            yield from ((pk, Fit(keys.field, keys.likeness)) for pk in found)

    def _checked(self, read: Callable[[], Iterator[Any]]) -> Iterator[Row]:
        """What the search may still cost decides how far."""
        test, own = self._span.plan.check.test, len(self._columns) - len(_OWN)
        try:
            for row in read():
                if test is None or test(row):
                    yield (row[0], *row[own:])
                elif self._spent():
                    self._search.end_early()
                    return
        except sqlite3.OperationalError as error:
            self._search.stopped_by(error)

    def _spent(self) -> bool:
        self._search.budget -= 1
        return self._search.budget <= 0 or (self._search.budget & 255 == 0 and self._search.is_late())
