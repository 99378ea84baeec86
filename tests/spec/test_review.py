"""The staff's queue: what is asked, what each answer does, and that it stands."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import factories as f
import pytest
from import_world import World
from record_factories import SUFFIX
from review_world import ADELI, BOX, ELSEWHERE, RPPS, queue
from undo_world import assert_tally_is_the_count

from directory_service.cli import run
from directory_service.errors import InvalidInput, NotFound
from directory_service.index.files import current_name
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.registry.decisions import Decision, Outcome
from directory_service.registry.engine import reading
from directory_service.registry.runs import get_run
from importers import review


def probable(world: World) -> Decision:
    """Two records whose names and town alone are alike, one with a mailbox."""
    people = [f.activity(ADELI), f.activity(RPPS, **ELSEWHERE)]
    world.day(1, activity=people, mailboxes=[f.mailbox(BOX, ADELI)])
    (asked,) = queue(world)
    return asked


STATE = ("practitioner", "identifier", "activity", "expertise", "qualification", "mailbox", "binding", "source_record")


def state(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the directory, but for the instant of its last change."""
    with reading(world.engine) as connection:
        found = {}
        for table in STATE:
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
            kept = [tuple((k, v) for k, v in row.items() if k != "changed_at") for row in rows]
            found[table] = sorted(kept, key=repr)
        return found


def test_accept_merges_through_the_door_of_an_import(world: World) -> None:
    asked = probable(world)
    done = review.accept(world.engine, asked.pk, actor="alice", note="vue au téléphone")
    assert (done.outcome, done.actor, done.note) == (Outcome.ACCEPTED, "alice", "vue au téléphone")
    (person,) = world.people()
    assert person.adelis == (ADELI,) and world.holders(BOX) == ["8" + RPPS]
    (merge,) = [e for e in world.journal() if e.kind == "merge"]
    assert merge.actor == "alice" and merge.run_id == done.run
    assert b'"how":"review"' in (merge.after or b"") and "téléphone".encode() in (merge.after or b"")
    with reading(world.engine) as connection:
        made = get_run(connection, done.run)
    assert (made.kind, made.status, made.counts["decision"]) == ("review", "done", {"accepted": 1})
    assert queue(world) == []


def test_an_answer_is_given_once(world: World) -> None:
    asked = probable(world)
    review.reject(world.engine, asked.pk, actor="alice")
    with pytest.raises(InvalidInput, match="n'attend plus"):
        review.accept(world.engine, asked.pk, actor="bob")
    with pytest.raises(NotFound):
        review.accept(world.engine, 999, actor="bob")
    with pytest.raises(NotFound, match="aucune fusion"):
        review.split(world.engine, "²", actor="bob")  # a digit to Unicode, and no number


def test_what_was_rejected_is_never_asked_nor_merged_again_not_even_by_the_link_table(world: World) -> None:
    asked = probable(world)
    review.reject(world.engine, asked.pk, actor="alice")
    world.day(2, activity=[f.activity(ADELI), f.activity(RPPS)])  # now a rule would merge them
    report = world.day(3, links=[(ADELI, RPPS)])
    assert report.files[0].warnings == {"link_refused": 1}
    assert len(world.people()) == 2 and queue(world) == []


def test_what_is_put_off_stays_at_the_end_of_the_queue(world: World) -> None:
    other, second = f.rpps(2), f.adeli(2)
    names = {"family_name": "AUTRE", "given_names": "Anne"}
    people = [f.activity(second, **names), f.activity(other, **names, **ELSEWHERE)]
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS, **ELSEWHERE), *people])
    first, last = queue(world)
    review.later(world.engine, first.pk, actor="alice")
    assert [d.pk for d in queue(world)] == [last.pk, first.pk]
    review.accept(world.engine, first.pk, actor="alice")
    assert len(world.people()) == 3


def test_a_question_that_is_asked_again_keeps_its_number_and_is_told_once(world: World) -> None:
    asked = probable(world)
    report = world.day(2, activity=[f.activity(ADELI, mode_code="L"), f.activity(RPPS, **ELSEWHERE)])
    (again,) = queue(world)
    assert (again.pk, again.run) == (asked.pk, report.run)
    assert "match" not in report.counts
    world.day(3, activity=[f.activity(ADELI, family_name="AUTREMENT"), f.activity(RPPS, **ELSEWHERE)])
    assert queue(world) == []


