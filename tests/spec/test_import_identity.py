"""ADELI and RPPS are one record, by the link table and by rules; an ADELI number answers for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import factories as f
import pytest
from import_world import World
from undo_world import assert_tally_is_the_count, contents

from directory_service.model.people import Identifier, Status
from directory_service.registry.rollback import roll_back
from importers.load import run_import

RPPS, ADELI, BOX = f.rpps(1), f.adeli(1), "zoe@ville.mssante.fr"
ELSEWHERE = {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}


def numbers(world: World, number: str) -> list[tuple[str, bool]]:
    return sorted((i.scheme + i.value, i.current) for i in world.person(number).identifiers)


ONE_RECORD = [("0" + ADELI, False), ("8" + RPPS, True)]


@pytest.mark.parametrize("order", list(permutations(["links", "rpps", "adeli"])), ids="-".join)
def test_the_order_of_the_files_over_the_days_does_not_matter(world: World, order: tuple[str, ...]) -> None:
    extracts: dict[str, dict[str, Any]] = {
        "links": {"links": [(ADELI, RPPS)]},
        "rpps": {"activity": [f.activity(RPPS)]},
        "adeli": {"activity": [f.activity(ADELI, family_name="AUTREMENT")]},
    }
    for day, kind in enumerate(order, start=1):
        world.day(day, **extracts[kind])
    (person,) = world.people()
    assert person.national_id == "8" + RPPS
    assert person.family_name == "ESSAI"  # the RPPS is believed first
    assert numbers(world, ADELI) == ONE_RECORD
    assert {s.name for s in person.sources} == {"rpps.activity", "adeli.activity"}


def test_all_files_of_one_command_make_one_record(world: World) -> None:
    rows = [f.activity(ADELI, family_name="NAISSANCE"), f.activity(RPPS)]
    world.day(1, links=[(ADELI, RPPS)], activity=rows)
    assert [p.national_id for p in world.people()] == ["8" + RPPS]
    assert numbers(world, ADELI) == ONE_RECORD


def test_an_adeli_number_that_vanishes_from_its_source_keeps_answering(world: World) -> None:
    world.day(1, links=[(ADELI, RPPS)], activity=[f.activity(ADELI), f.activity(RPPS)])
    world.day(2, activity=[f.activity(f.adeli(9), family_name="TIERS"), f.activity(RPPS)])
    person = world.person(ADELI)
    assert (person.national_id, person.status) == ("8" + RPPS, Status.ACTIVE)
    assert len(person.roles) == 1  # what the ADELI extract no longer says has gone


def test_a_person_may_have_had_several_adeli_numbers(world: World) -> None:
    more = f.adeli(2, "69")
    world.day(1, links=[(ADELI, RPPS), (more, RPPS)], activity=[f.activity(RPPS)])
    assert world.person(more).adelis == tuple(sorted((ADELI, more)))


def test_a_merge_moves_everything_and_says_why(world: World) -> None:
    box = "zoe@ville.mssante.fr"
    people = [f.activity(ADELI, family_name="NAISSANCE"), f.activity(RPPS)]
    world.day(1, activity=people, mailboxes=[f.mailbox(box, ADELI)])
    world.day(2, links=[(ADELI, RPPS)])
    assert world.holders(box) == ["8" + RPPS]
    merge = next(e for e in world.journal() if e.kind == "merge")
    assert b'"how":"link-table"' in (merge.after or b"")
    assert ("0" + ADELI).encode() in (merge.before or b"")
    assert Identifier("0", ADELI, False, "link-table") in world.person(RPPS).identifiers


def test_a_link_that_contradicts_what_is_known_changes_nothing_and_is_counted(world: World) -> None:
    world.day(1, links=[(ADELI, RPPS)], activity=[f.activity(RPPS), f.activity(f.rpps(2))])
    report = world.day(2, links=[(ADELI, f.rpps(2))])
    assert report.files[0].warnings == {"link_conflict": 1}
    assert world.person(ADELI).national_id == "8" + RPPS


def test_a_pair_that_is_said_again_is_counted_as_unchanged(world: World) -> None:
    world.day(1, links=[(ADELI, RPPS)], activity=[f.activity(RPPS)])
    report = world.day(2, links=[(f.adeli(2), f.rpps(2)), (ADELI, RPPS), ("0" + ADELI, "8" + RPPS)])
    assert report.counts["link"] == {"created": 1, "unchanged": 2}


def test_a_pair_that_changes_before_its_numbers_are_known_holds_as_it_was_said_last(world: World) -> None:
    other, before, after = f.adeli(2), f.rpps(2), f.rpps(3)
    world.day(1, links=[(ADELI, before), (other, RPPS)])
    report = world.day(2, links=[(ADELI, after), (other, RPPS)], activity=[f.activity(before, family_name="AVANT")])
    assert report.counts["link"] == {"unchanged": 1, "updated": 1}
    world.day(3, activity=[f.activity(ADELI), f.activity(other, family_name="AUTRE")])
    assert {p.rpps: p.adelis for p in world.people()} == {before: (), after: (ADELI,), RPPS: (other,)}


@pytest.mark.parametrize("known", [True, False])
def test_a_number_that_one_table_links_to_two_others_goes_to_the_first(world: World, *, known: bool) -> None:
    others = [f.rpps(2), f.rpps(3)]
    rows = [f.activity(n, family_name=name) for n, name in zip(others, ("DEUX", "TROIS"), strict=True)] if known else []
    world.day(1, activity=[f.activity(ADELI, family_name="UN"), *rows])
    report = world.day(2, links=[(ADELI, number) for number in others])
    assert report.files[0].warnings == {"link_conflict": 1}
    assert world.person(ADELI).rpps == others[0]
    assert world.person(ADELI).adelis == (ADELI,)
    assert [p.rpps for p in world.people() if p.rpps] == others[: 1 + known]


@pytest.mark.parametrize("order", list(permutations(("links", "expertise", "adeli"))), ids="-".join)
def test_the_crosswalk_holds_for_who_is_first_known_by_a_file_of_details(world: World, order: tuple[str, ...]) -> None:
    """As somebody who has retired, and stands in the file of savoir-faire alone."""
    extracts: dict[str, dict[str, Any]] = {
        "links": {"links": [(ADELI, RPPS)]},
        "expertise": {"expertise": [f.expertise(RPPS)], "mailboxes": [f.mailbox(BOX, ADELI)]},
        "adeli": {"activity": [f.activity(ADELI)]},
    }
    for day, kind in enumerate(order, start=1):
        world.day(day, **extracts[kind])
    (person,) = world.people()
    assert (person.national_id, person.adelis, person.status) == ("8" + RPPS, (ADELI,), "active")
    assert world.holders(BOX) == ["8" + RPPS]


@pytest.mark.parametrize("pairs", [(1, 2), (2, 1)])
def test_of_two_adeli_numbers_in_the_crosswalk_either_may_be_known_first(world: World, pairs: tuple[int, ...]) -> None:
    one, other = f.adeli(1), f.adeli(2)
    world.day(1, activity=[f.activity(other)])
    world.day(2, links=[(f.adeli(n), RPPS) for n in pairs])
    assert world.person(one).national_id == "8" + RPPS
    world.day(3, activity=[f.activity(one, **ELSEWHERE), f.activity(other)])
    (person,) = world.people()
    assert (person.national_id, set(person.adelis), len(person.roles)) == ("8" + RPPS, {one, other}, 2)


@pytest.mark.parametrize("files", [("adeli", "rpps"), ("rpps", "adeli")])
def test_who_goes_from_one_file_to_another_never_left(world: World, tmp_path: Path, files: tuple[str, str]) -> None:
    """ADELI and RPPS in files of their own, whatever they are called: the switchover closes and opens nobody."""
    others = {
        "adeli": [f.activity(f.adeli(9), family_name="TIERS")],
        "rpps": [f.activity(f.rpps(9), family_name="AUTRE")],
    }
    days = [
        {**others, "adeli": [*others["adeli"], f.activity(ADELI)]},
        {**others, "rpps": [*others["rpps"], f.activity(RPPS)]},
    ]
    world.day(1, links=[(ADELI, RPPS)])
    for day, said in enumerate(days, start=2):
        paths = [f.write_activity(tmp_path / f"{n}_2026110{day}.txt", said[kind]) for n, kind in enumerate(files)]
        report = run_import(world.engine, paths, actor="tests", as_of=datetime(2026, 11, day, tzinfo=UTC))
    person = world.person(ADELI)
    assert (person.national_id, person.status, person.status_since) == (
        "8" + RPPS,
        Status.ACTIVE,
        datetime(2026, 11, 2, tzinfo=UTC),
    )
    assert report.impact["people"] == {
        "key": "",
        "before": 3,
        "added": 0,
        "changed": 1,
        "removed": 0,
        "merged": 0,
        "touched": 1,
        "percent": 33.33,
    }
    assert [s.name for s in person.sources] == ["rpps.activity"]
    assert_tally_is_the_count(world.engine)


@pytest.mark.parametrize("first", [ADELI, RPPS])
def test_a_structure_that_changes_is_told_by_rpps_rows_wherever_they_stand(world: World, first: str) -> None:
    """An ADELI row of the same structure, which is believed less, may come first in the file."""
    world.day(1, activity=[f.activity(RPPS, name="CLINIQUE")])
    rows = {
        n: f.activity(n, family_name=who, name="CLINIQUE DU PARC") for n, who in ((RPPS, "ESSAI"), (ADELI, "TIERS"))
    }
    world.day(2, activity=[rows.pop(first), *rows.values()])
    (role,) = world.person(RPPS).roles
    assert role.organization and role.organization.name == "CLINIQUE DU PARC"


def test_a_wrong_adeli_key_warns_and_a_wrong_rpps_key_rejects(world: World) -> None:
    wrong = ADELI[:-1] + str((int(ADELI[-1]) + 1) % 10)
    bad = RPPS[:-1] + str((int(RPPS[-1]) + 1) % 10)
    report = world.day(1, activity=[f.activity(wrong, family_name="TIERS"), f.activity(bad), f.activity(RPPS)])
    assert report.files[0].warnings == {"adeli_key": 1}
    assert report.files[0].reasons == {"rpps_key": 1}
    assert world.person(wrong).national_id == "0" + wrong


# One person under several numbers of one source


MORE, THIRD = f.adeli(2, "69"), f.rpps(3)
ONE_PERSON = [(ADELI, RPPS), (MORE, RPPS)]


def modes(world: World) -> list[str]:
    return sorted(r.mode.code for r in world.person(RPPS).roles)


def skills(world: World) -> list[str]:
    return sorted(e.expertise.code for e in world.person(RPPS).expertises)


def test_what_each_of_her_numbers_says_is_hers_and_goes_with_what_said_it(world: World) -> None:
    """A row does not tell under which number it was said: what one of them says no more goes when all are read again,
    which is by the next extract."""

    def extract(day: int, first: str, *second: str) -> list[str]:
        rows = [f.activity(ADELI, mode_code=first), *(f.activity(MORE, mode_code=mode) for mode in second)]
        world.day(day, links=ONE_PERSON, activity=[*rows, *[f.activity(f.adeli(9), family_name="TIERS")] * day])
        return modes(world)

    assert extract(1, "L", "S") == ["L", "S"]
    assert extract(2, "B", "S") == ["B", "L", "S"]
    assert extract(3, "B", "S") == ["B", "S"]
    assert extract(4, "L", "L") == ["L"]
    assert extract(5, "L") == ["L"]
    assert extract(6, "S") == ["S"]


def test_what_two_numbers_say_alike_is_said_once(world: World) -> None:
    world.day(1, links=ONE_PERSON, activity=[f.activity(ADELI), f.activity(f.adeli(9), family_name="TIERS")])
    world.day(2, activity=[f.activity(ADELI), f.activity(MORE), f.activity(f.adeli(9), family_name="TIERS")])
    assert modes(world) == ["S"]


@pytest.mark.parametrize("known", [True, False], ids=["known before", "new"])
def test_details_of_two_numbers_are_both_hers(world: World, *, known: bool) -> None:
    if known:
        world.day(1, activity=[f.activity(RPPS)])
    world.day(2, links=ONE_PERSON, activity=[f.activity(RPPS)],
              expertise=[f.expertise(ADELI, expertise_code="SM05"), f.expertise(RPPS), f.expertise(MORE)])  # fmt: skip
    assert skills(world) == ["SM04", "SM05"]
    told = [e.kind for e in world.journal() if (e.subject, e.subject_id) == ("practitioner", world.person(RPPS).pk)]
    assert told[0] == "create" and (known or told == ["create"])
    changed = [f.expertise(ADELI, expertise_code="SM05"), f.expertise(RPPS, expertise_code="SM26"), f.expertise(MORE)]
    world.day(3, expertise=changed)
    assert skills(world) == ["SM04", "SM05", "SM26"]
    world.day(4, expertise=changed[:2])
    world.day(5, expertise=[*changed[:2], f.expertise(THIRD)])
    assert skills(world) == ["SM05", "SM26"]


def test_details_that_go_from_one_number_to_another_stay(world: World) -> None:
    """As the extracts did when each profession passed from ADELI to the RPPS."""
    world.day(1, links=ONE_PERSON, activity=[f.activity(RPPS), f.activity(THIRD)],
              expertise=[f.expertise(ADELI), f.expertise(THIRD)])  # fmt: skip
    world.day(2, expertise=[f.expertise(RPPS), f.expertise(THIRD)])
    assert skills(world) == ["SM04"]
    world.day(3, expertise=[f.expertise(RPPS, expertise_code="SM26"), f.expertise(THIRD)])
    assert skills(world) == ["SM26"]


def test_what_two_numbers_say_is_undone_without_a_trace(world: World) -> None:
    third = f.activity(f.adeli(9), family_name="TIERS")
    world.day(1, links=ONE_PERSON, activity=[f.activity(ADELI, mode_code="L"), f.activity(MORE), third],
              expertise=[f.expertise(ADELI), f.expertise(RPPS), f.expertise(THIRD)])  # fmt: skip
    before = contents(world.engine)
    for rows in ([f.activity(ADELI, mode_code="B"), f.activity(MORE), third], [f.activity(ADELI), third]):
        said = [f.expertise(RPPS, expertise_code="SM26"), f.expertise(THIRD)]
        roll_back(world.engine, world.day(2, activity=rows, expertise=said).run or 0, actor="tests")
        assert contents(world.engine) == before


def test_a_record_that_loses_no_more_than_a_source_is_told_to_readers(world: World) -> None:
    """Under a second number the source said of her what it says under the first."""
    world.day(1, links=ONE_PERSON, activity=[f.activity(ADELI)])
    run = world.day(2, activity=[f.activity(ADELI), f.activity(MORE)]).run
    assert len(world.person(RPPS).sources) == 2
    roll_back(world.engine, run or 0, actor="tests")
    told = [(e.kind, e.subject, e.subject_id) for e in world.journal() if e.run_id != run]
    assert told[-1] == ("restore", "practitioner", world.person(RPPS).pk)
    assert len(world.person(RPPS).sources) == 1


def test_a_number_or_a_skill_that_comes_to_her_changes_her_record(world: World) -> None:
    """Address books ask what changed since: by ``modifyTimestamp``."""
    world.day(1, activity=[f.activity(RPPS)])
    world.day(2, links=[(ADELI, RPPS)])
    assert world.person(RPPS).changed_at.day == 2
    world.day(3, expertise=[f.expertise(RPPS)])
    assert world.person(RPPS).changed_at.day == 3


# Rules


def test_same_name_profession_and_structure_without_homonym_is_one_person(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI, given_names="ZOE"), f.activity(RPPS, given_names="Zoé")])
    (person,) = world.people()
    assert Identifier("0", ADELI, False, "rule:same_name_profession_structure") in person.identifiers


@pytest.mark.parametrize(
    "difference",
    [
        {"given_names": "Anne"},
        {"profession_code": "70"},
        {"civility_code": "M"},
        {"technical_id": "F" + f.finess(2), "finess": f.finess(2)},
        {"technical_id": "", "finess": ""},
    ],
    ids=["given names", "profession", "civility", "structure", "place alone"],
)
def test_rules_never_merge_on_less(world: World, difference: dict[str, str]) -> None:
    world.day(1, activity=[f.activity(ADELI, **difference), f.activity(RPPS)])
    assert len(world.people()) == 2


def test_place_and_name_alone_never_merge_even_on_both_sides(world: World) -> None:
    bare = {"technical_id": "", "finess": ""}
    world.day(1, activity=[f.activity(ADELI, **bare), f.activity(RPPS, **bare)])
    assert len(world.people()) == 2


def test_a_homonym_on_either_side_stops_the_rule(world: World) -> None:
    world.day(1, activity=[f.activity(ADELI), f.activity(RPPS), f.activity(f.rpps(2))])
    assert len(world.people()) == 3
    two = {"family_name": "AUTRE"}
    world.day(2, activity=[f.activity(number, **two) for number in (f.adeli(3), f.adeli(4), f.rpps(3))], accept="essai")
    assert len(world.people()) == 6


def test_the_same_mailbox_under_both_numbers_is_one_person(world: World) -> None:
    box, other = "zoe@ville.mssante.fr", {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}
    people = [f.activity(ADELI), f.activity(RPPS, given_names="Zoé Marie", **other)]
    world.day(1, activity=people, mailboxes=[f.mailbox(box, ADELI)])
    assert len(world.people()) == 2
    world.day(2, mailboxes=[f.mailbox(box, RPPS)])
    (person,) = world.people()
    assert Identifier("0", ADELI, False, "rule:same_mailbox") in person.identifiers


def test_a_mailbox_handed_to_someone_of_another_name_merges_nobody(world: World) -> None:
    box, other = "accueil@ville.mssante.fr", {"technical_id": "F" + f.finess(2), "finess": f.finess(2)}
    people = [f.activity(ADELI), f.activity(RPPS, family_name="TIERS", **other)]
    world.day(1, activity=people, mailboxes=[f.mailbox(box, ADELI)])
    world.day(2, mailboxes=[f.mailbox(box, RPPS)])
    assert len(world.people()) == 2
