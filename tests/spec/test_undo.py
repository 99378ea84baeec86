"""An import is taken back: the registry, and what readers see, are as they were before it; the files import again."""

from __future__ import annotations

import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import factories as f
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_world import World
from index_world import fingerprint
from record_factories import SUFFIX
from sqlalchemy import Engine, func, insert, select, update
from undo_world import contents, meaning

from directory_service import cli
from directory_service.errors import NotFound, UndoRefused
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.registry import journal, operators
from directory_service.registry.changes import dependants
from directory_service.registry.engine import reading, writing
from directory_service.registry.overview import read_sources, resolve
from directory_service.registry.rollback import Undone, roll_back
from directory_service.registry.runs import get_run, last_file, read_runs
from directory_service.registry.tables import binding, mailbox, nomenclature, undo_row
from importers.load import run_import
from importers.report import ImportReport
from importers.sample import write_sample

ONE, TWO, ADELI = f.rpps(1), f.rpps(2), f.adeli(1)
MANY = int(os.environ.get("UNDO_TESTS", "1"))  # times as many examples as in CI
BASE = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of a country, the last one a season later; some rows are bad."""
    folder = tmp_path_factory.mktemp("country")
    for day in (0, 1, 60):
        write_sample(folder / f"day{day}", people=120, seed=4, day=day, defects=0.01)
    return folder


def undo(engine: Engine, run: int | None, **choices: bool) -> Undone:
    assert run is not None
    return roll_back(engine, run, actor="tests", **choices)


# --- whatever was imported -------------------------------------------------------------------------------------------


class Followed:
    """A registry and its index, each kept by its own way."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.follower = Follower(engine, folder / "followed", SUFFIX)
        build_index(engine, folder / "followed", SUFFIX)

    def agrees(self) -> bool:
        self.follower.catch_up()
        build_index(self.engine, self.folder / "rebuilt", SUFFIX)
        return fingerprint(self.folder / "followed") == fingerprint(self.folder / "rebuilt")


@pytest.mark.timeout(240 + 60 * MANY)
@pytest.mark.parametrize("seed", range(MANY))
def test_days_of_a_country_come_and_go(registry: Engine, country: Path, tmp_path: Path, seed: int) -> None:
    """In any order, whole days or some files of them: undone they leave no trace, imported again they are the same."""
    dice, index = random.Random(seed), Followed(registry, tmp_path)
    stack = [contents(registry)]
    numbers = []
    for step, paths in enumerate(_some_files(dice, country)):
        as_of = BASE + timedelta(days=step)
        how = {"accept": "essai", "as_of": as_of, "anchors": country / "day0" / "confiance" / "ancre.pem"}
        first = run_import(registry, paths, actor="tests", **how)
        once = meaning(registry)
        index.follower.catch_up()
        undo(registry, first.run)
        assert contents(registry) == stack[-1]
        assert index.agrees()
        again = run_import(registry, paths, actor="tests", **how)
        assert (again.counts, meaning(registry)) == (first.counts, once)
        numbers.append(again.run)
        stack.append(contents(registry))
    undone = undo(registry, numbers[1], through=True)
    assert [run.pk for run in undone.undone] == numbers[:0:-1]
    assert contents(registry) == stack[1]
    assert index.agrees()


def _some_files(dice: random.Random, country: Path) -> Iterator[list[Path]]:
    for day in (0, 60, 1)[: 1 + MANY]:
        folder, apart = country / f"day{day}", ("truth.csv", "defects.csv", "confiance")
        files = sorted(p for p in folder.iterdir() if p.name not in apart)
        if day != 1:  # after that of day 60, the list of day 1 would be a replay
            files.append(folder / "confiance" / "liste_blanche.xml")
        dice.shuffle(files)
        cut = dice.randrange(1, len(files))
        yield from (files[:cut], files[cut:])


