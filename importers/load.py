"""``run_import``: every file of one command in one run, one transaction, one entry of ``annuaire runs``.

Files are recognised and checked whole before anything is written; what refuses one refuses all.  The order is that of
``layouts.LAYOUTS``, then of the names (the stamp).  A file that was the last one imported of its layout is skipped.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from directory_service.registry.bulk import fast_load
from directory_service.registry.clock import format_instant, now_text
from directory_service.registry.engine import require_current, writing
from directory_service.registry.runs import add_file, create_run, finish_run
from directory_service.registry.tables import run_file
from importers import extract
from importers.boxes import attach_holders
from importers.check import Checked, check
from importers.extract import ExtractFile
from importers.known import Links, People
from importers.layouts import LAYOUTS
from importers.loaders import LOADERS, Work
from importers.places import Places
from importers.progress import Progress, silent
from importers.quarantine import Quarantine
from importers.report import FileReport, ImportReport
from importers.store import Store
from importers.who import reconcile

_SQLITE_CACHE_KIB = 256 * 1024
_ORDER = {layout.id: rank for rank, layout in enumerate(LAYOUTS)}


class _DryRun(Exception):
    """Not a failure: carries the report out of the transaction that it undoes."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report


@dataclass(slots=True)
class _Job:
    """One file: what was recognised, what the first pass learnt, which source it is."""

    file: ExtractFile
    checked: Checked
    layout: str


def run_import(
    engine: Engine,
    paths: Iterable[Path | str],
    *,
    actor: str,
    as_of: datetime | None = None,
    dry_run: bool = False,
    accept: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Imports the extracts found in ``paths``.  Raises ImportRefused, nothing being written; RegistryUnavailable.

    ``as_of``: the instant that the changes bear, now by default.  ``accept`` has room kept for the circuit breaker.
    """
    require_current(engine)
    collecting = gc.isenabled()
    gc.disable()  # millions of live tuples and no cycle: the collector would only walk them again and again
    try:
        return _import(engine, paths, actor, as_of, dry_run, progress or silent)
    finally:
        if collecting:
            gc.enable()


def _import(
    engine: Engine, paths: Iterable[Path | str], actor: str, as_of: datetime | None, dry_run: bool, show: Progress
) -> ImportReport:
    jobs, ignored = _prepare([Path(p) for p in paths], show)
    moment = format_instant(as_of) if as_of else now_text()
    try:
        with writing(engine) as connection:
            report = _Run(connection, actor, moment, show).execute(jobs)
            report = replace(report, ignored=tuple(ignored))
            if dry_run:
                raise _DryRun(replace(report, run=None, status="dry-run"))
    except _DryRun as done:
        return done.report
    return report


def _prepare(paths: Sequence[Path], show: Progress) -> tuple[list[_Job], list[str]]:
    files, ignored = [], []
    for path in paths:
        found, others = extract.recognise(path)
        files += found
        ignored += others
    jobs = []
    for file in files:
        checked = check(file, _advance(show, f"contrôle de {file.name}", file.size))
        layout = file.match.layout.id
        if layout == "rpps.activity" and checked.kinds == {b"0"}:
            layout = "adeli.activity"
        jobs.append(_Job(file, checked, layout))
    return sorted(jobs, key=lambda j: (_ORDER[j.file.match.layout.id], j.file.name)), ignored


def _advance(show: Progress, label: str, total: int) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        show(label, done, total)

    return advance


class _Run:
    """The transaction of one command."""

    def __init__(self, connection: Connection, actor: str, as_of: str, show: Progress) -> None:
        self.connection, self.show, self.as_of = connection, show, as_of
        at = now_text()
        self.id = create_run(connection, actor=actor, kind="import", as_of=as_of, started_at=at)
        self.store = Store(connection, run_id=self.id, actor=actor, as_of=as_of, at=at)

    def execute(self, jobs: Sequence[_Job]) -> ImportReport:
        fresh = [job for job in jobs if not self._is_latest(job)]
        reports = [self._skip(job) for job in jobs if job not in fresh]
        if fresh:
            reports += self._load(fresh)
        report = ImportReport(self.id, "done", self.as_of, tuple(reports), self._counts())
        if not report.changed:
            report = replace(report, status="unchanged")
        finish_run(self.connection, self.id, status=report.status, counts=report.counts)
        return report

    def _counts(self) -> dict[str, dict[str, int]]:
        found = {kind: {act: n for act, n in acts.items() if n} for kind, acts in self.store.counts.items()}
        return {kind: acts for kind, acts in found.items() if acts}

    def _is_latest(self, job: _Job) -> bool:
        """Whether the last run that read this layout read this very file."""
        mine = run_file.c.layout == job.layout
        last = select(func.max(run_file.c.run_id)).where(mine).scalar_subquery()
        found = self.connection.execute(select(run_file.c.sha256).where(mine, run_file.c.run_id == last))
        return job.checked.sha256 in set(found.scalars())

    def _skip(self, job: _Job) -> FileReport:
        file, checked = job.file, job.checked
        report = FileReport(file.name, job.layout, checked.sha256, file.size, checked.rows, status="skipped")
        self._record(report)
        return report

    def _record(self, report: FileReport) -> int:
        return add_file(
            self.connection,
            self.id,
            layout=report.layout,
            name=report.name,
            sha256=report.sha256,
            size=report.bytes,
            rows=report.rows,
        )

    def _load(self, jobs: Sequence[_Job]) -> list[FileReport]:
        store = self.store
        self.people, self.places = People(self.connection), Places(store)
        self.links = Links(self.connection)
        # Two files of one source: the second reads what the first wrote, by the indexes that a first load drops.
        once = len({job.layout for job in jobs}) == len(jobs)
        if self.connection.dialect.name == "sqlite":  # until the connection closes; WAL pages are dear to read again
            self.connection.exec_driver_sql(f"PRAGMA cache_size = -{_SQLITE_CACHE_KIB}")
        with fast_load(self.connection) if once else nullcontext():
            reports = [self._load_file(job) for job in jobs]
            self.places.flush()
            store.flush()
        self.show("rapprochement", 0, 0)
        if store.counts["practitioner"].keys() - {"unchanged"} or store.counts["mailbox"].keys() - {"unchanged"}:
            attach_holders(store, self.people)
            reconcile(store, self.people)
        store.flush()
        return reports

    def _load_file(self, job: _Job) -> FileReport:
        file = job.file
        report = FileReport(file.name, job.layout, job.checked.sha256, file.size, job.checked.rows)
        quarantine = Quarantine(self.store, report, self._record(report), file.separator)
        advance = _advance(self.show, f"import de {file.name}", file.size)
        groups = quarantine.watch(extract.groups(file, job.checked.encoding, job.checked.grouped, advance))
        work = Work(self.store, self.people, self.places, self.links, file, job.checked, quarantine.problems, groups)
        for caption in file.match.unknown:
            quarantine.problems.warn(f"colonne inconnue : {caption[:80]}")
        LOADERS[file.match.layout.id](work)
        self.places.flush()
        self.store.note_creations()
        return quarantine.finish()
