"""Activity extracts ► practitioners, identifiers, activities, expertise.

One loader per file; a file is a full picture of each source (RPPS, ADELI) present in it.  A person whose rows have not
changed costs a hash and a look-up; a new one is appended to the rows held by ``Store``; a changed one waits for a batch
(``importers.revise``), since what is stored must be read first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from directory_service.registry.tables import activity, expertise, identifier, practitioner, source_record
from importers.known import VOUCHING, Known, Links, People, digest_of, match_key
from importers.places import Places
from importers.revise import Change, Reviser
from importers.rows import Line, Match, Person, Problems
from importers.rpps.parse import SYSTEMS, PersonParser
from importers.store import Store

Rows = list[tuple[int, bytes]]


def lines_of(rows: Sequence[tuple[int, bytes]], separator: str, match: Match, problems: Problems) -> list[Line]:
    """The rows decoded, split and padded with an empty value; those with a wrong number of values are rejected."""
    lines = []
    for number, raw in rows:
        values = raw.decode().rstrip("\r\n").split(separator)
        values.append("")
        line = Line(number, values)
        if b"\x00" in raw:
            problems.reject(line, "", "characters", "caractère nul")
        elif len(values) == match.width + 1 or _trailing(values, match):
            lines.append(line)
        else:
            problems.reject(line, "", "columns", f"{match.width} colonnes attendues, {len(values) - 1} vues")
    return lines


def _trailing(values: list[str], match: Match) -> bool:
    """A trailing separator that the header alone has, or lacks, is no column; ``values`` is made to fit."""
    if len(values) == match.width + 2 and not values[-2]:
        values.pop()
    elif len(values) == match.width and not match.captions[-1]:
        values.append("")
    else:
        return False
    return True


class PeopleLoader:
    """Loads the groups of rows of one activity file."""

    def __init__(
        self, store: Store, people: People, places: Places, links: Links, match: Match, problems: Problems
    ) -> None:
        self.store, self.people, self.places, self.links = store, people, places, links
        self.parser = PersonParser(match, problems)
        self.match, self.problems = match, problems
        self.reviser = Reviser(store, people)
        self.known: dict[str, Known] = {}

    def open_source(self, source: str) -> None:
        self.known[source] = Known(self.store.connection, source)

    def load(self, groups: Iterator[tuple[bytes, Rows]], sources: Mapping[bytes, str], separator: str) -> None:
        """``sources``: type of identifier (first byte of the key) ► source."""
        counts = self.store.counts["practitioner"]
        for key, rows in groups:
            known = self.known.get(sources.get(key[:1], ""))
            digest = digest_of(rows)
            position = known.positions.get(key) if known else None
            if known is not None and position is not None:
                known.seen[position] = 1
                if known.digests[position] == digest and not known.gone[position]:
                    counts["unchanged"] += 1
                    continue
            self.changed(key, rows, digest, known, position, separator)
            self.store.flush_if_full()
        self.reviser.flush()

    def changed(
        self, key: bytes, rows: Rows, digest: int, known: Known | None, position: int | None, separator: str
    ) -> None:
        """A person who is new to the source, or of whom it says something else."""
        before = len(self.problems.rejected)
        lines = lines_of(rows, separator, self.match, self.problems)
        person = self.parser.parse(lines) if lines else None
        if person is None or known is None:
            return
        if len(self.problems.rejected) > before:
            digest = 0  # so that her rejected rows are reported again by the next import
        self.store.labels.add(SYSTEMS, person.labels)
        activities = self._activities(person, known.source)
        pk = self.people.ids.get(key)
        if pk is None:
            self._create(key, person, activities, known.source, digest)
        else:
            self.reviser.add(Change(pk, known.source, key.decode(), digest, position is not None, person, activities))

    def _activities(self, person: Person, source: str) -> list[tuple[Any, ...]]:
        """(organization, codes…) of each; a row that only says that she exists is none."""
        found = [
            (self.places.find(place, source) if place else None, *codes)
            for place, codes in person.activities
            if place or any(codes[2:7])
        ]
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def _create(self, key: bytes, person: Person, activities: list[tuple[Any, ...]], source: str, digest: int) -> None:
        store, pending = self.store, self.store.pending
        pk = store.next_practitioner
        store.next_practitioner += 1
        national = self._identifiers(pk, key, person)
        _, _, family, given, _, _ = person.identity
        pending[practitioner].append(
            (pk, national, "active", store.as_of, *person.identity, match_key(family, given),
             store.as_of, store.as_of)
        )  # fmt: skip
        if activities:
            pending[activity].extend([(pk, a[0], source, *a[1:]) for a in activities])
        if person.expertises:
            pending[expertise].extend([(pk, source, *e) for e in person.expertises])
        pending[source_record].append((source, key.decode(), digest, pk, store.run_id, None))
        self.people.vouch(pk, VOUCHING[source])

    def _identifiers(self, pk: int, key: bytes, person: Person) -> str:
        """Her numbers, those that the crosswalk adds included; gives the national id in force."""
        ids, as_of = self.people.ids, self.store.as_of
        add = self.store.pending[identifier].append
        ids[key] = pk
        rpps = person.value if person.scheme == "8" else self.links.rpps.get(person.value, "")
        if ("8" + rpps).encode() in ids and person.scheme == "0":
            rpps = ""  # the RPPS number went to someone else: a conflict, told when the link was read
        if rpps:
            ids[("8" + rpps).encode()] = pk
            add((pk, "8", rpps, True, as_of, None, "extract" if person.scheme == "8" else "link-table"))
        if person.scheme == "0":
            add((pk, "0", person.value, not rpps, as_of, as_of if rpps else None, "extract"))
        for adeli in self.links.adelis.get(rpps, ()) if rpps else ():
            number = ("0" + adeli).encode()
            if number not in ids:
                ids[number] = pk
                add((pk, "0", adeli, False, as_of, as_of, "link-table"))
        return "8" + rpps if rpps else "0" + person.value

    def close_vanished(self) -> None:
        """Whoever her source no longer names: inactive, unless another activity source still does."""
        for source, known in self.known.items():
            gone = list(known.vanished())
            self.reviser.vanish(source, gone, known.staying({pk for _, pk in gone}))
