"""What one command writes: a run, its files, and all that follows from them, in one transaction.

``load`` has checked the files before, and ends the transaction after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from directory_service.errors import ImportRefused
from directory_service.model.rhythms import silences
from directory_service.registry.bulk import is_empty
from directory_service.registry.clock import now_text, parse_instant
from directory_service.registry.firstload import fast_load
from directory_service.registry.overview import read_sources
from directory_service.registry.runs import (
    add_file,
    create_run,
    find_reading,
    finish_run,
    last_file,
    latest_import,
)
from directory_service.registry.tally import change_tally
from directory_service.registry.undo import recording
from importers import extract
from importers.assistant import Assistant
from importers.boxes import attach_holders
from importers.breaker import Rewritten, Rules, Seen, of_dates, of_file, of_impact, of_rewritten
from importers.doubts import queue_doubtful_holders
from importers.extract import ExtractFile
from importers.feed import Task, feed_beside, feed_here, feed_surveyed
from importers.jobs import Job, fresh
from importers.known import Links, People, speaks
from importers.lastwords import forget_last_words
from importers.loaders import LOADERS, Work
from importers.places import Places
from importers.progress import Progress, advancing
from importers.quality.characters import shown
from importers.quarantine import Quarantine
from importers.reconciling import reconcile
from importers.report import STILL, Breach, FileReport, ImportReport
from importers.revise import settle
from importers.stages import Stages
from importers.store import Store
from importers.suggest import suggest
from importers.whitelist.impact import TrustImpact, of_trust
from importers.whitelist.job import ListJob, refuse_older
from importers.whitelist.load import load_list

# WAL pages are dear to read again; while an empty registry is filled there are none, and few pages are met twice: half
# as much costs 6 % more writing, a quarter 80 %.
_SQLITE_CACHE_KIB = 256 * 1024
_FILLING_CACHE_KIB = 128 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One command, as ``load.run_import`` has it."""

    actor: str
    as_of: datetime | None
    show: Progress
    assistant: Assistant | None
    rules: Rules
    findings: int
    anchors: Path | None
    signer: str
    lead: timedelta
    patients: str

    def advancing(self, what: str, file: ExtractFile) -> Callable[[int], None]:
        return advancing(self.show, f"{what} {file.name}", file.size)


