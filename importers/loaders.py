"""Which loader a layout has: one function each.  To add a source: its layout in ``layouts``, its function here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from importers.boxes import BoxLoader
from importers.check import Checked
from importers.crosswalk import LinkLoader
from importers.details import DetailLoader
from importers.extract import ExtractFile
from importers.known import Links, People, digest_text
from importers.mssante.parse import is_address
from importers.people import PeopleLoader, Rows
from importers.places import Places
from importers.rows import Holding, Place, Problems
from importers.store import Store


@dataclass(frozen=True, slots=True)
class Work:
    """One file to load, and what the run shares."""

    store: Store
    people: People
    places: Places
    links: Links
    file: ExtractFile
    checked: Checked
    problems: Problems
    groups: Iterator[tuple[bytes, Rows]]

    @property
    def separator(self) -> str:
        return self.file.value_separator


def load_links(work: Work) -> None:
    rows = (row for _, some in work.groups for row in some)
    LinkLoader(work.store, work.people, work.links, work.file.match, work.problems).load(rows, work.separator)


def load_activities(work: Work) -> None:
    """A file is a full picture of each source that has a row in it, and says nothing of the other."""
    sources = {b"8": "rpps.activity", b"0": "adeli.activity"}
    _load_people(work, {kind: s for kind, s in sources.items() if kind in work.checked.kinds}, work.groups)


def _load_people(work: Work, sources: Mapping[bytes, str], groups: Iterator[tuple[bytes, Rows]]) -> None:
    loader = PeopleLoader(work.store, work.people, work.places, work.links, work.file.match, work.problems)
    for source in set(sources.values()):
        loader.open_source(source)
    loader.load(groups, sources, work.separator)
    loader.close_vanished()


def load_details(work: Work) -> None:
    details = DetailLoader(work.store, work.people, work.file.match, work.problems)
    details.load(work.groups, work.separator)
    details.close_vanished()


def load_mailboxes(work: Work) -> None:
    boxes = BoxLoader(work.store, work.people, work.places, "mssante.mailboxes")
    boxes.load(work.groups, work.file.match, work.problems, work.separator)
    boxes.close_vanished()


def load_cat18(work: Work) -> None:
    """People first, then the addresses of their last column, all personal."""
    held: dict[str, list[Holding]] = defaultdict(list)
    _load_people(work, {b"8": "cat18.activity", b"0": "cat18.activity"}, _with_addresses(work, held))
    work.store.flush()
    boxes = BoxLoader(work.store, work.people, work.places, "cat18.mailboxes")
    for address in sorted(held):
        holdings = held[address]
        digest = digest_text(sorted(str(tuple(h)) for h in holdings))
        if not boxes.is_unchanged(address.encode(), digest):
            boxes.add(holdings, digest)
        work.store.flush_if_full()
    boxes.close_vanished()


def _with_addresses(work: Work, held: dict[str, list[Holding]]) -> Iterator[tuple[bytes, Rows]]:
    """Passes the groups on, keeping the addresses met: of unchanged people too, or their mailboxes would close."""
    match, separator = work.file.match, work.separator
    names = ("id_type", "id", "family_name", "given_names", "category_code", "profession_code", "expertise_code")
    pick, at, width = itemgetter(*(match.index(n) for n in names)), match.index("address"), match.width
    place = itemgetter(*(match.index(n) for n in Place._fields))
    for key, rows in work.groups:
        for _, raw in rows:
            values = [*raw.decode().rstrip("\r\n").split(separator), ""]
            address = values[at].strip().lower() if len(values) > width else ""
            if not address:
                continue
            if not is_address(address):
                work.problems.warn("address")
                continue
            scheme, number, family, given, category, profession, specialty = pick(values)
            where = Place._make(place(values))
            named = where if any(where[:-1]) else None
            written = (scheme + number, family, given, category, profession, specialty)
            held[address].append(Holding("PER", address, *written, "", None, named))
        yield key, rows


LOADERS: Mapping[str, Callable[[Work], None]] = {
    "links.adeli_rpps": load_links,
    "rpps.activity": load_activities,
    "rpps.expertise": load_details,
    "rpps.diploma": load_details,
    "mssante.mailboxes": load_mailboxes,
    "cat18.activity": load_cat18,
}
