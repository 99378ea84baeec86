"""One command, one run, one transaction: idempotent, rehearsed by --dry-run, all or nothing; bad rows set aside."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import factories as f
import pytest
from import_world import World
from sqlalchemy import Engine

from directory_service import cli
from directory_service.errors import ImportRefused
from directory_service.model.people import PractitionerRole
from directory_service.registry import log
from directory_service.registry.engine import open_registry, reading
from directory_service.registry.read import read_bindings
from directory_service.registry.rollback import roll_back
from directory_service.registry.runs import each_found, get_run, read_rejections
from directory_service.registry.upgrading import upgrade
from importers import load
from importers.load import run_import
from importers.sample import write_sample

ONE = f.rpps(1)


def without_runs(dump: dict) -> dict:
    return {name: rows for name, rows in dump.items() if name not in ("run", "run_file", "undo_range")}


def test_the_same_files_again_change_nothing_and_say_so(world: World) -> None:
    extracts = {"activity": [f.activity(ONE)], "mailboxes": [f.mailbox("a@b.fr", ONE)]}
    world.day(1, **extracts)
    before = world.dump()
    report = world.day(1, **extracts)
    assert report.status == "unchanged"
    assert [x.status for x in report.files] == ["skipped", "skipped"]
    assert "déjà importé" in report.as_text()
    assert without_runs(world.dump()) == without_runs(before)


def test_an_older_file_is_not_taken_for_the_latest(world: World) -> None:
    for day, name in ((1, "UN"), (2, "DEUX"), (3, "UN")):
        report = world.day(day, activity=[f.activity(ONE, family_name=name)])
        assert [x.status for x in report.files] == ["imported"]
    assert world.person(ONE).family_name == "UN"


def test_a_dry_run_reports_what_would_change_and_writes_nothing(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    before = world.dump()
    report = world.day(2, activity=[f.activity(f.rpps(2))], dry_run=True)
    assert (report.run, report.status) == (None, "dry-run")
    assert report.counts["practitioner"] == {"closed": 1, "created": 1}
    assert world.dump() == before


def test_one_refused_file_refuses_the_whole_command(world: World, tmp_path: Path) -> None:
    good = f.write_activity(tmp_path / "good.txt", [f.activity(ONE)])
    bad = f.write_mailboxes(tmp_path / "bad.txt", [f.mailbox("a@b.fr", ONE)])
    bad.write_bytes(bad.read_bytes()[:-10])
    before = world.dump()
    with pytest.raises(ImportRefused):
        run_import(world.engine, [good, bad], actor="tests")
    assert world.dump() == before


def test_a_file_that_changes_while_it_is_read_is_refused(world: World, tmp_path: Path) -> None:
    """As a download does that is not finished yet: what was checked is not what would be read."""
    whole = f.write_activity(tmp_path / "whole.txt", [f.activity(f.rpps(n)) for n in range(9)]).read_bytes()
    path = f.write_activity(tmp_path / "a.txt", [f.activity(ONE)])

    def goes_on(what: str, _done: int, _total: int) -> None:
        if what.startswith("import de"):
            path.write_bytes(whole)

    before = world.dump()
    with pytest.raises(ImportRefused, match="a changé"):
        run_import(world.engine, [path], actor="tests", progress=goes_on)
    assert world.dump() == before


@pytest.mark.parametrize("written", [True, False])
def test_ctrl_c_during_the_commit_is_told_by_what_came_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    commit = world.engine.dialect.do_commit

    def interrupted(connection: Any) -> None:
        monkeypatch.undo()
        if written:
            commit(connection)
        raise KeyboardInterrupt

    def at_the_end(what: str, _done: int, _total: int) -> None:
        if what == "rapprochement":
            monkeypatch.setattr(world.engine.dialect, "do_commit", interrupted)

    with nullcontext() if written else pytest.raises(KeyboardInterrupt):
        report = world.day(1, activity=[f.activity(ONE)], options={"progress": at_the_end})
        assert report.status == "done"
    assert len(world.people()) == written


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def ready(tmp_path: Path) -> tuple[list[str], Path]:
    """Options of commands on a new registry, and an extract to import."""
    data = ["--data", str(tmp_path / "var")]
    assert cli.run([*data, "init"]) == 0
    return data, f.write_mailboxes(tmp_path / "m.txt", [f.mailbox("a@b.fr", ONE)])


def test_ctrl_c_says_where_to_see_whether_anything_was_written(
    ready: tuple[list[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = ready
    monkeypatch.setattr(load, "run_import", interrupted)
    assert cli.run([*data, "import", str(path)]) == 130
    said = capsys.readouterr().err
    assert "s'il n'est pas dans `annuaire runs`, rien n'a été écrit." in said and said.endswith("Interrompu.\n")


def test_ctrl_c_once_all_is_written_only_puts_the_transparency_log_off(
    ready: tuple[list[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, path = ready
    monkeypatch.setattr(log, "bearing", interrupted)
    assert cli.run([*data, "import", str(path)]) == 0
    said = capsys.readouterr()
    assert "Import 1 terminé" in said.out and "le registre est déjà écrit" in said.err
    monkeypatch.undo()
    assert cli.run([*data, "import", str(path)]) == 0
    assert cli.run([*data, "audit"]) == 0
    assert "feuilles : 1" in capsys.readouterr().out


def test_a_run_shows_which_files_it_did_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "var")]
    boxes = f.write_mailboxes(tmp_path / "m.txt", [f.mailbox("a@b.fr", ONE)])
    assert cli.run([*data, "init"]) == 0
    assert cli.run([*data, "import", str(boxes)]) == 0
    people = f.write_activity(tmp_path / "a.txt", [f.activity(ONE)])
    capsys.readouterr()
    assert cli.run([*data, "import", str(boxes), str(people)]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if ".txt (" in line]
    assert cli.run([*data, "runs", "show", "2"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if ".txt (" in line] == told
    assert told[0] == "  m.txt (mssante.mailboxes) : déjà importé, inchangé" and "1 ligne" in told[1]


def test_a_file_given_twice_is_read_once(world: World, tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(ONE)])
    (tmp_path / "link.txt").symlink_to(path)
    report = run_import(world.engine, [path, tmp_path], actor="tests")
    assert [file.rows for file in report.files] == [1]


def test_bad_rows_are_kept_with_their_line_reason_and_text(world: World, tmp_path: Path) -> None:
    rows = [f.activity(f.rpps(n)) for n in range(40)]
    path = f.write_activity(tmp_path / "a.txt", rows)
    lines = path.read_text().splitlines()
    lines[3] += "|de trop"
    lines[5] = lines[5].replace("ESSAI", "")
    path.write_text("\n".join(lines) + "\n")
    report = run_import(world.engine, [path], actor="tests")
    assert (report.files[0].rows, report.files[0].rejected) == (40, 2)
    with reading(world.engine) as connection:
        found = list(read_rejections(connection, report.run or 0))
        assert get_run(connection, report.run or 0).files[0].rejected == 2
    assert [(r.line, r.reason, r.column) for r in found] == [(4, "columns", ""), (6, "name", "Nom d'exercice")]
    assert found[0].raw == lines[3]


def test_a_rejected_row_is_reported_again_and_does_not_close_its_person(world: World) -> None:
    second = f.activity(ONE, technical_id="R" + "1" * 14)
    others = [f.activity(f.rpps(n)) for n in range(2, 25)]
    world.day(1, activity=[f.activity(ONE), second, *others])
    second["family_name"] = ""
    for day in (2, 3):
        report = world.day(day, activity=[f.activity(ONE), second, *others, f.activity(f.rpps(100 + day))])
        assert report.files[0].rejected == 1
    assert world.person(ONE).status == "active"


def test_a_file_whose_rows_are_mostly_rejected_is_refused(world: World, tmp_path: Path) -> None:
    rows = [f.activity(f.rpps(n), family_name="" if n % 10 == 0 else "ESSAI") for n in range(30)]
    before = world.dump()
    with pytest.raises(ImportRefused, match="lignes rejetées : 3 sur 30"):
        world.day(1, activity=rows)
    assert world.dump() == before


def test_a_small_file_is_refused_when_no_row_of_it_can_be_kept(world: World) -> None:
    """The share says little of three rows, unless it is all of them: nobody of the source would be left."""
    nameless = [f.activity(n, family_name="") for n in (ONE, f.rpps(2))]
    assert world.day(1, activity=[*nameless, f.activity(f.rpps(3))]).files[0].rejected == 2
    with pytest.raises(ImportRefused, match="lignes rejetées : 2 sur 2"):
        world.day(2, activity=nameless)
    assert world.person(f.rpps(3)).status == "active"


def test_unknown_extra_columns_are_reported_and_the_rest_is_imported(world: World, tmp_path: Path) -> None:
    path = f.write_activity(tmp_path / "a.txt", [f.activity(ONE)])
    header, row = path.read_text().splitlines()
    path.write_text(f"{header}|Colonne nouvelle\n{row}|valeur\n")
    report = run_import(world.engine, [path], actor="tests")
    assert report.files[0].warnings == {"column_unknown": 1}
    assert "column_unknown : 1 (colonne inconnue : laissée de côté) : Colonne nouvelle\n" in report.as_text()
    with reading(world.engine) as connection:
        (found,) = each_found(connection, report.run or 0)
    assert (found.rule, found.column) == ("column_unknown", "Colonne nouvelle")
    assert world.person(ONE).family_name == "ESSAI"


def picture(world: World) -> tuple[object, object]:
    """Who practises where, and who holds what, with no key of the registry in it."""
    people = {
        p.national_id: (
            p.family_name,
            p.given_names,
            sorted(map(str, map(role, p.roles))),
            sorted(map(str, p.expertises)),
        )
        for p in world.people()
        if p.status == "active"
    }
    with reading(world.engine) as connection:
        boxes = {
            address: sorted((b.holder_id, b.service, str(b.profession)) for b in bindings if b.until is None)
            for address, bindings in read_bindings(connection)
        }
    return people, {address: held for address, held in boxes.items() if held}


def role(value: PractitionerRole) -> tuple[object, ...]:
    place = value.organization
    return (value.profession, value.mode, value.kind, place and (place.technical_id, place.name, place.address))


def test_day_after_day_ends_where_the_last_day_alone_does(registry: Engine, tmp_path: Path) -> None:
    """The delta path and the first load are twins; the order of the days leaves its trace in history only."""
    for day in (0, 1, 8):
        write_sample(tmp_path / f"day{day}", people=600, seed=3, day=day)
        for name in ("*ADELI*", "*CAT18*"):  # what they once told stays: a link decided, a field of a structure
            for path in (tmp_path / f"day{day}").glob(name):
                path.unlink()
    steady, fresh = World(registry, tmp_path), World(_new(tmp_path), tmp_path)
    for day in (0, 1, 8):
        run_import(registry, [tmp_path / f"day{day}"], actor="tests")
    run_import(fresh.engine, [tmp_path / "day8"], actor="tests")
    assert picture(steady) == picture(fresh)
    assert run_import(registry, [tmp_path / "day8"], actor="tests").status == "unchanged"
    fresh.engine.dispose()


def _new(folder: Path) -> Engine:
    engine = open_registry(f"sqlite:///{folder / 'fresh.sqlite'}")
    upgrade(engine)
    return engine


def test_an_import_dated_before_one_that_stands_is_refused(world: World) -> None:
    """A clock that was set back: what had opened on the 5th would have closed on the 3rd."""
    one, two, box = f.rpps(1), f.rpps(2), "a@ps13.mssante.fr"
    world.day(4, activity=[f.activity(one)])
    wrong = world.day(5, activity=[f.activity(one), f.activity(two)], mailboxes=[f.mailbox(box, two)]).run
    assert wrong and world.day(3, activity=[f.activity(one), f.activity(two)]).status == "unchanged"
    before = world.dump()
    for rehearsed in (True, False):
        with pytest.raises(ImportRefused, match=rf"2026-11-03.*l'import {wrong} sont du 2026-11-05.*rollback {wrong}"):
            world.day(3, activity=[f.activity(one)], dry_run=rehearsed)
    assert world.dump() == before
    assert world.day(5, activity=[f.activity(one)]).status == "done"
    roll_back(world.engine, wrong, actor="tests", through=True)
    assert world.day(4, activity=[f.activity(two)]).status == "done"
