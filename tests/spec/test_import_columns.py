"""Rows of too many or too few columns: set aside, in every format; a separator at the end of all rows is no column."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import factories as f
import pytest
from import_world import World

from directory_service.model.people import Practitioner
from directory_service.registry.engine import reading
from directory_service.registry.runs import each_found
from importers import assistant
from importers.load import run_import
from importers.report import ImportReport
from importers.sample import write_sample

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
# Kind of defect of a sample ► the rule that rejects the row; then what is otherwise in some files.
REJECTS = {"columns_missing": "columns", "columns_extra": "columns", "rpps_key": "rpps_key", "name_missing": "name"}
OTHERWISE = {
    # the mailbox stays, without its holder
    "Extraction_Correspondance_MSSante": {"rpps_key": None, "address": "address", "unknown_code": "type"},
    # a number says enough of whom they tell
    "PS_LibreAcces_Dipl_AutExerc": {"name_missing": None},
    "PS_LibreAcces_SavoirFaire": {"name_missing": None},
    # of ADELI numbers, in these samples: told, and kept
    "ExtractionMonoTable_CAT18_ToutePopulation": {"rpps_key": None},
}


def rejected(world: World, report: ImportReport) -> set[tuple[str, int, str]]:
    """(file, line, rule)"""
    with reading(world.engine) as connection:
        return {(x.file, x.line, x.rule) for x in each_found(connection, report.run or 0) if x.rejected}


def test_what_is_wrong_in_a_sample_is_rejected_and_nothing_else(world: World, tmp_path: Path) -> None:
    """On a fresh registry, and on one that knows the day before: there, a row that lost only empty values at its end
    is what it was, and is not read."""
    before: set[str] = set()
    for day in (0, 1):
        folder = tmp_path / f"day{day}"
        write_sample(folder, people=1500, seed=7, day=day, defects=0.02)
        report = run_import(world.engine, [folder], actor="tests", as_of=AS_OF)
        expected, found = wrong(folder), rejected(world, report)
        assert found <= expected
        files = [*folder.glob("PS_*"), *folder.glob("Extraction_*")]
        rows = {(p.name, number): row for p in files for number, row in enumerate(bare_rows(p), start=1)}
        assert all(rows[file, line] in before and rule == "columns" for file, line, rule in expected - found)
        assert {rule for _, _, rule in found} == {"columns", "rpps_key", "name", "address", "type"}
        before = set(rows.values())


def wrong(folder: Path) -> set[tuple[str, int, str]]:
    """What the sample says it made wrong, as ``rejected`` tells it."""
    with (folder / "defects.csv").open(encoding="utf-8", newline="") as listed:
        defects = list(csv.DictReader(listed, delimiter=";"))
    told = ((d["file"], int(d["line"]), _rule(d["file"], d["kind"])) for d in defects)
    return {(file, line, rule) for file, line, rule in told if rule}


def bare_rows(path: Path) -> list[str]:
    return [row.rstrip("|") for row in path.read_text(encoding="utf-8").split("\n")]


def _rule(file: str, kind: str) -> str | None:
    return {**REJECTS, **OTHERWISE.get(file.rpartition("_")[0], {})}.get(kind)


WRITTEN: dict[str, Callable[[Path], Path]] = {
    "activity": lambda path: f.write_activity(path, [f.activity(f.rpps(n)) for n in range(1, 6)]),
    "diplomas": lambda path: f.write_diplomas(path, [f.diploma(f.rpps(n)) for n in range(1, 6)]),
    "expertise": lambda path: f.write_expertise(path, [f.expertise(f.rpps(n)) for n in range(1, 6)]),
    "mailboxes": lambda path: f.write_mailboxes(path, [f.mailbox(f"a{n}@b.fr", f.rpps(n)) for n in range(1, 6)]),
    "cat18": lambda path: f.write_cat18(path, [f.cat18(f.rpps(n)) for n in range(1, 6)]),
    "links": lambda path: f.write_links(path, [(f.adeli(n), f.rpps(n)) for n in range(1, 6)]),
}
# Whether the header, and whether the rows, end with a separator.
ENDS = {"none": (False, False), "both": (True, True), "rows": (False, True), "header": (True, False)}


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_one_column_too_many_or_too_few_is_rejected_however_the_rows_end(
    world: World, tmp_path: Path, kind: str, ends: str
) -> None:
    path = WRITTEN[kind](tmp_path / "extract.txt")
    encoding = "iso-8859-1" if kind == "links" else "utf-8"
    separator = ";" if kind in ("cat18", "links") else "|"
    header, *rows = path.read_text(encoding).splitlines()
    rows[1] = (separator if kind != "cat18" else '"";') + rows[1]  # every value one to the right
    rows[2] = rows[2].rpartition(separator)[0]
    of_header, of_rows = (separator if ended else "" for ended in ENDS[ends])
    text = "\n".join([header + of_header, *(row + of_rows for row in rows)]) + "\n"
    path.write_text(text, encoding)
    report = run_import(world.engine, [path], actor="tests", as_of=AS_OF)
    assert {(line, rule) for _, line, rule in rejected(world, report)} == {(3, "columns"), (4, "columns")}
    assert report.files[0].rows == 5


@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_a_row_shifted_by_a_stray_separator_makes_no_mailbox(world: World) -> None:
    """Its last column is empty, so that it ends as a row with a trailing separator does."""
    shifted = f.mailbox("b@test.mssante.fr", f.rpps(2), family_name="MARTIN|")
    report = world.day(1, mailboxes=[f.mailbox("a@test.mssante.fr", f.rpps(1)), shifted])
    assert [(line, rule) for _, line, rule in rejected(world, report)] == [(3, "columns")]
    assert report.counts["mailbox"]["created"] == 1


@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_whose_only_row_is_rejected_stays_even_if_its_number_is_false(world: World) -> None:
    numbers = [f.rpps(n) for n in range(1, 60)]  # few of which leave, so that nothing is stopped
    world.day(1, activity=[f.activity(n) for n in numbers])
    cut, false = numbers[0], numbers[1][:-1] + str((int(numbers[1][-1]) + 1) % 10)
    rows = [f.activity(cut, family_name="ESSAI|"), f.activity(false), *map(f.activity, numbers[2:])]
    report = world.day(2, activity=rows)
    assert {(line, rule) for _, line, rule in rejected(world, report)} == {(2, "columns"), (3, "rpps_key")}
    assert [world.person(n).status.value for n in numbers[:3]] == ["active"] * 3


RENAMED = {
    "unknown": {"Code civilité": "Civ"},
    "exchanged": {"Nom d'exercice": "Prénom d'exercice", "Prénom d'exercice": "Nom d'exercice"},
}


@pytest.mark.parametrize("renamed", RENAMED)
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
def test_what_another_header_makes_of_the_same_rows_is_told_of_all_of_them(
    world: World, tmp_path: Path, renamed: str, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of those alone that also changed: the others would follow a few a day, below every threshold; and once the
    column is known again, those would stay without it."""
    monkeypatch.setattr(assistant, "WORTH", 0)
    rows = [f.activity(f.rpps(n)) for n in range(5)]
    world.day(1, activity=rows)
    before, path = said(world.people()), f.write_activity(tmp_path / "a.txt", rows)
    header, _, rest = path.read_text().partition("\n")
    captions = [RENAMED[renamed].get(caption, caption) for caption in header.split("|")]
    path.write_text("|".join(captions) + "\n" + rest)
    report = run_import(world.engine, [path], actor="tests", processes=processes)
    assert report.counts["practitioner"] == {"updated": 5}
    again = f.write_activity(tmp_path / "b.txt", rows)
    assert run_import(world.engine, [again], actor="tests", processes=processes).counts["practitioner"] == {
        "updated": 5
    }
    assert said(world.people()) == before


def said(people: list[Practitioner]) -> list[tuple[object, ...]]:
    return [(person.civility, person.family_name, person.given_names) for person in people]
