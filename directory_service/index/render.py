"""The registry, rendered: entries and mailbox records, batch by batch, by as many processes as asked for.

A share of the work is a region (``registry.regions``): what people, their mailboxes and their structures have in common
is read and rendered once.  A process does a few of them and ends, another takes the next.
Batches come back through pipes, which make a process wait when the writer is behind: memory is bounded whatever the
size of the registry.
Writing is ``writer``'s business.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine

from directory_service.entries.entry import BAL, STAFF, Entry, branch_of
from directory_service.entries.fragments import written
from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.people import known, known_entry, practitioner_entry
from directory_service.entries.record import mailbox_record
from directory_service.entries.structures import organization_entry
from directory_service.errors import RegistryUnavailable
from directory_service.index.pipes import receive, send
from directory_service.index.plan.fours import terms_in
from directory_service.index.plan.pieces import PRINTABLE, SAMPLED
from directory_service.index.schema import HIDDEN, KEY_SEPARATOR
from directory_service.model.mailboxes import Binding
from directory_service.registry import read
from directory_service.registry.batches import Book
from directory_service.registry.engine import open_registry, reading
from directory_service.registry.regions import Household, Region, read_households, read_other_boxes, read_places

REGION: Final = 40_000  # people of a region: large enough to meet structures again, small enough to end together
STINT: Final = 4  # regions of one process
BATCH: Final = 2_500  # records of one batch: 8 MB, and one segment of the text index
_PRINTABLE: Final = frozenset(PRINTABLE)


class Batch(NamedTuple):
    """Rows of the tables of ``schema``; ``letters`` are those of the texts that are not ``PRINTABLE``; ``terms`` how
    often three letters occur in a few of the entries; ``done`` counts records of the registry."""

    entries: list[tuple[Any, ...]]
    bodies: list[tuple[Any, ...]]
    keys: list[tuple[str, int, int]]
    mailboxes: list[tuple[str, bytes]]
    names: list[tuple[Any, ...]]
    letters: str
    terms: dict[str, int]
    done: int


def row_of(entry: Entry) -> tuple[Any, ...]:
    """One row of ``schema.ENTRY_COLUMNS``.  The tokenizer stops at NUL, which texts therefore do not hold."""
    row = (entry.id, *entry[2:12])
    if "\0" not in "".join(entry[3:11]):
        return row
    return tuple(value.replace("\0", "\1") if isinstance(value, str) else value for value in row)


def body_of(entry: Entry) -> tuple[Any, ...]:
    """One row of ``schema.BODY_COLUMNS``."""
    keys = KEY_SEPARATOR.join(entry.keys)
    return (entry.id, entry.dn, keys, entry.created, entry.changed, entry.ber, entry.json, entry.alike)


def names_of(entry: Entry) -> tuple[Any, ...]:
    """One row of ``names``, which holds mailboxes only."""
    return (entry.id, terms_in(row_of(entry)[2:7]))


def batch_of(entries: Iterable[Entry], mailboxes: list[tuple[str, bytes]], done: int) -> Batch:
    """Ready to be written: in the order of the ids, since the writer is quickest so."""
    ordered = sorted(entries)
    keys = [(key, entry.id, entry.view) for entry in ordered for key in entry.keys]
    bodies, terms = list(map(body_of, ordered)), terms_of_some(ordered)
    names = [names_of(entry) for entry in ordered if branch_of(entry.id) == BAL]
    texts = "".join(["".join(entry[3:11]) for entry in ordered])
    if texts.isascii() and texts.isprintable():  # nearly always
        return Batch([(e.id, *e[2:12]) for e in ordered], bodies, keys, mailboxes, names, "", terms, done)
    return Batch(list(map(row_of, ordered)), bodies, keys, mailboxes, names, letters_of(ordered), terms, done)


def terms_of_some(entries: Sequence[Entry]) -> dict[str, int]:
    """In how many of one entry in ``SAMPLED`` each three letters occur.  Unlisted ones are not counted: where searches
    begin, everybody's too, must not depend on them; nor which the others are, so that numbers choose them and not their
    places in a batch."""
    found: Counter[str] = Counter()
    for entry in (e for e in entries if not e.id % SAMPLED and e.view < STAFF):
        found.update({text[i : i + 3] for text in entry[3:11] for i in range(len(text) - 2)})
    return dict(found)


def letters_of(entries: Iterable[Entry]) -> str:
    """Those of unlisted mailboxes left out, as from ``terms_of_some``."""
    entries = [entry for entry in entries if entry.view < STAFF]
    texts = ["".join(entry[3:11]) for entry in entries]
    unusual = [text for text in texts if not (text.isascii() and text.isprintable())]
    return "".join(sorted(set("".join(unusual)) - _PRINTABLE - {"\0"}))


# --- one kind of record each -----------------------------------------------------------------------------------------


def render_mailboxes(
    connection: Connection, suffix: str, ids: Sequence[int]
) -> Iterator[tuple[list[Entry], tuple[str, bytes]]]:
    """For each address: its entries, none once it is closed, and its record."""
    for address, bindings in read.read_bindings(connection, ids):
        yield mailbox_entries(bindings, suffix), _record(address, bindings)


def render_practitioners(connection: Connection, suffix: str, ids: Sequence[int]) -> Iterator[Entry]:
    boxes = read.read_holder_bindings(connection, ids)
    for person, held in _joined(read.read_practitioners(connection, ids), boxes):
        yield practitioner_entry(person, held, suffix)


def render_organizations(connection: Connection, suffix: str, ids: Sequence[int]) -> Iterator[Entry]:
    boxes = read.read_organization_bindings(connection, ids)
    for structure, held in _joined(read.read_organizations(connection, ids), boxes):
        yield organization_entry(structure, held, suffix)


def _joined(records: Iterable[Any], boxes: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[Any, list[Any]]]:
    """Both come in the order of the keys; most records have no mailbox."""
    owner, held = next(boxes, (None, []))
    for record in records:
        while owner is not None and owner < record.pk:
            owner, held = next(boxes, (None, []))
        yield record, held if owner == record.pk else []


class Rendered(NamedTuple):
    """What one record gives, or ``done`` records together."""

    entries: list[Entry]
    mailboxes: list[tuple[str, bytes]]
    done: int = 1


def render(book: Book, suffix: str, region: Region) -> Iterator[Batch]:
    """The batches of one region; those that share the book share structures that people of several have."""
    entries: list[Entry] = []
    mailboxes: list[tuple[str, bytes]] = []
    done = 0
    for found in _rendered(book, suffix, region):
        entries += found.entries
        mailboxes += found.mailboxes
        done += found.done
        if len(entries) >= BATCH:
            yield batch_of(entries, mailboxes, done)
            entries, mailboxes, done = [], [], 0
    yield batch_of(entries, mailboxes, done)


def _rendered(book: Book, suffix: str, region: Region) -> Iterator[Rendered]:
    """All of a region."""
    for household in read_households(book, region.people):
        yield _household(household, suffix)
    for place, held in read_places(book, region.places):
        yield Rendered([organization_entry(place, held, suffix)], [])
    for address, bindings in read_other_boxes(book, region.boxes):
        yield Rendered(mailbox_entries(bindings, suffix), [_record(address, bindings)])


def _household(household: Household, suffix: str) -> Rendered:
    person = known(household.person)
    entries = [known_entry(person, household.held, suffix)]
    for _, bindings in household.boxes:
        entries += mailbox_entries(bindings, suffix, person)
    records = [_record(address, bindings) for address, bindings in household.boxes]
    return Rendered(entries, records, 1 + len(records))


def _record(address: str, bindings: Sequence[Binding]) -> tuple[str, bytes]:
    """The key of an unlisted mailbox is not one that others than the staff look up (``schema.HIDDEN``)."""
    record = mailbox_record(address, bindings)
    return (HIDDEN if record["unlisted"] else "") + address.casefold(), written(record)


# --- several processes -----------------------------------------------------------------------------------------------


def render_all(engine: Engine, suffix: str, work: Sequence[Region], workers: int) -> Iterator[Batch]:
    """Every batch of every region, in no order.  With one worker, in this process."""
    if workers <= 1 or len(work) <= 1:
        with reading(engine) as connection:
            book = Book(connection)
            for region in work:
                yield from render(book, suffix, region)
        return
    yield from _render_aside(engine.url.render_as_string(hide_password=False), suffix, work, workers)


class _Crew:
    """The processes at work, each behind its pipe.  One that has done ``STINT`` regions makes way for a new one: what
    it remembers of names and places grows, and takes more time than it saves."""

    def __init__(self, url: str, suffix: str, work: Sequence[Region]) -> None:
        # Spawned, not forked: the caller may have threads (a progress bar has one).
        self._context = multiprocessing.get_context("spawn")
        self._args = (url, suffix)
        self._waiting = deque(work)
        self._busy: dict[Pipe, SpawnProcess] = {}

    def hire(self) -> None:
        stint = [self._waiting.popleft() for _ in range(min(STINT, len(self._waiting)))]
        if stint:
            ours, theirs = self._context.Pipe(duplex=False)
            process = self._context.Process(target=_work, args=(theirs, *self._args, stint), daemon=True)
            process.start()
            theirs.close()
            self._busy[ours] = process

    def batches(self) -> Iterator[Batch]:
        while self._busy:
            for pipe in wait(list(self._busy)):
                assert isinstance(pipe, Pipe)
                sent = _received(pipe)
                if sent:
                    yield Batch(*marshal.loads(sent))  # noqa: S302 - from our own process
                else:
                    self._dismiss(pipe)
                    self.hire()

    def _dismiss(self, pipe: Pipe) -> None:
        process = self._busy.pop(pipe)
        pipe.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()

    def disband(self) -> None:
        for pipe in list(self._busy):
            self._dismiss(pipe)


def _received(pipe: Pipe) -> bytearray:
    try:
        return receive(pipe)
    except EOFError:
        raise RegistryUnavailable("un processus de construction de l'index s'est arrêté") from None


def _render_aside(url: str, suffix: str, work: Sequence[Region], workers: int) -> Iterator[Batch]:
    crew = _Crew(url, suffix, work)
    try:
        for _ in range(workers):
            crew.hire()
        yield from crew.batches()
    finally:
        crew.disband()


def _work(pipe: Pipe, url: str, suffix: str, work: Sequence[Region]) -> None:
    """A process: renders its regions, and says with nothing that it is done."""
    gc.disable()  # as in registry.batches.quiet: there are no cycles to find, and a heap that grows to look for them in
    engine = open_registry(url)
    try:
        with reading(engine) as connection:
            book = Book(connection)
            for region in work:
                for batch in render(book, suffix, region):
                    # Ten times quicker than pickle, which looks for objects met before.
                    send(pipe, marshal.dumps(tuple(batch), 2))
            send(pipe, b"")
            gc.freeze()  # nor does the end of the process look for any
    except BrokenPipeError:  # the writer gave up
        pass
    finally:
        engine.dispose()
