"""Known people of a build: who is meant when the questions are asked.

Drawn by hash, so that a seed gives the same people of the same build whatever the order; one pass over ids, records
read one at a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import orjson

from directory_service.entries.entry import INACTIVE_RANK, PEOPLE, entry_id
from directory_service.index.files import current_name, open_reader
from directory_service.model.names import squash


@dataclass(frozen=True, slots=True)
class Person:
    """What a user may know of somebody."""

    id: str
    family: str
    given: str
    profession: str  # label
    towns: tuple[str, ...]
    has_mail: bool

    @property
    def name(self) -> tuple[str, str]:
        return squash(self.family), squash(self.given)


def read_person(found: bytes) -> Person:
    """Of the JSON of ``ou=personnes``."""
    said = orjson.loads(found)
    towns = [a["address"]["city"] for a in said["activities"] if a.get("address") and a["address"].get("city")]
    return Person(
        said["id"],
        said["family_name"] or "",
        said["given_names"] or "",
        (said["profession"] or {}).get("label") or "",
        tuple(dict.fromkeys(towns)),
        bool(said["mailboxes"]),
    )


def draw(folder: Path, number: int, seed: int) -> Iterator[Person]:
    """``number`` active people with both names."""
    connection = open_reader(folder / current_name(folder))
    first, last = entry_id(PEOPLE, 0, 0), entry_id(PEOPLE, INACTIVE_RANK, 0)
    try:
        ids = (pk for (pk,) in connection.execute("SELECT id FROM body WHERE id >= ? AND id < ?", (first, last)))
        chosen = heapq.nsmallest(number, ids, key=lambda pk: (crc32(f"{seed}:{pk}".encode()), pk))
        for pk in chosen:
            for (found,) in connection.execute("SELECT json FROM body WHERE id = ?", (pk,)):
                person = read_person(found)
                if all(person.name):
                    yield person
    finally:
        connection.close()
