"""Rejected rows: written aside with their line, reason and text; too many of them, and the file is refused.  Rows that
were kept and trip a rule: counted, the first ones of each rule written with their line."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

from sqlalchemy import update

from directory_service.errors import ImportRefused
from directory_service.registry.tables import finding, rejection, run_file
from importers.feed import HELD
from importers.quality import rules
from importers.quality.characters import shown
from importers.report import FileReport
from importers.rows import LISTED, Doubt, Finding, Match, Problems
from importers.spared import Spared
from importers.store import Store

_SHARE = 0.05  # of rejected rows: above it, columns have moved rather than rows gone bad
_FROM = 20  # rows; the share says little of a smaller file
_DOUBTS = 10_000  # false numbers of one file for which the right one is looked for: about a second's work


class Quarantine:
    """The rejected rows of one file, and what is to be said of the others."""

    def __init__(
        self, store: Store, report: FileReport, run_file_id: int, match: Match, separator: str, kept: int = LISTED
    ) -> None:
        self.store, self.report, self.run_file_id = store, report, run_file_id
        self.problems = Problems(separator, kept)
        self._spared = Spared(match, separator)
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.doubts: list[tuple[int, Doubt]] = []  # line of a rejected row, its number

    def look(self) -> None:
        """Puts aside what was rejected, once there is enough of it; called between two records."""
        if len(self.problems.rejected) >= HELD:
            self._write()

    def spared(self) -> Spared:
        """What all rows rejected so far may have been about."""
        self._write()
        return self._spared

    def _write(self) -> None:
        found = self.problems.rejected
        self.count += len(found)
        self.reasons.update(r.reason for r in found)
        pending = self.store.pending[rejection]
        for r in found:
            pending.append((self.run_file_id, r.line, r.column, r.reason, r.message, shown(r.raw)))
            self._spared.add(r)
            if r.doubt and len(self.doubts) < _DOUBTS:
                self.doubts.append((r.line, Doubt(*r.doubt)))
        rows = self.report.rows
        if self.count == rows or (rows >= _FROM and self.count > rows * _SHARE):
            raise ImportRefused(
                f"lignes rejetées : {self.count} sur {rows} ({_most(self.reasons)}) : les colonnes ont-elles bougé, ou "
                f"un tableur a-t-il enregistré le fichier ? Première : ligne {found[0].line}, {found[0].message}",
                where=self.report.name,
            )
        found.clear()

    def finish(self) -> FileReport:
        """The report of the file, also written to the registry."""
        self._write()
        warnings, found = dict(self.problems.warnings), Counter(self.problems.warnings) + self.reasons
        told = [f"{rules.text(rule)} : {n}" for rule, n in warnings.items()]
        values = {
            "rejected": self.count,
            "warnings": json.dumps(told, ensure_ascii=False),
            "findings": json.dumps(dict(found)),
        }
        where = run_file.c.id == self.run_file_id
        self.store.connection.execute(update(run_file).where(where).values(values))
        return replace(self.report, rejected=self.count, warnings=warnings, reasons=dict(self.reasons))

    def keep(self, suggestions: dict[Finding, str]) -> None:
        """Writes the lines that were kept, with the number probably meant where there is one."""
        pending = self.store.pending[finding]
        for f in sorted(self.problems.findings):  # a process beside tells by batches
            pending.append((self.run_file_id, f.line, f.column, f.rule, shown(f.value), suggestions.get(f, "")))


def _most(reasons: Counter[str]) -> str:
    return ", ".join(f"{rules.text(reason)} : {n}" for reason, n in reasons.most_common(3))
