"""What people most likely mean by what they typed in an address book: filters whose entries come before the others.

PURE.  They look at filters that ask for pieces of names, and know nothing of how those are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from threading import RLock
from typing import Final, TypeVar

from directory_service.entries.entry import BAL
from directory_service.entries.naming import pair_start, start_token
from directory_service.index.plan.logic import all_of
from directory_service.index.plan.pieces import Pattern, pattern_of
from directory_service.index.query import FALSE, TRUE, And, Filter, HasTag, InText, Or, Substrings

_NAMES: Final = ("sn", "cn", "givenName")
_T = TypeVar("_T")
_turn = RLock()  # plans are shared by threads
_WORDS: Final = ("tags",)  # not a text: words that are not the first of their name


class Lazily(Iterable[_T]):
    """What an iterator gives, worked out once and only as far as somebody wants it."""

    def __init__(self, found: Iterator[_T]) -> None:
        self._left, self._known = found, list[_T]()

    def __iter__(self) -> Iterator[_T]:
        at = 0
        while at < len(self._known) or self._one_more():
            yield self._known[at]
            at += 1

    def __bool__(self) -> bool:
        return bool(self._known) or self._one_more()

    def _one_more(self) -> bool:
        with _turn:
            found = next(self._left, None)
        if found is not None:
            self._known.append(found)
        return found is not None


def first_of(simple: Filter, branch: int) -> Iterator[Filter]:
    """Of what was simplified for this branch: family names that start so, then any name that starts so, then any word
    of one.  Where several words were typed, all of them before that, since an address book then also asks for the first
    word alone in given names."""
    several = _has_several(simple)
    columns = ("name",), ("sn", "name") if several else ("sn",), ("sn", "name"), _WORDS
    pair = _pair(simple) if several and branch == BAL else None
    found = (_tier(simple, where, most=n == 0) for n, where in enumerate(columns) if n or several)
    given = {simple}
    for tier in chain((pair,), found):
        if tier is not None and tier not in given:
            given.add(tier)
            yield tier


def _is_of_several(leaf: Filter) -> bool:
    pattern = pattern_of(leaf) if isinstance(leaf, Substrings) and leaf.attribute in _NAMES else None
    return pattern is not None and len(pattern.pieces) > 1


def _pair(asked: Filter) -> HasTag | None:
    """Two of several words, the longest, as far as three letters of each tell."""
    if isinstance(asked, And | Or):
        return next((found for item in asked.items if (found := _pair(item))), None)
    pattern = pattern_of(asked) if _is_of_several(asked) and isinstance(asked, Substrings) else None
    if pattern is None:
        return None
    first, second = sorted((piece.strip("^$") for piece in pattern.pieces), key=len, reverse=True)[:2]
    token = pair_start(first, second)
    return None if token is None else HasTag(token, starts=True)


def _has_several(asked: Filter) -> bool:
    return any(map(_has_several, asked.items)) if isinstance(asked, And | Or) else _is_of_several(asked)


def _tier(asked: Filter, where: tuple[str, ...], *, most: bool) -> Filter | None:
    """The same, with the parts about names put at the start of one of ``where``; alternatives that are not about names,
    or (``most``) about one word where another is about several, are left out.  None when nothing is about names."""
    match asked:
        case Or(items):
            chosen = [i for i in items if _has_several(i)] if most else []
            found = [t for i in chosen or items if (t := _tier(i, where, most=most)) is not None]
            return all_of(Or, TRUE, FALSE, found) if found else None
        case And(items):
            tiers = [_tier(i, where, most=most) for i in items]
            if not any(tiers):
                return None
            return all_of(And, FALSE, TRUE, [t or i for i, t in zip(items, tiers, strict=True)])
        case Substrings(name) if name in _NAMES:
            return _name_tier(pattern_of(asked), where)
        case InText(columns, piece) if "sn" in columns:
            return _name_tier(Pattern((piece,)), where)
        case _:
            return None


def _name_tier(pattern: Pattern | None, where: tuple[str, ...]) -> Filter | None:
    if pattern is None or pattern.tail:
        return None
    first, *rest = pattern.anchored().pieces
    if where == _WORDS:
        token = start_token(first.removeprefix("^"))
        found: Filter | None = None if token is None else HasTag(token, starts=True)
        return found and all_of(And, FALSE, TRUE, [found, *(InText(("sn", "name"), piece) for piece in rest)])
    return all_of(And, FALSE, TRUE, [InText(where, first), *(InText(("sn", "name"), piece) for piece in rest)])
