"""What is done with the rows of each kind of source (``importers.source``): one function each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from directory_service.model.mailboxes import is_address, is_patient
from importers.boxes import BoxLoader
from importers.boxrules import BoxRules
from importers.crosswalk import LinkLoader
from importers.details import DetailLoader
from importers.digests import digest_text
from importers.extract import ExtractFile
from importers.feed import Feed, Record
from importers.known import Links, People
from importers.people import PeopleLoader
from importers.places import Places
from importers.published import PublishedBoxes
from importers.readers import lines_of
from importers.revise import settle
from importers.rows import Holding, Place, Problems, getter
from importers.source import Kind, Source
from importers.spared import Spared
from importers.store import Store


@dataclass(frozen=True, slots=True)
class Work:
    """One file to load, and what the run shares."""

    store: Store
    people: People
    places: Places
    links: Links
    file: ExtractFile
    source: Source
    sources: Mapping[bytes, str]  # of people: type of identifier ► source
    problems: Problems
    spared: Callable[[], Spared]  # by the rows rejected so far
    feed: Feed
    made: datetime  # when the source made the file, or the date that the import bears if that is before
    lead: timedelta  # by which operators are ahead of the extract
    patients: str  # domain of theirs, whose addresses are left aside

    @property
    def separator(self) -> str:
        return self.file.value_separator


def load_links(work: Work) -> None:
    rows = (row for _, _, some in work.feed.records for row in some)
    match = work.file.match
    parser: Any = work.source.parser(match, work.problems)
    LinkLoader(work.store, work.people, work.links, parser, match, work.problems).load(rows, work.separator)


def load_people(work: Work) -> None:
    if work.source.mailboxes and "address" in work.file.match.columns:
        _load_with_mailboxes(work, work.source.mailboxes)
    else:
        _load_people(work, work.feed)


def _load_people(work: Work, feed: Feed) -> None:
    loader = PeopleLoader(work.store, work.people, work.places, work.links)
    for source in set(work.sources.values()):
        loader.open_source(source, feed)
    loader.load(feed, work.sources)
    loader.close_vanished(work.spared())


def load_details(work: Work) -> None:
    settle(work.store, work.people)
    layout = work.source.layout
    known = work.feed.known_of(work.store.connection, layout.id)
    details = DetailLoader(work.store, work.people, work.links, layout, known)
    details.load(work.feed)
    details.close_vanished(work.spared())


def _box_loader(work: Work, source: str) -> BoxLoader:
    rules = BoxRules(work.store, work.people, work.places, work.problems, work.file.match.caption)
    published = PublishedBoxes(work.store, source, work.made, work.lead)
    known = work.feed.known_of(work.store.connection, source)
    return BoxLoader(work.store, work.people, work.places, known, rules, published)


def load_mailboxes(work: Work) -> None:
    settle(work.store, work.people)
    boxes = _box_loader(work, work.source.layout.id)
    boxes.load(work.feed)
    boxes.close_vanished(work.spared())


def _load_with_mailboxes(work: Work, source: str) -> None:
    """People first, then the addresses that their rows hold, all personal."""
    held: dict[str, list[tuple[int, Holding]]] = defaultdict(list)
    _load_people(work, replace(work.feed, records=_with_addresses(work, held)))
    work.store.flush()
    boxes, spared = _box_loader(work, source), work.spared()
    for address in sorted(held):
        numbers, holdings = zip(*held[address], strict=True)
        digest = digest_text(sorted(str(tuple(h)) for h in holdings))
        boxes.load_holdings(address, digest, numbers, holdings, partial=address.encode() in spared.keys)
    boxes.close_vanished(spared)


def _with_addresses(work: Work, held: dict[str, list[tuple[int, Holding]]]) -> Iterator[Record]:
    """Passes the records on, keeping the addresses met: of unchanged people too, or their mailboxes would close.  A
    rejected row says nothing of its mailbox either, which ``spared`` knows."""
    match, separator = work.file.match, work.separator
    names = ("id_type", "id", "family_name", "given_names", "category_code", "profession_code", "expertise_code")
    pick, place, at = getter(match, names), getter(match, Place._fields), match.index("address")
    rejected = work.problems.rejected
    for key, digest, rows in work.feed.records:
        before = len(rejected)
        yield key, digest, rows  # read meanwhile, unless it is what it was
        left_out = {r.line for r in rejected[before:]}
        for number, values in lines_of(rows, separator, match, Problems(separator)):
            address = values[at].strip().lower()
            if not address or number in left_out:
                continue
            if is_patient(address, work.patients):  # whose it is, is told nowhere
                work.problems.warn("address_dropped", number, match.caption("address"))
                continue
            if not is_address(address):
                work.problems.warn("address_dropped", number, match.caption("address"), address)
                continue
            scheme, value, family, given, category, profession, specialty = pick(values)
            where = Place._make(place(values))
            named = where if any(where[:-1]) else None
            written = (scheme + value, family, given, category, profession, specialty)
            held[address].append((number, Holding("PER", address, *written, "", None, named)))


LOADERS: Mapping[Kind, Callable[[Work], None]] = {
    Kind.LINKS: load_links,
    Kind.PEOPLE: load_people,
    Kind.DETAILS: load_details,
    Kind.MAILBOXES: load_mailboxes,
}