def test_what_is_put_off_is_asked_once_and_goes_when_an_import_settles_it(world: World) -> None:
    asked = probable(world)
    review.later(world.engine, asked.pk, actor="alice")
    world.day(2, activity=[f.activity(ADELI, mode_code="L"), f.activity(RPPS, **ELSEWHERE)])
    assert [d.pk for d in queue(world)] == [asked.pk]
    world.day(3, links=[(ADELI, RPPS)])
    assert queue(world) == [] and len(world.people()) == 1


def test_split_puts_everything_back_where_it_was(world: World) -> None:
    asked = probable(world)
    before = state(world)
    review.accept(world.engine, asked.pk, actor="alice")
    assert state(world) != before
    done = review.split(world.engine, str(asked.pk), actor="bob", note="deux sœurs")
    assert state(world) == before
    assert (done.outcome, done.actor) == (Outcome.SPLIT, "bob")
    assert [e.actor for e in world.journal() if e.kind == "split"] == ["bob"]


@pytest.mark.parametrize("named", [ADELI, "0" + ADELI])
def test_a_merge_of_an_import_is_split_by_the_number_absorbed_and_stays_so(world: World, named: str) -> None:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS)])
    assert len(world.people()) == 1
    review.split(world.engine, named, actor="alice")
    assert sorted(p.national_id for p in world.people()) == ["0" + ADELI, "8" + RPPS]
    assert world.person(ADELI).national_id == "0" + ADELI
    people = [f.activity(ADELI, mode_code="L"), f.activity(RPPS, mode_code="L")]
    world.day(2, activity=people, links=[(ADELI, RPPS)])
    assert len(world.people()) == 2
    assert [r.mode.code for r in world.person(ADELI).roles] == ["L"]
    with pytest.raises(NotFound, match="aucune fusion"):
        review.split(world.engine, named, actor="alice")


def test_what_the_absorbed_record_s_source_said_since_goes_back_with_it(world: World) -> None:
    asked = probable(world)
    review.accept(world.engine, asked.pk, actor="alice")
    world.day(2, activity=[f.activity(ADELI, mode_code="L"), f.activity(RPPS, **ELSEWHERE)],
              mailboxes=[f.mailbox(BOX, ADELI), f.mailbox("autre@ville.mssante.fr", ADELI)])  # fmt: skip
    review.split(world.engine, ADELI, actor="alice")
    assert [r.mode.code for r in world.person(ADELI).roles] == ["L"]
    assert [r.organization.finess for r in world.person(RPPS).roles if r.organization] == [f.finess(2)]
    assert world.holders("autre@ville.mssante.fr") == ["0" + ADELI]


def test_of_two_records_absorbed_one_goes_and_the_other_stays(world: World) -> None:
    second = f.adeli(2, "69")
    world.day(1, activity=[f.activity(ADELI), f.activity(second, mode_code="L"), f.activity(RPPS, **ELSEWHERE)])
    world.day(2, links=[(ADELI, RPPS), (second, RPPS)])
    assert world.person(RPPS).adelis == tuple(sorted((ADELI, second)))
    review.split(world.engine, second, actor="alice")
    assert world.person(RPPS).adelis == (ADELI,)
    assert [r.mode.code for r in world.person(second).roles] == ["L"]
    assert sorted(r.mode.code for r in world.person(RPPS).roles) == ["S", "S"]


def test_a_survivor_that_only_the_merge_kept_active_falls_asleep_again(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI)], diplomas=[f.diploma(RPPS)])
    world.day(2, links=[(ADELI, RPPS)])
    assert world.person(RPPS).status == "active"
    review.split(world.engine, ADELI, actor="alice")
    assert (world.person(RPPS).status, world.person(ADELI).status) == ("inactive", "active")


