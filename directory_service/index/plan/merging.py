"""Names and addresses that are to hold one piece, asked at once.  PURE.

Address books ask for what was typed in four attributes; to look for it, and to see whether it is there, is the same
question four times.
"""

from __future__ import annotations

from typing import Final

from directory_service.index.plan.logic import all_of, any_of
from directory_service.index.plan.pieces import pattern_of
from directory_service.index.plan.predicate import OWN, settles
from directory_service.index.query import And, Filter, InText, Or, Substrings

_ORDER: Final = tuple(OWN.values())
_MAIL: Final = {"mail"}


def merged(asked: Filter) -> Filter:
    """The same filter, simplified before, with what texts of several attributes settle as one condition."""
    match asked:
        case And(items):
            return all_of([merged(item) for item in items])
        case Or(items):
            return _or(items)
        case _:
            return asked


def _or(items: tuple[Filter, ...]) -> Filter:
    held: dict[str, set[str]] = {}
    rest: list[Filter] = []
    for item in items:
        piece = _settled(item) if isinstance(item, Substrings) else None
        if piece is None or not isinstance(item, Substrings):
            rest.append(merged(item))
        else:
            held.setdefault(piece, set()).add(OWN[item.attribute])
    for piece, found in held.items():
        if piece[:1] == "^":  # what holds the rest anywhere holds it there
            found -= held.get(piece[1:], set())
    texts: list[Filter] = [
        InText(tuple(c for c in _ORDER if c in found), piece)
        for piece, found in held.items()
        if found and (found != _MAIL or " " not in piece)  # no address holds a space (``model.mailboxes``)
    ]
    return any_of([*texts, *rest])


def plain_piece(leaf: Substrings) -> str | None:
    """The one piece that letters and digits alone are, in names and addresses alike: what is typed mostly."""
    if len(leaf.any) == 1 and not leaf.initial and not leaf.final and leaf.attribute in OWN:
        raw = leaf.any[0]
        return raw.lower().decode() if raw.isalnum() else None  # of octets: no others than those of ASCII
    return None


def is_sure(leaf: Substrings) -> bool:
    """Whether it is plain to see that names or addresses can be asked this."""
    typed = leaf.attribute in OWN and not leaf.initial and not leaf.final
    return typed and all(part.isascii() and part[:1].isalnum() for part in leaf.any)


def _settled(leaf: Substrings) -> str | None:
    """The one piece that the text of the attribute is to hold, where it has such a text."""
    if (plain := plain_piece(leaf)) is not None:
        return plain
    pattern = pattern_of(leaf) if leaf.attribute in OWN else None
    return pattern.pieces[0] if pattern and len(pattern.pieces) == 1 and settles(leaf, pattern) else None
