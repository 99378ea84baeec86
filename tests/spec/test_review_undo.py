"""The staff's answers beside imports: one at a time, counted, and taken back by a rollback that names them only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import factories as f
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_world import World
from review_world import ADELI, BOX, ELSEWHERE, RPPS, queue
from undo_world import assert_tally_is_the_count, contents

from directory_service.errors import InvalidInput, NotFound, RegistryBusy, UndoRefused
from directory_service.registry import decisions
from directory_service.registry.decisions import Decision, Kind, Outcome
from directory_service.registry.engine import open_registry, reading
from directory_service.registry.lock import locked
from directory_service.registry.rollback import roll_back
from directory_service.registry.runs import get_run
from importers import review

FIRST = {
    "activity": [f.activity(ADELI), f.activity(RPPS, **ELSEWHERE)],  # of one name and town: for the staff to say
    "mailboxes": [f.mailbox(BOX, ADELI)],
}


def undo(world: World, run: int | None, *, through: bool = False) -> None:
    assert run is not None
    roll_back(world.engine, run, actor="tests", through=through)


# --- taken back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [review.accept, review.reject, review.later])
def test_an_answer_is_a_run_that_can_be_undone_alone_and_is_asked_again(
    world: World, answer: Callable[..., Decision]
) -> None:
    world.day(1, **FIRST)
    (asked,), before = queue(world), contents(world.engine)
    done = answer(world.engine, asked.pk, actor="alice")
    assert contents(world.engine) != before
    undo(world, done.run)
    assert contents(world.engine) == before
    assert queue(world) == [asked]


def test_a_merge_that_was_split_is_merged_again_once_the_split_is_undone(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS)])
    before = contents(world.engine)
    done = review.split(world.engine, ADELI, actor="alice")
    assert_tally_is_the_count(world.engine)
    undo(world, done.run)
    assert contents(world.engine) == before
    assert [p.national_id for p in world.people()] == ["8" + RPPS]
    review.split(world.engine, ADELI, actor="bob")  # and may be split anew
    assert len(world.people()) == 2


def test_an_import_is_undone_with_the_answers_that_came_after_or_not_at_all(world: World) -> None:
    start = contents(world.engine)
    first = world.day(1, **FIRST).run or 0
    (asked,) = queue(world)
    done = review.accept(world.engine, asked.pk, actor="alice")
    with pytest.raises(UndoRefused, match=rf"{done.run} \(réponse, .*alice\).*--through"):
        undo(world, first)
    assert world.person(ADELI).rpps == RPPS
    undo(world, first, through=True)
    with pytest.raises(UndoRefused, match=rf"^réponse {done.run} : déjà annulé"):
        undo(world, done.run)
    assert contents(world.engine) == start
    world.day(1, **FIRST)
    (again,) = queue(world)
    assert (again.one, again.other) == (asked.one, asked.other)
    assert again.pk > asked.pk  # the number of a question is never another's


def test_a_merge_of_a_run_that_was_undone_is_not_there_to_split(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI, family_name="AUTRE"), f.activity(RPPS)])
    run = world.day(2, links=[(ADELI, RPPS)]).run
    with reading(world.engine) as connection:
        (merged,) = decisions.about(connection, "0" + ADELI)
    undo(world, run)
    before = world.dump()
    for named in (ADELI, str(merged.pk)):
        with pytest.raises(NotFound):
            review.split(world.engine, named, actor="alice")
    assert world.dump() == before


def test_a_split_puts_back_what_the_merge_that_stands_moved_not_one_that_was_undone(world: World) -> None:
    """The same record merged by two runs, of which the first was undone: into another person, with other rows."""
    other = f.rpps(2)
    world.day(1, activity=[f.activity(ADELI, family_name="AUTRE"), f.activity(RPPS), f.activity(other)])
    undo(world, world.day(2, links=[(ADELI, other)]).run)
    before = contents(world.engine)
    world.day(3, links=[(ADELI, RPPS)])
    undo(world, review.split(world.engine, ADELI, actor="alice").run)
    review.split(world.engine, ADELI, actor="alice")
    after = contents(world.engine)
    assert after["activity"] == before["activity"] and after["identifier"] == before["identifier"]
    assert world.person(other).adelis == world.person(RPPS).adelis == ()


def test_a_split_goes_by_the_merge_that_stands_though_a_later_one_was_undone(world: World) -> None:
    """The survivor is again what the first merge woke, with its date."""
    other = f.rpps(2)
    world.day(1, activity=[f.activity(ADELI), f.activity(other, family_name="AUTRE")], diplomas=[f.diploma(RPPS)])
    world.day(2, links=[(ADELI, RPPS)])
    world.day(3, links=[(ADELI, other)])
    (asked,) = queue(world)
    undo(world, review.accept(world.engine, asked.pk, actor="alice").run)
    assert (world.person(ADELI).rpps, world.person(RPPS).status) == (RPPS, "active")
    review.split(world.engine, ADELI, actor="alice")
    assert (world.person(RPPS).status, world.person(RPPS).status_since) == (
        "inactive",
        datetime(2026, 11, 1, tzinfo=UTC),
    )


# --- one at a time ---------------------------------------------------------------------------------------------------


def test_while_an_import_works_an_answer_waits_then_says_for_whom(world: World) -> None:
    world.day(1, **FIRST)
    (asked,), before, told = queue(world), world.dump(), []
    with locked(world.engine, work="import", actor="charles"):
        for act in (review.accept, review.reject, review.later):
            with pytest.raises(RegistryBusy, match="import de charles"):
                act(world.engine, asked.pk, actor="alice")
        with pytest.raises(RegistryBusy):
            review.split(world.engine, ADELI, actor="alice", wait=0.15, tell=told.append)
    assert world.dump() == before
    assert [holder.actor for holder in told] == ["charles"]
    review.accept(world.engine, asked.pk, actor="alice")


# --- counted ---------------------------------------------------------------------------------------------------------


def test_an_answer_tells_its_impact(world: World) -> None:
    world.day(1, **FIRST)
    (asked,) = queue(world)
    for act, told in ((review.accept, {"merged": 1, "changed": 1}), (review.split, {"added": 1, "changed": 1})):
        done = act(world.engine, str(asked.pk) if act is review.split else asked.pk, actor="alice")
        with reading(world.engine) as connection:
            people = get_run(connection, done.run).impact["people"]
        assert {act: n for act, n in people.items() if act in ("added", "changed", "removed", "merged") and n} == told
        assert_tally_is_the_count(world.engine)


_NUMBERS = [*(f.rpps(n) for n in range(3)), *(f.adeli(n) for n in range(3))]
_PEOPLE = st.builds(
    lambda number, name, place, department: f.activity(
        number,
        family_name=name,
        technical_id="F" + f.finess(place),
        finess=f.finess(place),
        name=f"LIEU {place}",
        department_code=department,
    ),
    st.sampled_from(_NUMBERS),
    st.sampled_from(["ESSAI", "DESSAI"]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["", "75", "971"]),
)
_BOXES = st.builds(
    lambda address, number, name: f.mailbox(address, number, family_name=name, given_names="Paul"),
    st.sampled_from(["a@un.fr", "b@deux.fr"]),
    st.sampled_from(_NUMBERS),
    st.sampled_from(["ESSAI", "TIERS"]),
)
_LINKS = st.tuples(st.sampled_from(_NUMBERS[3:]), st.sampled_from(_NUMBERS[:3]))
_DAYS = st.fixed_dictionaries(
    {"activity": st.lists(_PEOPLE, min_size=3, max_size=6)},
    optional={
        "mailboxes": st.lists(_BOXES, min_size=1, max_size=2),
        "links": st.lists(_LINKS, min_size=1, max_size=2),
    },
)
_ACTS = st.lists(
    st.tuples(st.sampled_from(["accept", "reject", "later", "split"]), st.integers(0, 9), st.booleans()), max_size=4
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.tuples(_DAYS, _ACTS), min_size=1, max_size=3))
def test_whatever_is_answered_is_counted_and_leaves_no_trace_once_undone(
    sqlite_template: Path, days: list[tuple[dict[str, Any], list[tuple[str, int, bool]]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registry.sqlite"
        path.write_bytes(sqlite_template.read_bytes())
        world = World(open_registry(f"sqlite:///{path}"), Path(folder))
        start, runs = contents(world.engine), []
        for number, (said, acts) in enumerate(days, start=1):
            runs.append(world.day(number, accept="essai", **said).run)
            for name, choice, is_undone in acts:
                before = contents(world.engine)
                run = _answered(world, name, choice)
                assert_tally_is_the_count(world.engine)
                if run is not None and is_undone:
                    undo(world, run)
                if run is None or is_undone:
                    assert contents(world.engine) == before
        undo(world, runs[0], through=True)
        assert contents(world.engine) == start
        world.engine.dispose()


def _answered(world: World, name: str, choice: int) -> int | None:
    """The run of an answer to one of the questions there are; None where there is none, or what is asked is no more."""
    with reading(world.engine) as connection:
        every = {d.pk: d for number in _NUMBERS for d in decisions.about(connection, number_of(number))}
    done = [d for d in every.values() if d.kind == Kind.SAME_PERSON and d.outcome in (Outcome.MERGE, Outcome.ACCEPTED)]
    asked = done if name == "split" else queue(world)
    if not asked:
        return None
    pk = asked[choice % len(asked)].pk
    try:
        return getattr(review, name)(world.engine, str(pk) if name == "split" else pk, actor="alice").run
    except InvalidInput:
        return None


def number_of(number: str) -> str:
    return ("8" if len(number) == 11 else "0") + number
