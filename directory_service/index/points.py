"""Look-ups by one key: what mail servers ask all day.  Hot path: about 13 µs with the reader's part."""

from __future__ import annotations

from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, index_key, prepare, prepared_forms
from directory_service.entries.entry import BAL, CONTAINER, PEOPLE, STRUCTURES, first_id
from directory_service.index.bodies import Hit
from directory_service.index.plan.predicate import find_values
from directory_service.index.query import Equal, Part, Scope
from directory_service.index.reader import Reader

_OUS: Final = {BAL: "bal", PEOPLE: "personnes", STRUCTURES: "structures"}


def points(suffix: str) -> dict[tuple[str, Scope], tuple[int, int]]:
    """Base and scope to the ids below.  Containers have no keys, so that none is forgotten."""
    below = {
        (f"ou={ou},{suffix}", scope): ids_of(branch)
        for branch, ou in _OUS.items()
        for scope in (Scope.ONE, Scope.SUBTREE)
    }
    everything = (ids_of(BAL)[0], ids_of(STRUCTURES)[1])
    return {**below, (suffix, Scope.SUBTREE): everything, ("", Scope.SUBTREE): everything}


# Attributes whose every entry is found by a key, by name in lower case.
_KEYED: Final = {name: a for name, a in ATTRIBUTES.items() if a.key and CONTAINER not in a.branches}


def key_of(asked: Equal) -> str | None:
    attribute = _KEYED.get(asked.attribute.lower())
    return index_key(attribute, asked.value) if attribute else None


def point(reader: Reader, asked: Equal, limits: tuple[int, int], view: int, part: Part = Part.ALL) -> list[Hit] | None:
    """All entries with this value, of which ``ber`` is read at least; None when no key finds them.  Other attributes
    may have the same key."""
    key = key_of(asked)
    if key is None:
        return None
    attribute = ATTRIBUTES[asked.attribute.lower()]
    name, value, found = attribute.name.encode(), asked.value, []
    for hit in reader.by_key(key, *limits, view, Part.BER if part is Part.BER else Part.ALL):
        values = find_values(hit.ber, name)
        if value in values or prepare(attribute, value) in [f for v in values for f in prepared_forms(attribute, v)]:
            found.append(hit)
    return found


def ids_of(branch: int) -> tuple[int, int]:
    """The ids of the entries of a branch are between these two."""
    return first_id(branch) - 1, first_id(branch + 1)
