"""What a run writes: rows held back and inserted in bulk, keys given, journal, counts, labels, rejections.

A loader appends tuples to the lists of ``Store`` in the order of the columns below, and calls ``flush_if_full`` between
two records.  Everything happens in the transaction that the caller opened.  Nothing here knows a format.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Select, Table, select

from directory_service.registry import decisions
from directory_service.registry.bulk import insert_numbered, insert_rows, is_empty, next_id
from directory_service.registry.decisions import Decision
from directory_service.registry.tables import (
    activity,
    binding,
    expertise,
    finding,
    identifier,
    journal,
    link,
    mailbox,
    nomenclature,
    organization,
    practitioner,
    qualification,
    rejection,
    source_record,
)
from directory_service.registry.tally import recount, trusted_tally
from importers.impact import Impact
from importers.stages import Stages

Row = tuple[Any, ...]


def _columns(table: Table, *without: str) -> tuple[str, ...]:
    return tuple(c.name for c in table.columns if c.name not in without)


PUBLISHED = ("operator", "purposes", "contacts", "published_at")  # of a mailbox: what only its operator says

# In the order of their foreign keys.  Where the key is left out, the database gives it.
COLUMNS: dict[Table, tuple[str, ...]] = {
    organization: _columns(organization),
    practitioner: _columns(practitioner, "merged_into"),
    identifier: _columns(identifier, "id"),
    activity: _columns(activity, "id"),
    expertise: _columns(expertise, "id"),
    qualification: _columns(qualification, "id"),
    mailbox: _columns(mailbox, *PUBLISHED),
    binding: _columns(binding, "id", "rank", "opened_operator", "closed_run", "closed_operator", "unlisted"),
    source_record: _columns(source_record),
    link: _columns(link),
    nomenclature: _columns(nomenclature),
    journal: _columns(journal, "seq"),
    rejection: _columns(rejection, "id", "suggestion"),
    finding: _columns(finding, "id"),
}
_SUBJECTS = {"organization": organization, "practitioner": practitioner, "mailbox": mailbox}
_FULL = 20_000  # rows of the journal or of a source that make a flush worth it


class Store:
    """The writing side of one run."""

    def __init__(
        self, connection: Connection, *, run_id: int, actor: str, as_of: str, at: str, stages: Stages | None = None
    ) -> None:
        self.connection = connection
        self.stages = stages or Stages()
        self.run_id = run_id
        self.actor = actor
        self.as_of = as_of  # what the changes bear
        self.at = at  # when the run runs
        self.pending: dict[Table, list[Row]] = {table: [] for table in COLUMNS}
        self.next_practitioner = self.first_new_practitioner = next_id(connection, practitioner)
        self.next_organization = next_id(connection, organization)
        self.next_mailbox = self.first_new_mailbox = next_id(connection, mailbox)
        self.touched: defaultdict[str, set[int]] = defaultdict(set)  # known records that changed, by subject
        self.back: list[int] = []  # known people who are active again
        # Source and file of people ► who is gone from it.
        self.leaving: defaultdict[tuple[str, int | None], list[int]] = defaultdict(list)
        self.journalled = {s: self._next(s) for s in _SUBJECTS}  # first key whose creation is not in the journal yet
        self.impact = Impact(trusted_tally(connection) or ({} if is_empty(connection) else recount(connection)))
        self.lines = {s: array("I") for s in _SUBJECTS}  # where each of these was read, key by key
        self.file: int | None = None  # run_file being read
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.refused_holders: defaultdict[str, set[str]] = defaultdict(set)  # national ids, by address
        for address, national in decisions.refused(connection, decisions.Kind.HOLDER):
            self.refused_holders[address].add(national)
        self.claims: dict[int, set[str]] = {}  # mailboxes that this run takes from an older source for a better one
        self.decided: list[Decision] = []  # about who is who, to be written with the merges
        self.labels = Labels(connection, self.pending[nomenclature])

    def note(
        self,
        kind: str,
        subject: str,
        pk: int,
        before: object = None,
        after: object = None,
        *,
        line: int | None = None,
        count: bool = True,
    ) -> None:
        """One change: its journal entry, and its count.  ``line``: in the file being read, of the row that says so."""
        entry = (self.at, self.actor, self.run_id, kind, subject, pk, _json(before), _json(after), self.file, line)
        self.pending[journal].append(entry)
        self.touched[subject].add(pk)
        if count:
            self.counts[subject][_PAST[kind]] += 1

    def _next(self, subject: str) -> int:
        return int(getattr(self, "next_" + subject))

    def note_creations(self) -> None:
        """Journals and counts what was created since the last call: a range of keys of each table, so one statement."""
        self.flush()
        for subject in _SUBJECTS:
            first, lines = self.journalled[subject], self.lines[subject]
            if not lines:
                continue
            self.journalled[subject] = self._next(subject)
            self.counts[subject]["created"] += len(lines)
            entry: dict[str, object] = {"at": self.at, "actor": self.actor, "run_id": self.run_id, "file_id": self.file}
            entry |= {"kind": "create", "subject": subject}
            with self.stages.during("write"):
                for start in range(0, len(lines), _FULL):
                    some = lines[start : start + _FULL].tolist()
                    insert_numbered(self.connection, journal, entry, ("subject_id", first + start), ("line", some))
            self.lines[subject] = array("I")
        self.impact.fold()

    def flush_if_full(self) -> None:
        if len(self.pending[source_record]) >= _FULL or len(self.pending[journal]) >= _FULL:
            self.flush()

    def flush(self) -> None:
        with self.stages.during("write"):
            for table, rows in self.pending.items():
                if rows:
                    insert_rows(self.connection, table, COLUMNS[table], rows)
                    rows.clear()

    def rows(self, query: Select[Any]) -> Iterator[Any]:
        """A query whose answer may be large, streamed; a caller that flushes reads it to its end first."""
        return iter(self.connection.execute(query, execution_options={"yield_per": 10_000}))


_PAST = {
    "update": "updated",
    "close": "closed",
    "reopen": "reopened",
    "merge": "merged",
    "split": "split",
}


def _json(state: object) -> bytes | None:
    """Copied out of the page that ``orjson`` writes it in: twenty thousand wait together."""
    return None if state is None else bytes(memoryview(orjson.dumps(state)))


class Labels:
    """Labels of the codes as the sources write them: the first one seen is kept."""

    def __init__(self, connection: Connection, pending: list[Row]) -> None:
        query = select(nomenclature.c.system, nomenclature.c.code)
        self.known = {(system, code) for system, code in connection.execute(query)}
        self.pending = pending

    def add(self, systems: Sequence[tuple[str, str, str]], rows: Iterable[tuple[str, ...]]) -> None:
        """``rows``: code, label, code, label… in the order of ``systems``."""
        for row in rows:
            pairs = {system: (row[2 * i], row[2 * i + 1]) for i, (system, _, _) in enumerate(systems)}
            student = pairs.get("category", ("", ""))[0] == "E"  # TRE_G16: the same codes, other labels
            for system, (code, label) in pairs.items():
                name = "student_profession" if student and system == "profession" else system
                if code and label and (name, code) not in self.known:
                    self.known.add((name, code))
                    self.pending.append((name, code, label))
