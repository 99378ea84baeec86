"""docs/reference/import-semantics.md, case by case: what becomes of the record, and what the journal then holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import factories as f
import pytest
from import_world import World

from directory_service.model.people import Status
from directory_service.registry.journal import JournalEntry

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "import-semantics.md").read_text(encoding="utf-8")
JOURNAL = {
    case: sorted(re.findall(r"`(\w+ \w+ @\w+)`", told))
    for case, told in re.findall(r"^\| `([a-z]+-[a-z-]+)` \|.*\|([^|]*)\|$", PAGE, re.MULTILINE)
}
CASES: dict[str, Callable[[World], None]] = {}
ONE, TWO, THREE = f.rpps(1), f.rpps(2), f.rpps(3)
ADELI = f.adeli(1)
BOX = "zoe@medecin.mssante.fr"
ELSEWHERE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2), "name": "CLINIQUE D'ESSAI"}


def case(scenario: Callable[[World], None]) -> Callable[[World], None]:
    CASES[scenario.__name__.replace("_", "-")] = scenario
    return scenario


def at(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def places(world: World, number: str = ONE) -> list[str]:
    return sorted(r.organization.name for r in world.person(number).roles if r.organization)


# --- people ----------------------------------------------------------------------------------------------------------


@case
def person_new(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    assert (world.person(ONE).status, world.person(ONE).status_since) == (Status.ACTIVE, at(1))


@case
def person_same(world: World) -> None:
    rows = [f.activity(ONE), f.activity(ONE, **ELSEWHERE), f.activity(TWO)]
    world.day(1, activity=rows)
    world.day(2, activity=rows[::-1])
    assert world.person(ONE).status_since == at(1)


@case
def person_changed(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, activity=[f.activity(ONE, family_name="DURAND")])
    assert (world.person(ONE).family_name, world.person(ONE).status_since) == ("DURAND", at(1))
    assert changes(world)[-1] == ({"family_name": "ESSAI", "match_key": "essaizoe"},
                                  {"family_name": "DURAND", "match_key": "durandzoe"})  # fmt: skip


@case
def person_vanished(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], mailboxes=[f.mailbox(BOX, ONE)])
    world.day(2, activity=[f.activity(TWO)])
    gone = world.person(ONE)
    assert (gone.status, gone.status_since, len(gone.roles)) == (Status.INACTIVE, at(2), 1)
    assert world.holders(BOX) == ["8" + ONE]
    before, after = changes(world)[-1]
    assert (before["status"], after) == ("active", {"status": "inactive", "status_since": "2026-11-02T00:00:00Z"})


@case
def person_vanished_elsewhere(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], cat18=[f.cat18(ONE, **ELSEWHERE)])
    assert len(places(world)) == 2
    world.day(2, activity=[f.activity(TWO)])
    assert (world.person(ONE).status, places(world)) == (Status.ACTIVE, ["CLINIQUE D'ESSAI"])
    assert len(changes(world)[-1][0]["activity"]) == 1


@case
def person_returning(world: World) -> None:
    for day, rows in ((1, (ONE, TWO)), (2, (TWO,)), (3, (ONE, TWO))):
        world.day(day, activity=[f.activity(n) for n in rows])
    back = world.person(ONE)
    assert (back.status, back.status_since, len(back.roles)) == (Status.ACTIVE, at(3), 1)
    assert [e.kind for e in world.journal() if (e.subject, e.subject_id) == ("practitioner", back.pk)] == [
        "create", "close", "reopen"]  # fmt: skip


@case
def person_returning_elsewhere(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], cat18=[f.cat18(ONE, **ELSEWHERE), f.cat18(TWO)])
    world.day(2, activity=[f.activity(TWO)])
    world.day(3, cat18=[f.cat18(TWO)])
    assert (world.person(ONE).status, places(world)) == (Status.INACTIVE, ["CLINIQUE D'ESSAI"])
    world.day(4, activity=[f.activity(ONE), f.activity(TWO)])
    assert (world.person(ONE).status, places(world)) == (Status.ACTIVE, ["HOPITAL D'ESSAI"])


@case
def person_returning_renumbered(world: World) -> None:
    other = f.adeli(2)
    world.day(1, activity=[f.activity(n, **ELSEWHERE) for n in (ADELI, TWO)] + [f.activity(ONE)],
              links=[(ADELI, ONE), (other, ONE)])  # fmt: skip
    world.day(2, activity=[f.activity(TWO), f.activity(f.adeli(9), family_name="AUTRE")])
    assert (world.person(ONE).status, places(world)) == (Status.INACTIVE, ["CLINIQUE D'ESSAI", "HOPITAL D'ESSAI"])
    world.day(3, activity=[f.activity(n) for n in (TWO, other)] + [f.activity(f.adeli(9), family_name="AUTRE")])
    assert (world.person(ONE).status, places(world)) == (Status.ACTIVE, ["HOPITAL D'ESSAI"])
    assert {s.name for s in world.person(ONE).sources} == {"adeli.activity"}


@case
def person_source_absent(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(ADELI, family_name="AUTRE")])
    world.day(2, activity=[f.activity(ONE), f.activity(ONE)])
    assert world.person(ADELI).status == Status.ACTIVE


@case
def person_worse_source(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, cat18=[f.cat18(ONE, family_name="ANCIEN")])
    assert (world.person(ONE).family_name, len(world.person(ONE).roles)) == ("ESSAI", 2)


# --- activities, specialties, diplomas -------------------------------------------------------------------------------


@case
def activity_new(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO, **ELSEWHERE)])
    world.day(2, activity=[f.activity(ONE), f.activity(ONE, **ELSEWHERE), f.activity(TWO, **ELSEWHERE)])
    assert places(world) == ["CLINIQUE D'ESSAI", "HOPITAL D'ESSAI"]


@case
def activity_changed(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, activity=[f.activity(ONE, mode_code="L", mode="Libéral")])
    assert [r.mode.code for r in world.person(ONE).roles] == ["L"]
    assert [len(side["activity"]) for side in changes(world)[-1]] == [1, 1]


@case
def activity_vanished(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(ONE, **ELSEWHERE)])
    world.day(2, activity=[f.activity(ONE)])
    assert places(world) == ["HOPITAL D'ESSAI"]
    assert len(changes(world)[-1][0]["activity"]) == 1


@case
def activity_returning(world: World) -> None:
    both = [f.activity(ONE), f.activity(ONE, **ELSEWHERE)]
    for day, rows in ((1, both), (2, both[:1]), (3, both)):
        world.day(day, activity=rows)
    assert places(world) == ["CLINIQUE D'ESSAI", "HOPITAL D'ESSAI"]


def skills(world: World) -> list[str]:
    return sorted(e.expertise.code for e in world.person(ONE).expertises)


@case
def detail_new(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, expertise=[f.expertise(ONE)])
    assert skills(world) == ["SM04"]


@case
def detail_changed(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)], expertise=[f.expertise(ONE)])
    world.day(2, expertise=[f.expertise(ONE, expertise_code="SM26")])
    assert skills(world) == ["SM26"]
    assert [[row[-1] for row in side["expertise"]] for side in changes(world)[-1]] == [["SM04"], ["SM26"]]


@case
def detail_vanished(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], expertise=[f.expertise(ONE), f.expertise(TWO)])
    world.day(2, expertise=[f.expertise(TWO)])
    assert skills(world) == []


@case
def detail_vanished_inactive(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], expertise=[f.expertise(ONE), f.expertise(TWO)])
    world.day(2, activity=[f.activity(TWO)])
    world.day(3, expertise=[f.expertise(TWO)])
    assert skills(world) == ["SM04"]


@case
def detail_silent_returning(world: World) -> None:
    diplomas, expertise = [f.diploma(n) for n in (ONE, TWO)], [f.expertise(n) for n in (ONE, TWO)]
    world.day(1, activity=[f.activity(n) for n in (ONE, TWO)], diplomas=diplomas, expertise=expertise)
    world.day(2, activity=[f.activity(TWO)], diplomas=diplomas, expertise=expertise[1:])
    assert skills(world) == ["SM04"]
    world.day(3, activity=[f.activity(n) for n in (ONE, TWO)])
    assert (world.person(ONE).status, skills(world)) == (Status.ACTIVE, [])
    assert len(world.dump()["qualification"]) == 2


# --- mailboxes -------------------------------------------------------------------------------------------------------


@case
def mailbox_new(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, mailboxes=[f.mailbox(BOX, ONE)])
    (held,) = world.box(BOX)
    assert (held.since, held.until) == (at(2), None)


@case
def mailbox_changed(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], mailboxes=[f.mailbox(BOX, ONE)])
    world.day(2, mailboxes=[f.mailbox(BOX, TWO)])
    assert [(b.holder_id, b.since, b.until) for b in world.box(BOX)] == [
        ("8" + ONE, at(1), at(2)), ("8" + TWO, at(2), None)]  # fmt: skip


@case
def mailbox_vanished(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox(BOX, ONE), f.mailbox("a@b.fr", ONE)])
    world.day(2, mailboxes=[f.mailbox("a@b.fr", ONE)])
    assert [b.until for b in world.box(BOX)] == [at(2)]
    assert changes(world)[-1] == ({"until": None}, {"until": "2026-11-02T00:00:00Z"})


@case
def mailbox_returning(world: World) -> None:
    other = f.mailbox("a@b.fr", ONE)
    for day, rows in ((1, [f.mailbox(BOX, ONE), other]), (2, [other]), (3, [f.mailbox(BOX, ONE), other])):
        world.day(day, mailboxes=rows)
    assert [(b.since, b.until) for b in world.box(BOX)] == [(at(1), at(2)), (at(3), None)]
    assert world.dump()["mailbox"][0][4:6] == ("2026-11-01T00:00:00Z", None)


@case
def mailbox_worse_source(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], mailboxes=[f.mailbox(BOX, ONE)])
    world.day(2, cat18=[f.cat18(ONE), f.cat18(TWO)])
    world.day(3, cat18=[f.cat18(ONE), f.cat18(TWO, BOX)])
    assert world.holders(BOX) == ["8" + ONE]


@case
def mailbox_holder_known(world: World) -> None:
    world.day(1, activity=[f.activity(TWO)], mailboxes=[f.mailbox(BOX, ONE)])
    world.day(2, activity=[f.activity(ONE), f.activity(TWO)])
    assert [b.practitioner.national_id for b in world.box(BOX) if b.practitioner] == ["8" + ONE]
    pk = world.person(ONE).pk
    assert changes(world)[-1] == ({"holder": [[1, None]]}, {"holder": [[1, pk]]})


# --- structures ------------------------------------------------------------------------------------------------------


@case
def structure_new(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, activity=[f.activity(ONE, **ELSEWHERE)])
    assert places(world) == ["CLINIQUE D'ESSAI"]


@case
def structure_changed(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, activity=[f.activity(ONE, name="HOPITAL NOUVEAU", mode_code="L")])
    assert places(world) == ["HOPITAL NOUVEAU"]
    assert ({"name": "HOPITAL D'ESSAI"}, {"name": "HOPITAL NOUVEAU"}) in changes(world)


@case
def structure_vanished(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(ONE, **ELSEWHERE)])
    world.day(2, activity=[f.activity(ONE)])
    assert [row[3] for row in world.dump()["organization"]] == ["HOPITAL D'ESSAI", "CLINIQUE D'ESSAI"]


@case
def structure_returning(world: World) -> None:
    both = [f.activity(ONE), f.activity(ONE, **ELSEWHERE)]
    for day, rows in ((1, both), (2, both[:1]), (3, both)):
        world.day(day, activity=rows)
    assert len(world.dump()["organization"]) == 2


# --- crosswalk -------------------------------------------------------------------------------------------------------


@case
def link_attaches(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)])
    world.day(2, links=[(ADELI, ONE)])
    assert world.person(ADELI).national_id == "8" + ONE


@case
def link_promotes(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI)])
    world.day(2, links=[(ADELI, ONE)])
    assert world.person(ADELI).national_id == world.person(ONE).national_id == "8" + ONE


@case
def link_merges(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(ADELI, given_names="Zoé Anne", **ELSEWHERE)])
    world.day(2, links=[(ADELI, ONE)])
    assert world.person(ADELI).pk == world.person(ONE).pk
    assert places(world) == ["CLINIQUE D'ESSAI", "HOPITAL D'ESSAI"]


@case
def link_wakes(world: World) -> None:
    other = f.activity(ADELI, given_names="Zoé Anne", **ELSEWHERE)
    world.day(1, activity=[f.activity(ONE), f.activity(TWO), other])
    world.day(2, activity=[f.activity(TWO), other])
    assert world.person(ONE).status == Status.INACTIVE
    world.day(3, links=[(ADELI, ONE)])
    assert (world.person(ONE).status, world.person(ONE).status_since) == (Status.ACTIVE, at(3))
    assert places(world) == ["CLINIQUE D'ESSAI"]


@case
def link_merges_left(world: World) -> None:
    other = f.activity(ADELI, given_names="Zoé Anne", **ELSEWHERE)
    world.day(1, activity=[f.activity(TWO), f.activity(f.adeli(2), family_name="AUTRE"), other])
    people = [f.activity(ONE), f.activity(TWO), f.activity(f.adeli(2), family_name="AUTRE")]
    world.day(2, activity=people, mailboxes=[f.mailbox(BOX, ADELI)])
    world.day(3, links=[(ADELI, ONE)])
    assert (world.person(ONE).status, places(world)) == (Status.ACTIVE, ["HOPITAL D'ESSAI"])
    assert world.holders(BOX) == ["8" + ONE]


@case
def link_changed(world: World) -> None:
    world.day(1, links=[(ADELI, ONE)])
    world.day(2, links=[(ADELI, TWO)])
    assert changes(world)[-1] == ({"adeli": ADELI, "rpps": ONE}, {"adeli": ADELI, "rpps": TWO})


@case
def link_vanished(world: World) -> None:
    world.day(1, links=[(ADELI, ONE), (f.adeli(2), TWO)], activity=[f.activity(ONE)])
    world.day(2, links=[(f.adeli(2), TWO)])
    assert world.person(ADELI).national_id == "8" + ONE


# --- the page and its cases ------------------------------------------------------------------------------------------


def changes(world: World) -> list[tuple[dict, dict]]:
    from directory_service.registry.journal import decode

    return [(decode(e.before) or {}, decode(e.after) or {}) for e in last_run(world)]


def last_run(world: World) -> list[JournalEntry]:
    runs = max(row[0] for row in world.dump()["run"])
    return [e for e in world.journal() if e.run_id == runs]


def said(entry: JournalEntry) -> str:
    where = "line" if entry.line else "file" if entry.file_id else "run"
    return f"{entry.kind} {entry.subject} @{where}"


def test_the_page_has_every_case_and_no_other() -> None:
    assert set(JOURNAL) == set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_case_is_what_the_page_says(world: World, name: str) -> None:
    CASES[name](world)
    assert sorted(map(said, last_run(world))) == JOURNAL[name]
