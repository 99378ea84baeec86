"""Questions that are about names and addresses of mailboxes alone, which is what people type: one expression on
``names``, and nothing else to weigh.  PURE.  Hot path: 20 to 65 µs a text."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from directory_service.index.plan.access import fours_expression, joined
from directory_service.index.plan.fours import INDEXED, START, writings
from directory_service.index.plan.pieces import FEW_LISTS, LISTED, MOST_LISTS, Lexicon, fours_of, pattern_of
from directory_service.index.plan.predicate import OWN
from directory_service.index.query import And, Filter, InText, Or, Substrings


class Named(NamedTuple):
    """``expression`` finds all that is meant, "" when no list does; about ``estimate`` mailboxes are in it.  Its lists
    have so many ``places``."""

    expression: str
    estimate: float
    places: int = 0


_APART: Final = ("mail", "shown")
_ANYBODY: Final = Named("", float("inf"))


def named(asked: Filter, lexicon: Lexicon, most: int = MOST_LISTS) -> Named | None:
    """None for what is, in part, about something else.  ``most``: lists of one piece."""
    match asked:
        case InText(columns, piece) if all(c in INDEXED for c in columns):
            return _pieces(columns, (piece,), lexicon, most)
        case Substrings(attribute) if attribute in OWN:
            pattern = pattern_of(asked)
            return _pieces((OWN[attribute],), pattern.pieces, lexicon, most) if pattern else None
        case And(items) if items:
            return _both([named(item, lexicon, FEW_LISTS) for item in items], lexicon.mailboxes)
        case Or(items) if items:
            return _either([named(item, lexicon, most) for item in items])
        case _:
            return None


def _pieces(columns: tuple[str, ...], pieces: tuple[str, ...], lexicon: Lexicon, most: int) -> Named:
    """One of the columns has all of the pieces.  Lists of names are one for all of them, those of addresses and of
    displayNames apart; the latter have names in them."""
    in_shown = "shown" in columns and START not in "".join(pieces)
    names = () if in_shown else tuple(c for c in columns if c not in _APART)
    apart = [(c,) for c in columns if c in _APART]
    return _one_of([_listed(some, pieces, lexicon, most) for some in (names, *apart) if some])


def _listed(columns: tuple[str, ...], pieces: tuple[str, ...], lexicon: Lexicon, most: int) -> Named:
    columns = columns if START in "".join(pieces) else writings(columns)
    fours = fours_of(pieces, columns[0], lexicon, most)
    return Named(fours_expression(columns, fours.texts), fours.mailboxes, fours.places) if fours else _ANYBODY


def _both(found: Sequence[Named | None], mailboxes: int) -> Named | None:
    """The lists of the rarest; of others, as long as these are sooner read than the entries that they spare."""
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    first, *others = sorted(known, key=_estimate)
    chosen, left = [first], first.estimate
    for one in others:
        share = min(one.estimate / mailboxes, 1.0) if mailboxes else 0.0  # as if names were independent
        if one.expression and one.places <= LISTED * left * (1 - share):
            chosen.append(one)
            left *= share
    return Named(joined(" AND ", [one.expression for one in chosen]), first.estimate, sum(one.places for one in chosen))


_estimate: Final = attrgetter("estimate")


def _either(found: Sequence[Named | None]) -> Named | None:
    known = [one for one in found if one is not None]
    return _one_of(known) if len(known) == len(found) else None


def _one_of(found: Sequence[Named]) -> Named:
    if _ANYBODY in found:
        return _ANYBODY
    distinct = tuple(dict.fromkeys(found))
    estimate, places = sum([one.estimate for one in distinct]), sum([one.places for one in distinct])
    return Named(joined(" OR ", [one.expression for one in distinct]), estimate, places)
