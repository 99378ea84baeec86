"""A rejected row is no row that has vanished: what it may have been about stands until the next extract."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import factories as f
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_world import World
from sqlalchemy import Engine, select

from directory_service.model.mistaken import near_numbers
from directory_service.model.thresholds import Thresholds
from directory_service.registry.engine import reading
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import mailbox
from importers.load import run_import
from importers.report import ImportReport

SQLITE = pytest.mark.parametrize("registry_url", ["sqlite"], indirect=True)
HERS, OTHERS = f.rpps(1), [f.rpps(n) for n in range(2, 12)]
FALSE = HERS[:-1] + str((int(HERS[-1]) + 1) % 10)
BOX, BOXES = "zoe@medecin.mssante.fr", [f"b{n}@medecin.mssante.fr" for n in range(9)]
ME = {"family_name": "MOI"}
OTHER_PLACE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2), "name": "CLINIQUE"}


def rest(write: Callable[..., dict[str, str]] = f.activity) -> list[dict[str, str]]:
    return [write(n) for n in OTHERS]


def is_active(world: World, number: str = HERS) -> bool:
    return world.person(number).status == "active"


def is_open(world: World, address: str = BOX) -> bool:
    with reading(world.engine) as connection:
        return connection.execute(select(mailbox.c.until).where(mailbox.c.address == address)).scalar_one() is None


def stored(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """But for what is told of the rows of the file."""
    return world.contents() | {"rejection": [], "finding": []}


def kept(report: ImportReport, kind: str = "practitioner") -> int:
    return report.counts.get(kind, {}).get("kept", 0)


# --- people ----------------------------------------------------------------------------------------------------------


def test_who_has_a_false_number_for_a_day_is_there_all_along(world: World) -> None:
    world.day(1, activity=[f.activity(HERS, **ME), *rest()])
    before, entries = stored(world), len(world.journal())
    report = world.day(2, activity=[f.activity(FALSE, **ME), *rest()])
    assert (is_active(world), kept(report), report.status) == (True, 1, "unchanged")
    assert "professionnels : 1 maintenu (ligne rejetée), 10 inchangés" in report.as_text()
    assert len(world.journal()) == entries
    assert stored(world) == before
    again = world.day(3, activity=[f.activity(FALSE, **ME), *rest()])
    assert [file.status for file in again.files] == ["skipped"]
    back = world.day(4, activity=[f.activity(HERS, **ME), *rest()])
    assert (back.status, back.counts["practitioner"]) == ("unchanged", {"unchanged": 11})
    assert world.day(5, activity=rest(), accept="essai").counts["practitioner"]["closed"] == 1
    world.day(6, activity=[f.activity(FALSE, **ME), *rest()])
    assert not is_active(world)  # a row that cannot be read brings nobody back


MAYBE_HERS: dict[str, dict[str, str]] = {
    "another digit": {"id": FALSE, "national_id": "8" + FALSE},
    "the digit in one column": {"id": FALSE},
    "the number in one column": {"id": ""},
    "the digit in the other": {"national_id": "8" + FALSE},
    "another type": {"id_type": "5", "national_id": "5" + HERS},
    "no type": {"id_type": "", "national_id": HERS},
    "a column more": {"given_names": "Zoé|"},
    "NUL in the number": {"id": HERS[:4] + "\0" + HERS[4:]},
    "too long": {"given_names": "é" * 600},
}


@pytest.mark.parametrize("fault", MAYBE_HERS)
@pytest.mark.parametrize("kind", ["activity", "diplomas", "expertise"])
@SQLITE
def test_a_row_that_may_be_hers_is_not_nothing(world: World, kind: str, fault: str) -> None:
    write = {"activity": f.activity, "diplomas": f.diploma, "expertise": f.expertise}[kind]
    world.day(1, activity=[f.activity(HERS, **ME), *rest()], **({} if kind == "activity" else {kind: [
        write(HERS, **ME), *rest(write)]}))  # fmt: skip
    before = stored(world)
    report = world.day(2, **{kind: [write(HERS, **{**ME, **MAYBE_HERS[fault]}), *rest(write)]})
    told = {"activity": "practitioner", "diplomas": "qualification", "expertise": "expertise"}[kind]
    assert (report.files[0].rejected, kept(report, told)) == (1, 1)
    assert stored(world) == before


@pytest.mark.parametrize(
    "other",
    [{"family_name": "LOIN"}, {"given_names": "Anne"}, {"family_name": "MOI", "id": HERS[:3] + "77" + HERS[5:]}],
    ids=str,
)
@SQLITE
def test_a_false_number_of_another_name_or_two_errors_away_is_not_hers(world: World, other: dict[str, str]) -> None:
    world.day(1, activity=[f.activity(HERS, **ME), *rest()])
    number = other.get("id", FALSE)
    row = f.activity(number, **{**ME, **other, "national_id": "8" + number})
    report = world.day(2, activity=[row, *rest()], accept="essai")
    assert (report.files[0].rejected, is_active(world), kept(report)) == (1, False, 0)


@SQLITE
def test_all_that_one_number_may_have_been_stand(world: World) -> None:
    """Two people of one name whose numbers are near: which of them it was is not known."""
    near = [n[1:] for n in near_numbers("8" + FALSE)][:3]
    world.day(1, activity=[*(f.activity(n, **ME) for n in near), *rest()])
    report = world.day(2, activity=[f.activity(near[0], **ME), f.activity(FALSE, **ME), *rest()])
    assert ([is_active(world, n) for n in near], kept(report)) == ([True] * 3, 2)


def test_a_rejected_row_of_somebody_takes_nothing_from_her(world: World) -> None:
    second = f.activity(HERS, **ME, **OTHER_PLACE)
    skills = [f.expertise(HERS), f.expertise(HERS, expertise_code="SM54")]
    world.day(1, activity=[f.activity(HERS, **ME), second, *rest()], expertise=[*skills, *rest(f.expertise)])
    bad = second | {"title": "|"}
    for day in (2, 3):
        told = [skills[0], skills[1] | {"expertise": "|"}, f.expertise(f.rpps(50 + day)), *rest(f.expertise)]
        world.day(day, activity=[f.activity(HERS, **ME, phone=f"01{day}"), bad, *rest()], expertise=told)
        assert len(world.person(HERS).roles) == 2
        assert len(world.person(HERS).expertises) == 2
    world.day(4, activity=[f.activity(HERS, **ME), *rest()], expertise=[skills[0], *rest(f.expertise)], accept="essai")
    assert (len(world.person(HERS).roles), len(world.person(HERS).expertises)) == (1, 1)


# --- mailboxes -------------------------------------------------------------------------------------------------------

MAYBE_ITS: dict[str, dict[str, str]] = {
    "unknown type": {"type": "XXX"},
    "nobody's name": {"family_name": ""},
    "a column more at the front": {"type": "|PER"},
    "a column more behind": {"family_name": "MOI|"},
    "control character behind": {"address": BOX + "\x04"},
    "NUL within": {"address": BOX[:3] + "\0" + BOX[3:]},
    "NUL elsewhere": {"family_name": "M\0I"},
}


@pytest.mark.parametrize("fault", MAYBE_ITS)
def test_a_mailbox_whose_address_can_be_read_stays_open_and_held(world: World, fault: str) -> None:
    boxes = [f.mailbox(b, n) for b, n in zip(BOXES, OTHERS, strict=False)]
    hers = f.mailbox(BOX, HERS, **ME)
    world.day(1, activity=[f.activity(HERS, **ME), *rest()], mailboxes=[hers, *boxes])
    before = stored(world)
    report = world.day(2, mailboxes=[hers | MAYBE_ITS[fault], *boxes])
    assert (report.files[0].rejected, kept(report, "mailbox"), report.status) == (1, 1, "unchanged")
    assert "boîtes aux lettres : 1 maintenue (ligne rejetée), 9 inchangées" in report.as_text()
    assert (is_open(world), world.holders(BOX)) == (True, ["8" + HERS])
    assert stored(world) == before


@pytest.mark.parametrize("fault", [{"address": "zoe.medecin.mssante.fr"}, {"type": "|PER", "given_names": "a@b.fr"}])
@SQLITE
def test_a_mailbox_of_which_no_row_says_the_address_is_closed(world: World, fault: dict[str, str]) -> None:
    boxes = [f.mailbox(b, n) for b, n in zip(BOXES, OTHERS, strict=False)]
    world.day(1, mailboxes=[f.mailbox(BOX, HERS), *boxes])
    report = world.day(2, mailboxes=[f.mailbox(BOX, HERS) | fault, *boxes], accept="essai")
    assert (report.files[0].rejected, is_open(world), kept(report, "mailbox")) == (1, False, 0)


def test_a_rejected_line_of_a_mailbox_ends_no_binding(world: World) -> None:
    boxes = [f.mailbox(b, n) for b, n in zip(BOXES, OTHERS, strict=False)]
    two = [f.mailbox(BOX, HERS, **ME), f.mailbox(BOX, OTHERS[0])]
    world.day(1, activity=[f.activity(HERS, **ME), *rest()], mailboxes=[*two, *boxes])
    world.day(2, mailboxes=[two[0] | {"type": "XXX"}, two[1], *boxes])
    assert world.holders(BOX) == sorted(["8" + HERS, "8" + OTHERS[0]])
    world.day(3, mailboxes=[two[1], *boxes])
    assert world.holders(BOX) == ["8" + OTHERS[0]]


@SQLITE
@pytest.mark.parametrize(("name", "stays"), [(ME, True), ({"family_name": "AUTRE"}, False)])
def test_a_false_number_of_a_holder_does_not_take_her_mailbox(world: World, name: dict[str, str], stays: bool) -> None:
    world.day(1, activity=[f.activity(HERS, **ME), *rest()], mailboxes=[f.mailbox(BOX, HERS, **ME)])
    entries = len(world.journal())
    report = world.day(2, mailboxes=[f.mailbox(BOX, FALSE, **name)])
    assert "identifiant du titulaire faux" in report.as_text()
    assert (world.holders(BOX) == ["8" + HERS]) is stays
    world.day(3, mailboxes=[f.mailbox(BOX, HERS, **ME)])
    assert world.holders(BOX) == ["8" + HERS]
    assert (len(world.journal()) == entries) is stays


@SQLITE
def test_nor_does_it_name_somebody_new_beside_a_rejected_line(world: World) -> None:
    two = [f.mailbox(BOX, HERS, **ME), f.mailbox(BOX, OTHERS[0])]
    world.day(1, activity=[f.activity(HERS, **ME), *rest()], mailboxes=two)
    world.day(2, mailboxes=[f.mailbox(BOX, FALSE, **ME), two[1] | {"type": "XXX"}])
    assert world.holders(BOX) == sorted(["8" + HERS, "8" + OTHERS[0]])


def test_beside_the_one_whose_number_is_right_somebody_new_may_have_a_false_one(world: World) -> None:
    world.day(1, activity=[f.activity(HERS, **ME), *rest()], mailboxes=[f.mailbox(BOX, HERS, **ME)])
    world.day(2, mailboxes=[f.mailbox(BOX, HERS, **ME), f.mailbox(BOX, FALSE, **ME)])
    assert sorted(world.holders(BOX)) == sorted(["8" + HERS, "10" + BOX])


def test_the_last_column_of_a_monotable_is_an_address_too(world: World) -> None:
    rows = [f.cat18(n, b) for b, n in zip(BOXES, OTHERS, strict=False)]
    world.day(1, cat18=[f.cat18(HERS, BOX, **ME), *rows])
    lines = f.write_cat18(world.folder / "cat18-1.txt", [f.cat18(HERS, BOX, **ME), *rows]).read_text().splitlines()
    lines[1] = '"";' + lines[1]
    path = world.folder / "again.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = run_import(world.engine, [path], actor="tests", accept="essai")
    assert (report.files[0].rejected, kept(report, "mailbox"), is_open(world)) == (1, 1, True)


@pytest.mark.parametrize(
    "fault", [{"id": FALSE, "national_id": "8" + FALSE}, {"family_name": "", "email": "a@b.fr"}, {"title": "é" * 600}]
)
@SQLITE
def test_a_rejected_row_of_a_monotable_says_nothing_of_its_mailbox(world: World, fault: dict[str, str]) -> None:
    rows = [f.cat18(n, b) for b, n in zip(BOXES, OTHERS, strict=False)]
    hers, shared = f.cat18(HERS, BOX, **ME), f.cat18(OTHERS[9], BOX)
    for day, others in enumerate((rows, [*rows, shared]), 1):  # hers alone, then of two
        told = [hers, *others, f.cat18(f.rpps(50 + day))]
        world.day(3 * day, cat18=told, accept="essai")
        held = world.holders(BOX)
        report = world.day(3 * day + 1, cat18=[hers | fault, *told[1:-1], f.cat18(f.rpps(60 + day))], accept="essai")
        assert (report.files[0].rejected, world.holders(BOX)) == (1, held)
    world.day(8, cat18=[*rows, shared], accept="essai")
    assert world.holders(BOX) == ["8" + OTHERS[9]]


# --- thresholds, and any days ----------------------------------------------------------------------------------------


def test_what_stands_is_not_counted_as_gone(world: World) -> None:
    """Of 200 people ten are left out and ten spoilt: ten are removed."""
    numbers, limits = [f.rpps(17 * n) for n in range(200)], {"thresholds": Thresholds(removed=6.0, floor=1)}
    names = {n: {"family_name": f"N{chr(65 + i % 26)}{chr(65 + i // 26)}"} for i, n in enumerate(numbers)}
    world.day(1, activity=[f.activity(n, **names[n]) for n in numbers])
    spoilt = [f.activity(n[:-1] + str((int(n[-1]) + 1) % 10), **names[n]) for n in numbers[:8]]
    report = world.day(2, activity=[*spoilt, *(f.activity(n, **names[n]) for n in numbers[18:])], options=limits)
    assert (kept(report), report.counts["practitioner"]["closed"], report.impact["people"]["removed"]) == (8, 10, 10)


PEOPLE = {f.rpps(31 * n): {"family_name": name} for n, name in enumerate(("UN", "DEUX", "TROIS", "QUATRE"), 1)}
SPOILT: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "said": lambda row: row,
    "digit": lambda row: row | {"id": (other := row["id"][:-1] + str((int(row["id"][-1]) + 3) % 10)),
                                "national_id": "8" + other},
    "mismatch": lambda row: row | {"id": row["id"][:-1] + "X"},
    "columns": lambda row: row | {"given_names": "Zoé||"},  # one more would pass for a trailing separator, in most rows
    "nameless": lambda row: row | {"family_name": ""},
}  # fmt: skip
BOX_FAULTS = ["said", "columns", "nameless"]


def address_of(number: str) -> str:
    return PEOPLE[number]["family_name"].lower() + "@essai.mssante.fr"


said_of = st.fixed_dictionaries({n: st.sampled_from([*SPOILT, "absent"]) for n in PEOPLE})
said_of_boxes = st.fixed_dictionaries({n: st.sampled_from([*BOX_FAULTS, "absent"]) for n in PEOPLE})
_RUNS = itertools.count()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.tuples(said_of, said_of_boxes), min_size=2, max_size=4))
def test_any_days_do_what_each_row_says(registry: Engine, tmp_path: Path, days: list[Any]) -> None:
    """The obvious model: who is said is there, who is not said is not, and of whom nothing can be read stays.
    What a day did, undone and done again, is the same."""
    folder = tmp_path / str(next(_RUNS))
    folder.mkdir()
    world, first = World(registry, folder), None
    active, opened = dict[str, bool](), dict[str, bool]()
    try:
        for day, (people, boxes) in enumerate(days, 1):
            start, told = world.contents(), _extracts(day, people, boxes)
            report = world.day(day, accept="essai", **told)
            once = world.contents()
            roll_back(registry, report.run or 0, actor="tests")
            assert world.contents()["practitioner"] == start["practitioner"]
            assert world.contents()["mailbox"] == start["mailbox"]
            report = world.day(day, accept="essai", **told)
            assert _meaning(world.contents()) == _meaning(once)
            first = first or report.run
            stood = (_stood(people, active), _stood(boxes, opened))
            assert (kept(report), kept(report, "mailbox")) == stood
            assert {n: is_active(world, n) for n in active} == active
            assert {n: is_open(world, address_of(n)) for n in opened} == opened
            assert len(world.people()) == len(active) + 1  # whoever cannot be read brings nobody
    finally:
        if first:
            roll_back(registry, first, actor="tests", through=True)


def _extracts(day: int, people: dict[str, str], boxes: dict[str, str]) -> dict[str, Any]:
    """Each with a row that is new every day; the last one is whole, or the file would pass for cut."""
    rows = [SPOILT[how](f.activity(n, **PEOPLE[n])) for n, how in people.items() if how != "absent"]
    lines = [SPOILT[how](f.mailbox(address_of(n), n, **PEOPLE[n])) for n, how in boxes.items() if how != "absent"]
    anchor = f.activity(f.rpps(9_999), given_names=f"Jour {chr(64 + day)}")
    return {"activity": [*rows, anchor], "mailboxes": [*lines, f.mailbox("ancre@essai.mssante.fr", service=f"{day}")]}


def _stood(said: dict[str, str], state: dict[str, bool]) -> int:
    """How many stand that cannot be read; ``state`` becomes what it is after that day."""
    stood = sum(state.get(n, False) for n, how in said.items() if how not in ("said", "absent"))
    state |= {n: how == "said" for n, how in said.items() if how == "said" or (how == "absent" and n in state)}
    return stood


def _meaning(contents: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[Any]]:
    """Without keys, which are never given twice."""
    numbers = sorted(row[2:4] for row in contents["identifier"])
    return {"numbers": numbers, **{name: sorted(row[1:6] for row in contents[name]) for name in ("mailbox",)}}