numbers = st.sampled_from([*(f.rpps(n) for n in range(4)), *(f.adeli(n) for n in range(3))])
names = st.sampled_from(["ESSAI", "DESSAI", "AUTRE"])
places = st.sampled_from([1, 2, 3])
addresses = st.sampled_from([f"{c}@medecin.mssante.fr" for c in "abc"])
extracts = st.fixed_dictionaries(
    {},
    optional={
        "activity": st.lists(
            st.builds(
                lambda n, name, p: f.activity(
                    n, family_name=name, technical_id=f"F{f.finess(p)}", finess=f.finess(p), name=f"HOPITAL {name}"
                ),
                numbers,
                names,
                places,
            ),
            min_size=1,
            max_size=6,
        ),
        "expertise": st.lists(
            st.builds(lambda n, c: f.expertise(n, expertise_code=c), numbers, st.sampled_from(["SM04", "SM54"])),
            min_size=1,
            max_size=3,
        ),
        "diplomas": st.lists(st.builds(f.diploma, numbers), min_size=1, max_size=3),
        "mailboxes": st.lists(
            st.builds(lambda a, n: f.mailbox(a, n), addresses, numbers | st.just("")), min_size=1, max_size=4
        ),
        "links": st.lists(
            st.tuples(st.builds(f.adeli, st.integers(0, 2)), st.builds(f.rpps, st.integers(0, 3))),
            min_size=1,
            max_size=2,
        ),
        "cat18": st.lists(st.builds(f.cat18, numbers, addresses), min_size=1, max_size=3),
    },
).filter(bool)
_RUNS = itertools.count()


@pytest.mark.timeout(240 + 60 * MANY)
@settings(max_examples=3 * MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(extracts, min_size=1, max_size=4))
def test_any_extracts_leave_no_trace_once_undone(registry: Engine, tmp_path: Path, days: list) -> None:
    """People who move, change names, leave, return and merge; mailboxes that change hands."""
    folder = tmp_path / str(next(_RUNS))
    folder.mkdir()
    world, start, runs = World(registry, folder), contents(registry), []
    for day, said in enumerate(days, 1):
        before = contents(registry)
        first = world.day(day, accept="essai", **said)
        once = meaning(registry)
        undo(registry, first.run)
        assert contents(registry) == before
        again = world.day(day, accept="essai", **said)
        assert meaning(registry) == once
        runs.append(again.run)
    undo(registry, runs[0], through=True)
    assert contents(registry) == start


@pytest.mark.timeout(240 + 60 * MANY)
@settings(max_examples=2 * MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(extracts, min_size=2, max_size=3))
def test_the_index_follows_any_of_them(registry: Engine, tmp_path: Path, days: list) -> None:
    folder = tmp_path / str(next(_RUNS))
    folder.mkdir()
    world, index, runs = World(registry, folder), Followed(registry, folder), []
    for day, said in enumerate(days, 1):
        runs.append(world.day(day, accept="essai", **said).run)
    index.follower.catch_up()
    undo(registry, runs[-1])
    assert index.agrees()
    undo(registry, runs[0], through=True)
    assert index.agrees()


def test_who_loses_a_mailbox_with_the_run_that_brought_it_is_shown_without(world: World, tmp_path: Path) -> None:
    """Nothing of hers changed: she only shows it."""
    world.day(1, activity=[f.activity(ONE)])
    index = Followed(world.engine, tmp_path / "index")
    run = world.day(2, mailboxes=[f.mailbox("a@b.fr", ONE)]).run
    index.follower.catch_up()
    assert undo(world.engine, run).counts == {"mailbox": {"removed": 1}}
    assert index.agrees()


def test_of_a_hospital_that_loses_a_mailbox_so_nobody_else_is_written_again(world: World, tmp_path: Path) -> None:
    world.day(1, activity=[f.activity(ONE)])
    index = Followed(world.engine, tmp_path / "index")
    run = world.day(2, activity=[f.activity(ONE)], mailboxes=[f.mailbox("service@b.fr")]).run
    index.follower.catch_up()
    end = world.journal()[-1].seq
    undo(world.engine, run)
    with reading(world.engine) as connection:
        touched = dependants(connection, journal.read_after(connection, end, 99))
    assert not touched.practitioners and len(touched.organizations) == 1
    assert index.agrees()


