"""Organizations of a run: found by technical id, FINESS or SIRET, else created; updated when their columns change.

A row without technical id gets a derived one: ``F``+FINESS, ``C``+SIRET, else ``A``+digest of its name and address.
Within a run the first row that names an organization says what it is; a source never overwrites what a better one said.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from directory_service.model.identifiers import structure_national_id
from directory_service.registry.bulk import chunks, plain_rows, update_rows
from directory_service.registry.tables import organization
from importers.digests import digest_text
from importers.impact import relocate
from importers.rows import Place
from importers.sources import box_sources, people_sources
from importers.store import Store

_FIELDS = Place._fields
_UPDATED = (*_FIELDS, "national_id", "source", "digest", "changed_at")
_BATCH = 2_000


class Places:
    """``find`` for rows of activity extracts, ``find_structure`` for rows of mailboxes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ids: dict[str, int] = {}
        self.digests = array("q", [0])  # by id
        # The best first, those of mailboxes after those of activities; "" for one that is installed no more, and over
        # which any other is believed.
        self.sources = {name: n for n, name in enumerate(("", *people_sources(), *box_sources()))}
        self.first_box = len(people_sources()) + 1
        self.ranks = bytearray(1)  # by id: rank of the source
        self.seen = bytearray(1)  # by id: met in this run
        self.changed: dict[int, tuple[Place, str, int, int]] = {}
        self.rewritten = 0  # of which the source that told them before tells something else
        self.adoptable: dict[str, int] = {}  # F… or C… of organizations that only mailboxes spoke of
        self.box_keys: dict[int, str] = {}  # technical ids of the organizations that mailboxes brought
        self.by_number: dict[str, int] | None = None
        self.nationals: dict[str, int] = {}  # idNat_Struct ► the one organization that bears it
        self._load()
        self.before = len(self.ids)

    def _load(self) -> None:
        columns = organization.c
        wanted = (columns.id, columns.technical_id, columns.national_id, columns.digest, columns.source)
        where, locate = (columns.department_code, columns.postcode), self.store.impact.place
        found = plain_rows(self.store.connection, select(*wanted, *where).order_by(columns.id))
        ids, nationals, rank_of, first_box = self.ids, self.nationals, self.sources.get, self.first_box
        for pk, technical, national, digest, source, code, postcode in found:
            locate(pk, code, postcode)
            ids[technical] = nationals[national] = pk
            rank = rank_of(source, 0)
            self._grow(pk, digest, rank)
            if rank >= first_box:
                self.adoptable[technical] = pk
                self.box_keys[pk] = technical

    def _grow(self, pk: int, digest: int, rank: int) -> None:
        missing = pk + 1 - len(self.ranks)
        if missing > 0:
            self.digests.extend([0] * missing)
            self.ranks.extend(bytes(missing))
            self.seen.extend(bytes(missing))
        self.digests[pk], self.ranks[pk] = digest, rank

    def find(self, key: str, place: Sequence[str], source: str, line: int) -> int:
        """The organization that a row names by ``key``, created or noted as changed if need be."""
        pk = self.ids.get(key)
        if pk is not None and self.seen[pk]:
            return pk
        if pk is None:
            pk = self._adopt(key, place) if self.adoptable else None
        if pk is None:
            return self._create(key, place, source, line)
        self._compare(pk, key, place, source, line)
        return pk

    def _adopt(self, key: str, place: Sequence[str]) -> int | None:
        """An organization known from mailboxes only takes the technical id that an activity row gives it."""
        named = Place._make(place)
        for candidate in ("F" + named.finess, "C" + named.siret):
            pk = self.adoptable.pop(candidate, None) if len(candidate) > 1 else None
            if pk is not None:
                del self.ids[candidate]
                self.ids[key] = pk
                return pk
        return None

    def _create(self, key: str, place: Sequence[str], source: str, line: int) -> int:
        store = self.store
        pk = store.next_organization
        store.next_organization += 1
        store.lines["organization"].append(line)
        named = Place._make((key, *place[1:]))
        national = self._national(pk, named)
        digest = digest_text(place)
        store.impact.place(pk, named.department_code, named.postcode)
        self.ids[key] = pk
        self._grow(pk, digest, self.sources[source])
        self.seen[pk] = 1
        if self.by_number is not None:
            self._index(pk, named.finess, named.siret)
        if self.sources[source] >= self.first_box:
            self.adoptable[key] = pk
            self.box_keys[pk] = key
        row = (pk, key, national, *place[1:], source, digest, store.as_of, store.as_of)
        store.pending[organization].append(row)
        return pk

    def _national(self, pk: int, place: Place) -> str:
        """The idNat_Struct, which names one organization only (it is its name over LDAP): where extracts give two
        technical ids for one SIRET or SIREN, the first keeps the number and the others go by their technical id."""
        wanted = structure_national_id(place.technical_id, place.finess, place.siret, place.siren)
        return wanted if self.nationals.setdefault(wanted, pk) == pk else place.technical_id

    def _compare(self, pk: int, key: str, place: Sequence[str], source: str, line: int) -> None:
        rank = self.sources[source]
        if 0 < self.ranks[pk] < rank:  # not seen by it: a row of the better source may come
            return
        self.seen[pk] = 1
        digest = digest_text(place)
        if digest == self.digests[pk] and rank == self.ranks[pk]:
            self.store.counts["organization"]["unchanged"] += 1
            return
        self._grow(pk, digest, rank)
        self.changed[pk] = (Place._make((key, *place[1:])), source, digest, line)
        if len(self.changed) >= _BATCH:
            self.flush()

    # Mailboxes

    def only_mailboxes_know(self, pk: int) -> bool:
        """Whether no activity extract ever named this organization."""
        return self.ranks[pk] >= self.first_box

    def find_structure(self, key: str, place: Sequence[str], source: str, line: int) -> int:
        """The organization that a mailbox names by FINESS, SIRET… or technical id; created from its line if unknown.
        What activity extracts say of an organization is never changed by a mailbox."""
        pk = self.ids.get(key)
        if pk is None:
            pk = self._numbers().get(key)
        if pk is None:
            return self._create(key, place, source, line)
        if not self.seen[pk] and self.only_mailboxes_know(pk):
            self._compare(pk, key, place, source, line)
        return pk

    def _numbers(self) -> dict[str, int]:
        """``F``+FINESS and ``C``+SIRET of every organization, the oldest first."""
        if self.by_number is None:
            self.store.flush()
            self.by_number = {}
            query = select(organization.c.id, organization.c.finess, organization.c.siret).order_by(organization.c.id)
            for pk, finess, siret in self.store.rows(query):
                self._index(pk, finess, siret)
        return self.by_number

    def _index(self, pk: int, finess: str, siret: str) -> None:
        assert self.by_number is not None
        if finess:
            self.by_number.setdefault("F" + finess, pk)
        if siret:
            self.by_number.setdefault("C" + siret, pk)

    def flush(self) -> None:
        """Writes the changes noted so far."""
        if not self.changed:
            return
        self.store.flush()
        changed, self.changed = self.changed, {}
        relocate(self.store, {pk: (place.department_code, place.postcode) for pk, (place, *_) in changed.items()})
        rows = []
        for ids in chunks(sorted(changed)):
            columns = [organization.c[name] for name in ("id", "source", "changed_at", "national_id", *_FIELDS)]
            for pk, *old in self.store.connection.execute(select(*columns).where(organization.c.id.in_(ids))):
                rows.append(self._updated(pk, old, *changed[pk]))
        update_rows(self.store.connection, organization, _UPDATED, rows)

    def _updated(self, pk: int, held: list[str], place: Place, source: str, digest: int, line: int) -> tuple[Any, ...]:
        teller, changed_at, *old = held
        national = self._national(pk, place)
        told = [*zip(("national_id", *_FIELDS), old, (national, *place), strict=True)]
        before = {name: value for name, value, other in told if value != other}
        after = {name: other for name, value, other in told if value != other}
        if after:
            self.rewritten += source == teller
            self.store.note("update", "organization", pk, before, after, line=line)
        return (*place, national, source, digest, self.store.as_of if after else changed_at, pk)
