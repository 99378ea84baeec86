"""Where ``~=`` on a name looks: tokens of the words that sound like what was typed, are a typing error away, or are
nicknames.  PURE.

A word with one error is among all that one error makes of what was typed, so that its sound is among theirs: some 300
sounds for a word of eight letters.  For two errors in long words, one half of the word is right, and has a token.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from directory_service.entries.naming import halves_of_mistyped, sound_token
from directory_service.index.plan.access import Access, TagIs, both, either
from directory_service.model.nicknames import all_names
from directory_service.model.phonetics import code, is_mistypable, one_edit, sounds, units


@lru_cache(maxsize=256)
def sound_access(value: bytes) -> Access:
    """A superset of the entries of which a name is ``phonetics.Alike``, apart from those that are equal."""
    return both(either(map(TagIs, _tokens_of(ways))) for ways in units(value.decode()))


def _tokens_of(ways: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(token for way in ways for token in _tokens(way))


def _tokens(word: str) -> dict[str, None]:
    """In order: the same filter makes the same look-ups."""
    made = one_edit(word) if is_mistypable(word) else ()
    others = sorted(all_names(word))
    heard = dict.fromkeys((*sounds(word), *map(code, (*others, *made))))
    return dict.fromkeys((*map(sound_token, heard), *halves_of_mistyped(word)))
