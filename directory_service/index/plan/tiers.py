"""What people most likely mean by what they typed in an address book: filters whose entries come before the others.

PURE.  They look at filters that ask for pieces of names, and know nothing of how those are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from directory_service.entries.entry import BAL
from directory_service.entries.naming import pair_start, sound_tokens, start_token, word_tokens
from directory_service.index.plan.fours import NAME_TEXTS
from directory_service.index.plan.logic import all_of, any_of
from directory_service.index.plan.pieces import Pattern, pattern_of
from directory_service.index.query import And, Approx, Filter, HasTag, InText, Or, Substrings
from directory_service.model.phonetics import code, units

_NAMES: Final = ("sn", "cn", "givenName")
_FAMILY: Final = ("sn",)
_SHORT: Final = 4  # letters, the mark of the start included: so many are one list of ``names``
_FULL: Final = frozenset(("sn", "name"))  # texts of names; of who is asked for by given names alone, those begin so
_T = TypeVar("_T")
_WORDS: Final = ("tags",)  # not a text: words that are not the first of their name
# For ``~=``, nor these: words that are so, that start so, that sound so, or one of several that is so.
_SPELT: Final = ("spelt",)
_BEGUN: Final = ("begun",)
_SOUNDS: Final = ("sounds",)
_ONE_SPELT: Final = ("one spelt",)
_HEARD: Final = (_SPELT, _BEGUN, _SOUNDS, _ONE_SPELT)


class Lazily(Iterable[_T]):
    """What these functions give, each asked at most once and only as far as somebody wants it; None is left out."""

    def __init__(self, makers: Sequence[Callable[[], _T | None]]) -> None:
        self._makers = makers
        self._made: dict[int, _T | None] = {}  # threads that ask at once find the same

    def __iter__(self) -> Iterator[_T]:
        for n, make in enumerate(self._makers):
            if n not in self._made:
                self._made[n] = make()
            if (made := self._made[n]) is not None:
                yield made

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None


def several_words(simple: Filter) -> tuple[str, ...]:
    """What was typed, where it is several words."""
    return tuple(piece.strip("^$") for piece in _words_of(simple)) or _heard_of(simple)


def first_of(simple: Filter, branch: int) -> Lazily[Filter]:
    """Of what was simplified for this branch: family names that start so, then any name that starts so, then any word
    of one.  Of a few letters, which thousands of names start with, first the family names that they are.  Where several
    words were typed, all of them before that, since an address book then also asks for the first word alone in given
    names.  For ``~=``, before all others names that have these very words, then those that go on by a letter or two,
    those that sound so, and those of which one word is right; errors and nicknames are left."""
    several, heard = _words_of(simple), has_approximate(simple)
    makers: list[Callable[[], Filter | None]] = []
    makers += [partial(_tier, simple, _SPELT, most=False)] if heard else []
    if branch == BAL:
        makers.append(partial(_pair, several) if several else partial(_whole, simple))
    makers += [partial(_tier, simple, ("name",), most=True) if several else partial(_tier, simple, _FAMILY, most=False)]
    makers += [partial(_tier, simple, where, most=False) for where in (("sn", "name"), _WORDS)]
    makers += [partial(_tier, simple, where, most=False) for where in (_BEGUN, _SOUNDS, _ONE_SPELT) if heard]
    return Lazily(makers)


def is_by_name(tier: Filter) -> bool:
    """Whether the mailboxes of this tier stand in the order of their family names, so that who has the one that was
    typed is before whoever's only starts so.  Of a few letters a list has the best of all, by rank."""
    if not isinstance(tier, InText) or tier.columns != _FAMILY:
        return False
    return len(tier.piece) > _SHORT or tier.piece.endswith("$")


def halves_of(simple: Filter) -> tuple[Filter, Filter] | None:
    """What asks for several words, and what asks for one of them alone: Thunderbird looks for ``jean dupont`` in names,
    and for ``jean`` in given names, which finds everybody called so.  None where that is not what is asked."""
    if not isinstance(simple, Or):
        return None
    several = _words_of(simple)
    alone: list[Filter] = [i for i in simple.items if isinstance(i, InText) and i.piece in several]
    rest = [i for i in simple.items if i not in alone]
    return (any_of(rest), any_of(alone)) if alone else None


def _words_of(asked: Filter) -> tuple[str, ...]:
    """The several words that a name is to have: of one assertion, or one each of conditions that must all hold."""
    if isinstance(asked, Substrings) and asked.attribute in _NAMES:
        pattern = pattern_of(asked)
        return pattern.pieces if pattern and len(pattern.pieces) > 1 else ()
    if not isinstance(asked, And | Or):
        return ()
    found = next((words for item in asked.items if (words := _words_of(item))), ())
    if found or isinstance(asked, Or):
        return found
    single = tuple(word for item in asked.items if (word := _word_of(item)))
    return single if len(single) > 1 else ()