def test_who_left_or_came_back_while_two_were_one_stands_as_her_own_sources_say(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS)])
    assert len(world.people()) == 1
    world.day(2, activity=[f.activity(ADELI), f.activity(f.rpps(2), family_name="AUTRE")])
    assert world.person(RPPS).status == "active"
    review.split(world.engine, ADELI, actor="alice")
    assert (world.person(RPPS).status, world.person(ADELI).status) == ("inactive", "active")
    assert_tally_is_the_count(world.engine)


def test_an_absorbed_record_whose_source_named_it_again_wakes(world: World) -> None:
    people = [f.activity(RPPS, **ELSEWHERE), f.activity(f.adeli(3), family_name="AUTRE")]
    world.day(1, activity=[*people, f.activity(ADELI)])
    world.day(2, activity=people)
    assert world.person(ADELI).status == "inactive"
    world.day(3, links=[(ADELI, RPPS)])
    world.day(4, activity=[*people, f.activity(ADELI)])
    review.split(world.engine, ADELI, actor="alice")
    assert (world.person(RPPS).status, world.person(ADELI).status) == ("active", "active")
    assert_tally_is_the_count(world.engine)


# --- the link table against the registry -----------------------------------------------------------------------------


def conflicting(world: World) -> Decision:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS), f.activity(f.rpps(2), family_name="AUTRE")])
    world.day(2, links=[(ADELI, f.rpps(2))])
    (asked,) = queue(world)
    return asked


def test_a_link_that_contradicts_a_merge_is_asked_and_believed_if_accepted(world: World) -> None:
    asked = conflicting(world)
    assert (asked.kind, asked.one, asked.other) == ("link", "0" + ADELI, "8" + f.rpps(2))
    review.accept(world.engine, asked.pk, actor="alice")
    assert world.person(ADELI).rpps == f.rpps(2)
    assert len(world.people()) == 2


def test_a_link_that_is_rejected_changes_nothing_and_is_not_asked_again(world: World) -> None:
    asked = conflicting(world)
    review.reject(world.engine, asked.pk, actor="alice")
    world.day(3, links=[(ADELI, RPPS)])
    world.day(4, links=[(ADELI, f.rpps(2))])
    assert world.person(ADELI).rpps == RPPS and queue(world) == []


def test_what_a_link_made_one_once_accepted_is_split_too_and_stays_so(world: World) -> None:
    asked, second = conflicting(world), f.rpps(2)
    review.accept(world.engine, asked.pk, actor="alice")
    done = review.split(world.engine, ADELI, actor="bob")
    assert (done.pk, done.outcome) == (asked.pk, Outcome.SPLIT)
    assert sorted(p.national_id for p in world.people()) == ["0" + ADELI, "8" + RPPS, "8" + second]
    world.day(3, links=[(ADELI, RPPS)])
    everybody = [f.activity(number, mode_code="L") for number in (ADELI, RPPS, second)]
    world.day(4, activity=everybody, links=[(ADELI, second)])
    assert len(world.people()) == 3
    assert_tally_is_the_count(world.engine)


def test_two_records_that_a_link_may_not_make_one_are_not_merged_for_their_likeness(world: World) -> None:
    asked, second = conflicting(world), f.rpps(2)
    review.reject(world.engine, asked.pk, actor="alice")
    review.split(world.engine, ADELI, actor="alice")
    world.day(3, activity=[f.activity(ADELI), f.activity(second), f.activity(RPPS, family_name="TIERS", **ELSEWHERE)])
    assert len(world.people()) == 3 and queue(world) == []


def test_a_link_that_is_accepted_after_a_split_merges_the_record_that_was_split_off(world: World) -> None:
    asked = conflicting(world)
    review.split(world.engine, ADELI, actor="alice")
    review.accept(world.engine, asked.pk, actor="alice")
    assert sorted(p.national_id for p in world.people()) == ["8" + RPPS, "8" + f.rpps(2)]
    assert world.person(ADELI).rpps == f.rpps(2)
    assert_tally_is_the_count(world.engine)


def test_a_question_that_the_link_table_no_longer_asks_is_taken_back(world: World) -> None:
    conflicting(world)
    world.day(3, links=[(ADELI, RPPS)])
    assert queue(world) == []


