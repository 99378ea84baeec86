"""What operators publish and what the extract says: docs/reference/publication.md, case by case, then in imports."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import factories as f
import pytest
from import_world import World
from sqlalchemy import select

from directory_service.errors import Conflict, UndoRefused
from directory_service.model.publication import parse_publication
from directory_service.registry import decisions, operators
from directory_service.registry.clock import format_instant
from directory_service.registry.engine import reading, writing
from directory_service.registry.publishing import Order, Publisher
from directory_service.registry.rollback import roll_back
from directory_service.registry.tables import mailbox
from directory_service.registry.tally import count, read_tally
from importers.published import LEAD, Finding, Published, Word, judge
from importers.review import accept, reject

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "publication.md").read_text(encoding="utf-8")
CASES = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| (\d+) \| (\w+) \|$", PAGE, re.MULTILINE)
ZOE, JEAN = f.rpps(1), f.rpps(2)
DOMAIN = "ville.mssante.fr"
BOX, OTHER = f"zoe@{DOMAIN}", "x@y.fr"
PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)
_ZOE, _JEAN = ("person", 1), ("person", 2)
_SAID = {
    "nothing": None,
    "Zoé": Word("PER", frozenset({_ZOE})),
    "Jean": Word("PER", frozenset({_JEAN})),
    "Zoé and Jean": Word("PER", frozenset({_ZOE, _JEAN})),
    "Zoé, another type": Word("CAB", frozenset({_ZOE})),
}


@pytest.mark.parametrize(("name", "ours", "theirs", "age", "outcome"), CASES, ids=[c[0] for c in CASES])
def test_the_table_is_the_rule(name: str, ours: str, theirs: str, age: str, outcome: str) -> None:
    is_open = ours.startswith("open")
    what, _, days = theirs.partition(", for ")
    made = PUBLISHED + timedelta(days=int(age))
    gone = made - timedelta(days=int(days.split()[0])) if days else None
    word = Word("PER", frozenset({_ZOE}) if is_open else frozenset())
    stands = Published(word, is_open, "unlisted" in ours, PUBLISHED, gone)
    assert judge(stands, _SAID[what], made, LEAD) == Finding(outcome)


def test_every_outcome_has_its_case() -> None:
    assert {outcome for *_, outcome in CASES} == set(Finding)


def of_jean(**fields: str) -> dict[str, str]:
    """The line of the extract that gives him the box."""
    return f.mailbox(BOX, JEAN, family_name="DUPONT", given_names="Jean", **fields)


# --- imports ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def known(world: World) -> World:
    """Zoé and Jean, and an operator; an extract of 1 November gives the box to Jean."""
    people = [f.activity(ZOE), f.activity(JEAN, family_name="DUPONT", given_names="Jean")]
    world.day(1, activity=people, mailboxes=[of_jean(), f.mailbox(OTHER)])
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", [DOMAIN], actor="tests")
    return world


def publish(world: World, day: int, person: str | None = ZOE, address: str = BOX, month: int = 11) -> str:
    """As of a day; ``person`` None closes it."""
    wish = parse_publication({"type": "PER", "holder": {"person": person}}) if person else None
    at = format_instant(datetime(2026, month, day, tzinfo=UTC))
    with writing(world.engine) as connection:
        return Publisher(connection, "essai", at).do(Order(address, wish)).act


def questions(world: World) -> list[tuple[str, str, str]]:
    with reading(world.engine) as connection:
        return [(d.how, d.one, d.other) for d in decisions.read_open(connection, kind="mailbox")]


def number(world: World) -> int:
    with reading(world.engine) as connection:
        (asked,) = decisions.read_open(connection, kind="mailbox")
    return asked.pk


def is_open(world: World, address: str = BOX) -> bool:
    with reading(world.engine) as connection:
        until = connection.execute(select(mailbox.c.until).where(mailbox.c.address == address)).scalar_one()
    return until is None


def test_an_import_undoes_no_publication_and_asks_once_when_it_still_differs_after_the_lead(known: World) -> None:
    assert publish(known, 2) == "update"
    lines = [of_jean(), f.mailbox(OTHER)]
    known.day(3, mailboxes=[*lines, f.mailbox("a@y.fr")])
    known.day(16, mailboxes=[*lines, f.mailbox("b@y.fr")])
    assert known.holders(BOX) == ["8" + ZOE] and questions(known) == []
    known.day(17, mailboxes=[*lines, f.mailbox("c@y.fr")])  # the line of the box is the same as ever
    assert questions(known) == [("rule:published_holder", BOX, "8" + ZOE)]
    known.day(18, mailboxes=[of_jean(service="Accueil"), f.mailbox(OTHER)])
    assert known.holders(BOX) == ["8" + ZOE] and len(questions(known)) == 1


def test_a_question_is_taken_back_when_the_extract_catches_up(known: World) -> None:
    publish(known, 2)
    known.day(20, mailboxes=[of_jean(), f.mailbox("a@y.fr")])
    assert len(questions(known)) == 1
    known.day(21, mailboxes=[f.mailbox(BOX, ZOE), f.mailbox("a@y.fr")])
    assert questions(known) == []


def test_a_rejected_line_neither_asks_nor_answers(known: World) -> None:
    """It may have said the same as ever, or what the operator says."""
    publish(known, 2)
    bad, asked = f.mailbox(BOX, ZOE, type="XXX"), [("rule:published_holder", BOX, "8" + ZOE)]
    days = [
        ([of_jean()], asked),
        ([bad], asked),
        ([of_jean(), bad], asked),
        ([of_jean(type="|PER")], asked),
        ([f.mailbox(BOX, ZOE)], []),
        ([bad], []),
        ([of_jean(), bad], []),
    ]
    for day, (lines, expected) in enumerate(days, 20):
        known.day(day, mailboxes=[*lines, f.mailbox(f"d{day}@y.fr")], accept="essai")
        assert questions(known) == expected, day


def test_yes_the_publication_stands_and_is_never_asked_again(known: World) -> None:
    publish(known, 2)
    known.day(20, mailboxes=[of_jean()])
    accept(known.engine, number(known), actor="staff")
    known.day(21, mailboxes=[of_jean(), f.mailbox(OTHER)])
    assert known.holders(BOX) == ["8" + ZOE] and questions(known) == []


def test_no_the_extract_has_the_word_again_and_the_operator_cannot_say_the_same_twice(known: World) -> None:
    publish(known, 2)
    known.day(20, mailboxes=[of_jean()])
    reject(known.engine, number(known), actor="staff")
    known.day(21, mailboxes=[of_jean(), f.mailbox(OTHER)])
    assert known.holders(BOX) == ["8" + JEAN]
    with pytest.raises(Conflict):
        publish(known, 22)


def test_a_published_box_that_the_extract_does_not_know_stays_open(known: World) -> None:
    box = f"nouvelle@{DOMAIN}"
    publish(known, 2, address=box)
    lines = [of_jean(), f.mailbox(OTHER)]
    known.day(16, mailboxes=[*lines, f.mailbox("a@y.fr")])
    assert is_open(known, box) and questions(known) == []
    known.day(17, mailboxes=[*lines, f.mailbox("b@y.fr")])
    assert is_open(known, box) and questions(known) == [("rule:published_absent", box, "8" + ZOE)]
    reject(known.engine, number(known), actor="staff")
    assert not is_open(known, box)
    with reading(known.engine) as connection:
        assert read_tally(connection)["domain"] == {**count(connection)["domain"]}


def test_one_that_leaves_the_extract_stays_open_and_counts_from_that_day(known: World) -> None:
    publish(known, 2, JEAN)
    known.day(10, mailboxes=[f.mailbox(OTHER)])
    known.day(24, mailboxes=[f.mailbox("a@y.fr")])
    assert is_open(known) and questions(known) == []
    known.day(25, mailboxes=[f.mailbox("b@y.fr")])
    assert is_open(known) and len(questions(known)) == 1


def test_a_closed_box_is_not_reopened_by_an_extract_that_still_names_it(known: World) -> None:
    publish(known, 2, None)
    lines = [of_jean(), f.mailbox(OTHER)]
    known.day(16, mailboxes=[*lines, f.mailbox("a@y.fr")])
    assert not is_open(known) and questions(known) == []
    known.day(17, mailboxes=[*lines, f.mailbox("b@y.fr")])
    assert not is_open(known) and questions(known) == [("rule:published_open", BOX, "8" + JEAN)]
    accept(known.engine, number(known), actor="staff")
    known.day(18, mailboxes=lines)
    assert is_open(known) and known.holders(BOX) == ["8" + JEAN]


def test_a_holder_whom_the_extract_knows_by_name_alone_has_no_number_to_ask_about(known: World) -> None:
    publish(known, 2, None)
    nameless = f.mailbox(BOX, JEAN, id_type="", id="", national_id="", family_name="DUPONT", given_names="Jean")
    known.day(17, mailboxes=[nameless, f.mailbox(OTHER)])
    assert questions(known) == [("rule:published_open", BOX, "")]


def test_an_answer_about_a_publication_is_taken_back_by_a_rollback(known: World) -> None:
    publish(known, 2)
    known.day(20, mailboxes=[of_jean()])
    before = known.dump()
    reject(known.engine, number(known), actor="staff")
    with reading(known.engine) as connection:
        last = connection.exec_driver_sql("SELECT max(id) FROM run").scalar_one()
    roll_back(known.engine, last, actor="staff")
    after = known.dump()
    for table in ("mailbox", "binding", "source_record", "decision", "tally"):
        assert after[table] == before[table], table


def test_a_closing_by_the_extract_is_taken_over_by_the_operator(known: World) -> None:
    known.day(2, mailboxes=[f.mailbox(OTHER)])
    assert publish(known, 3, None) == "update"
    assert publish(known, 3, None) == ""
    known.day(4, mailboxes=[of_jean(), f.mailbox(OTHER)])
    assert not is_open(known)


def test_a_patch_takes_no_holder_or_structure_of_the_extract_away(known: World) -> None:
    """It could say one only: a PUT must."""
    lines = [f.mailbox(BOX, ZOE), f.mailbox(BOX, ZOE, place_type="1", place_id=f.finess(1), name="HOPITAL D'ESSAI")]
    known.day(2, mailboxes=lines)
    with writing(known.engine) as connection:
        told = Publisher(connection, "essai", "2026-11-03T00:00:00Z").do_all([Order(BOX, {"service": "Accueil"})])
    assert isinstance(told[0], Conflict) and known.holders(BOX) == ["8" + ZOE] * 2
    assert publish(known, 3) == "update" and known.holders(BOX) == ["8" + ZOE]


def test_an_import_that_a_publication_rests_on_is_not_undone(known: World) -> None:
    publish(known, 2)
    with pytest.raises(UndoRefused, match="hors de tout import"):
        roll_back(known.engine, 1, actor="staff")
    assert known.holders(BOX) == ["8" + ZOE]


def test_the_tally_knows_of_publications_after_a_rollback(known: World) -> None:
    report = known.day(2, mailboxes=[of_jean(), f.mailbox(OTHER), f.mailbox("a@y.fr")])
    publish(known, 3, address=f"nouvelle@{DOMAIN}")
    assert report.run is not None
    roll_back(known.engine, report.run, actor="staff")
    with reading(known.engine) as connection:
        assert {d: {k: n for k, n in by.items() if n} for d, by in read_tally(connection).items()} == count(connection)
