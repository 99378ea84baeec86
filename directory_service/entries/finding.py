"""The tokens by which the one box of ``/v1/search`` finds a person: words of her names, of the towns and of the names
of the structures where she works or a listed mailbox of hers is used, domains of these mailboxes.  PURE.

They stand in ``tags`` of ``ou=personnes`` only, begin with a digit (those of ``attributes`` and ``naming`` with a
letter), and say of which part of the person the word is.  What was typed is cut into the same words by ``words_of``:
``index.onebox`` looks up what is made here, and nothing else may.  Numbers, codes and postcodes have tokens already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

from directory_service.model.names import SAINTS, words
from directory_service.model.phonetics import PARTICLES, code
from directory_service.model.towns import town_name
from directory_service.model.vocabulary import ARTICLES, generic


class Kind(StrEnum):
    """The first character of a token: what its word is."""

    FAMILY = "1"  # a word of the family name, or several written as one
    GIVEN = "2"
    TOWN = "3"  # the whole name of a town, as one word
    TOWN_PART = "4"  # a word of a name of several
    STRUCTURE = "5"  # a word that tells one structure from another
    COMMON = "6"  # one that very many have: those of ``vocabulary.generic``, so that the beginnings of others are few
    DOMAIN = "7"  # of a mailbox
    INITIAL = "8"  # the first letter of a word of the name, particles too; those of several given names
    TOWN_SOUND = "9"  # how the whole name of a town sounds


_MOST: Final = 8  # words of a name; of longer ones, the first
_DOT, _SIGN = "·", "‧"  # the tokenizer keeps what is not ASCII


def words_of(text: str) -> list[str]:
    """Folded words; *St* is *Saint*."""
    return [SAINTS.get(word, word) for word in words(text)]


def domain_word(text: str) -> str:
    """A mail domain, or the beginning of one, as one word."""
    return "".join(c if c.isalnum() else _DOT if c == "." else _SIGN for c in text.casefold())


def name_words(family: str, given: str) -> str:
    """The tokens of a name, separated by spaces."""
    return f"{_family(family)} {_given(given)}".strip()


@lru_cache(maxsize=100_000)
def _family(text: str) -> str:
    """Each word but particles, and all from each word on: ``LE GOFF`` is *goff* and *legoff*."""
    found = words_of(text)[:_MOST]
    ends = ["".join(found[n:]) for n in range(len(found))]
    alone = [word for word in found if word not in PARTICLES]
    return _tokens(Kind.FAMILY, (*alone, *ends), [word[0] for word in found])


@lru_cache(maxsize=100_000)
def _given(text: str) -> str:
    """Each word, and neighbours as one: the extracts write *JEAN PIERRE* for Jean-Pierre."""
    found = words_of(text)[:_MOST]
    pairs = ["".join(pair) for pair in pairwise(found)]
    letters = "".join(word[0] for word in found)
    several = [letters[:n] for n in (2, 3) if n <= len(letters)]  # *jp* is JEAN PIERRE MARIE, too
    return _tokens(Kind.GIVEN, (*found, *pairs), [*[word[0] for word in found], *several])


def _tokens(kind: Kind, found: Iterable[str], initials: Iterable[str]) -> str:
    return " ".join(dict.fromkeys([*[kind + word for word in found], *[Kind.INITIAL + word for word in initials]]))


@lru_cache(maxsize=50_000)
def town_words(town: str) -> tuple[str, ...]:
    """The tokens of a town, whatever the mail adds to its name (*LYON CEDEX 03*, *Lyon 3e Arrondissement*)."""
    found = town_name(town)
    if not found:
        return ()
    whole = "".join(found)
    parts = (Kind.TOWN_PART + word for word in found if len(found) > 1 and word not in ARTICLES)
    return tuple(dict.fromkeys((Kind.TOWN + whole, *parts, Kind.TOWN_SOUND + code(whole))))


@lru_cache(maxsize=50_000)
def structure_words(names: Sequence[str]) -> tuple[str, ...]:
    """The tokens of the names of a structure."""
    found = dict.fromkeys(word for name in names for word in words_of(name) if word not in ARTICLES)
    return tuple([(Kind.COMMON if word in generic() else Kind.STRUCTURE) + word for word in found])


def domain_words(addresses: Iterable[str]) -> tuple[str, ...]:
    """The tokens of the domains of these addresses."""
    return tuple(dict.fromkeys(Kind.DOMAIN + domain_word(a.rpartition("@")[2]) for a in addresses))