def test_a_question_about_a_record_that_got_an_rpps_number_since_is_taken_back(world: World) -> None:
    probable(world)
    world.day(2, links=[(ADELI, f.rpps(7))])
    assert world.person(ADELI).rpps == f.rpps(7) and queue(world) == []


def test_a_number_that_is_a_mere_alias_changes_hands(world: World) -> None:
    people = [f.activity(RPPS), f.activity(f.rpps(2), family_name="AUTRE")]
    world.day(1, links=[(ADELI, RPPS)], activity=people)
    world.day(2, links=[(ADELI, f.rpps(2))])
    (asked,) = queue(world)
    review.accept(world.engine, asked.pk, actor="alice")
    assert world.person(ADELI).rpps == f.rpps(2)


def test_a_mere_alias_takes_along_what_came_under_it(world: World) -> None:
    """ADELI spoke of the number after the link table had given it away: the first holder is nobody's but by it."""
    old = [f.activity(RPPS), f.activity(f.rpps(2), family_name="AUTRE"), f.activity(ADELI)]
    world.day(1, links=[(ADELI, RPPS)], activity=old, mailboxes=[f.mailbox(BOX, ADELI)])
    world.day(2, links=[(ADELI, f.rpps(2))], activity=old[1:], accept="essai")
    asked = next(d for d in queue(world) if d.kind == "link")
    review.accept(world.engine, asked.pk, actor="alice")
    assert world.holders(BOX) == ["8" + f.rpps(2)]
    assert (world.person(RPPS).status, world.person(RPPS).roles) == ("inactive", ())
    assert world.person(f.rpps(2)).status == "active" and len(world.person(f.rpps(2)).roles) == 2
    assert_tally_is_the_count(world.engine)


# --- mailboxes -------------------------------------------------------------------------------------------------------


def doubtful(world: World) -> Decision:
    box = f.mailbox(BOX, RPPS, family_name="TIERS", given_names="Paul")
    world.day(1, activity=[f.activity(RPPS)], mailboxes=[box, f.mailbox("sienne@ville.mssante.fr", RPPS)])
    (asked,) = queue(world)
    return asked


def test_a_mailbox_under_other_names_is_asked_and_kept_if_accepted(world: World) -> None:
    asked = doubtful(world)
    assert (asked.kind, asked.one, asked.other) == ("mailbox", BOX, "8" + RPPS)
    review.accept(world.engine, asked.pk, actor="alice")
    changed = f.mailbox(BOX, RPPS, family_name="TIERS", given_names="Paul", service="URGENCES")
    world.day(2, mailboxes=[changed, f.mailbox("sienne@ville.mssante.fr", RPPS)])
    assert world.holders(BOX) == ["8" + RPPS] and queue(world) == []


def test_a_mailbox_that_is_not_hers_is_taken_away_for_good(world: World) -> None:
    asked = doubtful(world)
    review.reject(world.engine, asked.pk, actor="alice")
    assert world.holders(BOX) == ["10" + BOX]
    changed = f.mailbox(BOX, RPPS, family_name="TIERS", given_names="Paul", service="URGENCES")
    world.day(2, mailboxes=[changed, f.mailbox("sienne@ville.mssante.fr", RPPS)])
    world.day(3, activity=[f.activity(RPPS, mode_code="L")])
    assert world.holders(BOX) == ["10" + BOX]


def test_a_mailbox_that_is_not_hers_is_not_hers_by_another_number_of_hers_either(world: World) -> None:
    """The extract goes from ADELI numbers to RPPS numbers, one person after the other."""
    names = {"family_name": "TIERS", "given_names": "Paul"}
    hers = f.mailbox("sienne@ville.mssante.fr", ADELI)
    world.day(1, activity=[f.activity(ADELI)], mailboxes=[f.mailbox(BOX, ADELI, **names), hers])
    (asked,) = queue(world)
    review.reject(world.engine, asked.pk, actor="alice")
    world.day(2, links=[(ADELI, RPPS)], activity=[f.activity(ADELI), f.activity(RPPS)])
    assert world.person(ADELI).rpps == RPPS
    world.day(3, mailboxes=[f.mailbox(BOX, RPPS, **names), hers])
    assert world.holders(BOX) == ["10" + BOX]
    assert queue(world) == []


