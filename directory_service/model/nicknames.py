"""What French people call one another instead of their given names: *Nath* for Nathalie, *Jacky* for Jacques.  PURE.

A table made by hand (``data/nicknames.csv``; ``data/README.md`` says how), of folded words, compounds in one word
(``maite`` for Marie-Thérèse).  A short form may stand for several names, and is then none of them in particular.
Shortenings that the name starts with are here too, where they are what a person goes by (*Fred*, *Manu*).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType


@cache
def nicknames() -> Mapping[str, tuple[str, ...]]:
    """Nickname ► the given names that it stands for."""
    text = resources.files("directory_service.model").joinpath("data", "nicknames.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["nickname"]: tuple(row["given_names"].split()) for row in rows})


@cache
def _called() -> Mapping[str, frozenset[str]]:
    """Every word of the table ► the others that it may stand for, both ways."""
    found: dict[str, set[str]] = {}
    for nickname, names in nicknames().items():
        for name in names:
            found.setdefault(nickname, set()).add(name)
            found.setdefault(name, set()).add(nickname)
    return MappingProxyType({word: frozenset(others) for word, others in found.items()})


_NOBODY: frozenset[str] = frozenset()


def other_names(word: str) -> frozenset[str]:
    """The folded words that the bearer of this given name or nickname may be known by: names for a nickname, nicknames
    for a name.  Empty for most."""
    return _called().get(word, _NOBODY)


def is_nickname(one: str, other: str) -> bool:
    """Whether one of two folded given names is a nickname of the other, or both are of one name (*Steph*, *Stef*)."""
    if one == other:
        return False
    mine = other_names(one)
    return other in mine or bool(mine and _common(one, other))


def all_names(word: str) -> frozenset[str]:
    """Every word that ``is_nickname`` may hold for, and some more."""
    return other_names(word).union(*(other_names(name) for name in nicknames().get(word, ())))


def _common(one: str, other: str) -> bool:
    table = nicknames()
    return not set(table.get(one, ())).isdisjoint(table.get(other, ()))
