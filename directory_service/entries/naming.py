"""The tokens of a name: its words, how they sound, and where words start.  PURE.

They serve ``~=`` (``index.plan.naming``) and put words that start as typed before others (``index.plan``).  Names
repeat, so that what each gives is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from directory_service.model.names import words
from directory_service.model.phonetics import code, goes_on, heard, spelt


class Letters(NamedTuple):
    """What tokens begin with, beside those of ``attributes``; w is a word that is not the first, q how two start."""

    sound: str
    word: str


FAMILY: Final = Letters("h", "y")
GIVEN: Final = Letters("u", "j")  # apart: many family names are given names of ten times as many
WORDS: Final = (FAMILY.word, GIVEN.word)
_LETTERS: Final = {"sn": (FAMILY,), "givenName": (GIVEN,)}  # and both for ``cn``
_MOST_STARTS: Final = 4
_LEAST_START: Final = 3  # letters
_PAIRED: Final = 3  # letters of each word of a pair: four times as many pairs as entries, in as many lists as matter
_MOST_PAIRED: Final = 3  # words of family and of given names


def sound_tokens(sound: str, attribute: str = "cn") -> tuple[str, ...]:
    """One of them is of each name of which a word sounds so."""
    return tuple([letters.sound + sound for letters in _LETTERS.get(attribute, (FAMILY, GIVEN))])


def word_tokens(word: str, attribute: str = "cn") -> tuple[str, ...]:
    """The same of a folded word of a name, or what it may be written as (``phonetics.heard``)."""
    return tuple([letters.word + word for letters in _LETTERS.get(attribute, (FAMILY, GIVEN))])


def start_token(typed: str) -> str | None:
    """How the tokens of names start in which a word, not the first one, starts so; None when tokens cannot say, or when
    so many would that nothing is gained."""
    return "w" + typed if typed.isascii() and typed.isalnum() and len(typed) >= _LEAST_START else None


def pair_start(first: str, second: str) -> str | None:
    """How the token starts that mailboxes have in whose name a word starts like ``first`` and another like ``second``.
    None when tokens cannot say."""
    both = first + second
    return _pair(first, second) if both.isascii() and both.isalnum() else None


def _pair(first: str, second: str) -> str:
    """Their letters in turn, as long as both have some and three of each at most: what is typed of two words is then
    how the token of the two starts."""
    if len(first) >= _PAIRED and len(second) >= _PAIRED:
        return f"q{first[0]}{second[0]}{first[1]}{second[1]}{first[2]}{second[2]}"
    common = min(len(first), len(second), _PAIRED)
    turns = [a + b for a, b in zip(first[:common], second[:common], strict=True)]
    return "q" + "".join(turns) + (first[common] if common < min(len(first), _PAIRED) else "")


@lru_cache(maxsize=4_096)
def pair_tokens(family: str, given: str) -> str:
    """Those of a name, for mailboxes: any two of its words, in both orders."""
    parts = [part for part in (*_words_of(family), *_words_of(given)) if part.isascii()]
    pairs = (_pair(a, b) for n, a in enumerate(parts) for m, b in enumerate(parts) if n != m)
    return " ".join(dict.fromkeys(pairs))


@lru_cache(maxsize=50_000)
def _words_of(name: str) -> list[str]:
    """The words, and all of them written as one."""
    found = words(name)
    return found[:_MOST_PAIRED] if len(found) < 2 else ["".join(found), *found[:_MOST_PAIRED]]


class Tokens(NamedTuple):
    """Those of one name, separated by spaces; ``open``: its last word is a particle, which what follows may go with."""

    text: str
    open: bool


@lru_cache(maxsize=100_000)
def name_tokens(text: str, letters: Letters = FAMILY) -> Tokens:
    if text.isascii() and text.isalpha():  # most names are one word
        lower = text.lower()
        word = spelt(lower)
        own = f"{letters.sound}{code(word)} {letters.word}{word}"
        return Tokens(own if word == lower else f"{own} {letters.word}{lower}", goes_on(word))
    inside = words(text)
    found = [token for part in heard(text) for token in (letters.sound + code(part), letters.word + part)]
    found += [letters.word + word for word in inside]  # *st*, which is heard as *saint*
    starts = ("".join(inside[n:]) for n in range(1, min(len(inside), _MOST_STARTS + 1)))
    found += [token for start in starts if (token := start_token(start))]
    return Tokens(" ".join(dict.fromkeys(found)), bool(inside) and goes_on(spelt(inside[-1])))


def joined_tokens(family: str, given: str) -> str:
    """Those of a person's ``cn``, ``sn`` and ``givenName``."""
    first, second = name_tokens(family), name_tokens(given, GIVEN)
    if not given:
        return first.text
    if first.open or second.open:
        return f"{all_tokens((family, f'{family} {given}', f'{given} {family}'))} {second.text}"
    return f"{first.text} {second.text}"


def all_tokens(names: Iterable[str], letters: Letters = FAMILY) -> str:
    """Those of each of these values."""
    return " ".join(dict.fromkeys(token for name in names for token in name_tokens(name, letters).text.split()))
