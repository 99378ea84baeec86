"""Rules are sure or silent: what each asks for, and who is left alone."""

from __future__ import annotations

from dataclasses import replace

from importers.reconcile.candidate import Candidate
from importers.reconcile.rules import Decision, compatible_names, decide

PLACE = frozenset([("60", "F750000019")])
OLD = Candidate(1, False, "MARPEAU", "Bernadette", "MME", PLACE, frozenset(["b@x.fr"]))
NEW = Candidate(2, True, "MARPEAU", "Bernadette", "MME", PLACE, frozenset(["b@x.fr"]))


def pairs(*candidates: Candidate) -> list[tuple[int, int]]:
    return [(d.absorbed, d.survivor) for d in decide(candidates)]


def test_the_surest_rule_is_told() -> None:
    (found,) = decide([NEW, OLD])
    assert isinstance(found, Decision) and (found.absorbed, found.survivor, found.rule) == (1, 2, "same_mailbox")


def test_names_that_say_nothing_are_not_compatible() -> None:
    nameless = replace(OLD, given_names=""), replace(NEW, given_names="")
    assert not compatible_names(*nameless) and pairs(*nameless) == []
    assert not compatible_names(replace(OLD, family_name=""), replace(NEW, family_name=""))


def test_two_of_one_key_on_either_side_are_left_alone() -> None:
    assert pairs(OLD, replace(OLD, pk=3), NEW) == []
    assert pairs(OLD, NEW, replace(NEW, pk=4)) == []


def test_a_record_that_two_rules_give_to_two_people_is_left_alone() -> None:
    by_mailbox, by_place = replace(NEW, structures=frozenset()), replace(NEW, pk=3, mailboxes=frozenset())
    assert pairs(OLD, by_mailbox) == [(1, 2)]
    assert pairs(OLD, by_place) == [(1, 3)]
    assert pairs(OLD, by_mailbox, by_place) == []
