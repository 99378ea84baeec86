"""What an import touches is counted as it runs and told; beyond thresholds it stops before it commits (exit code 6)."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import factories as f
import pytest
from breaker_world import NURSES, activities, boxes, imported, stopped_by
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_world import World
from sqlalchemy import delete, update
from undo_world import assert_tally_is_the_count

from directory_service.errors import CircuitBreaker, InvalidInput
from directory_service.model.thresholds import Thresholds
from directory_service.registry.engine import open_registry, reading, writing
from directory_service.registry.runs import get_run
from directory_service.registry.tables import tally
from directory_service.registry.tally import counted_under, read_tally
from directory_service.registry.upgrading import upgrade
from importers.breaker import stopped
from importers.load import run_import
from importers.report import Breach, ImportReport
from importers.sample import write_sample

NOTHING = Thresholds(removed=0, changed=0, group_removed=0, group_size=0, floor=0, rows_fell=0)


# --- the tally -------------------------------------------------------------------------------------------------------


def test_the_tally_is_what_a_count_of_the_tables_gives(world: World, tmp_path: Path) -> None:
    """Day after day, whatever files come; from nothing too, in a registry that never kept one."""
    for day in (0, 1, 9):
        write_sample(tmp_path / f"day{day}", people=400, seed=6, day=day, defects=0.01)
        for path in sorted((tmp_path / f"day{day}").glob("*.csv")) if day == 9 else ():
            path.unlink()
        imported(world, tmp_path / f"day{day}", accept="essai")
        assert_tally_is_the_count(world.engine)
        if day == 1:
            with writing(world.engine) as connection:
                connection.execute(delete(tally))


_PEOPLE = st.tuples(
    st.sampled_from([*(f.rpps(n) for n in range(4)), *(f.adeli(n) for n in range(3))]),
    st.sampled_from(["10", "60"]),
    st.sampled_from([("1", "75013", "75"), ("1", "69001", ""), ("2", "97110", ""), ("2", "97110", "971")]),
)
_BOXES = st.tuples(st.sampled_from(["a@un.fr", "b@un.fr", "c@deux.fr"]), st.sampled_from([f.rpps(0), f.rpps(1)]))
_DAYS = st.fixed_dictionaries(
    {},
    optional={
        "activity": st.lists(_PEOPLE, min_size=1, max_size=6),
        "cat18": st.lists(_PEOPLE, min_size=1, max_size=4),
        "expertise": st.lists(_PEOPLE.filter(lambda p: len(p[0]) == 11), min_size=1, max_size=3),
        "mailboxes": st.lists(_BOXES, min_size=1, max_size=3),
        "links": st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=2),
    },
)


def _row(make: Any, number: str, profession: str, place: tuple[str, str, str]) -> dict[str, str]:
    serial, postcode, department = place
    key = f.finess(int(serial))
    where = {"technical_id": "F" + key, "finess": key, "name": "LIEU " + serial, "postcode": postcode}
    return make(number, profession_code=profession, department_code=department, **where)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(_DAYS.filter(bool), min_size=2, max_size=4))
def test_the_tally_is_the_count_whatever_comes_and_goes(sqlite_template: Path, days: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.sqlite"
        path.write_bytes(sqlite_template.read_bytes())
        world = World(open_registry(f"sqlite:///{path}"), Path(folder))
        for number, day in enumerate(days, start=1):
            extracts = {
                kind: [_row(getattr(f, kind), *row) for row in rows]
                for kind, rows in day.items()
                if kind in ("activity", "cat18", "expertise")
            }
            if "mailboxes" in day:
                extracts["mailboxes"] = [f.mailbox(*row) for row in day["mailboxes"]]
            if "links" in day:
                extracts["links"] = [(f.adeli(a), f.rpps(r)) for a, r in day["links"]]
            world.day(number, accept="essai", **extracts)
            assert_tally_is_the_count(world.engine)
        world.engine.dispose()


def test_departments_by_code_else_by_postcode(world: World) -> None:
    world.day(1, activity=activities(NURSES[:2], department_code="2A") + activities(NURSES[2:3], postcode="97110",
              technical_id="F" + f.finess(9), finess=f.finess(9)))  # fmt: skip
    with reading(world.engine) as connection:
        assert read_tally(connection)["department"] == Counter({"2A": 2, "971": 1})


@pytest.mark.parametrize(
    ("code", "postcode", "key"),
    [("", "20090", "2A"), ("", "20137", "2A"), ("", "20200", "2B"), ("", "20600", "2B"), ("20", "20200", "2B"),
     ("", "97133", "977"), ("", "97150", "978"), ("", "98800", "988"), ("", "1000", ""), ("", "L-1025", ""),
     ("2A", "20200", "2A"), ("", "", "")],
)  # fmt: skip
def test_the_department_that_an_address_counts_in(code: str, postcode: str, key: str) -> None:
    assert counted_under(code, postcode) == key


def test_corsica_of_before_is_counted_anew(world: World) -> None:
    rows = activities(NURSES[:3], postcode="20200")
    world.day(1, activity=rows)
    with writing(world.engine) as connection:
        connection.execute(update(tally).where(tally.c.key == "2B").values(key="20"))
    world.day(2, activity=rows[:2])
    with reading(world.engine) as connection:
        assert read_tally(connection)["department"] == Counter({"2B": 2})
    assert_tally_is_the_count(world.engine)


def test_a_registry_of_before_is_upgraded_with_what_it_holds(tmp_path: Path) -> None:
    engine = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    upgrade(engine)
    world = World(engine, tmp_path)
    world.day(1, activity=activities(NURSES))
    with writing(engine) as connection:
        connection.execute(delete(tally))
        connection.exec_driver_sql("UPDATE run_file SET published = NULL")
    report = world.day(2, activity=activities(NURSES[1:]))
    assert (report.breaches, report.impact["people"]["before"]) == ((), 100)
    engine.dispose()


# --- the impact ------------------------------------------------------------------------------------------------------


def test_the_impact_is_told_in_numbers_and_percent_the_biggest_movers_first(world: World) -> None:
    doctors = {"profession_code": "10", "profession": "Médecin"}
    lyon = {"technical_id": "F" + f.finess(2), "finess": f.finess(2), "postcode": "69001", "city": "Lyon"}
    here, there = NURSES[:40], NURSES[40:60]
    world.day(
        1,
        activity=activities(here) + activities(there, **doctors, **lyon),
        mailboxes=boxes(here) + boxes(there, "lyon.mssante.fr"),
    )
    rows = activities(here[1:]) + activities(there[3:], **doctors, **lyon) + activities([NURSES[90]])
    rows[0]["family_name"] = "DURAND"
    report = world.day(2, activity=rows, mailboxes=boxes(here[2:]) + boxes(there[1:], "lyon.mssante.fr"), dry_run=True)
    impact = report.as_dict()["impact"]
    people = {"key": "", "before": 60, "added": 1, "changed": 1, "removed": 4, "merged": 0, "touched": 6}
    assert impact["people"] == people | {"percent": 10.0}
    assert [(m["key"], m["removed"], m["percent"]) for m in impact["domain"]["movers"]] == [
        ("medecin.mssante.fr", 2, 5.0),
        ("lyon.mssante.fr", 1, 5.0),
    ]
    assert (impact["domain"]["touched"], impact["domain"]["before"]) == (2, 2)
    assert [(m["key"], m["label"], m["touched"]) for m in impact["profession"]["movers"]] == [
        ("10", "Médecin", 3),
        ("60", "Infirmier", 3),
    ]
    assert [(m["key"], m["added"], m["removed"]) for m in impact["department"]["movers"]] == [
        ("69", 0, 3),
        ("75", 1, 1),
    ]
    text = report.as_text()
    assert "professionnels : 6 sur 60 (10,00 %) ; 1 ajouté, 1 modifié, 4 retirés" in text
    assert "départements touchés : 2 sur 2 ; d'abord Rhône (69) : 3 sur 20 (15,00 %), Paris (75) : " in text
    assert "domaines touchés : 2 sur 2 ; d'abord medecin.mssante.fr : 2 sur 40 (5,00 %), lyon.mssante.fr :" in text


def test_more_than_there_was_is_no_share(world: World) -> None:
    world.day(1, activity=activities(NURSES[:2]))
    text = world.day(2, activity=activities(NURSES[:7])).as_text()
    assert "effet sur les professionnels : 5, pour 2 avant ; 5 ajoutés" in text


def test_a_merge_is_told_as_one(world: World) -> None:
    world.day(1, activity=[f.activity(NURSES[0]), f.activity(f.adeli(1), family_name="DURAND")])
    impact = world.day(2, links=[(f.adeli(1), NURSES[0])]).impact
    acts = ("before", "added", "changed", "removed", "merged")
    assert [impact["people"][a] for a in acts] == [2, 0, 1, 0, 1]
    assert [impact["activities"][a] for a in acts] == [2, 0, 0, 0, 0]


def test_who_gets_another_number_through_the_link_table_is_changed(world: World) -> None:
    alone, gone = f.adeli(1), NURSES[9]
    world.day(1, activity=[*activities(NURSES[:3]), f.activity(gone), f.activity(alone, profession_code="26")])
    world.day(2, activity=[*activities(NURSES[:3]), f.activity(alone, profession_code="26")])
    links = [(f.adeli(2), NURSES[0]), (f.adeli(3), NURSES[0]), (alone, NURSES[8]), (f.adeli(4), gone)]
    report = world.day(3, links=links, dry_run=True)
    assert (report.impact["people"]["changed"], report.impact["people"]["touched"]) == (2, 2)
    assert {m["key"]: m["changed"] for m in report.impact["profession"]["movers"]} == {"60": 1, "26": 1}
    assert "effet sur les professionnels : 2 sur 4 (50,00 %) ; 2 modifiés" in report.as_text()
    assert world.day(3, links=links).impact == report.impact
    assert "effet sur" not in world.day(4, links=[*links, (f.adeli(5), NURSES[7])]).as_text()


def test_who_comes_back_with_other_diplomas_is_added_and_not_changed_as_well(world: World) -> None:
    rows, diplomas = [f.activity(f.rpps(n)) for n in (1, 2)], [f.diploma(f.rpps(n)) for n in (1, 2)]
    world.day(1, activity=rows, diplomas=diplomas)
    world.day(2, activity=rows[1:])
    other = f.diploma(f.rpps(1), diploma_code="DE02")
    people = world.day(3, activity=rows, diplomas=[other, diplomas[1]]).impact["people"]
    assert (people["added"], people["changed"], people["touched"]) == (1, 0, 1)


def test_an_activity_that_replaces_another_in_its_department_is_counted(world: World) -> None:
    """On SQLite, the row that comes has the key of the one that went."""
    world.day(1, activity=[f.activity(f.rpps(1))])
    activities = world.day(2, activity=[f.activity(f.rpps(1), mode_code="L", mode="Libéral")]).impact["activities"]
    assert (activities["added"], activities["removed"]) == (1, 1)


def test_the_run_keeps_its_impact(world: World) -> None:
    report = world.day(1, activity=activities(NURSES[:3]))
    with reading(world.engine) as connection:
        assert get_run(connection, report.run or 0).impact == report.impact


# --- thresholds ------------------------------------------------------------------------------------------------------


def test_a_first_load_passes_no_threshold(world: World) -> None:
    moved = world.folder / "a.txt"
    f.write_activity(moved, activities(NURSES))
    assert imported(world, moved, thresholds=NOTHING).breaches == ()


def test_many_who_vanish_stop_the_import_and_nothing_is_written(world: World) -> None:
    world.day(1, activity=activities(NURSES), mailboxes=boxes(NURSES))
    before = world.dump()
    path = f.write_mailboxes(world.folder / "b.txt", boxes(NURSES[9:]))
    assert imported(world, path, dry_run=True).breaches == ()  # 9: below the floor
    path = f.write_mailboxes(world.folder / "b.txt", boxes(NURSES[10:]))
    with pytest.raises(CircuitBreaker, match=r"10 boîtes aux lettres sur 100 disparaissent.*--accept") as stop:
        imported(world, path)
    assert stopped_by(stop) == {"removed mailboxes", "rows_fell b.txt"}
    assert world.dump() == before
    wide = Thresholds(removed=10, rows_fell=11)
    assert imported(world, path, thresholds=wide).status == "done"


def test_many_who_change_stop_the_import(world: World) -> None:
    world.day(1, activity=activities(NURSES))
    path = f.write_activity(world.folder / "a.txt", activities(NURSES, family_name="TOUS"))
    with pytest.raises(CircuitBreaker) as stop:
        imported(world, path)
    assert stopped_by(stop) == {"changed people"}


def test_many_structures_that_change_stop_the_import(world: World) -> None:
    """Of the people there nothing changes: a spreadsheet that drops the zeros of telephones and postcodes passed."""

    def at(number: int, **fields: str) -> dict[str, str]:
        key = f.finess(number)
        return f.activity(f.rpps(number), technical_id="F" + key, finess=key, **fields)

    world.day(1, mailboxes=[f.mailbox(f"{n}@un.fr", place_id=f.finess(n)) for n in range(20)])
    first = [at(n, phone="0432000000") for n in range(40)]
    assert world.day(2, activity=first).breaches == ()  # it tells other things of structures than the mailboxes did
    path = f.write_activity(world.folder / "a.txt", [*first[:31], *(at(n, phone="432000000") for n in range(31, 40))])
    assert imported(world, path, dry_run=True).breaches == ()  # 9: below the floor
    path = f.write_activity(world.folder / "a.txt", [at(n, phone="432000000") for n in range(40)])
    with pytest.raises(CircuitBreaker, match="40 structures sur 40 changent") as stop:
        imported(world, path)
    assert stopped_by(stop) == {"changed structures"}


def test_many_links_that_change_stop_the_import(world: World) -> None:
    """A table that slipped by a row queued a question for nearly each of its lines, and passed."""
    pairs = [(f.adeli(n), f.rpps(n)) for n in range(1, 41)]
    world.day(1, links=pairs)
    slipped = [(adeli, rpps) for (adeli, _), (_, rpps) in zip(pairs, [*pairs[1:], pairs[0]], strict=True)]
    assert world.day(2, links=[*slipped[:7], *pairs[7:]], dry_run=True).breaches == ()  # below the floor
    with pytest.raises(CircuitBreaker, match="40 liens ADELI-RPPS sur 40 changent") as stop:
        world.day(2, links=slipped)
    assert stopped_by(stop) == {"changed links"}


def test_who_becomes_another_record_counts_with_those_who_change(world: World) -> None:
    old = [f.adeli(n) for n in range(20)]
    elsewhere = {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}
    world.day(1, activity=activities(NURSES[:20]) + activities(old, family_name="TIERS", **elsewhere))
    path = f.write_links(world.folder / "links.csv", zip(old, NURSES, strict=False))
    with pytest.raises(CircuitBreaker, match="40 professionnels sur 40 changent ou fusionnent") as stop:
        imported(world, path, thresholds=Thresholds(changed=60))
    assert stopped_by(stop) == {"changed people"}


def test_half_of_a_group_that_goes_stops_the_import(world: World) -> None:
    numbers = [f.rpps(n) for n in range(1000)]
    rows = activities(numbers[:880]) + activities(numbers[880:], profession_code="70", postcode="2A004")
    domains = boxes(numbers[:880]) + boxes(numbers[880:], "petit.mssante.fr")
    world.day(1, activity=rows, mailboxes=domains)
    a = f.write_activity(world.folder / "a.txt", rows[:939])
    b = f.write_mailboxes(world.folder / "b.txt", domains[:939])
    with pytest.raises(CircuitBreaker) as stop:
        run_import(world.engine, [a, b], actor="tests", thresholds=Thresholds(group_size=120, removed=100))
    assert stopped_by(stop) == {"group_removed domain petit.mssante.fr", "group_removed profession 70"}
    assert "profession Masseur-Kinésithérapeute (70) : " in stop.value.message  # nobody knows them by their codes alone
    with pytest.raises(CircuitBreaker) as stop:
        run_import(world.engine, [a, b], actor="tests", thresholds=Thresholds(group_size=121, removed=6))
    assert stopped_by(stop) == {"removed people", "removed activities", "removed mailboxes"}


def test_a_refusal_names_a_few_thresholds_and_the_report_has_them_all(world: World) -> None:
    """It was one line of two thousand characters, said under a report that held the same."""
    breaches = tuple(Breach("removed", "people", 1.0, 0.5, f"seuil n° {n}") for n in range(5))
    stop = stopped(ImportReport(None, "dry-run", "", (), {}, breaches=breaches), "alice")
    assert "seuil n° 2 ; … (5 seuils dépassés en tout). Les fichiers sont-ils les bons" in stop.message
    assert "--accept MOTIF" in stop.message and "alice" in stop.message
    assert isinstance(stop.report, ImportReport) and stop.report.breaches == breaches
    assert "n° 3" not in stop.message


def test_who_accepts_is_recorded_with_the_reason_and_what_was_passed(world: World) -> None:
    world.day(1, activity=activities(NURSES))
    path = f.write_activity(world.folder / "a.txt", activities(NURSES[:50]))
    for empty in ("", "  "):
        with pytest.raises(InvalidInput):
            imported(world, path, accept=empty)
    report = imported(world, path, accept=" fermeture annoncée ")
    with reading(world.engine) as connection:
        accepted = get_run(connection, report.run or 0).accepted
    assert accepted is not None and (accepted["by"], accepted["reason"]) == ("tests", "fermeture annoncée")
    assert accepted["breaches"] == [b.message for b in report.breaches]
    assert "accepté par tests : fermeture annoncée" in report.as_text()
    path = f.write_activity(world.folder / "a.txt", activities(NURSES[:51]))
    assert imported(world, path, accept="pour rien").accepted is None


def test_a_dry_run_says_that_the_import_would_stop(world: World) -> None:
    world.day(1, activity=activities(NURSES))
    path = f.write_activity(world.folder / "a.txt", activities(NURSES[:50]))
    report = imported(world, path, dry_run=True)
    assert {b.rule for b in report.breaches} == {"removed", "rows_fell"}
    assert "sans --accept MOTIF, l'import s'arrêterait" in report.as_text()
