"""Activity extracts ► practitioners, identifiers, activities, expertise.

One loader per file; a file is a full picture of each source (RPPS, ADELI) present in it.  A person whose rows have not
changed costs a hash and a look-up; a new one is appended to the rows held by ``Store``; a changed one waits for a batch
(``importers.revise``), since what is stored must be read first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from directory_service.registry.tables import activity, expertise, practitioner, source_record
from importers.feed import Feed
from importers.known import Known, Links, People
from importers.numbers import first_numbers
from importers.places import Places
from importers.revise import Change, Reviser
from importers.rows import NAMELESS
from importers.source import System
from importers.sources import vouching
from importers.spared import KEPT, Spared
from importers.store import Store


class PeopleLoader:
    """Loads the groups of rows of one activity file."""

    def __init__(self, store: Store, people: People, places: Places, links: Links) -> None:
        self.store, self.people, self.places, self.links = store, people, places, links
        self.reviser = Reviser(store, people)
        self.known: dict[str, Known] = {}
        self.bits = vouching()
        self.organizations: list[int | None] = [None] * (NAMELESS + 1)  # by the numbers of the feed
        self.codes: list[tuple[str, ...]] = []  # the same

    def open_source(self, source: str, feed: Feed) -> None:
        self.known[source] = feed.known_of(self.store.connection, source)

    def load(self, feed: Feed, sources: Mapping[bytes, str]) -> None:
        """``sources``: type of identifier (first byte of the key) ► source."""
        counts, news = self.store.counts["practitioner"], feed.news
        counts["unchanged"] += feed.unchanged
        for key, digest, given in feed.records:
            known = self.known.get(sources.get(key[:1], ""))
            position = known.positions.get(key) if known else None
            if known is not None and position is not None and known.meet(position, digest):
                counts["unchanged"] += 1
                continue
            said = feed.read(key, digest, given)
            if news.places or news.codes or news.labels:
                self._learn(feed.systems, *news.take())
            if said is not None and known is not None:
                self._changed(known.source, position is not None, *said)
            elif known is not None and position is not None and known.stands(position):
                counts[KEPT] += 1
            self.store.flush_if_full()
        self.reviser.flush()

    def _learn(
        self,
        systems: Sequence[System],
        places: list[tuple[Any, ...]],
        codes: list[tuple[str, ...]],
        labels: list[tuple[str, ...]],
    ) -> None:
        find = self.places.find
        self.organizations += [find(key, place, source, line) for source, line, key, *place in places]
        self.codes += codes
        self.store.labels.add(systems, labels)

    def _changed(
        self,
        source: str,
        held: bool,
        key: bytes,
        digest: int,
        line: int,
        identity: tuple[str, ...],
        names: str,
        situations: list[int],
        skills: list[int],
    ) -> None:
        """A person who is new to the source, or of whom it says something else."""
        organizations, codes = self.organizations, self.codes
        each = iter(situations)
        activities: list[tuple[Any, ...]] = [(organizations[place], *codes[n]) for place, n in zip(each, each)]  # noqa: B905
        expertises = [codes[n] for n in skills]
        if len(activities) > 1:  # two names of one structure
            activities = list(dict.fromkeys(activities))
        pk = self.people.ids.get(key)
        if pk is not None:
            change = Change(pk, source, key.decode(), digest, line, held, identity, expertises, activities)
            self.reviser.add(change)
            return
        store, pending = self.store, self.store.pending
        pk = store.next_practitioner
        store.next_practitioner += 1
        store.lines["practitioner"].append(line)
        text, as_of = key.decode(), store.as_of
        national = first_numbers(store, self.people, self.links, pk, text)
        pending[practitioner].append((pk, national, "active", as_of, *identity, names, as_of, as_of))
        if activities:
            pending[activity].extend([(pk, a[0], source, *a[1:]) for a in activities])
        if expertises:
            pending[expertise].extend([(pk, source, *e) for e in expertises])
        pending[source_record].append((source, text, digest, pk, store.run_id, None))
        store.impact.professions[identity[4]] += 1
        used = store.impact.used
        for a in activities:
            used[a[0] or 0] += 1
        self.people.vouch(pk, self.bits[source])

    def close_vanished(self, spared: Spared) -> None:
        """Whoever her source no longer names: inactive, unless another activity source still does."""
        for source, known in self.known.items():
            self.reviser.vanish(source, spared.vanished(self.store, known, "practitioner"))
