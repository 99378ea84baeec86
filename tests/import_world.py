"""A registry fed by small extracts: writes them, imports them, reads back what the registry holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import factories as f
from sqlalchemy import Engine, select

from directory_service.model.mailboxes import Binding
from directory_service.model.people import Practitioner
from directory_service.registry.engine import reading
from directory_service.registry.journal import JournalEntry, read_after
from directory_service.registry.overview import resolve
from directory_service.registry.read import read_bindings, read_practitioners
from directory_service.registry.tables import decision, mailbox, metadata
from importers.load import run_import
from importers.report import ImportReport

_WRITERS: Mapping[str, Callable[[Path, Any], Path]] = {
    "activity": f.write_activity,
    "diplomas": f.write_diplomas,
    "expertise": f.write_expertise,
    "mailboxes": f.write_mailboxes,
    "links": f.write_links,
    "cat18": f.write_cat18,
}


_VOLATILE = ("run", "run_file", "journal", "undo_range", "undo_row")
_DECIDED_AT = list(decision.c).index(decision.c.at)


class World:
    """``day(1, activity=[…], links=[…])`` imports these extracts as of 1 November 2026."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder

    def day(
        self, day: int, *, dry_run: bool = False, accept: str | None = None, options: Mapping[str, Any] | None = None,
        **extracts: Iterable[Any],
    ) -> ImportReport:  # fmt: skip
        paths = [_WRITERS[kind](self.folder / f"{kind}-{day}.txt", rows) for kind, rows in extracts.items()]
        given: dict[str, Any] = {"dry_run": dry_run, "accept": accept, **(options or {})}
        return run_import(self.engine, paths, actor="tests", as_of=datetime(2026, 11, day, tzinfo=UTC), **given)

    def person(self, number: str) -> Practitioner:
        """Who answers to an RPPS or ADELI number."""
        with reading(self.engine) as connection:
            pk = resolve(connection, "8" if len(number) == 11 else "0", number)
            assert pk is not None
            (found,) = read_practitioners(connection, [pk])
        return found

    def people(self) -> list[Practitioner]:
        with reading(self.engine) as connection:
            return list(read_practitioners(connection))

    def box(self, address: str) -> list[Binding]:
        """Bindings of an address, closed ones too."""
        with reading(self.engine) as connection:
            pk = connection.execute(select(mailbox.c.id).where(mailbox.c.address == address)).scalar_one()
            ((_, bindings),) = read_bindings(connection, [pk])
        return bindings

    def holders(self, address: str) -> list[str]:
        """National ids of those who hold it today."""
        return sorted(b.holder_id for b in self.box(address) if b.until is None)

    def journal(self) -> list[JournalEntry]:
        with reading(self.engine) as connection:
            return read_after(connection, 0, 10_000)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        with reading(self.engine) as connection:
            return {
                str(table.name): sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """``dump`` without what tells when, or is of one database."""
        found = {name: rows for name, rows in self.dump().items() if name not in _VOLATILE}
        found["decision"] = [row[:_DECIDED_AT] + row[_DECIDED_AT + 1 :] for row in found["decision"]]
        return found
