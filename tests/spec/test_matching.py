"""Who is who beyond tables and rules: what an import merges, leaves to the staff, and remembers."""

from __future__ import annotations

import factories as f
from import_world import World

from directory_service.model.people import Identifier
from directory_service.registry import decisions
from directory_service.registry.decisions import Decision, Kind, Outcome
from directory_service.registry.engine import reading

RPPS, ADELI = f.rpps(1), f.adeli(1)
ELSEWHERE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}


def about(world: World, name: str) -> list[Decision]:
    with reading(world.engine) as connection:
        return decisions.about(connection, name)


def old(number: str = ADELI, **fields: str) -> dict[str, str]:
    return f.activity(number, family_name="MARPAEU", given_names="BERNADETTE", **fields)


def spelt(number: str = ADELI, **fields: str) -> dict[str, str]:
    """As ``old``, without the typing error."""
    return f.activity(number, family_name="MARPEAU", given_names="BERNADETTE", **fields)


def new(number: str = RPPS, **fields: str) -> dict[str, str]:
    return f.activity(number, family_name="MARPEAU", given_names="Bernadette", **fields)


def test_a_mistyped_name_in_one_structure_is_one_person_and_the_decision_is_kept(world: World) -> None:
    world.day(1, activity=[old(), new()])
    (person,) = world.people()
    assert person.family_name == "MARPEAU"
    assert Identifier("0", ADELI, False, "model:1") in person.identifiers
    (decision,) = about(world, "0" + ADELI)
    assert (decision.kind, decision.outcome, decision.other) == (Kind.SAME_PERSON, Outcome.MERGE, "8" + RPPS)
    assert decision.score is not None and decision.score > 10 and decision.weights
    assert (decision.actor, decision.run) == ("tests", 1)
    assert [side["family_name"] for side in decision.seen] == ["MARPAEU", "MARPEAU"]
    assert decision.seen[0]["structures"] == [["60", "F" + f.finess(1)]]


def test_names_and_place_alone_go_to_the_staff(world: World) -> None:
    report = world.day(1, activity=[spelt(), new(**ELSEWHERE)])
    assert len(world.people()) == 2
    (decision,) = about(world, "0" + ADELI)
    assert decision.outcome == Outcome.REVIEW and "les noms et le lieu" in decision.reason
    assert report.counts["match"] == {"review": 1}
    assert "rapprochements : 1 à examiner" in report.as_text()


def test_every_merge_leaves_a_decision_by_table_and_by_rule_too(world: World) -> None:
    other, second = f.rpps(2), f.adeli(2)
    world.day(1, activity=[old(), new(**ELSEWHERE), f.activity(second), f.activity(other)])
    world.day(2, links=[(ADELI, RPPS)])
    assert [(d.how, d.outcome) for d in about(world, "0" + ADELI)] == [("link-table", Outcome.MERGE)]
    assert [d.how for d in about(world, "0" + second)] == ["rule:same_name_profession_structure"]


def test_a_practice_that_kept_its_adeli_number_ties_both_records(world: World) -> None:
    bare = {"finess": "", "siret": ""}
    former = {"technical_id": "R10001234567890", "former_id": f"0{ADELI}01", **bare}
    more = {**new(**former), "given_names": "Bernadette Marie"}
    world.day(1, activity=[spelt(technical_id=f"C{ADELI}01", **bare), more])
    assert len(world.people()) == 1


def test_a_later_day_matches_who_arrives_with_who_was_there(world: World) -> None:
    world.day(1, activity=[old()])
    assert len(world.people()) == 1
    world.day(2, activity=[new()])
    assert [p.national_id for p in world.people()] == ["8" + RPPS]


def test_a_run_that_touches_neither_asks_nothing_again(world: World) -> None:
    others = [f.activity(f.rpps(n), family_name=f"AUTRE{n}") for n in range(10, 14)]
    world.day(1, activity=[spelt(), new(**ELSEWHERE), *others])
    (first,) = about(world, "0" + ADELI)
    others[0]["family_name"] = "CHANGE"
    world.day(2, activity=[new(**ELSEWHERE), *others])
    assert about(world, "0" + ADELI) == [first]


def test_a_record_that_changes_is_judged_again(world: World) -> None:
    world.day(1, activity=[spelt(), new(**ELSEWHERE)])
    world.day(2, activity=[spelt(), new()])
    (person,) = world.people()
    assert [d.outcome for d in about(world, "0" + ADELI)] == [Outcome.MERGE]
    assert person.adelis == (ADELI,)


def test_initials_and_an_other_name_are_never_merged_by_an_import(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI, family_name="MARPEAU", given_names="B"), new()])
    assert len(world.people()) == 2
    world.day(2, activity=[f.activity(ADELI, family_name="BERNARD", given_names="BERNADETTE"), new()])
    assert len(world.people()) == 2


def test_a_mailbox_that_an_older_file_gives_to_the_adeli_number_ties_them_in_one_run(world: World) -> None:
    box = "bernadette.marpeau@ville.mssante.fr"
    named = {"family_name": "MARPEAU", "given_names": "Bernadette"}
    bare = {"technical_id": "", "finess": ""}
    world.day(1, activity=[new(**ELSEWHERE)], mailboxes=[f.mailbox(box, RPPS, **named)],
              cat18=[f.cat18(ADELI, box, **named, **bare)])  # fmt: skip
    (person,) = world.people()
    assert person.adelis == (ADELI,)
    assert world.holders(box) == ["8" + RPPS]
