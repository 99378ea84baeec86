"""Rejected rows: written aside with their line, reason and text; too many of them, and the file is refused."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

from sqlalchemy import update

from directory_service.errors import ImportRefused
from directory_service.registry.tables import rejection, run_file
from importers.feed import HELD
from importers.report import FileReport
from importers.rows import Problems
from importers.store import Store

_SHARE = 0.05  # of rejected rows: above it, columns have moved rather than rows gone bad
_FROM = 20  # rows; the share says little of a smaller file


class Quarantine:
    """The rejected rows of one file."""

    def __init__(self, store: Store, report: FileReport, run_file_id: int, separator: str) -> None:
        self.store, self.report, self.run_file_id = store, report, run_file_id
        self.problems = Problems(separator)
        self.count = 0
        self.reasons: Counter[str] = Counter()

    def look(self) -> None:
        """Puts aside what was rejected, once there is enough of it; called between two records."""
        if len(self.problems.rejected) >= HELD:
            self._write()

    def _write(self) -> None:
        found = self.problems.rejected
        self.count += len(found)
        self.reasons.update(r.reason for r in found)
        pending = self.store.pending[rejection]
        for r in found:
            raw = r.raw.replace("\\x00", "\\ufffd")  # PostgreSQL keeps no NUL in text
            pending.append((self.run_file_id, r.line, r.column, r.reason, r.message, raw))
        rows = self.report.rows
        if self.count == rows or (rows >= _FROM and self.count > rows * _SHARE):
            raise ImportRefused(
                f"{self.count} lignes rejetées sur {rows} ({_most(self.reasons)}) : les colonnes ont-elles bougé ? "
                f"Première : ligne {found[0].line}, {found[0].message}",
                where=self.report.name,
            )
        found.clear()

    def finish(self) -> FileReport:
        """The report of the file, also written to the registry."""
        self._write()
        warnings = dict(self.problems.warnings)
        values = {
            "rejected": self.count,
            "warnings": json.dumps([f"{kind} : {n}" for kind, n in warnings.items()], ensure_ascii=False),
        }
        where = run_file.c.id == self.run_file_id
        self.store.connection.execute(update(run_file).where(where).values(values))
        return replace(self.report, rejected=self.count, warnings=warnings, reasons=dict(self.reasons))


def _most(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} : {n}" for reason, n in reasons.most_common(3))
