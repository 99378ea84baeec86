"""What exists of the numbers that a false one may have been meant for (``model.mistaken``).

Only one or two make a suggestion: more would be a list of who is registered, and no help.
"""

from __future__ import annotations

from typing import Final

from directory_service.entries.attributes import id_key
from directory_service.entries.entry import PEOPLE, STRUCTURES
from directory_service.index.points import ids_of
from directory_service.index.reader import Reader
from directory_service.model.mistaken import Tiers, meant_persons, meant_structures

MOST: Final = 2  # suggestions


def near_persons(reader: Reader, text: str, view: int) -> tuple[str, ...]:
    """Numbers without their type digit, of people whom this view sees."""
    return _existing(reader, meant_persons(text), "i", PEOPLE, view)


def near_structures(reader: Reader, text: str, view: int) -> tuple[str, ...]:
    return _existing(reader, meant_structures(text), "o", STRUCTURES, view)


def _existing(reader: Reader, tiers: Tiers, letter: str, branch: int, view: int) -> tuple[str, ...]:
    """Those of the first tier that has any; none where it has many."""
    low, high = ids_of(branch)
    for tier in tiers:
        found = [n[1:] for n in tier if reader.by_key(id_key(letter, n), low, high, view)]
        if found:
            return tuple(found) if len(found) <= MOST else ()
    return ()
