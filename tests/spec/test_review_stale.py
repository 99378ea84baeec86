"""Questions that waited while the registry went on: answered too late, they change nothing and say why."""

from __future__ import annotations

import factories as f
import pytest
from import_world import World
from review_world import ADELI, RPPS, conflicting, queue

from directory_service.errors import InvalidInput
from directory_service.model.publication import parse_publication
from directory_service.registry import operators
from directory_service.registry.engine import writing
from directory_service.registry.publishing import Order, Publisher
from importers import review

OURS = "ville.mssante.fr"


def refused(world: World, answer: str, what: int | str, why: str) -> None:
    before = world.dump()
    with pytest.raises(InvalidInput, match=why):
        getattr(review, answer)(world.engine, what, actor="alice")
    assert world.dump() == before


def test_what_the_link_table_says_is_asked_no_more_once_it_is_so(world: World) -> None:
    """It waited for ever: yes was refused, and no would have said that one person is two."""
    asked, second = conflicting(world), f.rpps(2)
    review.later(world.engine, asked.pk, actor="alice")
    review.split(world.engine, ADELI, actor="alice")
    world.day(3, activity=[f.activity(ADELI), f.activity(second), f.activity(RPPS, family_name="TIERS")])
    assert world.person(ADELI).rpps == second
    assert queue(world) == []


def test_what_the_link_table_says_against_a_merge_is_still_asked(world: World) -> None:
    asked, second = conflicting(world), f.rpps(2)
    review.later(world.engine, asked.pk, actor="alice")
    review.split(world.engine, ADELI, actor="alice")
    third = f.rpps(3)
    world.day(3, activity=[f.activity(ADELI), f.activity(third), f.activity(second, family_name="AUTRE"),
                           f.activity(RPPS, family_name="TIERS")])  # fmt: skip
    assert world.person(ADELI).rpps == third
    assert [d.pk for d in queue(world)] == [asked.pk]


def test_a_mere_alias_that_changed_hands_is_no_record_to_split_off(world: World) -> None:
    people = [f.activity(RPPS), f.activity(f.rpps(2), family_name="AUTRE")]
    world.day(1, links=[(ADELI, RPPS)], activity=people)
    world.day(2, links=[(ADELI, f.rpps(2))])
    (asked,) = queue(world)
    review.accept(world.engine, asked.pk, actor="alice")
    refused(world, "split", ADELI, "rien à défaire")


def test_a_merge_of_a_version_that_did_not_note_what_moved(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS)])
    with writing(world.engine) as connection:
        connection.exec_driver_sql("UPDATE journal SET before = NULL WHERE kind = 'merge'")
    refused(world, "split", ADELI, "ne notait pas")


def test_a_mailbox_that_is_its_operator_s_no_more(world: World) -> None:
    """Put off when the extract gave it to another; asked about again once it was closed, and then given back."""
    box, people = f"zoe@{OURS}", [f.activity(RPPS), f.activity(f.rpps(2), family_name="DUPONT", given_names="Jean")]
    line = f.mailbox(box, f.rpps(2), family_name="DUPONT", given_names="Jean")
    world.day(1, activity=people, mailboxes=[line])
    with writing(world.engine) as connection:
        operators.add_operator(connection, "essai", [OURS], actor="tests")
        wish = parse_publication({"type": "PER", "holder": {"person": RPPS}})
        Publisher(connection, "essai", "2026-09-01T00:00:00Z").do(Order(box, wish))
    world.day(2, mailboxes=[line, f.mailbox("a@y.fr")])
    (first,) = queue(world)
    review.later(world.engine, first.pk, actor="alice")
    with writing(world.engine) as connection:
        Publisher(connection, "essai", "2026-11-03T00:00:00Z").do(Order(box, None))
    world.day(20, mailboxes=[line, f.mailbox("b@y.fr")])
    second, again = queue(world)
    review.accept(world.engine, second.pk, actor="alice")
    assert again.pk == first.pk
    refused(world, "reject", first.pk, "n'a plus d'objet")
