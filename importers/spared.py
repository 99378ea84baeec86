"""What rejected rows may have been about.  A row that is rejected is no row that has vanished: the run that rejects it
closes nothing that it may have told of (docs/decisions/0058); the next extract decides.

One ``Spared`` per file, fed by its quarantine.  What a row bears is compared with what would be closed and with nothing
else, so that a cell that is no number, or an address of something else, spares nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from directory_service.model.mailboxes import is_address
from directory_service.model.mistaken import near_numbers
from directory_service.model.names import squash, words
from directory_service.registry.bulk import chunks
from directory_service.registry.tables import practitioner
from importers.extract import SEPARATOR
from importers.known import Known
from importers.quality.characters import without_controls
from importers.rows import Doubt, Match, Rejection, getter
from importers.store import Store

Names = tuple[str, str]
KEPT = "kept"  # act, in the counts of a run: what stands, rejected rows being all that there is of it


class Spared:
    """Of the rejected rows of one file: the keys that they bear, the false numbers."""

    def __init__(self, match: Match, separator: str) -> None:
        self.separator, self.width = separator, match.width
        self.numbers = getter(match, ("id_type", "id", "national_id"))
        self.address = match.index("address")
        self.keys: set[bytes] = set()
        self.doubts: dict[Doubt, None] = {}

    def add(self, rejection: Rejection) -> None:
        # Rows of a quoted file come as they are handed on, or as they will be shown.
        separator = SEPARATOR if SEPARATOR in rejection.raw else self.separator
        values = [without_controls(v.replace("\0", "")).strip() for v in rejection.raw.split(separator)]
        whole = len(values) == self.width
        values += [""] * max(self.width + 1 - len(values), 1)  # the last: where an absent column points
        scheme, number, national = self.numbers(values)
        found = {national, scheme + number, "8" + number, "0" + number, *self._addresses(values, whole)}
        self.keys |= {key.encode() for key in found}
        if rejection.doubt:
            self.doubts[Doubt(*rejection.doubt)] = None

    def _addresses(self, values: Sequence[str], whole: bool) -> set[str]:
        """Where every value is in its place, the one of its column; else the only one that there is."""
        cells = {values[self.address]} if whole else set(values)
        found = {cell.lower() for cell in cells if is_address(cell.lower())}
        return found if len(found) == 1 else set()

    def vanished(self, store: Store, known: Known, kind: str) -> list[tuple[bytes, int]]:
        """(key, subject) of what the source of this file knew, and neither says any more nor may have meant to say in
        a rejected row; what it may is counted, as ``kind``."""
        gone = list(known.vanished())
        if not self.keys:
            return gone
        kept = self.keys & {key for key, _ in gone}
        kept |= self._meant([pair for pair in gone if pair[0] not in kept], store)
        if kept:
            store.counts[kind][KEPT] += len(kept)
        return [pair for pair in gone if pair[0] not in kept]

    def _meant(self, gone: Sequence[tuple[bytes, int]], store: Store) -> set[bytes]:
        """Those that a false number may have been: one error from it, of the same name."""
        subjects = dict(gone)
        near = {d: [key for n in near_numbers(d.number) if (key := n.encode()) in subjects] for d in self.doubts}
        near = {doubt: keys for doubt, keys in near.items() if keys}
        store.flush()
        names = names_of(store, {subjects[key] for keys in near.values() for key in keys})
        return {
            key
            for doubt, keys in near.items()
            for key in keys
            if alike((doubt.family_name, doubt.given_names), names.get(subjects[key], ("", "")))
        }


def names_of(store: Store, pks: Iterable[int]) -> dict[int, Names]:
    found: dict[int, Names] = {}
    columns = practitioner.c.id, practitioner.c.family_name, practitioner.c.given_names
    for some in chunks(sorted(pks)):
        for pk, family, given in store.connection.execute(select(*columns).where(practitioner.c.id.in_(some))):
            found[pk] = (family, given)
    return found


def alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Family name and given names each: the same family name, and given names of which one begins with the other."""
    if not squash(one[0]) or squash(one[0]) != squash(other[0]):
        return False
    first, second = words(one[1]), words(other[1])
    return all(a == b for a, b in zip(first, second, strict=False))
