"""The homonym shield: which of a few suggestions could be taken for one another, and the shortest facts that tell them
apart.  PURE.

Two holders collide when their names are one once accents, case and order are forgotten (``homonym``), when they sound
the same, or when their addresses are easily mistaken (both ``lookalike``).  Two mailboxes of one holder never do, but
their addresses are compared all the same.  Hot path, with ``confusable``: at every keystroke, for at most 20 items
(docs/reference/performance.md); slow and obvious twins are in ``tests/generative/test_homonyms_twin.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

from directory_service.model.confusable import Holding, Mistaken, looks, mistaken
from directory_service.model.names import squash, words
from directory_service.model.phonetics import code, heard

# What tells people apart, the most readily said first; the number comes last and always does.
FACTS: Final = ("profession", "specialty", "town", "structure", "number")
_NUMBER: Final = len(FACTS) - 1
_LEAST_DIGITS: Final = 4  # of a number: enough for a person to read out, too few to stand for it


class Grade(StrEnum):
    DISTINCT = "distinct"
    HOMONYM = "homonym"
    LOOKALIKE = "lookalike"


class Item(NamedTuple):
    """One suggestion: ``id`` is the holder's, ``facts`` are the first four of ``FACTS``, "" where unknown."""

    id: str
    name: str
    facts: tuple[str, str, str, str]
    addresses: tuple[str, ...] = ()


class Shield(NamedTuple):
    """``apart``: what tells this holder from those it collides with, "" where the name does."""

    grade: Grade
    apart: str
    mistaken: tuple[Mistaken, ...]


_PLAIN: Final = Shield(Grade.DISTINCT, "", ())


class Mark(NamedTuple):
    """What tells whether a suggestion collides with another at all.  The index keeps it beside each mailbox, since most
    suggestions do not, and working it out takes longer than finding them."""

    id: str
    address: str
    folded: str
    sound: str
    eye: str  # what is before the @, as ``confusable.looks`` has it


def write_mark(holder: str, address: str, name: str) -> str:
    keys = name_keys(name)
    return "\n".join((holder, address, " ".join(keys.folded), " ".join(keys.sound), looks(address.partition("@")[0])))


def parse_mark(text: str) -> Mark:
    return Mark(*text.split("\n"))


def colliding(marks: Sequence[Mark]) -> set[int]:
    """The places of those whose name, as written or as it sounds, is that of another holder."""
    found: set[int] = set()
    for keys in ([mark.folded for mark in marks], [mark.sound for mark in marks]):
        if len(set(keys)) < len(keys):
            groups: dict[str, list[int]] = defaultdict(list)
            for place, key in enumerate(keys):
                groups[key].append(place)
            several = (held for key, held in groups.items() if key and len(held) > 1)
            found.update(n for held in several if len({marks[n].id for n in held}) > 1 for n in held)
    return found


Near = Mapping[Holding, Sequence[Mistaken]]  # ``confusable.mistaken``


def shields(items: Sequence[Item], others: Sequence[Item] = (), near: Near | None = None) -> list[Shield]:
    """One for each item, in order.  ``others`` are known besides, and are not shown: an item may be a homonym of them,
    and is told apart from them too.  ``near``: the addresses that those of the items may be taken for, where that is
    known."""
    everyone = (*items, *others)
    keys = [name_keys(item.name) for item in everyone]
    same, alike = _together(everyone, (k.folded for k in keys)), _together(everyone, (k.sound for k in keys))
    if near is None:
        near = mistaken([(address, item.id) for item in items for address in item.addresses])
    if not (same or alike or near):
        return [_PLAIN] * len(items)
    found = []
    for item, key in zip(items, keys, strict=False):
        homonyms, lookalikes = same.get(key.folded, {}), alike.get(key.sound, {})
        confused = [m for address in item.addresses for m in near.get((address, item.id), ())]
        rivals = [other for other in {**lookalikes, **homonyms}.values() if other.id != item.id]
        grade = _grade(bool(homonyms), bool(rivals) or any(not m.own for m in confused))
        found.append(Shield(grade, apart(item, rivals), tuple(confused)))
    return found


def _grade(homonym: bool, lookalike: bool) -> Grade:
    return Grade.HOMONYM if homonym else Grade.LOOKALIKE if lookalike else Grade.DISTINCT


class NameKeys(NamedTuple):
    folded: tuple[str, ...]
    sound: tuple[str, ...]


@lru_cache(maxsize=50_000)
def name_keys(name: str) -> NameKeys:
    """The words of a name in no order, as they are written and as they sound."""
    return NameKeys(tuple(sorted(words(name))), tuple(sorted(code(word) for word in heard(name))))


def _together(everyone: Sequence[Item], keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], dict[str, Item]]:
    """Those of one key, by holder, where they are several; nobody is like who has no name."""
    groups: dict[tuple[str, ...], dict[str, Item]] = defaultdict(dict)
    for item, key in zip(everyone, keys, strict=True):
        groups[key].setdefault(item.id, item)
    return {key: held for key, held in groups.items() if key and len(held) > 1}


# --- facts -----------------------------------------------------------------------------------------------------------

# By size, then by preference: the first that does is the shortest.
_CHOICES: Final = [
    (chosen, sum(1 << n for n in chosen)) for size in range(1, len(FACTS) + 1)
    for chosen in combinations(range(len(FACTS)), size)
]  # fmt: skip
_WITHOUT_NUMBER: Final = [(chosen, mask) for chosen, mask in _CHOICES if _NUMBER not in chosen]
_WITH_NUMBER: Final = ((_NUMBER,), 1 << _NUMBER)  # alone: it needs no other


def apart(item: Item, rivals: Sequence[Item]) -> str:
    """The fewest facts, and of as many the first in the order of ``FACTS``, by which the item differs from each of its
    rivals; the last digits of its number where no others do.  "" without rivals."""
    if not rivals:
        return ""
    chosen, _ = chosen_facts(item, rivals)
    if _NUMBER in chosen:
        return _digits(item.id, [rival.id for rival in rivals])
    return ", ".join(dict.fromkeys([item.facts[n] for n in chosen]))


def chosen_facts(item: Item, rivals: Sequence[Item]) -> tuple[tuple[int, ...], int]:
    mine = _prepared(item.facts)
    masks = {_differences(mine, _prepared(rival.facts)) for rival in rivals}
    return next((c for c in _WITHOUT_NUMBER if all(mask & c[1] for mask in masks)), _WITH_NUMBER)


@lru_cache(maxsize=50_000)
def _prepared(facts: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    profession, specialty, town, structure = map(squash, facts)
    return profession, specialty, town, structure


def _differences(mine: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> int:
    """Bits of the facts that tell them apart.  What is unknown of one of them does not: it might be the same.
    Written out: asked of every two in an answer."""
    (a, b, c, d), (e, f, g, h) = mine, other
    return (
        (1 if a != e and a and e else 0)
        | (2 if b != f and b and f else 0)
        | (4 if c != g and c and g else 0)
        | (8 if d != h and d and h else 0)
    )


def _digits(number: str, others: Sequence[str]) -> str:
    """The end of a number, as long as it must be."""
    for size in range(_LEAST_DIGITS, len(number)):
        if not any(other.endswith(number[-size:]) for other in others):
            return f"n° …{number[-size:]}"
    return f"n° {number}"
