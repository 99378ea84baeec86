"""Keeps the current build up with the registry, by its journal: what changed is rendered again and put in.

One follower a node, beside the readers, which see each of its commits at once.  Where changes would take longer than a
build (first start, another version or suffix, changes of a twentieth of all records), it builds.  It may be stopped at
any point and run twice: applying a change again changes nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import orjson
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from directory_service.entries.entry import PEOPLE, STRUCTURES
from directory_service.entries.places import forget_places
from directory_service.errors import RegistryUnavailable, damaged
from directory_service.index.feed import Place, end_of, write_changes
from directory_service.index.files import current_name, open_reader, open_writer, told_of_index
from directory_service.index.patch import remove_mailbox, replace_mailbox, replace_records, set_meta
from directory_service.index.render import render_mailboxes, render_organizations, render_practitioners
from directory_service.index.schema import HIDDEN, VERSION
from directory_service.index.segments import gather
from directory_service.index.smime import write_certificates
from directory_service.index.writer import build_index, meta_of, operator_states, write_clients, write_operators
from directory_service.ldap.dn import normalise
from directory_service.registry import feed
from directory_service.registry.certificates import read_published
from directory_service.registry.changes import dependants
from directory_service.registry.clients import SUBJECT, read_clients
from directory_service.registry.clock import now_text, parse_instant
from directory_service.registry.engine import reading, require_tables
from directory_service.registry.journal import JournalEntry, decode, last_seq, read_after, read_mark
from directory_service.registry.trusted import read_operators

_STEP: Final = 2_000  # changes applied in one transaction
_FEW: Final = 2_000  # changes that are always put in: a build is another one, with cursors and answers of its own
_SHARE: Final = 20  # of so many records one may have changed: putting in takes ten times as long as building
_MOST: Final = 50_000  # mailboxes of one transaction, past which a build takes less time
_RECORDS: Final = ("practitioners", "organizations", "mailboxes")
_PAUSE: Final = 0.25  # seconds between two looks at the journal: a change is to be visible within one
_COUNT: Final = 60.0  # seconds between two counts while nothing changes
_RECOUNT: Final = 10.0  # seconds between two counts while operators publish: meanwhile no change would show
_PATIENCE: Final = 5.0  # seconds before the registry is asked again when it does not answer


class Stop(Protocol):
    """A ``threading.Event``, or that of ``multiprocessing``."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class _Look(NamedTuple):
    """``stands``: the current build, None where none can be patched; ``last``: change of the journal; ``foreign``: the
    build is not one of this registry."""

    stands: Place | None
    last: int
    foreign: bool

    @property
    def indexed(self) -> int:
        return self.stands.seq if self.stands else 0


class _TooMuchError(Exception):
    """Changes touch so many mailboxes that a build takes less time: domains that change hands."""


class _DamagedError(Exception):
    """A part of the build that nobody had read before does not read."""


@contextmanager
def _told_apart() -> Iterator[None]:
    """The faults of the index, where the registry is read too, which would tell them as its own."""
    with told_of_index():
        try:
            yield
        except sqlite3.DatabaseError as error:
            if damaged(error):
                raise _DamagedError from error
            raise


