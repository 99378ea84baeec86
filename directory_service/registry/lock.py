"""One import or rollback at a time, and who is at it: for those who would come second.

The lock is the system's own, so that a process that dies, however it dies, holds none: ``flock`` on a file beside an
SQLite registry, a transaction's advisory lock on PostgreSQL.  What is written beside it only says whose it is, and is
asked for only while the lock is held.  It keeps whole jobs apart; what keeps transactions apart is ``engine.writing``.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from directory_service.errors import RegistryBusy, RegistryUnavailable
from directory_service.registry.clock import now_text
from directory_service.registry.engine import connected, require_file

_KEY = 0x616E6E76  # beside the writer's own key (engine)
WORKS = {"import": "import", "rollback": "retour en arrière", "review": "réponse"}  # as people read them
_PAUSE = 0.1  # seconds between two looks at a lock that somebody holds


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock.  ``since``: an instant of the registry, UTC."""

    work: str  # import, rollback, review
    actor: str
    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        work = WORKS.get(self.work, self.work)
        return f"{work} de {self.actor}, processus {self.pid} sur {self.host}, depuis {self.since}"


Tell = Callable[[Holder | None], None]


@contextmanager
def locked(
    engine: Engine, *, work: str, actor: str, wait: float = 0.0, tell: Tell = lambda _holder: None
) -> Iterator[None]:
    """Holds the lock.  Waits ``wait`` seconds for whoever has it, telling once who that is; then raises RegistryBusy,
    which says so too.  Asks nothing of an SQLite file, which a first load keeps for itself."""
    require_file(engine)
    host = socket.gethostname().partition(".")[0]
    mine = Holder(work, actor, os.getpid(), host, now_text())
    opened = _in_database if engine.dialect.name == "postgresql" else _in_file
    with opened(engine, mine) as attempt:
        _acquire(attempt, wait, tell)
        with attempt.guarding():
            yield


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One lock: ``take`` says whether it is ours now, ``holder`` whose it is.  ``guarding``: around the work, which
    must not be committed by who has lost it."""

    take: Callable[[], bool]
    holder: Callable[[], Holder | None]
    guarding: Callable[[], AbstractContextManager[object]] = nullcontext


def _acquire(attempt: _Attempt, wait: float, tell: Tell) -> None:
    last, told = time.monotonic() + wait, False
    while not attempt.take():
        holder = attempt.holder()
        if time.monotonic() >= last:
            who = holder or "processus inconnu"
            raise RegistryBusy(f"un autre travail tient le registre : {who} ; recommencez quand il sera terminé")
        if not told and holder:
            tell(holder)
            told = True
        time.sleep(_PAUSE)


# --- SQLite ----------------------------------------------------------------------------------------------------------


@contextmanager
def _in_file(engine: Engine, mine: Holder) -> Iterator[_Attempt]:
    # Never removed: two processes could then hold two files of the same name.
    path = Path(f"{engine.url.database}.lock")
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise RegistryUnavailable(f"le verrou {path} ne peut pas être écrit par ce compte") from error
    with file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            with suppress(OSError):  # a full disk is for the work to tell, if it writes
                file.truncate(0)
                os.write(file.fileno(), json.dumps(asdict(mine)).encode())
            return True

        def holder() -> Holder | None:
            file.seek(0)
            try:
                return Holder(**json.loads(file.read()))
            except ValueError:  # taken, and not signed yet
                return None

        yield _Attempt(take, holder)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@contextmanager
def _in_database(engine: Engine, mine: Holder) -> Iterator[_Attempt]:
    """A connection of its own: the lock outlives the transactions of the work, and ends with the process.  It is held
    by a transaction and not by the session, which a pooler (PgBouncer) would lend to others meanwhile."""
    with connected(engine) as connection:
        name = _signature(mine)

        def take() -> bool:
            taken = connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _KEY}).scalar_one()
            if taken:
                connection.execute(text("SELECT set_config('application_name', :name, true)"), {"name": name})
            return bool(taken)

        try:
            yield _Attempt(take, lambda: _holder(connection), lambda: _guarding(engine, connection))
        finally:  # a session that is closed ends a little later: the next one would find it there
            with suppress(SQLAlchemyError):
                connection.rollback()


@contextmanager
def _guarding(engine: Engine, lock: Connection) -> Iterator[None]:
    """Nothing is committed through ``engine`` once the session that holds the lock has ended, by an administrator or a
    network that drops who is silent: somebody else may have taken the lock, and read what is about to change."""

    def confirm(_: Connection) -> None:
        try:
            lock.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise RegistryUnavailable(
                "le verrou du registre a été perdu en cours de travail : rien n'a été écrit"
            ) from error

    event.listen(engine, "commit", confirm)
    try:
        yield
    finally:
        event.remove(engine, "commit", confirm)


_SIGN = "annuaire"


def _signature(mine: Holder) -> str:
    """As ``application_name``, which every role may read of every session; the server keeps 63 bytes of it."""
    since = mine.since.replace("-", "").replace(":", "")
    head = f"{_SIGN}|{mine.work}|{mine.pid}|{since}|"
    return (head + f"{mine.actor[:14]}|{mine.host}")[:63]


_HELD = text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
    "AND l.granted AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def _holder(connection: Connection) -> Holder | None:
    name = connection.execute(_HELD, {"key": _KEY}).scalar() or ""
    sign, *parts = name.split("|")
    if sign != _SIGN or len(parts) != 5:  # taken, and not signed yet
        return None
    work, pid, since, actor, host = parts
    day, clock = since[:8], since[9:15]
    instant = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"
    return Holder(work, actor, int(pid), host, instant)


def told_by(show: Callable[[str, int, int], None]) -> Tell:
    """A progress display, told who is waited for."""
    return lambda holder: show(f"attente de la fin de : {holder}", 0, 0)