def _heard_of(asked: Filter) -> tuple[str, ...]:
    """The words that ``~=`` asks for."""
    if isinstance(asked, Approx):
        return tuple(ways[0] for ways in units(asked.value.decode())) if asked.attribute in _NAMES else ()
    if isinstance(asked, And):
        return tuple(word for item in asked.items for word in _heard_of(item))
    return next((words for item in asked.items if (words := _heard_of(item))), ()) if isinstance(asked, Or) else ()


def _word_of(asked: Filter) -> str:
    """The one word that a name is to have, "" where that is not what is asked."""
    if isinstance(asked, Or):
        return next((word for item in asked.items if (word := _word_of(item))), "")
    return asked.piece if isinstance(asked, InText) and not NAME_TEXTS.isdisjoint(asked.columns) else ""


def _pair(several: tuple[str, ...]) -> HasTag | None:
    """Two of the words, the longest, as far as three letters of each tell."""
    first, second, *_ = sorted((piece.strip("^$") for piece in several), key=len, reverse=True)
    token = pair_start(first, second)
    return None if token is None else HasTag(token, starts=True)


def _whole(asked: Filter) -> Filter | None:
    """The family name that is typed, where what starts so is too much to put in the order of names."""
    tier = _tier(asked, _FAMILY, most=False)
    if isinstance(tier, InText) and tier.columns == _FAMILY and not is_by_name(tier):
        return InText(_FAMILY, tier.piece + "$")
    return None


def _tier(asked: Filter, where: tuple[str, ...], *, most: bool) -> Filter | None:
    """The same, with the parts about names put at the start of one of ``where``; alternatives that are not about names,
    or (``most``) about one word where another is about several, are left out.  None when nothing is about names."""
    match asked:
        case Or(items):
            chosen = [i for i in items if _words_of(i)] if most else []
            found = [t for i in chosen or items if (t := _tier(i, where, most=most)) is not None]
            return any_of(found) if found else None
        case And(items):
            tiers = [_tier(i, where, most=most) for i in items]
            if not any(tiers):
                return None
            return all_of([t or i for i, t in zip(items, tiers, strict=True)])
        case Substrings(name) if name in _NAMES:
            return _name_tier(pattern_of(asked), where)
        case Approx(name) if name in _NAMES:
            return _approximate(asked, where)
        case InText(columns, piece) if not NAME_TEXTS.isdisjoint(columns):
            if _FULL.isdisjoint(columns) and where != _WORDS:
                where = ("given",) if where == ("sn", "name") else ()
            return _name_tier(Pattern((piece,), piece.startswith("^"), piece.endswith("$")), where)
        case _:
            return None


def has_approximate(asked: Filter) -> bool:
    """Whether names are asked for by sound: how well one fits then says more than a mailbox."""
    if isinstance(asked, And | Or):
        return any(map(has_approximate, asked.items))
    return isinstance(asked, Approx) and asked.attribute in _NAMES


def _approximate(asked: Approx, where: tuple[str, ...]) -> Filter | None:
    """Each word by its tokens; of several, one that is right among those who have all."""
    name, typed = asked.attribute, [ways[0] for ways in units(asked.value.decode())]
    begun = [[word, *(near for near in asked.near if near.startswith(word))] for word in typed]
    if where == _SOUNDS:
        return _all([sound_tokens(code(word), name) for word in typed])
    if where == _BEGUN and any(len(ways) > 1 for ways in begun):
        return _all([[token for way in ways for token in word_tokens(way, name)] for ways in begun])
    if where == _SPELT:
        return _all([word_tokens(word, name) for word in typed])
    if where == _ONE_SPELT and len(typed) > 1:
        return And((asked, _either(token for word in typed for token in word_tokens(word, name))))
    return None


def _all(words: Iterable[Iterable[str]]) -> Filter:
    return all_of([_either(tokens) for tokens in words])


def _either(tokens: Iterable[str]) -> Filter:
    return any_of(list(map(HasTag, tokens)))


def _name_tier(pattern: Pattern | None, where: tuple[str, ...]) -> Filter | None:
    if pattern is None or pattern.tail or where in ((), *_HEARD):
        return None
    first, *rest = pattern.anchored().pieces
    if where == _WORDS:
        token = start_token(first.removeprefix("^"))
        found: Filter | None = None if token is None else HasTag(token, starts=True)
        return found and all_of([found, *(InText(("sn", "name"), piece) for piece in rest)])
    return all_of([InText(where, first), *(InText(("sn", "name"), piece) for piece in rest)])