@pytest.mark.parametrize("numbers", [(ONE, ADELI, f.adeli(2)), (ONE, ONE, ADELI)])
def test_whom_the_run_only_named_once_more_is_shown_as_named_before(
    world: World, tmp_path: Path, numbers: tuple[str, ...]
) -> None:
    """By a second number, or in a second line that says the same."""
    world.day(1, activity=[f.activity(ONE), f.activity(ADELI)], links=[(ADELI, ONE), (f.adeli(2), ONE)])
    index = Followed(world.engine, tmp_path / "index")
    run = world.day(2, activity=list(map(f.activity, numbers))).run
    index.follower.catch_up()
    undo(world.engine, run)
    assert index.agrees()


# --- one thing at a time ---------------------------------------------------------------------------------------------


def test_numbers_issued_by_the_run_stop_resolving_and_its_keys_are_never_given_again(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    run = world.day(2, activity=[f.activity(ONE), f.activity(TWO)]).run
    with reading(world.engine) as connection:
        first = resolve(connection, "8", TWO)
    undo(world.engine, run)
    with reading(world.engine) as connection:
        assert resolve(connection, "8", TWO) is None
    world.day(3, activity=[f.activity(ONE), f.activity(f.rpps(3))])
    with reading(world.engine) as connection:
        assert resolve(connection, "8", f.rpps(3)) == (first or 0) + 1


def test_a_merge_is_split_again_with_all_that_had_moved(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, activity=[f.activity(ADELI, family_name="AUTRE")], mailboxes=[f.mailbox("a@b.fr", ADELI)])
    before = contents(world.engine)
    run = world.day(3, links=[(ADELI, ONE)]).run
    assert world.holders("a@b.fr") == ["8" + ONE]
    assert undo(world.engine, run).counts == {"decision": {"removed": 1, "restored": 1}, "link": {"removed": 1},
                                              "practitioner": {"restored": 2}, "mailbox": {"restored": 1}}  # fmt: skip
    assert contents(world.engine) == before
    assert world.holders("a@b.fr") == ["0" + ADELI]
    assert world.person(ADELI).national_id == "0" + ADELI


def test_a_merge_into_someone_who_came_with_the_run(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI)], mailboxes=[f.mailbox("a@b.fr", ADELI)])
    before = contents(world.engine)
    run = world.day(2, activity=[f.activity(ONE)]).run
    assert world.holders("a@b.fr") == ["8" + ONE]
    undo(world.engine, run)
    assert contents(world.engine) == before


def test_the_journal_says_what_left_and_what_came_back(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox("a@b.fr", ONE)])
    said = {"activity": [f.activity(ONE, family_name="AUTRE"), f.activity(TWO)]}
    run = world.day(2, **said, mailboxes=[f.mailbox("c@d.fr", TWO)]).run or 0
    end = world.journal()[-1].seq
    done = undo(world.engine, run)
    told = [(e.kind, e.subject, journal.decode(e.before), journal.decode(e.after)) for e in world.journal()]
    assert told[end:] == [
        ("remove", "practitioner", {"national_id": "8" + TWO}, None),
        ("remove", "mailbox", {"address": "c@d.fr", "unlisted": False}, None),
        ("restore", "practitioner", None, {"runs": [run]}),
        ("restore", "mailbox", None, {"runs": [run]}),
    ]
    assert {e.run_id for e in world.journal()[end:]} == {done.run}
    assert done.counts == {
        "practitioner": {"removed": 1, "restored": 1},
        "mailbox": {"removed": 1, "restored": 1},
    }


def test_what_left_is_kept_under_the_rollback(world: World) -> None:
    """As it was last, merges included; and nothing else, such as the rows of somebody who only changed."""
    world.day(1, activity=[f.activity(ONE)])
    people = [f.activity(number, family_name="PARTIE") for number in (ADELI, TWO)]
    run = world.day(2, activity=[f.activity(ONE, mode_code="L"), *people]).run
    done = undo(world.engine, run)
    with reading(world.engine) as connection:
        rows = connection.execute(select(undo_row).where(undo_row.c.run_id == done.run).order_by(undo_row.c.key)).all()
    kept = {"activity": 3, "decision": 1, "identifier": 2, "practitioner": 2, "source_record": 2}
    assert Counter(row.table_name for row in rows) == kept
    one, other = (json.loads(row.before) for row in rows if row.table_name == "practitioner")
    assert one["family_name"] == other["family_name"] == "PARTIE"
    assert (one["merged_into"], other["merged_into"]) in ((other["id"], None), (None, one["id"]))


