"""Where ``~=`` on a name looks: tokens of words that are what was typed, sound so, are a typing error away, or are
nicknames.  PURE.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from directory_service.entries.naming import sound_token, word_token
from directory_service.index.plan.access import Access, TagIs, both, either
from directory_service.model.names import squash
from directory_service.model.nicknames import all_names
from directory_service.model.phonetics import mistyped, sounds, units


@lru_cache(maxsize=256)
def sound_access(value: bytes, near: tuple[str, ...]) -> Access:
    """A superset of the entries of which a name is ``phonetics.Alike``; ``near`` as in ``query.Approx``."""
    text = value.decode()
    heard = both(either(map(TagIs, _tokens_of(ways, near))) for ways in units(text))
    return either((heard, _written_as_one(squash(text))))


def _tokens_of(ways: Iterable[str], near: tuple[str, ...]) -> dict[str, None]:
    return dict.fromkeys(token for way in ways for token in _tokens(way, near))


def _tokens(word: str, near: tuple[str, ...]) -> dict[str, None]:
    """In order: the same filter makes the same look-ups."""
    written = (word, *sorted(all_names(word)), *(other for other in near if mistyped(word, other)))
    return dict.fromkeys((*map(sound_token, sounds(word)), *map(word_token, written)))


def _written_as_one(whole: str) -> Access:
    """Whoever's name is this but for its spaces: it begins with her first word, and ends with her last."""
    starts = (TagIs(word_token(whole[: n + 1])) for n in range(len(whole)))
    ends = (TagIs(word_token(whole[n:])) for n in range(len(whole)))
    return both((either(starts), either(ends)))
