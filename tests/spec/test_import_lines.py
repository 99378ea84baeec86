"""Each entry of the journal names the line that it was read at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import factories as f
import pytest
from import_world import World
from sqlalchemy import select

from directory_service.registry.engine import reading
from directory_service.registry.tables import identifier, mailbox, organization, practitioner, run_file
from importers import assistant
from importers.load import run_import
from importers.sample import write_sample

ONE, TWO, THREE = f.rpps(1), f.rpps(2), f.rpps(3)
ELSEWHERE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2), "name": "CLINIQUE D'ESSAI"}


@pytest.mark.parametrize("processes", [1, 2])
def test_every_entry_with_a_line_was_read_there(
    world: World, tmp_path: Path, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a first load and of a later day: the line named holds the number, address or structure of the record."""
    monkeypatch.setattr(assistant, "WORTH", 0)
    for day in (0, 2):
        write_sample(tmp_path / f"day{day}", people=300, seed=4, day=day, defects=0.01)
        run_import(
            world.engine,
            [tmp_path / f"day{day}"],
            actor="tests",
            as_of=datetime(2026, 11, day + 1, tzinfo=UTC),
            processes=processes,
        )
    texts, names = texts_of(world, tmp_path), names_of(world)
    entries = [e for e in world.journal() if e.file_id is not None]
    assert {"create", "update", "close"} <= {e.kind for e in entries}
    for entry in entries:
        gone = entry.kind == "close" or entry.after == b"{}"
        mark = (entry.after or b"").startswith(b'{"source":')  # of a source that says the same anew, or nothing more
        assert mark or (entry.line is None) == gone, entry
        if entry.line is not None and entry.subject != "link":
            row = texts[entry.file_id or 0][entry.line - 1].lower()
            assert any(name in row for name in names[entry.subject, entry.subject_id]), entry


def texts_of(world: World, folder: Path) -> dict[int, list[str]]:
    with reading(world.engine) as connection:
        files = connection.execute(select(run_file.c.id, run_file.c.name, run_file.c.run_id)).all()
    first = min(run for _, _, run in files)
    return {
        pk: (folder / ("day0" if run == first else "day2") / name).read_text(encoding="latin-1").split("\n")
        for pk, name, run in files
    }


def names_of(world: World) -> dict[tuple[str, int], list[str]]:
    """What the files may call a record."""
    found: dict[tuple[str, int], list[str]] = {}

    def add(subject: str, pk: int, *names: str) -> None:
        found.setdefault((subject, pk), []).extend(name.encode().decode("latin-1").lower() for name in names if name)

    with reading(world.engine) as connection:
        for pk, value in connection.execute(select(identifier.c.practitioner_id, identifier.c.value)):
            add("practitioner", pk, value)
        for pk, national in connection.execute(select(practitioner.c.id, practitioner.c.national_id)):
            add("practitioner", pk, national[1:])
        for pk, address in connection.execute(select(mailbox.c.id, mailbox.c.address)):
            add("mailbox", pk, address)
        columns = (organization.c[n] for n in ("id", "technical_id", "finess", "siret", "siren", "name", "street_name"))
        for pk, *names in connection.execute(select(*columns)):
            add("organization", pk, *names)
    return found


def test_scattered_rows_are_at_the_first_line_of_their_record(world: World) -> None:
    world.day(1, activity=[f.activity(n, **place) for place in ({}, ELSEWHERE) for n in (ONE, TWO, THREE)])
    lines = {(e.subject, e.subject_id): e.line for e in world.journal() if e.kind == "create"}
    assert [lines["practitioner", world.person(n).pk] for n in (ONE, TWO, THREE)] == [2, 3, 4]
    assert sorted(line or 0 for (subject, _), line in lines.items() if subject == "organization") == [2, 5]