def test_a_first_load_writes_no_row_aside_and_is_undone_whole(registry: Engine, country: Path) -> None:
    run = run_import(registry, [country / "day0"], actor="tests", accept="essai").run
    with reading(registry) as connection:
        kept = connection.execute(select(undo_row.c.table_name).distinct()).scalars().all()
        labels = connection.execute(select(func.count()).select_from(nomenclature)).scalar_one()
    assert set(kept) <= {"nomenclature", "tally"}  # a few hundred labels
    assert undo(registry, run).counts["nomenclature"] == {"removed": labels}
    with reading(registry) as connection:
        assert set(connection.execute(select(undo_row.c.table_name).distinct()).scalars()) <= {"nomenclature", "tally"}
    assert {name for name, rows in contents(registry).items() if rows} == set()


def test_a_first_load_leaves_with_nothing_that_was_there(world: World) -> None:
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", ["b.fr"], actor="tests")
    before = contents(world.engine)
    undo(world.engine, world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox("a@b.fr", ONE)]).run)
    assert contents(world.engine) == before


def test_an_undone_file_is_no_longer_the_latest(world: World) -> None:
    first = {"activity": [f.activity(ONE)]}
    world.day(1, **first)
    run = world.day(2, activity=[f.activity(ONE, family_name="AUTRE")]).run
    undo(world.engine, run)
    with reading(world.engine) as connection:
        latest = last_file(connection, "rpps.activity")
        assert latest and latest.name == "activity-1.txt"
        assert [s.as_of for s in read_sources(connection)] == ["2026-11-01T00:00:00Z"]
    assert [x.status for x in world.day(1, **first).files] == ["skipped"]
    again = world.day(2, activity=[f.activity(ONE, family_name="AUTRE")])
    assert again.counts["practitioner"] == {"updated": 1}


def test_bad_rows_are_reported_again(registry: Engine, country: Path) -> None:
    reports: list[ImportReport] = []
    for _ in range(2):
        reports.append(run_import(registry, [country / "day0"], actor="tests", accept="essai", as_of=BASE))
        undo(registry, reports[-1].run)
    assert reports[0].files == reports[1].files
    assert any(file.rejected for file in reports[0].files)


# --- what may be undone ----------------------------------------------------------------------------------------------


def test_a_run_that_others_came_after_is_undone_with_them_only(world: World) -> None:
    runs = [world.day(n, activity=[f.activity(ONE, family_name=name)]).run or 0 for n, name in ((1, "UN"), (2, "DEUX"))]
    before = world.dump()
    with pytest.raises(UndoRefused, match=rf"{runs[1]} \(.*tests\).*annuaire rollback {runs[0]} --through"):
        undo(world.engine, runs[0])
    assert world.dump() == before
    assert [r.pk for r in undo(world.engine, runs[0], through=True).undone] == [runs[1], runs[0]]
    assert world.people() == []


def test_one_by_one_in_order(world: World) -> None:
    runs = [world.day(n, activity=[f.activity(ONE, family_name=name)]).run for n, name in ((1, "UN"), (2, "DEUX"))]
    for run in reversed(runs):
        undo(world.engine, run)
    assert world.people() == []


def test_runs_that_changed_nothing_stand_in_nobodys_way(world: World) -> None:
    said = {"activity": [f.activity(ONE)]}
    first, second = world.day(1, **said), world.day(1, **said)
    assert second.status == "unchanged"
    undone = undo(world.engine, first.run).undone
    assert [run.pk for run in undone] == [second.run, first.run]
    assert world.day(1, **said).counts["practitioner"] == {"created": 1}


def test_a_run_is_undone_once_and_a_rollback_is_not(world: World) -> None:
    run = world.day(1, activity=[f.activity(ONE)]).run or 0
    done = undo(world.engine, run)
    with pytest.raises(UndoRefused, match=f"déjà annulé, par le passage {done.run}"):
        undo(world.engine, run)
    with pytest.raises(UndoRefused, match=f"^retour en arrière {done.run} : .*importez de nouveau"):
        undo(world.engine, done.run)
    with pytest.raises(NotFound):
        undo(world.engine, 99)


