"""Which records may be one person: read from the registry by its indexes, never by comparing everybody.

A block is what brings two records together: the family name (or one part of it) with the initial of the given names, a
structure that few share, a mailbox ever held.  A pair whose names leave no room is dropped before anything else is
read.  An unlisted mailbox (*liste rouge*) ties nobody: a merge is public, and would tell who held it (decision 0043).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from typing import Any, Final

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, or_, select

from directory_service.model.names import squash
from directory_service.registry.batches import listed, rows
from directory_service.registry.bulk import chunks, insert_rows
from directory_service.registry.tables import activity, binding, mailbox, organization, practitioner
from importers.mssante.parse import PERSONAL
from importers.reconcile.candidate import Candidate, Pair
from importers.reconcile.features import SOME, Crowds, given_fits, parts, plausible
from importers.store import Store

MOST: Final = SOME  # people of a structure: past it, a given name and a profession single nobody out
_LAST: Final = "zzzzzzzz"  # comes after whatever follows a name, in every collation
_WANTED = Table(
    "match_wanted",
    MetaData(),
    Column("pk", Integer),
    Column("low", Text),
    Column("high", Text),
    Column("size", Integer),  # letters of the family name; given names follow it in the key
    prefixes=["TEMPORARY"],
)
# CROSS JOIN keeps the order on SQLite: each range is looked up in the index of the keys.
_LIKE_NAMED: Final = (
    "SELECT w.pk, w.size, p.id, p.match_key FROM match_wanted w CROSS JOIN practitioner p "
    "WHERE p.match_key BETWEEN w.low AND w.high"
)
_NAMES: Final = "SELECT id, national_id, family_name, given_names, civility_code, profession_code FROM practitioner"
_SEEN: Final = (~mailbox.c.unlisted,)  # and of a binding, that it did not end unlisted
_ADELI = practitioner.c.national_id >= "0", practitioner.c.national_id < "1", practitioner.c.merged_into.is_(None)


class Blocks:
    """What one run may match; ``national_ids`` of everybody read."""

    def __init__(self, store: Store) -> None:
        self.store, self.connection = store, store.connection
        self.national_ids: dict[int, str] = {}
        self.people: dict[int, Candidate] = {}  # as far as names go
        query = select(practitioner.c.id).where(*_ADELI)
        self.pool: Set[int] = set(self.connection.execute(query).scalars())  # under an ADELI number only

    def concerned(self) -> set[int]:
        """Of the pool: those that the run touched, or that may be someone whom it touched."""
        store = self.store
        new = range(store.first_new_practitioner, store.next_practitioner)
        if all(pk >= new.start for pk in self.pool):
            return set(self.pool)
        touched = store.touched["practitioner"] | self._holders(store.touched["mailbox"])
        mine = {pk for pk in self.pool if pk in touched or pk >= new.start}
        if len(mine) == len(self.pool):
            return mine
        others = (touched | set(new)) - self.pool if len(new) < len(self.pool) else None
        if others is None or len(others) > len(self.pool):
            return set(self.pool)
        return mine | {other for _, other in self._around(others, self.pool)}

    def _holders(self, boxes: Iterable[int]) -> set[int]:
        """Of these mailboxes and of the new ones."""
        holder, box = binding.c.practitioner_id, binding.c.mailbox_id
        wanted = [box >= self.store.first_new_mailbox, *(box.in_(some) for some in chunks(sorted(boxes)))]
        found: set[int] = set()
        for condition in wanted:
            query = select(holder).where(condition, holder.is_not(None))
            found.update(self.connection.execute(query).scalars())
        return found

    def read(self, pks: Set[int]) -> tuple[list[Candidate], set[Pair], Crowds]:
        """Candidates, the pairs to compare, and how many work at each structure."""
        pairs = self._around(pks, None)
        read = self._whole(pks | {other for _, other in pairs})
        compared = {(a, r) for a, r in pairs if a in read and r in read and read[r].has_rpps}
        return list(read.values()), compared, self._crowds(read.values())

    def _around(self, pks: Collection[int], wanted: Set[int] | None) -> set[Pair]:
        """(one of ``pks``, another record that may be hers); of ``wanted`` only, or under any number."""
        self._learn(pks)
        named, boxes = self._like_named(pks), self._holding_one_mailbox(pks)
        if wanted is not None:
            named, boxes = ({pair for pair in found if pair[1] in wanted} for found in (named, boxes))
        self._learn({other for _, other in named})
        people = self.people
        # Where her very name is found, who works beside her under another one is not looked for.
        have = {pk for pk, other in named if other in people and people[other].has_rpps}
        placed = {p for p in self._at_one_structure(set(pks) - have) if wanted is None or p[1] in wanted}
        self._learn({other for _, other in placed})
        placed = {(a, b) for a, b in placed if a in people and b in people and plausible(people[a], people[b])}
        return named | placed | boxes

    def _like_named(self, pks: Collection[int]) -> set[Pair]:
        names = [(pk, *each) for pk in pks if pk in self.people for each in ranges(self.people[pk])]
        given = {pk: squash(self.people[pk].given_names) for pk, *_ in names}
        _WANTED.create(self.connection)
        insert_rows(self.connection, _WANTED, ("pk", "low", "high", "size"), names)
        found = {
            (pk, other)
            for pk, size, other, key in rows(self.connection, _LIKE_NAMED)
            if pk != other and given_fits(given[pk], key[size:])
        }
        _WANTED.drop(self.connection)
        return found

    def _at_one_structure(self, pks: Set[int]) -> set[Pair]:
        """Of one profession, at a structure of few people."""
        mine: dict[tuple[int, str], set[int]] = defaultdict(set)
        for some in chunks(sorted(pks)):
            query = select(activity.c.organization_id, activity.c.profession_code, activity.c.practitioner_id)
            query = query.where(activity.c.practitioner_id.in_(some), activity.c.organization_id.is_not(None))
            for place, profession, pk in self.connection.execute(query):
                mine[place, profession].add(pk)
        same = self._same_structures({place for place, _ in mine})
        sizes = self._sizes(set().union(*same.values()) if same else set())
        small = {place for place, size in sizes.items() if size <= MOST}
        staff = self._staff(small)
        return {
            (pk, other)
            for (place, profession), pks_here in mine.items()
            for alias in same[place] & small
            for other in staff.get((alias, profession), ())
            for pk in pks_here
            if pk != other
        }

    def _same_structures(self, places: Set[int]) -> dict[int, set[int]]:
        """Each structure with those that have its FINESS or SIRET: practices of ADELI have rows of their own."""
        same = {place: {place} for place in places}
        columns = organization.c
        by_number: dict[str, set[int]] = defaultdict(set)
        for some in chunks(sorted(places)):
            for pk, *numbers in self.connection.execute(
                select(columns.id, columns.finess, columns.siret).where(columns.id.in_(some))
            ):
                for number in filter(None, numbers):
                    by_number[number].add(pk)
        for some in chunks(sorted(by_number)):
            query = select(columns.id, columns.finess, columns.siret)
            query = query.where(or_(columns.finess.in_(some), columns.siret.in_(some)))
            for pk, *numbers in self.connection.execute(query):
                for number in numbers:
                    for place in by_number.get(number, ()):
                        same[place].add(pk)
        return same

    def _sizes(self, places: Iterable[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for some in chunks(sorted(places)):
            query = select(activity.c.organization_id, func.count()).where(activity.c.organization_id.in_(some))
            found.update(tuple(row) for row in self.connection.execute(query.group_by(activity.c.organization_id)))
        return found

    def _staff(self, places: Iterable[int]) -> dict[tuple[int, str], set[int]]:
        found: dict[tuple[int, str], set[int]] = defaultdict(set)
        for some in chunks(sorted(places)):
            where = listed(some)("organization_id")
            query = f"SELECT organization_id, profession_code, practitioner_id FROM activity WHERE {where}"  # noqa: S608
            for place, profession, pk in rows(self.connection, query):
                found[place, profession].add(pk)
        return found

    def _holding_one_mailbox(self, pks: Collection[int]) -> set[Pair]:
        """These people, and others, who at some time held the same mailbox."""
        one, other = binding.alias("one"), binding.alias("other")
        both = one.join(other, one.c.mailbox_id == other.c.mailbox_id).join(mailbox, one.c.mailbox_id == mailbox.c.id)
        found: set[Pair] = set()
        for some in chunks(sorted(pks)):
            query = (
                select(one.c.practitioner_id, other.c.practitioner_id)
                .select_from(both)
                .where(one.c.practitioner_id.in_(some), other.c.practitioner_id != one.c.practitioner_id)
                .where(*_SEEN, ~one.c.unlisted, ~other.c.unlisted)
            )
            found.update((a, b) for a, b in self.connection.execute(query))
        return found | self._claiming_one_mailbox(pks)

    def _claiming_one_mailbox(self, pks: Collection[int]) -> set[Pair]:
        """People to whom an older source gives, in this run, a mailbox that a better one gives to somebody else."""
        claimed: dict[str, set[int]] = defaultdict(set)
        for pk, addresses in self.store.claims.items():
            if pk in pks:
                for address in addresses:
                    claimed[address].add(pk)
        found: set[Pair] = set()
        query = select(mailbox.c.address, binding.c.practitioner_id).join(binding).where(*_SEEN, ~binding.c.unlisted)
        for some in chunks(sorted(claimed)):
            held = mailbox.c.address.in_(some), binding.c.practitioner_id.is_not(None)
            for address, holder in self.connection.execute(query.where(*held)):
                found.update((pk, holder) for pk in claimed[address] if pk != holder)
        return found

    # --- reading ----------------------------------------------------------------------------------------------

    def _learn(self, pks: Collection[int]) -> None:
        """Names of people not met yet."""
        for some in chunks(sorted(set(pks) - self.people.keys())):
            query = f"{_NAMES} WHERE {listed(some)('id')} AND merged_into IS NULL"
            for pk, national, family, given, civility, job in rows(self.connection, query):
                self.national_ids[pk] = national
                jobs = frozenset([job] if job else [])
                self.people[pk] = Candidate(
                    pk, national[0] == "8", family, given, civility, national_id=national, professions=jobs
                )

    def _whole(self, pks: Set[int]) -> dict[int, Candidate]:
        """Candidates with all that is compared."""
        self._learn(pks)
        found: dict[int, Candidate] = {}
        for some in chunks(sorted(pk for pk in pks if pk in self.people)):
            work, boxes = _work(self.store, some), _boxes(self.store, some)
            for pk in some:
                held = boxes[pk] | self.store.claims.get(pk, set())
                found[pk] = _filled(self.people[pk], work.get(pk, []), held)
        return found

    def _crowds(self, people: Iterable[Candidate]) -> Crowds:
        """How many activities each structure has where two of these people work."""
        met = Counter(key for person in people for key in {key for _, key in person.structures})
        shared = {key for key, times in met.items() if times > 1}
        crowds: dict[str, int] = defaultdict(int)
        columns = organization.c
        for some in chunks(sorted(shared)):
            bare = [key[1:] for key in some]
            query = select(columns.id, columns.technical_id, columns.finess, columns.siret, columns.former_id)
            named = or_(columns.technical_id.in_(some), columns.finess.in_(bare), columns.siret.in_(bare))
            keys = {row[0]: set(_identifying(*row[1:])) for row in self.connection.execute(query.where(named))}
            for place, size in self._sizes(keys).items():
                for key in keys[place] & shared:
                    crowds[key] += size
        return crowds


def ranges(person: Candidate) -> Iterator[tuple[str, str, int]]:
    """(from, to, letters of the family name) of the keys of who may be her: one family name, or one part of it, and one
    initial."""
    given = squash(person.given_names)
    for name in {squash(person.family_name), *parts(person.family_name)} - {""} if given else ():
        yield name + given[0], name + given[0] + _LAST, len(name)


def _filled(person: Candidate, work: list[tuple[str, ...]], boxes: Set[str]) -> Candidate:
    structures, jobs, places, departments = set(), set(person.professions), set(), set()
    for profession, postcode, department, *keys in work:
        structures |= {(profession, key) for key in _identifying(*keys) if profession}
        jobs |= {profession} - {""}
        places |= {postcode} - {""}
        departments |= {_department(department, postcode)} - {""}
    issued = _department(person.national_id[1:3], "")
    if not person.has_rpps and issued.isdigit():
        departments.add(issued)
    return Candidate(
        person.pk, person.has_rpps, person.family_name, person.given_names, person.civility, frozenset(structures),
        frozenset(boxes), person.national_id, frozenset(jobs), frozenset(places), frozenset(departments),
    )  # fmt: skip


def _department(code: str, postcode: str) -> str:
    """Two digits, as postcodes begin: Corsica is 20, and what is overseas 97, whatever letters ADELI numbers have."""
    head = (code or postcode)[:2]
    return _LETTERED.get(head, head)


_LETTERED = {"2A": "20", "2B": "20", **dict.fromkeys(("9A", "9B", "9C", "9D", "9E", "9F"), "97")}


def _work(store: Store, pks: list[int]) -> dict[int, list[tuple[str, ...]]]:
    """Profession, postcode, département and identifiers of structure of each activity."""
    found: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    place = organization.c
    columns = place.postcode, place.department_code, place.technical_id, place.finess, place.siret, place.former_id
    query = select(activity.c.practitioner_id, activity.c.profession_code, *columns).join(organization)
    for pk, *values in store.connection.execute(query.where(activity.c.practitioner_id.in_(pks))):
        found[pk].append(tuple(values))
    return found


def _identifying(technical: str, finess: str, siret: str, former: str) -> list[str]:
    """Structures known by address only have no key.  A practice keeps the ADELI number of its owner as its former
    identifier (type 0, ADELI and rank), under which ADELI itself still has it."""
    found = [
        "F" + finess if finess else "",
        "C" + siret if siret else "",
        "C" + former[1:] if former[:1] == "0" else "",
    ]
    return list(dict.fromkeys(key for key in ("" if technical.startswith("A") else technical, *found) if key))


def _boxes(store: Store, pks: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    query = select(binding.c.practitioner_id, mailbox.c.address).join(mailbox).where(*_SEEN, ~binding.c.unlisted)
    personal: Any = mailbox.c.type.in_(sorted(PERSONAL)), binding.c.practitioner_id.in_(pks)
    for pk, address in store.connection.execute(query.where(*personal)):
        found[pk].add(address)
    return found
