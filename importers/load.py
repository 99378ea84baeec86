"""``run_import``: every file of one command in one run, one transaction, one entry of ``annuaire runs``.

Files are recognised and checked whole before anything is written; what refuses one refuses all.  Their order, and
which are skipped, is for ``importers.jobs``.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from directory_service.errors import InvalidInput
from directory_service.model.ins import PATIENT_DOMAIN
from directory_service.model.rhythms import DAILY, Rhythms
from directory_service.model.thresholds import Thresholds
from directory_service.registry.bulk import is_empty
from directory_service.registry.clock import format_instant, now_text
from directory_service.registry.engine import filling, reading, require_tables, writing
from directory_service.registry.grants import require_grants
from directory_service.registry.lock import locked, told_by
from directory_service.registry.runs import read_runs
from importers import assistant, extract
from importers.assistant import Assistant
from importers.breaker import Rules, stopped
from importers.check import Checked
from importers.extract import ExtractFile, ListFile
from importers.filedates import date_of
from importers.jobs import Job, in_order
from importers.progress import Progress, silent
from importers.published import LEAD
from importers.report import ImportReport
from importers.rows import LISTED
from importers.sources import source_of
from importers.stages import Stages
from importers.survey import Surveyed, examine
from importers.transaction import Asked, Transaction
from importers.whitelist.job import read_lists


class _DryRun(Exception):
    """Not a failure: carries the report out of the transaction that it undoes."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report


def run_import(
    engine: Engine,
    paths: Iterable[Path | str],
    *,
    actor: str,
    as_of: datetime | None = None,
    dry_run: bool = False,
    accept: str | None = None,
    progress: Progress | None = None,
    processes: int = 1,
    findings: int = LISTED,
    wait: float = 0.0,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
    rhythms: Rhythms = DAILY,
    anchors: Path | None = None,
    signer: str = "",
    lead: timedelta = LEAD,
    patients: str = PATIENT_DOMAIN,
) -> ImportReport:
    """Imports the extracts found in ``paths``.  Raises ImportRefused, nothing being written; RegistryUnavailable,
    RegistryBusy when another import or a rollback is still at work after ``wait`` seconds; CircuitBreaker where the
    impact passes ``thresholds`` and no reason to ``accept`` it is given (a dry run only says so), nothing being written
    either.

    ``as_of``: the instant that the changes bear, now by default.  ``rhythms``: of sources, told when they are silent.
    ``processes``: with two or more, large files are read by another process than the one that writes.
    ``lead``: how long what operators publish may differ from the MSSanté extract before the staff are asked.
    ``findings``: how many lines of each rule of quality and file are kept; all are counted.
    ``anchors``: PEM file, or folder, of the authorities that sign white lists; ``signer``: who alone may (DN).
    ``patients``: their domain, "" for none.
    """
    if accept is not None and not accept.strip():
        raise InvalidInput("un motif est attendu", where="--accept")
    collecting = gc.isenabled()
    gc.disable()  # millions of live tuples and no cycle: the collector would only walk them again and again
    try:
        found, ignored = _recognise([Path(p) for p in paths])
        aside = processes > 1 and sum(file.size for file in found) >= assistant.WORTH
        show = progress or silent
        with (
            locked(engine, work="import", actor=actor, wait=wait, tell=told_by(show)),
            Assistant() if aside else nullcontext() as helper,
        ):
            with reading(engine) as connection:
                require_tables(connection)
                require_grants(connection)
            rules = Rules(thresholds, rhythms, accept.strip() if accept else None)
            asked = Asked(actor, as_of, show, helper, rules, findings, anchors, signer, lead, patients)
            return replace(_import(engine, asked, found, dry_run), ignored=tuple(ignored))
    finally:
        if collecting:
            gc.enable()


def _recognise(paths: Sequence[Path]) -> tuple[list[ExtractFile | ListFile], list[str]]:
    """Each file once, by whatever paths it is reached."""
    files: list[ExtractFile | ListFile] = []
    ignored: list[str] = []
    for path in paths:
        found, others = extract.recognise(path)
        files += found
        ignored += others
    return list({(file.path.resolve(), file.member): file for file in files}.values()), ignored


def _import(engine: Engine, asked: Asked, files: Sequence[ExtractFile | ListFile], dry_run: bool) -> ImportReport:
    """Checks, then one transaction."""
    stages = Stages()
    with stages.during("check"):
        lists = read_lists([f for f in files if isinstance(f, ListFile)], asked.anchors, asked.signer)
        with reading(engine) as connection:
            change = filling if is_empty(connection) else writing
        known = engine if change is writing else None
        jobs = _jobs(asked, [f for f in files if isinstance(f, ExtractFile)], known)
    moment = format_instant(asked.as_of) if asked.as_of else now_text()
    report: ImportReport | None = None
    try:
        with change(engine) as connection:
            report = Transaction(connection, asked, moment, stages).execute(jobs, lists)
            if dry_run:
                raise _DryRun(replace(report, run=None, status="dry-run"))
            if report.breaches and report.accepted is None:
                raise stopped(report, asked.actor)
            start = time.perf_counter()
    except _DryRun as done:
        return done.report
    except KeyboardInterrupt:  # what is committed is told, were it interrupted
        if report is None or not _stands(engine, report.run):
            raise
    stages.add({"commit": time.perf_counter() - start})
    return replace(report, seconds=stages.rounded())


def _jobs(asked: Asked, files: Sequence[ExtractFile], known: Engine | None) -> list[Job]:
    """``known``: the registry, where it is not empty."""
    jobs = [
        Job(file, checked, source_of(file.match.layout), *date_of(file), surveyed)
        for file, checked, surveyed in _checked(asked, files, known)
    ]
    return in_order(jobs)


def _checked(
    asked: Asked, files: Sequence[ExtractFile], known: Engine | None
) -> Iterator[tuple[ExtractFile, Checked, Surveyed | None]]:
    """Each file with what the first pass learnt, in two halves of about the same size where there are two of us."""
    mine, theirs = assistant.halves(files) if asked.assistant else (list(files), [])
    if asked.assistant:
        asked.assistant.ask_checks(theirs, known.url.render_as_string(hide_password=False) if known else "")
    for file in mine:
        yield file, *examine(file, known, asked.advancing("contrôle de", file))
    for file in theirs:
        assert asked.assistant
        yield file, *asked.assistant.checked()
        asked.advancing("contrôle de", file)(file.size)


def _stands(engine: Engine, run_id: int | None) -> bool:
    """Whether a run was committed, asked by who holds the lock: no other may have its number.  As a writer, so that a
    commit under way is over."""
    with writing(engine) as connection:
        return any(known.pk == run_id for known in read_runs(connection, 1))
