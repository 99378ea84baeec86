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
from review_world import ADELI, BOX, ELSEWHERE, RPPS, conflicting, doubtful, probable, queue
from undo_world import assert_tally_is_the_count, meaning

from directory_service.cli import run
from directory_service.errors import InvalidInput, NotFound
from directory_service.index.files import current_name
from directory_service.index.follower import Follower
from directory_service.index.writer import build_index
from directory_service.registry.decisions import Outcome
from directory_service.registry.engine import reading
from directory_service.registry.runs import get_run
from directory_service.registry.sheets import how_said
from importers import doubts, published, review
from importers.reconcile import judge, rules

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


def without_keys(world: World) -> dict[str, list[Any]]:
    """What hangs on people, by who they are; rows that left and came back have other keys."""
    found = meaning(world.engine)
    return {name: found[name] for name in ("activity", "expertise", "qualification", "binding")}


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


def test_a_number_that_nobody_bears_is_given_to_nobody(world: World) -> None:
    """The table may name somebody whom no extract has named yet."""
    world.day(1, activity=[f.activity(ADELI), f.activity(f.rpps(3), family_name="TIERS")], links=[(ADELI, RPPS)])
    world.day(2, links=[(ADELI, f.rpps(2))])
    (asked,) = queue(world)
    with pytest.raises(InvalidInput, match=f"aucune fiche ne porte encore le numéro 8{f.rpps(2)}"):
        review.accept(world.engine, asked.pk, actor="alice")
    world.day(3, activity=[f.activity(ADELI), *(f.activity(f.rpps(n), family_name="TIERS") for n in (2, 3))])
    review.accept(world.engine, asked.pk, actor="alice")
    assert world.person(ADELI).rpps == f.rpps(2)


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


def test_an_answer_takes_back_what_else_was_asked_of_the_record_that_goes(world: World) -> None:
    asked, other = probable(world), f.rpps(2)
    review.later(world.engine, asked.pk, actor="alice")
    world.day(2, activity=[f.activity(ADELI), f.activity(RPPS, family_name="TIERS", **ELSEWHERE),
                           f.activity(other, **ELSEWHERE)])  # fmt: skip
    second, first = queue(world)
    assert (second.other, first.pk) == ("8" + other, asked.pk)
    review.accept(world.engine, second.pk, actor="alice")
    assert world.person(ADELI).rpps == other and queue(world) == []


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


def test_a_row_that_took_the_key_of_one_that_moved_and_left_stays(world: World) -> None:
    """SQLite gives the largest key again once its row is gone."""
    hers, both = f.activity(RPPS, **ELSEWHERE), [f.activity(ADELI), f.activity(ADELI, mode_code="L")]
    world.day(1, activity=[hers, *both])
    (asked,) = queue(world)
    review.accept(world.engine, asked.pk, actor="alice")
    world.day(2, activity=[hers, both[0]])
    world.day(3, activity=[hers, f.activity(RPPS, mode_code="B", **ELSEWHERE), both[0]])
    review.split(world.engine, ADELI, actor="alice")
    assert sorted(r.mode.code for r in world.person(RPPS).roles) == ["B", "S"]
    assert [r.mode.code for r in world.person(ADELI).roles] == ["S"]


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


@pytest.mark.parametrize("left", [ADELI, RPPS])
def test_last_words_that_left_with_a_merge_are_back_after_a_split(world: World, left: str) -> None:
    """Whichever of the two had left, by whichever number: the merge shows what is said today alone."""
    stays = RPPS if left == ADELI else ADELI
    others = [f.activity(n, family_name="AUTRE") for n in (f.rpps(3), f.adeli(3))]
    gone = f.activity(left, given_names="Zoé Anne", expertise_type_code="S", expertise_code="SM04", **ELSEWHERE)
    world.day(1, activity=[*others, gone], diplomas=[f.diploma(left), f.diploma(f.rpps(3))])
    world.day(2, activity=[*others, f.activity(stays)])
    world.day(3, diplomas=[f.diploma(f.rpps(3))])
    before = without_keys(world)
    world.day(4, links=[(ADELI, RPPS)])
    assert [r.organization and r.organization.name for r in world.person(left).roles] == ["HOPITAL D'ESSAI"]
    assert (world.person(left).expertises, world.person(left).status) == ((), "active")
    assert_tally_is_the_count(world.engine)
    review.split(world.engine, ADELI, actor="alice")
    assert without_keys(world) == before
    assert (world.person(left).status, world.person(stays).status) == ("inactive", "active")
    assert_tally_is_the_count(world.engine)


