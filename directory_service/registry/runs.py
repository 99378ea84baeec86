"""Runs: each change that came as a whole (an import, a rollback), its files, its impact, the rows it set aside.

A run is written inside the transaction that makes its changes: a run that failed was never there.  A file that was
read before is told by its digest, whatever it is called today.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from directory_service.errors import NotFound
from directory_service.registry.clock import now_text
from directory_service.registry.tables import finding, rejection, run, run_file

Impact = Mapping[str, Any]
SKIPPED = "déjà importé, inchangé"  # among the warnings of a file that was read before, and not again


@dataclass(frozen=True, slots=True)
class RunFile:
    """One file of a run, as it was read.  ``rows`` counts the rejected ones too."""

    pk: int
    layout: str
    name: str
    sha256: str
    bytes: int
    rows: int
    rejected: int
    warnings: tuple[str, ...]
    findings: Mapping[str, int] = field(default_factory=dict)  # rule of quality ► lines, the rejected ones too
    published: str | None = None  # when its source made it; NULL before that was kept
    stamped: bool = False  # by the stamp of its name, else by its own date

    @property
    def skipped(self) -> bool:
        return SKIPPED in self.warnings


@dataclass(frozen=True, slots=True)
class Run:
    pk: int
    started_at: str
    finished_at: str | None
    actor: str
    kind: str  # import, rollback, review
    status: str  # running, done, unchanged
    as_of: str
    counts: dict[str, Any]
    files: tuple[RunFile, ...] = ()
    undone_by: int | None = None  # the rollback that took it back
    impact: dict[str, Any] = field(default_factory=dict)
    accepted: dict[str, Any] | None = None  # by whom, why, what: thresholds that somebody let it pass


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A row that was set aside, and why; ``file`` is the name of its file."""

    file: str
    line: int
    column: str
    reason: str
    message: str
    raw: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A row that trips a rule of quality: set aside (then with ``message`` and ``raw``), or kept (with ``value``)."""

    file: str
    layout: str
    line: int
    column: str
    rule: str
    rejected: bool
    message: str
    value: str
    suggestion: str
    raw: str


def create_run(connection: Connection, *, actor: str, kind: str, as_of: str, started_at: str | None = None) -> int:
    """Opens a run and gives its number."""
    values = {"started_at": started_at or now_text(), "actor": actor, "kind": kind, "status": "running", "as_of": as_of}
    return int(connection.execute(insert(run).values(values).returning(run.c.id)).scalar_one())


def finish_run(
    connection: Connection,
    run_id: int,
    *,
    status: str,
    counts: Impact,
    finished_at: str | None = None,
    impact: Impact | None = None,
    accepted: Impact | None = None,
) -> None:
    """Closes a run with what came of it: ``done`` or ``unchanged``, acts in numbers, what it hit, who let it."""
    values = {"finished_at": finished_at or now_text(), "status": status, "counts": json.dumps(counts)}
    values["impact"] = json.dumps(impact or {}, ensure_ascii=False)
    if accepted:
        values["accepted"] = json.dumps(accepted, ensure_ascii=False)
    connection.execute(update(run).where(run.c.id == run_id).values(values))


def add_file(
    connection: Connection,
    run_id: int,
    *,
    layout: str,
    name: str,
    sha256: str,
    size: int,
    rows: int,
    published: str | None = None,
    stamped: bool = False,
    skipped: bool = False,
) -> int:
    """Records a file of a run, and gives its key.  What is wrong with its rows is told when they are read
    (``importers.quarantine``); of one that is ``skipped`` they are not."""
    values = {"run_id": run_id, "layout": layout, "name": name, "sha256": sha256, "bytes": size, "rows": rows}
    told = json.dumps([SKIPPED] if skipped else [], ensure_ascii=False)
    values |= {"rejected": 0, "warnings": told, "published": published, "stamped": stamped}
    return int(connection.execute(insert(run_file).values(values).returning(run_file.c.id)).scalar_one())


def last_file(connection: Connection, layout: str) -> RunFile | None:
    """The last file read of one layout by a run that stands: if the next one has its digest, nothing has changed."""
    query = select(run_file).join(run).where(run_file.c.layout == layout, run.c.undone_by.is_(None))
    found = connection.execute(query.order_by(run_file.c.id.desc()).limit(1)).first()
    return _file(found) if found else None


def find_reading(connection: Connection, layout: str, sha256: str, published: str) -> int | None:
    """The first run that stands and read this very content under another date."""
    mine = run_file.c.layout == layout, run_file.c.sha256 == sha256, run_file.c.published != published
    query = select(func.min(run.c.id)).select_from(run_file.join(run)).where(*mine, run.c.undone_by.is_(None))
    return connection.execute(query).scalar()


def read_runs(connection: Connection, limit: int = 50) -> list[Run]:
    """The last runs, newest first, with their files."""
    rows = connection.execute(select(run).order_by(run.c.id.desc()).limit(limit)).all()
    return [_run(connection, row) for row in rows]


def read_standing(connection: Connection, since: int) -> list[Run]:
    """The runs from number ``since`` on that no rollback took back, newest first; rollbacks themselves left out."""
    query = select(run).where(run.c.id >= since, run.c.undone_by.is_(None), run.c.kind != "rollback")
    return [_run(connection, row) for row in connection.execute(query.order_by(run.c.id.desc())).all()]


def latest_import(connection: Connection) -> tuple[int, str] | None:
    """Of the imports that stand and changed something, the one of the latest date: its number, and that date."""
    stands = run.c.kind == "import", run.c.status == "done", run.c.undone_by.is_(None)
    query = select(run.c.id, run.c.as_of).where(*stands).order_by(run.c.as_of.desc(), run.c.id.desc()).limit(1)
    found = connection.execute(query).first()
    return (found.id, found.as_of) if found else None


def get_run(connection: Connection, run_id: int) -> Run:
    """One run; raises NotFound."""
    row = connection.execute(select(run).where(run.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"aucun passage ne porte le numéro {run_id}")
    return _run(connection, row)


def read_undone(connection: Connection, rollback: int) -> list[Run]:
    """The runs that a rollback took back, newest first; none for a run of another kind."""
    query = select(run).where(run.c.undone_by == rollback).order_by(run.c.id.desc())
    return [_run(connection, row) for row in connection.execute(query).all()]


def read_rejections(connection: Connection, run_id: int, limit: int | None = None) -> list[RejectedLine]:
    """The rows that a run set aside, in the order of its files."""
    told = ("line", "column_name", "reason", "message", "raw", "suggestion")
    shown = (run_file.c.name, *(rejection.c[c] for c in told))
    query = select(*shown).join(run_file, rejection.c.run_file_id == run_file.c.id)
    query = query.where(run_file.c.run_id == run_id).order_by(run_file.c.id, rejection.c.line, rejection.c.id)
    return [RejectedLine(*row) for row in connection.execute(query.limit(limit))]


def each_found(connection: Connection, run_id: int, rule: str | None = None) -> Generator[FoundLine]:
    """What each line of a run tripped, of one rule or of all: file by file, the rejected rows first; streamed."""
    get_run(connection, run_id)
    for file in connection.execute(select(run_file).where(run_file.c.run_id == run_id).order_by(run_file.c.id)).all():
        for table in (rejection, finding):
            kind = table.c.reason if table is rejection else table.c.rule
            query = select(table).where(table.c.run_file_id == file.id).order_by(table.c.line, table.c.id)
            if rule is not None:
                query = query.where(kind == rule)
            with connection.execute(query, execution_options={"yield_per": 1_000}) as rows:  # whoever stops half way
                for row in rows:
                    yield _found(file, row, table is rejection)


def _found(file: Row[Any], row: Row[Any], rejected: bool) -> FoundLine:
    where = file.name, file.layout, row.line, row.column_name
    if rejected:
        return FoundLine(*where, row.reason, True, row.message, "", row.suggestion, row.raw)
    return FoundLine(*where, row.rule, False, "", row.value, row.suggestion, "")


def _run(connection: Connection, row: Row[Any]) -> Run:
    files = connection.execute(select(run_file).where(run_file.c.run_id == row.id).order_by(run_file.c.id))
    known = (row.id, row.started_at, row.finished_at, row.actor, row.kind, row.status, row.as_of)
    accepted = json.loads(row.accepted) if row.accepted else None
    read = tuple(map(_file, files))
    return Run(*known, json.loads(row.counts), read, row.undone_by, json.loads(row.impact), accepted)


def _file(row: Row[Any]) -> RunFile:
    known = (row.id, row.layout, row.name, row.sha256, row.bytes, row.rows, row.rejected)
    told = tuple(json.loads(row.warnings)), json.loads(row.findings)
    return RunFile(*known, *told, row.published, row.stamped)
