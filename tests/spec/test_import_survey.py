"""The next day's extract: what differs is told while the file is checked, and the registry is what it would be if every
record had been read again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from import_world import World

from directory_service.registry.engine import open_registry
from importers import assistant, survey
from importers.check import check
from importers.extract import ExtractFile, recognise
from importers.load import run_import
from importers.report import FileReport
from importers.sample import write_sample
from importers.sources import source_of

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
NUMBERED = ("activity", "expertise", "qualification")  # SQLite gives the number of a row that is gone again


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("extracts")
    for day in range(3):
        write_sample(folder / f"day{day}", people=400, seed=8, day=day, defects=0.02)
    return [folder / f"day{day}" for day in range(3)]


@pytest.fixture
def twin(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    shutil.copy(sqlite_template, tmp_path / "twin.sqlite")
    engine = open_registry(f"sqlite:///{tmp_path / 'twin.sqlite'}")
    yield World(engine, tmp_path)
    engine.dispose()


def contents(world: World) -> dict[str, list]:
    found = world.contents()
    for name in NUMBERED:
        found[name] = sorted((row[1:] for row in found[name]), key=repr)
    return found


class Held(NamedTuple):
    """What a run said, and what the registry holds after it."""

    counts: Mapping[str, Mapping[str, int]]
    files: Sequence[FileReport]
    contents: dict[str, list]
    journal: list[tuple]


def five_days(world: World, days: list[Path], *, processes: int, most: int) -> list[Held]:
    """New, changed, vanished and returning records; rows set aside."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assistant, "WORTH", 0)
        patch.setattr(survey, "MOST", most)
        for n, day in enumerate((*days, days[1], days[2])):
            done = run_import(world.engine, [day], actor="test", as_of=FIRST + timedelta(days=n), accept="test",
                              processes=processes)  # fmt: skip
            found.append(Held(done.counts, done.files, contents(world), journal(world)))
    return found


