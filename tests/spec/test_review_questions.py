"""What the link table and mailboxes ask of the staff, and what each answer does."""

from __future__ import annotations

import factories as f
import pytest
from import_world import World
from review_world import ADELI, BOX, ELSEWHERE, RPPS, conflicting, doubtful, probable, queue
from undo_world import assert_tally_is_the_count

from directory_service.registry.decisions import Outcome
from importers import review

# --- the link table against the registry -----------------------------------------------------------------------------


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


def test_a_mere_alias_changes_hands_again(world: World) -> None:
    others = [f.activity(f.rpps(n), family_name=name) for n, name in ((2, "AUTRE"), (3, "TIERS"))]
    world.day(1, links=[(ADELI, RPPS)], activity=[f.activity(RPPS), *others])
    for day in (2, 3):
        world.day(day, links=[(ADELI, f.rpps(day))])
        (asked,) = queue(world)
        review.accept(world.engine, asked.pk, actor="alice")
        assert world.person(ADELI).rpps == f.rpps(day)


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