class Follower:
    """Of the index in ``folder``, for the registry behind ``engine``."""

    def __init__(self, engine: Engine, folder: Path, suffix: str, *, workers: int = 1) -> None:
        self.engine = engine
        self.folder = folder
        self.suffix = suffix
        self.workers = workers
        self._count_at, self._counted = 0.0, -_RECOUNT
        self._fares_at = 0.0

    def run(
        self,
        stop: Stop,
        tell: Callable[[int, int], None] = lambda _written, _indexed: None,
        warn: Callable[[str], None] = lambda _why: None,
    ) -> None:
        """Until ``stop`` is set.  A registry that does not answer is waited for.  ``tell`` is told, at each look, the
        last change of the journal and that of the index; ``warn``, once, why nothing can be followed, and "" when that
        is over."""
        why = ""
        while not stop.is_set():
            pause = _PAUSE
            try:
                look = self._look()
                tell(look.last, look.indexed)
                if self._advance(look):
                    look = self._look()
                    tell(look.last, look.indexed)
                if why:
                    why = ""
                    warn(why)
            except (RegistryUnavailable, DBAPIError) as error:
                pause, before, why = _PATIENCE, why, _told(error)
                if why != before:
                    warn(why)
            stop.wait(pause)

    def catch_up(self) -> int:
        """Brings the index up to the journal.  Gives the number of changes met; those of a full build are counted from
        where the former one stood."""
        return self._advance(self._look())

    def _look(self) -> _Look:
        """At both sides, in one reading of the registry: it is done four times a second."""
        stands = self._usable()
        with reading(self.engine) as connection:
            require_tables(connection)  # it may have been upgraded under us
            last = last_seq(connection)
            return _Look(stands, last, stands is not None and not is_of(connection, stands, last))

    def _advance(self, look: _Look) -> int:
        behind = look.last - look.indexed
        if look.stands is None or look.foreign or self._is_sooner_built(behind):
            build_index(self.engine, self.folder, self.suffix, workers=self.workers)
            return max(0, behind)
        if not behind and time.monotonic() < self._count_at:
            return 0
        with suppress(_TooMuchError, _DamagedError):
            return self._patch()
        build_index(self.engine, self.folder, self.suffix, workers=self.workers)
        return behind

    def _is_sooner_built(self, behind: int) -> bool:
        if behind <= _FEW:
            return False
        with closing(open_reader(self.folder / current_name(self.folder))) as db:
            ((counts,),) = db.execute("SELECT value FROM meta WHERE key = 'counts'")
        told = orjson.loads(counts)
        records: int = sum(told[kind] for kind in _RECORDS)
        return behind > records // _SHARE

    def _patch(self) -> int:
        """Puts the changes into the current build, step by step.  Gives their number."""
        done = 0
        with _told_apart(), closing(open_writer(self.folder / current_name(self.folder))) as db:
            while found := self._step(db):
                done += found
            if done:
                gather(db)
            self._refresh(db, changed=done > 0)
        return done

    def _usable(self) -> Place | None:
        """Where the current build stands; None when there is none that can be patched."""
        with suppress(RegistryUnavailable, sqlite3.DatabaseError):
            path = self.folder / current_name(self.folder)
            if path.exists():
                with closing(open_reader(path)) as db:
                    sql = "SELECT value FROM meta WHERE key IN ('seq', 'suffix', 'version') ORDER BY key"
                    seq, *built_for = (value for (value,) in db.execute(sql))
                    if built_for == [normalise(self.suffix), VERSION]:
                        return end_of(db, int(seq))
        return None

    def _step(self, db: sqlite3.Connection) -> int:
        """One transaction: the next changes of the journal.  Gives their number."""
        with reading(self.engine) as connection, _told_apart():
            (seq,) = db.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
            if not read_after(connection, int(seq), 1):
                return 0
            # Of two followers, the second sees the first's work: it reads ``seq`` once it holds the lock.
            db.execute("BEGIN IMMEDIATE")
            try:
                done = self._apply(db, connection)
                db.execute("COMMIT")
            except _TooMuchError:
                db.execute("COMMIT")  # who may be trusted is true at once, before the build that shows it everywhere
                raise
            except BaseException:
                if db.in_transaction:  # SQLite has ended it where the disk is full
                    db.execute("ROLLBACK")
                raise
            return done

    def _apply(self, db: sqlite3.Connection, connection: Connection) -> int:
        (seq,) = db.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
        changes = read_after(connection, int(seq), _STEP)
        if changes:
            self._render(db, connection, changes)
            write_changes(db, feed.changed(connection, changes), feed.marks(changes))
            forget_places()
            set_meta(db, seq=str(changes[-1].seq))
        return len(changes)

    def _render(self, db: sqlite3.Connection, connection: Connection, changes: list[JournalEntry]) -> None:
        touched = dependants(connection, changes)
        if touched.operators:
            found = read_operators(connection, touched.operators)
            gone = len(found) < len(touched.operators)  # by a rollback: their names are unknown
            write_operators(db, read_operators(connection) if gone else found, whole=gone)
        if any(change.subject == SUBJECT for change in changes):
            write_clients(db, read_clients(connection))
        if len(touched.mailboxes) > _MOST:
            raise _TooMuchError
        people, places, boxes = map(sorted, (touched.practitioners, touched.organizations, touched.mailboxes))
        replace_records(db, PEOPLE, people, list(render_practitioners(connection, self.suffix, people)))
        replace_records(db, STRUCTURES, places, list(render_organizations(connection, self.suffix, places)))
        for address in _addresses_gone(changes):
            remove_mailbox(db, address)
        addresses = []
        for entries, (address, record) in render_mailboxes(connection, self.suffix, boxes):
            replace_mailbox(db, address, record, entries)
            addresses.append(address.removeprefix(HIDDEN))
        write_certificates(db, read_published(connection, addresses))

    def _refresh(self, db: sqlite3.Connection, *, changed: bool) -> None:
        """What the build says of its sources: a file without any change still shows that its source is alive.  Counting
        reads whole tables, so that it comes after the changes, and once in a while without any."""
        now = time.monotonic()
        if changed and now < self._counted + _RECOUNT:
            self._count_at = self._counted + _RECOUNT
            return
        self._counted, self._count_at = now, now + _COUNT
        with reading(self.engine) as connection:
            meta = meta_of(connection, self.suffix, 0, parse_instant(now_text()))
            fares = self._fares(connection)
        told = {name: meta[name] for name in ("sources", "counts")} | fares
        known = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('sources', 'counts', 'operators')"))
        if any(known[name] != value for name, value in told.items()):
            set_meta(db, **told)

    def _fares(self, connection: Connection) -> dict[str, str]:
        """How each operator fares: dearer to count, so that a stream of changes does not wait for it each time."""
        now = time.monotonic()
        if now < self._fares_at:
            return {}
        self._fares_at = now + _COUNT
        return {"operators": operator_states(connection, parse_instant(now_text()))}


def _told(error: RegistryUnavailable | DBAPIError) -> str:
    """Never what a statement held."""
    return str(error) if isinstance(error, RegistryUnavailable) else type(error.orig).__name__


def _addresses_gone(changes: list[JournalEntry]) -> list[str]:
    """Those of mailboxes that a rollback took out: the index knows them by address.  One that was created again since
    is rendered with what comes after."""
    gone = (decode(c.before) for c in changes if (c.kind, c.subject) == ("remove", "mailbox"))
    return [state["address"] for state in gone if state]


def is_of(connection: Connection, stands: Place, last: int) -> bool:
    """Whether the registry is the one that a build which ``stands`` there was made from: it may have been restored from
    a backup, and gone on past that place."""
    return stands.seq <= last and (not stands.mark or stands.mark == read_mark(connection, stands.seq))