def test_a_holder_once_accepted_is_asked_about_no_more_under_another_number_of_hers(world: World) -> None:
    other, names = f.mailbox("sienne@ville.mssante.fr", RPPS), {"family_name": "TIERS", "given_names": "Paul"}
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS)], mailboxes=[f.mailbox(BOX, ADELI, **names), other])
    (asked,) = queue(world)
    review.accept(world.engine, asked.pk, actor="alice")
    world.day(2, mailboxes=[f.mailbox(BOX, RPPS, **names), other])
    assert world.holders(BOX) == ["8" + RPPS] and queue(world) == []


@pytest.mark.parametrize("boxes", [[f.mailbox(BOX, RPPS)], []])
def test_a_doubt_about_a_holder_that_the_extract_has_cleared_is_taken_back(
    world: World, boxes: list[dict[str, str]]
) -> None:
    doubtful(world)
    world.day(2, mailboxes=[*boxes, f.mailbox("sienne@ville.mssante.fr", RPPS)])
    assert queue(world) == []


# --- the index -------------------------------------------------------------------------------------------------------


def fingerprint(folder: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / current_name(folder))) as db:
        tables = ("entry", "body", "key", "mailbox")
        return [row for table in tables for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]


def follows(world: World, folder: Path, *acts: Callable[[], object]) -> None:
    """After each act the index that followed is the one that would be built."""
    build_index(world.engine, folder, SUFFIX)
    follower = Follower(world.engine, folder, SUFFIX)
    for act in acts:
        act()
        assert follower.catch_up() > 0
        followed = fingerprint(folder)
        build_index(world.engine, folder, SUFFIX)
        assert followed == fingerprint(folder)


def test_the_index_follows_a_merge_and_a_split_as_if_built_anew(world: World, tmp_path: Path) -> None:
    asked = probable(world)
    follows(
        world,
        tmp_path / "index",
        lambda: review.accept(world.engine, asked.pk, actor="alice"),
        lambda: review.split(world.engine, ADELI, actor="alice"),
    )


def test_the_index_follows_a_number_that_changes_hands(world: World, tmp_path: Path) -> None:
    asked = conflicting(world)
    follows(world, tmp_path / "index", lambda: review.accept(world.engine, asked.pk, actor="alice"))


def test_the_index_follows_a_mailbox_that_is_taken_away(world: World, tmp_path: Path) -> None:
    asked = doubtful(world)
    follows(world, tmp_path / "index", lambda: review.reject(world.engine, asked.pk, actor="alice"))


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    def call(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(tmp_path / "var"), *arguments]) == code
        found = capsys.readouterr()
        return found.err if code else found.out

    yield call


def test_from_the_terminal(command: Any, tmp_path: Path) -> None:
    command("init")
    rows = [f.activity(ADELI), f.activity(RPPS, **ELSEWHERE)]
    assert "1 à examiner" in command("import", str(f.write_activity(tmp_path / "activity.txt", rows)))
    (asked,) = json.loads(command("review", "list", "--json"))["decisions"]
    number = str(asked["pk"])
    assert f"0{ADELI}" in command("review", "list") and command("review", "list", "--kind", "link") == ""
    shown = command("review", "show", number)
    assert f"Identifiant\t0{ADELI}\t8{RPPS}" in shown and "les noms et le lieu" in shown and "mêmes prénoms (+" in shown
    sides = json.loads(command("review", "show", number, "--json"))["sides"]
    assert [side["Identifiant"] for side in sides] == [["0" + ADELI], ["8" + RPPS]]
    assert "remise à plus tard" in command("review", "later", number)
    assert "acceptée" in command("review", "accept", number, "--note", "même diplôme")
    assert "même diplôme" in command("review", "show", number)
    assert "n'attend plus" in command("review", "reject", number, code=2)
    assert "deux personnes" in command("review", "split", ADELI)
    assert "aucune fusion" in command("review", "split", ADELI, code=4)
    told = json.loads(command("quality", "--json"))
    assert told["decisions"]["person"] == {"split": 1}
    assert "fusion défaite : 1" in command("quality")
