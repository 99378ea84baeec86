"""Where ``~=`` on a name looks: tokens of words that are what was typed, sound so, are a typing error away, or are
nicknames.  PURE.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from directory_service.entries.naming import WORDS, sound_tokens, word_tokens
from directory_service.index.plan.access import ALL, Access, TagIs, both, either
from directory_service.model.names import squash
from directory_service.model.nicknames import all_names
from directory_service.model.phonetics import PARTICLES, mistyped, sounds, units

_MOST_SHARED: Final = 16


@lru_cache(maxsize=32)  # a name of 128 letters has two hundred kilobytes; its branches ask one after another
def sound_access(attribute: str, value: bytes, near: tuple[str, ...]) -> Access:
    """A superset of the entries of which a name, that is ``cn``, ``sn`` or ``givenName``, is ``phonetics.Alike``;
    ``near`` as in ``query.Approx``."""
    text = value.decode()
    found = [_of_unit(ways, near, attribute) for ways in units(text)]
    heard = _each_its_own(*found) if len(found) == 2 else both(map(either, found))
    return either((heard, _written_as_one(squash(text), attribute)))


def _each_its_own(one: Sequence[TagIs], other: Sequence[TagIs]) -> Access:
    """Whoever has a word of each, two different ones: of *Maire Marine*, any *Marie* would do for both.  Words of one
    sound may be two."""
    shared = [tag for tag in one if tag in other and tag.token[0] in WORDS]
    if not shared or len(shared) > _MOST_SHARED:
        return both((either(one), either(other)))
    alone, others = ([tag for tag in tags if tag not in shared] for tags in (one, other))
    pairs = (both((tag, either(shared[n:]))) for n, tag in enumerate(shared[:-1], 1))
    return either((both((either(alone), either(other))), both((either(shared), either(others))), *pairs))


def _of_unit(ways: Iterable[str], near: tuple[str, ...], attribute: str) -> list[TagIs]:
    """In order: the same filter makes the same look-ups."""
    found = (token for way in ways for token in _tokens(way, near, attribute))
    return list(map(TagIs, dict.fromkeys(found)))


def _tokens(word: str, near: tuple[str, ...], attribute: str) -> Iterator[str]:
    for sound in sounds(word):
        yield from sound_tokens(sound, attribute)
    for written in (word, *sorted(all_names(word)), *(other for other in near if mistyped(word, other))):
        yield from word_tokens(written, attribute)


def _written_as_one(whole: str, attribute: str) -> Access:
    """Whoever's name is this but for its spaces: it begins with her first word, after a short one with her second, and
    ends with her last.  A particle has tokens of all that it may be of one word with, and thousands have the same."""
    size = len(whole)

    def any_word(texts: Iterable[str]) -> Access:
        return either(TagIs(token) for text in texts for token in word_tokens(text, attribute))

    def begins(n: int) -> Access:
        second = any_word(whole[n:end] for end in range(n + 1, size + 1)) if n <= _INITIALS else ALL
        return both((any_word((whole[:n],)), second))

    several = (begins(n) for n in range(1, size) if whole[:n] not in _GLUED)
    return both((either((any_word((whole,)), *several)), any_word(whole[n:] for n in range(size))))


_GLUED: Final = PARTICLES - {"st", "ste"}  # which are heard as *saint*
_INITIALS: Final = 2  # letters of a word that thousands have
