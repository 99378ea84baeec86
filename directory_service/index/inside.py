"""Who may have words that stand inside others: the candidates of the last tier (``onebox.within``).  I/O: one reader.

Whoever matches has each of the words, inside another or by a token.  So all who have a rare one are enough to look at,
however common the others are; where none is rare, some of each are looked at, and there may be more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from directory_service.entries.entry import PEOPLE
from directory_service.index.lookups import Span
from directory_service.index.onebox import Box, Word, within
from directory_service.index.onebox.tiers import whoever_has
from directory_service.index.plan import Plan, make_plan
from directory_service.index.query import And, Filter, InText
from directory_service.index.reader import Reader
from directory_service.model.likeness import Likeness

RARE: Final = (5_000, 20_000)  # who have a word that is rare, and one that will do for want of such
FEW: Final = 1_000  # candidates that are sooner looked at than narrowed down by a rare word
MOST: Final = 3_000  # candidates that are looked at, the best first; sooner than narrowed down by a common one

Asked = tuple[Word, str]  # a word, and what is looked for in texts
Read = dict[tuple[str, str], tuple[list[int], int]]  # by look-up: the first ids, and how many were wanted


def candidates(reader: Reader, span: Span, box: Box, some: Callable[[Filter], Iterable[int]]) -> tuple[set[int], bool]:
    """Ids, and whether others may match too.  ``some`` gives the first who meet a filter and the criteria.  Raises
    sqlite3.OperationalError when the search is over."""
    asked = [(word, piece) for word in box.needed if (piece := within.piece_of(word))]
    if not asked:
        return set(), False
    asked.sort(key=lambda each: _plan(reader, each[1]).estimate)
    found = _holders_of_all(reader, span, asked)
    if found is not None:
        return set(sorted(found)[:MOST]), len(found) > MOST
    pieces: tuple[Filter, ...] = tuple(InText(within.COLUMNS, piece) for _, piece in asked)
    return {pk for each in (And(pieces), *pieces) for pk in some(each)}, True


def _holders_of_all(reader: Reader, span: Span, asked: Sequence[Asked]) -> set[int] | None:
    """Those who have each of the words that are rare enough, the rarest first.  None where no word is."""
    found: set[int] | None = None
    left, read = dict(asked), Read()
    for most, enough in zip(RARE, (FEW, MOST), strict=False):
        for word, piece in asked:
            if found is not None and len(found) <= enough:
                return found
            if word in left and (holders := _holders(reader, span, (word, piece), most, read)) is not None:
                found = holders if found is None else found & holders
                del left[word]
    return found


def _holders(reader: Reader, span: Span, asked: Asked, most: int, read: Read) -> set[int] | None:
    """Whoever has a word, and others; None for so many.  What was ``read`` when fewer were wanted is not read again."""
    word, piece = asked
    inside = ((way.text, way.tag) for way in _plan(reader, piece).paths or ())
    found: set[int] = set()
    for text, tag in (*inside, ("", whoever_has(word, Likeness.TYPO))):
        ids, wanted = read.pop((text, tag), ([], 0))
        if len(ids) == wanted:  # there may be more
            low = ids[-1] if ids else span.low
            ids += reader.lookups.ids("text" if text else "tag", text or tag, low, span.high, most - wanted)
        read[text, tag] = ids, most
        if len(ids) == most:
            return None
        found.update(ids)
    return found


def _plan(reader: Reader, piece: str) -> Plan:
    return make_plan(InText(within.COLUMNS, piece), PEOPLE, reader.lexicon)
