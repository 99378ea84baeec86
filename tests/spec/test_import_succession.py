"""Files beside the last ones of their source: cut short, older, read before; and sources that fall silent."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import factories as f
import pytest
from breaker_world import NURSES, activities, boxes, imported, stopped_by
from import_world import World

from directory_service.errors import CircuitBreaker, ImportRefused
from directory_service.model.rhythms import Rhythms
from directory_service.model.thresholds import Thresholds
from importers.filedates import stamp_of
from importers.load import run_import

# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_cut_within_a_line_is_refused_whoever_accepts(world: World) -> None:
    path = f.write_activity(world.folder / "a.txt", activities(NURSES))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ImportRefused, match="tronqué") as refusal:
        imported(world, path, accept="quand même")
    assert refusal.value.exit_code == 3


def test_a_file_cut_at_the_end_of_a_line_has_fewer_rows_and_stops(world: World) -> None:
    rows = [row for n in NURSES for row in (f.activity(n), f.activity(n, mode_code="L"))]
    path = f.write_activity(world.folder / "a.txt", rows)
    imported(world, path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:182]))  # 181 rows of 200: nothing is said of 9.5 %
    assert "rows_fell" not in {b.rule for b in imported(world, path, dry_run=True).breaches}
    path.write_bytes(b"".join(lines[:181]))
    with pytest.raises(CircuitBreaker, match="180 lignes, 10 % de moins que les 200") as stop:
        imported(world, path, thresholds=Thresholds(removed=100))
    assert stopped_by(stop) == {"rows_fell a.txt"}


def test_a_file_of_many_more_rows_stops_and_may_be_accepted(world: World) -> None:
    path = f.write_activity(world.folder / "a.txt", activities(NURSES[:40]))
    imported(world, path)
    f.write_activity(path, activities(NURSES))
    with pytest.raises(CircuitBreaker, match=r"100 lignes, 150 % de plus que les 40.*que le fichier du jour") as stop:
        imported(world, path)
    assert stopped_by(stop) == {"rows_grew a.txt"}
    assert imported(world, path, accept="une profession nous rejoint").status == "done"


def test_a_small_file_may_lose_any_share(world: World) -> None:
    path = f.write_activity(world.folder / "a.txt", activities(NURSES[:19]))
    imported(world, path)
    f.write_activity(path, activities(NURSES[:11]))
    assert imported(world, path).breaches == ()


def test_a_file_older_than_the_last_by_its_stamp_stops_and_may_be_accepted(world: World) -> None:
    new = f.write_activity(world.folder / "PS_LibreAcces_202608260606.txt", activities(NURSES))
    old = f.write_activity(world.folder / "PS_LibreAcces_202608250606.txt", activities(NURSES[::-1][1:]))
    os.utime(old)  # fetched later
    imported(world, new)
    with pytest.raises(CircuitBreaker, match=r"plus ancien que le dernier lu.*: retirez-le") as stop:
        imported(world, old)
    assert stopped_by(stop) == {"older PS_LibreAcces_202608250606.txt"}
    assert imported(world, old, accept="retour en arrière voulu").status == "done"
    assert imported(world, new).breaches == ()


def test_without_a_stamp_the_date_of_the_file_tells(world: World) -> None:
    new = f.write_activity(world.folder / "new.txt", activities(NURSES))
    old = f.write_activity(world.folder / "old.txt", activities(NURSES[1:]))
    os.utime(old, (1_700_000_000, 1_700_000_000))
    imported(world, new)
    with pytest.raises(CircuitBreaker) as stop:
        imported(world, old)
    assert stopped_by(stop) == {"older old.txt"}


def test_in_a_zip_the_stamp_of_the_member_then_of_the_zip_then_the_date_within(world: World) -> None:
    def zipped(name: str, member: str, numbers: list[str], date: tuple[int, ...] = (2026, 8, 26, 6, 6, 0)) -> Path:
        text = f.write_activity(world.folder / "member", activities(numbers)).read_text(encoding="utf-8")
        with zipfile.ZipFile(world.folder / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo(member, date), text)  # type: ignore[arg-type]
        return world.folder / name

    imported(world, zipped("PS_202608260606.zip", "a.txt", NURSES))
    for path, older in (
        (zipped("b_202608270606.zip", "a_202608250606.txt", NURSES[1:]), True),
        (zipped("c_202608250606.zip", "a.txt", NURSES[1:]), True),
        (zipped("d.zip", "a.txt", NURSES[1:], (2026, 8, 24, 6, 6, 0)), True),
        (zipped("e.zip", "a.txt", NURSES[1:], (2026, 8, 26, 2, 0, 0)), False),  # a day's tolerance
        (zipped("f.zip", "a.txt", NURSES[1:], (1980, 1, 1, 0, 0, 0)), False),  # no date: that of the zip
        (zipped("g.zip", "a.txt", NURSES[1:], (2026, 2, 31, 6, 6, 0)), False),  # no day of that month
        (zipped("h.zip", "a.txt", NURSES[1:], (2026, 0, 0, 0, 0, 0)), False),
    ):
        assert bool(imported(world, path, dry_run=True).breaches) == older, path.name


def test_a_folder_that_gathers_days_is_read_in_order_and_each_day_once(world: World) -> None:
    for day, statuses in ((25, ["imported"]), (26, ["imported", "skipped"]), (27, ["imported", "skipped", "skipped"])):
        f.write_activity(world.folder / f"a_202608{day}0606.txt", activities(NURSES[day - 25 :]))
        report = imported(world, world.folder)
        assert (report.breaches, sorted(x.status for x in report.files)) == ((), statuses)
    f.write_activity(world.folder / "a_202608240606.txt", activities(NURSES[4:]))
    report = imported(world, world.folder, dry_run=True)
    assert [b.subject for b in report.breaches] == ["a_202608240606.txt"]


def test_a_file_that_came_late_has_not_the_last_word(world: World) -> None:
    """Accepted, it left the registry at its day, though the folder held the next one."""
    for day, numbers in ((24, NURSES[2:]), (26, NURSES)):
        f.write_activity(world.folder / f"a_202608{day}0606.txt", activities(numbers))
        imported(world, world.folder)
    f.write_activity(world.folder / "a_202608250606.txt", activities(NURSES[1:]))
    report = imported(world, world.folder, accept="arrivé en retard")
    assert [b.subject for b in report.breaches] == ["a_202608250606.txt"]
    assert [x.read_by for x in report.files] == [None, None, None]  # at its own date
    assert [(x.name, x.status) for x in report.files] == [
        ("a_202608240606.txt", "skipped"), ("a_202608250606.txt", "imported"), ("a_202608260606.txt", "imported")
    ]  # fmt: skip
    assert world.person(NURSES[0]).status == "active"
    assert {x.status for x in imported(world, world.folder).files} == {"skipped"}


def test_an_old_file_that_passes_for_a_new_one_is_told(world: World) -> None:
    """Fetched again from a mirror, whose names have no stamp."""
    path = world.folder / "a.txt"
    told = []
    for day, numbers in ((1, NURSES), (2, NURSES[1:]), (3, NURSES)):
        f.write_activity(path, activities(numbers))
        os.utime(path, (day * 86_400, day * 86_400))
        report = imported(world, path)
        told.append(report.files[0].read_by)
    assert told == [None, None, 1]
    assert "attention : même contenu qu'au passage 1 ; est-ce bien le fichier du jour ?" in report.as_text()


def test_two_days_of_one_source_in_one_command_are_read_in_order(world: World) -> None:
    for day, numbers in ((26, NURSES[1:]), (25, NURSES)):
        f.write_activity(world.folder / f"a_202608{day}0606.txt", activities(numbers))
    assert imported(world, world.folder).breaches == ()
    assert world.person(NURSES[0]).status == "inactive"


def test_days_are_read_in_the_order_of_their_stamps_whatever_their_names(world: World) -> None:
    f.write_activity(world.folder / "z_202608250606.txt", activities(NURSES))
    f.write_activity(world.folder / "a_202608260606.txt", activities(NURSES[1:]))
    assert imported(world, world.folder).breaches == ()
    assert world.person(NURSES[0]).status == "inactive"


def test_what_is_published_again_after_something_else_is_read_again(world: World) -> None:
    for day, numbers in ((25, NURSES), (26, NURSES[1:]), (27, NURSES)):
        f.write_activity(world.folder / f"a_202608{day}0606.txt", activities(numbers))
        report = imported(world, world.folder)
        assert [x.status for x in report.files] == ["skipped"] * (day - 25) + ["imported"]
    assert world.person(NURSES[0]).status == "active"
    assert {x.status for x in imported(world, world.folder).files} == {"skipped"}


def test_the_day_before_given_alone_is_not_taken_for_the_day_that_was_read_with_it(world: World) -> None:
    for day, numbers in ((25, NURSES), (26, NURSES[1:])):
        f.write_activity(world.folder / f"a_202608{day}0606.txt", activities(numbers))
    imported(world, world.folder)
    with pytest.raises(CircuitBreaker) as stop:
        imported(world, world.folder / "a_202608250606.txt")
    assert "older a_202608250606.txt" in stopped_by(stop)


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("PS_LibreAcces_Personne_activite_202608250606.txt", datetime(2026, 8, 25, 6, 6, tzinfo=UTC)),
        ("export-20260825.csv", datetime(2026, 8, 25, tzinfo=UTC)),
        ("a_209913450606.txt", None),
        ("siret_20260825060612.txt", None),
        ("siret_120260825.txt", None),
        ("activity-1.txt", None),
        ("from_20260101_to_202608250606.txt", datetime(2026, 8, 25, 6, 6, tzinfo=UTC)),
        ("a_202608250606_209913450606.txt", datetime(2026, 8, 25, 6, 6, tzinfo=UTC)),
    ],
)
def test_the_stamp_of_a_name(name: str, stamp: datetime | None) -> None:
    assert stamp_of(name) == stamp


# --- silence ---------------------------------------------------------------------------------------------------------


def test_a_source_silent_for_longer_than_its_rhythm_is_told(world: World) -> None:
    a = f.write_activity(world.folder / "a_202608250606.txt", activities(NURSES))
    b = f.write_mailboxes(world.folder / "b_202608250606.txt", boxes(NURSES))

    def silent(hour: str, *paths: Path, rhythms: str = "rpps.activity=36 mssante.mailboxes=36") -> list[str]:
        at = datetime.fromisoformat(hour + ":00+00:00")
        choices = {"as_of": at, "rhythms": Rhythms.parse(rhythms)}
        return [s.source for s in run_import(world.engine, paths, actor="tests", **choices).silent]

    assert silent("2026-08-26T06:00", a, b) == []
    assert silent("2026-08-26T18:06", a, b) == []
    assert silent("2026-08-26T18:07", a, b) == ["mssante.mailboxes", "rpps.activity"]  # read again: no younger
    assert silent("2026-09-26T18:07", a, b, rhythms="rpps.activity=9000") == []
    a = f.write_activity(world.folder / "a_202608270606.txt", activities(NURSES))  # the same, published again
    assert silent("2026-08-27T07:00", a, b) == ["mssante.mailboxes"]


def test_a_file_that_is_stopped_does_not_end_the_silence_of_its_source(world: World) -> None:
    first = f.write_activity(world.folder / "a_202608250606.txt", activities(NURSES))
    imported(world, first, as_of=datetime(2026, 8, 25, 8, tzinfo=UTC))
    path = f.write_activity(world.folder / "a_202608300606.txt", activities(NURSES[:50]))
    moment = datetime(2026, 8, 30, 8, tzinfo=UTC)
    with pytest.raises(CircuitBreaker) as stop:
        imported(world, path, as_of=moment)
    assert [(s.source, s.published) for s in stop.value.report.silent] == [("rpps.activity", "2026-08-25T06:06:00Z")]
    assert imported(world, path, as_of=moment, accept="moitié voulue").silent == ()


def test_a_file_without_stamp_fetched_again_is_no_younger(world: World) -> None:
    path = f.write_activity(world.folder / "a.txt", activities(NURSES))
    os.utime(path, (1_790_000_000, 1_790_000_000))  # 21 September 2026
    moment = datetime(2026, 9, 30, tzinfo=UTC)
    assert len(imported(world, path, as_of=moment).silent) == 1
    os.utime(path, (1_790_700_000, 1_790_700_000))
    assert len(imported(world, path, as_of=moment).silent) == 1