@pytest.fixture(scope="module", params=[1, 2])
def whole(
    request: pytest.FixtureRequest, sqlite_template: Path, days: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, list[Held]]]:
    """Every record was read again each day, by so many processes; what came of it, on SQLite, for both databases."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copy(sqlite_template, folder / "twin.sqlite")
    engine = open_registry(f"sqlite:///{folder / 'twin.sqlite'}")
    yield request.param, five_days(World(engine, folder), days, processes=request.param, most=-1)
    engine.dispose()


def test_as_if_every_record_were_read(world: World, days: list[Path], whole: tuple[int, list[Held]]) -> None:
    """Journal and report included."""
    processes, read = whole
    found = five_days(world, days, processes=processes, most=survey.MOST)
    for one, other in zip(found, read, strict=True):
        assert one.counts == other.counts
        assert one.files == other.files
        assert one.contents == other.contents
        assert one.journal == other.journal


def journal(world: World) -> list[tuple]:
    """In no order: databases have their own."""
    each = [(e.kind, e.subject, e.subject_id, e.before, e.after, e.file_id, e.line) for e in world.journal()]
    return sorted(each, key=repr)


def activity_of(folder: Path) -> Path:
    return next(p for p in folder.glob("PS_LibreAcces_Personne_activite_2*.txt"))


def surveyed(world: World, path: Path) -> tuple[ExtractFile, survey.Surveyed | None]:
    (found,), _ = recognise(path)
    assert isinstance(found, ExtractFile)
    looking = survey.survey_of(found, source_of(found.match.layout), world.engine)
    if looking is None:
        return found, None
    checked, plain = check(found, survey=looking, block=777), check(found)
    assert checked == plain  # the first pass learns the same, whoever looks at the keys
    return found, looking.found()


def test_nothing_is_surveyed_of_what_nothing_is_known(world: World, days: list[Path]) -> None:
    assert surveyed(world, activity_of(days[0]))[1] is None


def test_only_what_differs_is_given(world: World, days: list[Path]) -> None:
    run_import(world.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
    _, same = surveyed(world, activity_of(days[0]))
    _, other = surveyed(world, activity_of(days[1]))
    assert same is not None and other is not None
    whole = same.unchanged + len(same.records)
    assert len(same.records) < whole / 10  # those with a rejected row, which is told each time
    assert len(same.records) < len(other.records) < whole / 3
    known = other.known["rpps.activity"]
    assert {key for key, _ in known.vanished()} <= known.positions.keys()
    assert all(known.digests[known.positions[key]] != digest for key, digest, _ in other.records
               if key in known.positions)  # fmt: skip


def test_who_comes_back_is_given_and_the_file_is_not_read_in_whole_for_that(
    world: World, days: list[Path], tmp_path: Path
) -> None:
    header, first, *rows = activity_of(days[0]).read_bytes().splitlines(keepends=True)
    key = first.split(b"|")[1]
    left = tmp_path / activity_of(days[1]).name
    left.write_bytes(b"".join([header, *(row for row in rows if row.split(b"|")[1] != key)]))
    for n, day in enumerate((days[0], left)):
        run_import(world.engine, [day], actor="test", as_of=FIRST + timedelta(days=n), accept="test")
    _, found = surveyed(world, activity_of(days[0]))
    assert found is not None
    assert any(is_gone for known in found.known.values() for _, _, _, is_gone in known.rows())


def test_scattered_records_are_left_to_be_read_in_whole(world: World, days: list[Path], tmp_path: Path) -> None:
    run_import(world.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
    header, *rows = activity_of(days[0]).read_bytes().splitlines(keepends=True)
    random.Random(1).shuffle(rows)
    path = tmp_path / activity_of(days[0]).name
    path.write_bytes(header + b"".join(rows))
    assert surveyed(world, path)[1] is None


def test_a_record_met_as_it_was_and_again_is_scattered(world: World, days: list[Path], tmp_path: Path) -> None:
    """Whether its second place says the same or something else."""
    run_import(world.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
    rows = activity_of(days[0]).read_bytes().splitlines(keepends=True)
    keys = [row.split(b"|")[1] for row in rows]
    alone = next(n for n in range(1, 99) if keys.count(keys[n]) == 1)
    path = tmp_path / activity_of(days[0]).name
    for again in (
        rows[alone],
        rows[alone].replace(b"\n", b"|\n"),
        rows[alone].replace(keys[alone], keys[alone] + b" "),
    ):
        path.write_bytes(b"".join([*rows, again]))
        assert (surveyed(world, path)[1] is None) == (again.split(b"|")[1] == keys[alone])


def test_a_line_cut_short_of_its_key_is_set_aside_all_the_same(
    world: World, twin: World, days: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, first, *rows = activity_of(days[0]).read_bytes().splitlines(keepends=True)
    path = tmp_path / activity_of(days[0]).name
    path.write_bytes(b"".join((header, first, b"8\n", *rows)))
    reports = []
    for which, most in ((world, survey.MOST), (twin, -1)):
        run_import(which.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
        monkeypatch.setattr(survey, "MOST", most)
        later = FIRST + timedelta(days=1)
        reports.append(run_import(which.engine, [path], actor="test", as_of=later, accept="test"))
    assert reports[0].files == reports[1].files and reports[0].counts == reports[1].counts
    assert contents(world) == contents(twin)


def test_keys_that_no_registry_could_hold_are_new(world: World, days: list[Path], tmp_path: Path) -> None:
    run_import(world.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
    header, *rows = activity_of(days[0]).read_bytes().splitlines(keepends=True)
    odd = [row.replace(row.split(b"|")[1], b"8\x00\xc3\xa9" + bytes([n])) for n, row in enumerate(rows[:3], start=65)]
    path = tmp_path / activity_of(days[0]).name
    path.write_bytes(b"".join([header, *odd, *rows]))
    _, found = surveyed(world, path)
    assert found is not None
    assert len([key for key, _, _ in found.records if b"\x00" in key]) == 3


@pytest.mark.parametrize("changed", [False, True])
def test_an_address_in_two_spellings(world: World, days: list[Path], tmp_path: Path, *, changed: bool) -> None:
    """The file is read in its order, of which what differs says enough only where both differ."""
    run_import(world.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
    source = next(days[0].glob("*MSSante*"))
    header, *rows = source.read_bytes().splitlines(keepends=True)
    addresses = [row.split(b"|")[1] for row in rows]
    place = next(n for n, row in enumerate(rows) if row.startswith(b"PER") and addresses.count(addresses[n]) == 1)
    if changed:
        rows[place] = rows[place].replace(b"|C|", b"|M|")
    path = tmp_path / source.name
    path.write_bytes(b"".join([header, *rows, rows[place].replace(addresses[place], addresses[place].upper())]))
    assert (surveyed(world, path)[1] is not None) == changed


def test_much_that_is_new_is_left_to_be_read_in_whole(
    world: World, days: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_import(world.engine, [days[0]], actor="test", as_of=FIRST, accept="test")
    monkeypatch.setattr(survey, "MOST", 1_000)
    assert surveyed(world, activity_of(days[1]))[1] is None


@pytest.mark.parametrize("vanishes", [True, False])
def test_who_is_merged_by_the_same_run_is_the_survivor(
    world: World, twin: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, vanishes: bool
) -> None:
    """The crosswalk, which is read first, moves what sources said of an ADELI number to the holder of the RPPS number:
    after what differs was told, and before it is loaded."""
    first, second = tmp_path / "first", tmp_path / "second"
    write_sample(first, people=400, seed=8, day=0, defects=0)
    second.mkdir()
    both = {"adeli": next(first.glob("*activite_ADELI*")), "rpps": next(first.glob("*activite_2*"))}
    rows = {name: path.read_bytes().splitlines(keepends=True) for name, path in both.items()}
    links = next(first.glob("Correspondance_ADELI*"))
    pairs = links.read_bytes()
    numbers = {name: [row.split(b"|")[1] for row in held[1:]] for name, held in rows.items()}
    adeli, rpps = (next(n for n in numbers[name] if n not in pairs) for name in ("adeli", "rpps"))
    (second / links.name).write_bytes(pairs + adeli + b";" + rpps + b"\n")
    left = [row for row in rows["adeli"] if row.split(b"|")[1] != adeli]
    other = [row.replace(b"|MME|", b"|M|") if row.split(b"|")[1] == adeli else row for row in rows["adeli"]]
    (second / both["adeli"].name).write_bytes(b"".join(left if vanishes else other))
    (second / both["rpps"].name).write_bytes(b"".join(rows["rpps"]))
    for n, day in enumerate((first, second)):
        for which, most in ((world, survey.MOST), (twin, -1)):
            with monkeypatch.context() as patch:
                patch.setattr(survey, "MOST", most)
                run_import(which.engine, [day], actor="test", as_of=FIRST + timedelta(days=n), accept="test")
    said = {row[1]: row[3] for row in world.dump()["source_record"] if row[0].endswith("activity")}
    assert said[f"0{adeli.decode()}"] == said[f"8{rpps.decode()}"]  # they were merged
    assert contents(world) == contents(twin)
    assert journal(world) == journal(twin)