def test_a_run_of_before_rollbacks_says_that_it_cannot(world: World) -> None:
    run = world.day(1, activity=[f.activity(ONE)]).run
    with writing(world.engine) as connection:
        connection.exec_driver_sql("DELETE FROM undo_range")
    with pytest.raises(UndoRefused, match="rien n'a été conservé pour défaire"):
        undo(world.engine, run)


def test_a_later_change_of_no_import_is_never_overwritten(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox("a@b.fr", ONE), f.mailbox("c@d.fr", ONE)])
    run = world.day(2, mailboxes=[f.mailbox("a@b.fr", ONE, family_name="AUTRE"), f.mailbox("c@d.fr", ONE)]).run
    _publish(world.engine, "c@d.fr")
    undo(world.engine, run, dry_run=True)
    _publish(world.engine, "a@b.fr")
    before = world.dump()
    with pytest.raises(UndoRefused, match=rf"^import {run} : la boîte de clé 1 .*par un-operateur.*importez plutôt"):
        undo(world.engine, run)
    assert world.dump() == before


def _publish(engine: Engine, address: str) -> None:
    with writing(engine) as connection:
        query = update(mailbox).where(mailbox.c.address == address).values(unlisted=True).returning(mailbox.c.id)
        pk = connection.execute(query).scalar_one()
        journal.append(connection, actor="un-operateur", kind="update", subject="mailbox", subject_id=pk)


def test_a_person_whom_a_publication_leans_on_stays(world: World) -> None:
    run = world.day(1, activity=[f.activity(ONE)]).run
    with writing(world.engine) as connection:
        box = {"address": "a@b.fr", "type": "PER", "source": "api", "since": "2026", "unlisted": False}
        pk = connection.execute(insert(mailbox).values(**box, changed_at="2026").returning(mailbox.c.id)).scalar_one()
        person = resolve(connection, "8", ONE)
        held = {"mailbox_id": pk, "practitioner_id": person, "source": "api", "since": "2026"}
        connection.execute(insert(binding).values(held))
        journal.append(connection, actor="un-operateur", kind="create", subject="mailbox", subject_id=pk)
    before = world.dump()
    with pytest.raises(UndoRefused, match=rf"^import {run} : .*s'appuient.*importez plutôt"):
        undo(world.engine, run)
    assert world.dump() == before


def test_a_rehearsal_says_the_same_and_writes_nothing(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    run = world.day(2, activity=[f.activity(TWO)]).run
    before = world.dump()
    rehearsed = undo(world.engine, run, dry_run=True)
    assert world.dump() == before
    done = undo(world.engine, run)
    assert (rehearsed.run, rehearsed.counts) == (None, done.counts)
    assert done.counts == {"practitioner": {"removed": 1, "restored": 1}}


def test_runs_tell_what_was_undone_and_by_which(world: World) -> None:
    run = world.day(1, activity=[f.activity(ONE)]).run or 0
    done = undo(world.engine, run)
    with reading(world.engine) as connection:
        assert [(r.pk, r.kind, r.undone_by) for r in read_runs(connection)] == [
            (done.run, "rollback", None),
            (run, "import", done.run),
        ]
        assert get_run(connection, done.run or 0).counts == done.counts


def test_a_rollback_shows_the_runs_that_it_took_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    first = world.day(1, activity=[f.activity(ONE)]).run or 0
    second = world.day(2, activity=[f.activity(ONE, family_name="AUTRE")]).run or 0
    done = undo(world.engine, first, through=True)
    asked = ["--database-url", world.engine.url.render_as_string(hide_password=False), "runs", "show", str(done.run)]
    assert cli.run(asked) == 0
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  annule")]
    assert [line.partition(",")[0] for line in shown] == [
        f"  annule le passage {second} (import)",
        f"  annule le passage {first} (import)",
    ]
    assert cli.run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["undoes"] == [second, first]
