"""Small questions to the registry: its sources and their age, its counts, who holds a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from directory_service.registry.bulk import top_key
from directory_service.registry.tables import (
    activity,
    identifier,
    mailbox,
    operator,
    organization,
    practitioner,
    run,
    run_file,
)
from directory_service.registry.trusted import read_operators as read_operators


class Bounds(NamedTuple):
    """The largest key of each table; 0 for an empty one."""

    practitioner: int
    organization: int
    mailbox: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """The last file read of one source.  ``rows`` counts its rows, the rejected ones left out."""

    name: str  # rpps.activity, mssante.mailboxes…
    run: int
    finished_at: str
    as_of: str
    rows: int
    published: str  # when its source made that file: the stamp of its name, else its date, else when it was read


def bounds(connection: Connection) -> Bounds:
    return Bounds(*(top_key(connection, t) for t in (practitioner, organization, mailbox)))


def read_sources(connection: Connection) -> list[SourceState]:
    """Each source ever read, by name, with its last file: an unchanged file counts, since it says that the source
    still stands; a file of a run that was taken back does not."""
    file, published = run_file.c, func.coalesce(run_file.c.published, run.c.finished_at)
    query = (
        select(file.layout, file.sha256, file.rejected, file.rows, run.c.id, run.c.finished_at, run.c.as_of, published)
        .join(run)
        .where(run.c.finished_at.is_not(None), run.c.kind == "import", run.c.undone_by.is_(None))
        .order_by(run.c.id, run_file.c.id)
    )
    last, bad = dict[str, SourceState](), dict[tuple[str, str], int]()
    for name, digest, rejected, rows, number, finished, as_of, made in connection.execute(query):
        # A file that was skipped tells of no row: it has those of when it was read.
        bad[name, digest] = max(rejected, bad.get((name, digest), 0))
        last[name] = SourceState(name, number, finished, as_of, rows - bad[name, digest], made)
    return [last[name] for name in sorted(last)]


def counts(connection: Connection) -> dict[str, int]:
    """How much the registry holds: the figures of ``/v1/status``, which anybody may see, so that unlisted mailboxes are
    in none: who watches the figure would learn when one is published."""
    listed = mailbox.c.unlisted.is_(False)
    alive = practitioner.c.merged_into.is_(None)
    active = practitioner.c.status == "active"
    asked = {
        "practitioners": select(func.count()).select_from(practitioner).where(alive),
        "practitioners_active": select(func.count()).select_from(practitioner).where(alive, active),
        "organizations": select(func.count()).select_from(organization),
        "activities": select(func.count()).select_from(activity),
        "mailboxes": select(func.count()).select_from(mailbox).where(mailbox.c.until.is_(None), listed),
        "mailboxes_closed": select(func.count()).select_from(mailbox).where(mailbox.c.until.is_not(None), listed),
        "operators": select(func.count()).select_from(operator),
    }
    return {name: int(connection.execute(query).scalar_one()) for name, query in asked.items()}


def resolve(connection: Connection, scheme: str, value: str) -> int | None:
    """Key of the practitioner to whom a number was ever issued, of the record that absorbed hers if one did."""
    held = identifier.c.scheme == scheme, identifier.c.value == value
    key = connection.execute(select(identifier.c.practitioner_id).where(*held)).scalar()
    while key is not None:
        absorbed = connection.execute(select(practitioner.c.merged_into).where(practitioner.c.id == key)).scalar()
        if absorbed is None:
            return int(key)
        key = absorbed
    return None