def test_a_mailbox_that_is_told_under_the_survivor_s_number_since_stays_with_her(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS, **ELSEWHERE)], mailboxes=[f.mailbox(BOX, ADELI)])
    world.day(2, links=[(ADELI, RPPS)])
    world.day(3, mailboxes=[f.mailbox(BOX, RPPS)])
    review.split(world.engine, ADELI, actor="alice")
    assert world.holders(BOX) == ["8" + RPPS]


def test_what_cannot_be_told_apart_at_a_split_is_read_again(world: World) -> None:
    """What came under which of two ADELI numbers is not kept: none of it is shown of who is in that file no more."""
    second, others = f.adeli(2, "69"), [f.activity(f.adeli(3), family_name="AUTRE"), f.activity(RPPS)]
    world.day(1, activity=[*others, f.activity(ADELI, **ELSEWHERE), f.activity(second, **ELSEWHERE)])
    world.day(2, links=[(ADELI, RPPS), (second, RPPS)])
    world.day(3, activity=[*others, f.activity(ADELI, mode_code="L", **ELSEWHERE)])
    review.split(world.engine, ADELI, actor="alice")
    assert [r.mode.code for r in world.person(RPPS).roles] == ["S"]
    assert_tally_is_the_count(world.engine)
    world.day(4, activity=[f.activity(ADELI, mode_code="L", **ELSEWHERE), *others])
    assert [r.mode.code for r in world.person(ADELI).roles] == ["L"]
    assert [r.mode.code for r in world.person(RPPS).roles] == ["S"]


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


def test_whatever_made_a_link_or_asks_is_said_in_french() -> None:
    made = ["extract", "link-table", "review", judge.VERSION, *published.RULES.values(), doubts.HOLDER_NAMES]
    ruled = [f"rule:{rule.__name__}" for rule in (rules.same_mailbox, rules.same_name_profession_structure)]
    assert [how for how in made + ruled if not how_said(how)] == []


def test_from_the_terminal(command: Any, tmp_path: Path) -> None:
    command("init")
    rows = [f.activity(ADELI), f.activity(RPPS, **ELSEWHERE)]
    assert "1 à examiner" in command("import", str(f.write_activity(tmp_path / "activity.txt", rows)))
    (asked,) = json.loads(command("review", "list", "--json"))["decisions"]
    number = str(asked["pk"])
    assert f"0{ADELI}" in command("review", "list") and command("review", "list", "--kind", "link") == ""
    shown = command("review", "show", number)
    assert f"Identifiant\t0{ADELI}\t8{RPPS}" in shown and "les noms et le lieu" in shown and "mêmes prénoms (+" in shown
    assert "règle : ressemblance pesée (model:1)" in shown and f"{ADELI} (extraction)" in shown
    sides = json.loads(command("review", "show", number, "--json"))["sides"]
    assert [side["Identifiant"] for side in sides] == [["0" + ADELI], ["8" + RPPS]]
    assert "remise à plus tard" in command("review", "later", number)
    told = command("review", "accept", number, "--note", "même diplôme")
    assert told == f"Décision {number} acceptée : 0{ADELI} et 8{RPPS} sont une seule personne.\n"
    assert "même diplôme" in command("review", "show", number)
    assert "n'attend plus" in command("review", "reject", number, code=2)
    assert "deux personnes" in command("review", "split", ADELI)
    assert "aucune fusion" in command("review", "split", ADELI, code=4)
    told = json.loads(command("quality", "--json"))
    assert told["decisions"]["person"] == {"split": 1}
    assert "fusion défaite : 1" in command("quality")
