"""Look-ups by one key: what mail servers ask all day.  Hot path: about 20 µs with the reader's part."""

from __future__ import annotations

from typing import Final

from directory_service.entries.attributes import ATTRIBUTES, index_key, prepare
from directory_service.entries.entry import BAL, CONTAINER, PEOPLE, STRUCTURES
from directory_service.index.plan.predicate import find_values
from directory_service.index.query import Equal, Scope
from directory_service.index.reader import Hit, Reader

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


def key_of(asked: Equal) -> str | None:
    attribute = ATTRIBUTES.get(asked.attribute.lower())
    if attribute is None or not attribute.key or CONTAINER in attribute.branches:
        return None
    return index_key(attribute, asked.value)


def point(reader: Reader, asked: Equal, limits: tuple[int, int], view: int) -> list[Hit] | None:
    """All entries with this value; None when no key finds them.  Other attributes may have the same key."""
    key = key_of(asked)
    if key is None:
        return None
    attribute = ATTRIBUTES[asked.attribute.lower()]
    name, wanted = attribute.name.encode(), prepare(attribute, asked.value)
    return [
        hit
        for hit in reader.by_key(key, *limits, view)
        if any(prepare(attribute, v) == wanted for v in find_values(hit.ber, name))
    ]


def ids_of(branch: int) -> tuple[int, int]:
    """The ids of the entries of a branch are between these two."""
    return (branch << 36) - 1, (branch + 1) << 36