class Transaction:
    """The transaction of one command."""

    def __init__(self, connection: Connection, asked: Asked, as_of: str, stages: Stages) -> None:
        self.connection, self.as_of, self.stages = connection, as_of, stages
        self.show, self.assistant, self.rules, self.findings = asked.show, asked.assistant, asked.rules, asked.findings
        self.lead, self.patients = asked.lead, asked.patients
        self.quarantines: list[Quarantine] = []
        self.trust: list[TrustImpact] = []
        self.rewritten: list[Rewritten] = []
        at, actor = now_text(), asked.actor
        self.id = create_run(connection, actor=actor, kind="import", as_of=as_of, started_at=at)
        self.store = Store(connection, run_id=self.id, actor=actor, as_of=as_of, at=at, stages=stages)

    def execute(self, jobs: Sequence[Job], lists: Sequence[ListJob]) -> ImportReport:
        fresh_jobs, fresh_lists = fresh(self.connection, jobs), fresh(self.connection, lists)
        refuse_older(self.connection, fresh_lists)
        if fresh_jobs or fresh_lists:
            self._refuse_earlier()
        published = self._published()
        breaches = self._against_the_last([*fresh_jobs, *fresh_lists])
        reports = [self._skip(job) for job in jobs if job not in fresh_jobs]
        reports += [self._skip(job) for job in lists if job not in fresh_lists]
        with recording(self.connection, self.id):
            reports += self._load(fresh_jobs) if fresh_jobs else []
            reports += [self._load_list(job) for job in fresh_lists]
        impact = self.store.impact
        breaches += of_impact(impact, self.rules.thresholds)
        breaches += [b for told in self.rewritten for b in of_rewritten(told, self.rules.thresholds)]
        breaches += [b for moved in self.trust for b in of_trust(moved, self.rules.thresholds)]
        told = impact.as_dict() | ({"trust": self.trust[-1].as_dict()} if self.trust else {})
        accepted = self.rules.accepted(self.store.actor, breaches)
        report = ImportReport(self.id, "done", self.as_of, tuple(reports), self._counts(), impact=told,
                              breaches=tuple(breaches), accepted=accepted)  # fmt: skip
        if not report.changed:
            report = replace(report, status="unchanged")
        finish_run(
            self.connection,
            self.id,
            status=report.status,
            counts=report.counts,
            impact=report.impact,
            accepted=accepted,
        )
        if accepted or not breaches:  # else it stops, and the files that came last are the last ones still
            published = self._published()
        silent = silences(published, self.rules.rhythms, parse_instant(self.as_of))
        return replace(report, silent=tuple(silent))

    def _refuse_earlier(self) -> None:
        """What opened with an import would have closed before (docs/decisions/0039).  Raises ImportRefused."""
        last = latest_import(self.connection)
        if last and self.as_of < last[1]:
            number, dated = last
            raise ImportRefused(
                f"les données seraient du {self.as_of}, celles de l'import {number} sont du {dated} : importez dans "
                f"l'ordre des jours (--as-of) ; si l'horloge s'est trompée ce jour-là, annuaire rollback {number}"
            )

    def _against_the_last(self, jobs: Sequence[Job | ListJob]) -> list[Breach]:
        """What is wrong with these files beside those that the registry last read, this very command, and the clock."""
        last: dict[str, Seen | None] = {}
        files = [Seen(job.file.name, job.checked.rows, job.published, job.stamped) for job in jobs]
        found = of_dates(self.as_of, files, self.store.at)
        for job, seen in zip(jobs, files, strict=True):
            if job.layout not in last:
                known = last_file(self.connection, job.layout)
                dated = known and known.published
                last[job.layout] = Seen(known.name, known.rows, dated, known.stamped) if known and dated else None
            found += of_file(seen, last[job.layout], self.rules.thresholds)
            last[job.layout] = seen
        return found

    def _published(self) -> dict[str, str]:
        """When each source made the extract that was read last."""
        return {source.name: source.published for source in read_sources(self.connection)}

    def _counts(self) -> dict[str, dict[str, int]]:
        found = {kind: {act: n for act, n in acts.items() if n} for kind, acts in self.store.counts.items()}
        return {kind: acts for kind, acts in found.items() if acts}

    def _skip(self, job: Job | ListJob) -> FileReport:
        file, checked = job.file, job.checked
        report = FileReport(file.name, job.layout, checked.sha256, file.size, checked.rows, status="skipped")
        last = last_file(self.connection, job.layout)
        if isinstance(job, Job) and last and last.published and not job.stamped:  # fetched again, it is not younger
            job.published, job.stamped = last.published, last.stamped
        self._record(report, job)
        return report

    def _record(self, report: FileReport, job: Job | ListJob) -> int:
        return add_file(
            self.connection,
            self.id,
            layout=report.layout,
            name=report.name,
            sha256=report.sha256,
            size=report.bytes,
            rows=report.rows,
            published=job.published,
            stamped=job.stamped,
            skipped=report.status == "skipped",
        )

    def _load(self, jobs: Sequence[Job]) -> list[FileReport]:
        store = self.store
        self.people, self.places = People(self.connection), Places(store)
        self.links = Links(self.connection)
        links = len(self.links.rpps)
        # Two files of one source: the second reads what the first wrote, by the indexes that a first load drops.
        once = len({job.layout for job in jobs}) == len(jobs)
        if self.connection.dialect.name == "sqlite":  # until the connection closes
            size = _FILLING_CACHE_KIB if is_empty(self.connection) else _SQLITE_CACHE_KIB
            self.connection.exec_driver_sql(f"PRAGMA cache_size = -{size}")
        tasks = self._tasks(jobs)
        if self.assistant:
            self.assistant.ask_batches([task for job, task in zip(jobs, tasks, strict=True) if not job.surveyed])
        with fast_load(self.connection, self.stages.during) if once else nullcontext():
            reports = [self._load_file(job, task) for job, task in zip(jobs, tasks, strict=True)]
            settle(store, self.people)
            self.places.flush()
            store.flush()
            self.rewritten = [
                Rewritten("structures", "structure", self.places.rewritten, self.places.before),
                Rewritten("links", "lien ADELI-RPPS", store.counts["link"]["updated"], links),
            ]
            del self.places, self.links  # asked no more: room for the sorting of indexes
        self.show("rapprochement", 0, 0)
        with self.stages.during("reconcile"):
            if any(store.counts[kind].keys() - STILL for kind in ("practitioner", "mailbox")):
                # Files of details are read after those that say who is back.
                forget_last_words(store, filter(self.people.vouchers, store.back))
                attach_holders(store, self.people)
                reconcile(store, self.people)
                queue_doubtful_holders(store, self.people)
            suggest(store, self.people, self.quarantines)
            store.flush()
        change_tally(self.connection, store.impact.net())
        return reports

    def _load_list(self, job: ListJob) -> FileReport:
        """After the extracts, so that mailboxes are counted where they are now."""
        report = FileReport(job.file.name, job.layout, job.checked.sha256, job.file.size, job.checked.rows)
        self.store.file = self._record(report, job)
        impact = self.store.impact
        with self.stages.during("trust"):
            impact.fold()
            boxes = impact.before["domain"] + Counter({k: acts.net for k, acts in impact.acts["domain"].items()})
            self.trust.append(load_list(self.store, job.listed, boxes))
            self.store.flush()
        self.store.file = None
        return report

    def _tasks(self, jobs: Sequence[Job]) -> list[Task]:
        """What is to be read of each file: all that it says, or its rows where most will be found unchanged."""
        tasks, known = [], set[str]()
        spoken = Counter(source for job in jobs for source in job.speaks_for)
        for job in jobs:
            if any(spoken[source] > 1 for source in job.speaks_for):
                job.surveyed = None  # what the source said last will be what another of these files says
            raw = job.source.raw or any(source in known or speaks(self.connection, source) for source in job.speaks_for)
            checked = job.checked
            how = checked.encoding, checked.grouped, job.sources
            tasks.append(Task(job.file, *how, raw, self.findings, self.patients))
            known |= job.speaks_for
        return tasks

    def _load_file(self, job: Job, task: Task) -> FileReport:
        file = job.file
        captions = tuple(shown(caption[:80]) for caption in file.match.unknown)
        told = file.name, job.layout, job.checked.sha256, file.size, job.checked.rows
        earlier = find_reading(self.connection, job.layout, job.checked.sha256, job.published)
        report = FileReport(*told, unknown=captions, read_by=earlier)
        self.store.file = self._record(report, job)
        quarantine = Quarantine(self.store, report, self.store.file, file.match, file.separator, self.findings)
        self.quarantines.append(quarantine)
        problems, advance = quarantine.problems, advancing(self.show, f"import de {file.name}", file.size)
        for caption in file.match.unknown:
            problems.warn("column_unknown", 1, caption[:80])
        if job.surveyed:
            feed = feed_surveyed(task, job.surveyed, problems, quarantine.look, advance, self.stages)
        elif self.assistant:
            feed = feed_beside(task, self.assistant.answers(), problems, quarantine.look, advance, self.stages)
        else:
            feed = feed_here(task, problems, quarantine.look, advance, self.stages)
        made = min(parse_instant(job.published), parse_instant(self.as_of))
        shared, spared = (self.store, self.people, self.places, self.links), quarantine.spared
        work = Work(*shared, file, job.source, job.sources, problems, spared, feed, made, self.lead, self.patients)
        read_beside = self.assistant and not job.surveyed
        with self.stages.during("diff", without=("wait", "write") if read_beside else ("read", "parse", "write")):
            LOADERS[job.source.kind](work)
            self.places.flush()
            self.store.note_creations()
        extract.refuse_if_changed(file)
        self.store.file = None  # what comes of several files at once is no line's
        return quarantine.finish()
