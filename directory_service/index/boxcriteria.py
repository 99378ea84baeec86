"""The criteria of ``GET /v1/mailboxes``, as filters on ``ou=bal``: what LDAP finds there, found over HTTP.  PURE.

``/v1/search`` finds people; here are the mailboxes of wards, applications and structures too, and those of holders whom
no registry knows.  Nothing is guessed: letters are inside of what they are asked of, as LDAP says it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from directory_service.index.criteria import MADE, every_one, words_in
from directory_service.index.plan.access import COLUMNS
from directory_service.index.query import And, Equal, Filter, InText, Or
from directory_service.model.names import words


def box_filter(asked: Mapping[str, str]) -> Filter:
    """All criteria that are given, by name: those of ``MADE``, ``q`` and ``service``."""
    return And(tuple(_ASKED[name](text) for name, text in asked.items() if text.strip()))


def _anywhere(text: str) -> Filter:
    """Each word, in whatever part of the entry."""
    return every_one(InText(COLUMNS, word) for word in words(text))


def _city(text: str) -> Filter:
    """As over HTTP elsewhere, or as LDAP has it (*METZ CEDEX 01*)."""
    return Or((MADE["city"](text), Equal("l", text.encode())))


_ASKED: Final[Mapping[str, Callable[[str], Filter]]] = {
    **MADE,
    "q": _anywhere,
    "service": words_in("ou"),
    "city": _city,
    "type": lambda text: Equal("asMailboxType", text.encode()),
}
