"""Verdicts on addresses that several held, at once or one after the other: whom they name, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import web_world as world
from record_factories import rpps

from directory_service.index.directory import Directory
from directory_service.index.query import View
from directory_service.index.writer import build_index
from directory_service.registry.clock import parse_instant
from directory_service.registry.engine import open_registry, writing
from directory_service.registry.operators import add_operator
from directory_service.registry.tables import binding, identifier, mailbox
from directory_service.registry.upgrading import upgrade
from directory_service.trust.access import Caller
from directory_service.trust.verdicts import Verdict
from directory_service.trust.verify import Question, ask, verify

LATER, LAST = "2026-07-01T03:45:00Z", "2026-08-01T03:45:00Z"
TWICE, SHARED, LEFT, OVER, NAMESAKES, ONE_LEFT, PLACES, ONE_PLACE, ENDED, TAKEN, CORSICAN = (
    f"{name}@medecin.mssante.fr"
    for name in (
        "deux.fois", "a.deux", "partis", "finie", "presque", "un.parti", "lieux",
        "un.lieu", "puis.fermee", "reprise", "corse",
    )
)  # fmt: skip
IN_CORSICA = "02A1234567"
PEOPLE = (
    (8, IN_CORSICA, "CASANOVA", "LESIA", "active", world.START),
    (6, f"8{rpps(6)}", "PETIT", "ANNE", "inactive", LATER),
    (7, f"8{rpps(7)}", "DUPONT-DURAND", "JEAN", "active", world.START),
)
BOXES = (
    (20, TWICE, "PER", False, ((1, None, world.START, world.TURN), (1, None, LATER, LAST))),
    (21, SHARED, "PER", False, ((1, None, world.TURN, None), (2, None, world.START, None))),
    (22, LEFT, "PER", False, ((4, None, world.START, None), (6, None, world.START, None))),
    (23, OVER, "PER", False, ((2, None, world.START, world.TURN), (3, None, world.START, LATER))),
    (24, NAMESAKES, "PER", False, ((2, None, world.START, None), (7, None, world.START, None))),
    (26, ONE_LEFT, "PER", False, ((4, None, world.START, None), (1, None, world.START, None))),
    (27, PLACES, "PER", False, ((1, 1, world.START, None), (1, None, world.START, None))),
    (28, ONE_PLACE, "PER", False, ((1, 1, world.START, LATER), (1, None, world.START, None))),
    (29, ENDED, "PER", False, ((4, None, world.START, LATER),)),
    (31, CORSICAN, "PER", False, ((8, None, world.START, None),)),
    (30, TAKEN, "PER", False, ((2, None, world.START, world.TURN), (1, None, world.TURN, None))),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    folder = tmp_path_factory.mktemp("holders")
    engine = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    upgrade(engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "_PEOPLE", (*world._PEOPLE, *PEOPLE))
        patch.setattr(world, "_BOXES", (*world._BOXES, *BOXES))
        world.fill(engine)
    with writing(engine) as connection:
        former = world._number(8, "0", "2B7654321", False) | {"how": "link-table"}
        connection.execute(identifier.insert().values(former))
        add_operator(connection, "tiers", ["medecin.mssante.fr"], actor="test")
        connection.execute(mailbox.update().where(mailbox.c.address == TAKEN).values(operator=world.OPERATOR))
        hers = (binding.c.mailbox_id == 30) & (binding.c.practitioner_id == 1)
        connection.execute(binding.update().where(hers).values(source="publication"))
    build_index(engine, folder / "index", world.SUFFIX, workers=1)
    engine.dispose()
    found = Directory(folder / "index", world.SUFFIX)
    yield found
    found.close()


def told(verdict: Verdict) -> tuple[str, str, str]:
    return str(verdict.verdict), verdict.since, verdict.until


def dates(verdict: Verdict) -> list[str]:
    """Those that reasons tell, in their order."""
    return [r.text[-11:-1] for r in verdict.reasons if r.text[-11:-1].count("/") == 2]


def test_who_held_it_twice_held_it_last_until_the_last_end(directory: Directory) -> None:
    found = verify(directory, TWICE, person=world.ZOE, view=View.ANONYMOUS)
    assert told(found) == ("closed", LATER, LAST) and dates(found) == ["01/08/2026"]
    assert told(verify(directory, TWICE, view=View.ANONYMOUS)) == ("closed", LATER, LAST)


def test_of_two_who_hold_it_the_first_says_since_when(directory: Directory) -> None:
    found = verify(directory, SHARED, view=View.ANONYMOUS)
    assert told(found) == ("verified", world.START, "") and found.holder is None
    hers = verify(directory, SHARED, person=world.ZOE, view=View.ANONYMOUS)
    assert told(hers) == ("verified", world.TURN, "") and hers.holder


def test_who_practises_no_more_is_no_second_holder(directory: Directory) -> None:
    found = verify(directory, ONE_LEFT, view=View.ANONYMOUS)
    assert (found.verdict, found.holder and found.holder.id) == ("verified", world.ZOE)
    assert "several_holders" not in {r.code for r in found.reasons}


def test_who_holds_it_for_two_places_is_one_holder(directory: Directory) -> None:
    found = verify(directory, PLACES, name="Zoé D'Essai", view=View.ANONYMOUS)
    assert (found.verdict, found.holder and found.holder.id) == ("verified", world.ZOE)


def test_who_left_one_of_two_places_was_one_holder_before(directory: Directory) -> None:
    then = parse_instant(world.BETWEEN)
    found = verify(directory, ONE_PLACE, name="Zoé D'Essai", at=then, view=View.ANONYMOUS)
    assert (found.verdict, found.holder and found.holder.id) == ("verified", world.ZOE)
    assert "several_holders" not in {r.code for r in found.reasons}


def test_who_practised_no_more_when_the_box_closed_is_told_until_when_she_did(directory: Directory) -> None:
    found = verify(directory, ENDED, at=parse_instant("2026-06-15T00:00:00Z"), view=View.ANONYMOUS)
    assert told(found) == ("inactive", world.START, world.TURN)


def test_whoever_took_it_over_is_told_who_held_it_then(directory: Directory) -> None:
    found = verify(directory, TAKEN, person=world.ZOE, at=parse_instant(world.BETWEEN), view=View.ANONYMOUS)
    assert (found.verdict, found.holder and found.holder.id) == ("mismatch", world.JEAN)
    assert "address_closed" not in {r.code for r in found.reasons}


def test_the_source_is_that_of_whoever_held_it_then(directory: Directory) -> None:
    then = verify(directory, TAKEN, at=parse_instant(world.BETWEEN), view=View.ANONYMOUS)
    now = verify(directory, TAKEN, view=View.ANONYMOUS)
    assert [found.as_dict()["freshness"]["source"] for found in (then, now)] == ["mssante.mailboxes", "publication"]


def test_of_two_operators_the_one_that_sends_is_told(directory: Directory) -> None:
    asked = Question(TAKEN), Question(TAKEN, sender="tiers")
    assert [ask(directory, q, Caller(View.ANONYMOUS)).operator for q in asked] == [world.OPERATOR, "tiers"]


def test_of_two_who_practise_no_more_the_last_says_until_when(directory: Directory) -> None:
    found = verify(directory, LEFT, view=View.ANONYMOUS)
    assert told(found) == ("inactive", world.START, LATER) and dates(found) == ["01/07/2026"]


def test_to_a_third_it_is_closed_since_the_last_left(directory: Directory) -> None:
    found = verify(directory, OVER, person=world.PAUL, view=View.ANONYMOUS)
    assert found.verdict == "mismatch" and dates(found) == ["01/07/2026"] and found.holder is None


def test_of_two_names_the_one_that_was_written_whole_is_meant(directory: Directory) -> None:
    found = verify(directory, NAMESAKES, name="Jean Dupont", view=View.ANONYMOUS)
    assert (found.verdict, found.holder and found.holder.id) == ("verified", world.JEAN)
    assert "part_of_surname" not in {r.code for r in found.reasons}


def test_of_two_namesakes_the_one_whose_number_is_given_is_meant(directory: Directory) -> None:
    box = "partage@cabinet.mssante.fr"
    found = verify(directory, box, person=world.JEAN_BIS, name="Jean Dupont", view=View.ANONYMOUS)
    assert (found.verdict, found.holder and found.holder.id) == ("verified", world.JEAN_BIS)
    other = verify(directory, NAMESAKES, person=world.JEAN, name="Jean Durand", view=View.ANONYMOUS)
    assert other.verdict == "mismatch"
    alone = [r.code for r in verify(directory, box, name="Jean Dupont", view=View.ANONYMOUS).reasons]
    assert len(alone) == len(set(alone))


@pytest.mark.parametrize("written", [IN_CORSICA, IN_CORSICA[1:], "2a 1234567"])
def test_a_number_with_a_letter_is_a_number(directory: Directory, written: str) -> None:
    found = verify(directory, CORSICAN, person=written, view=View.ANONYMOUS)
    assert found.verdict == "verified"
    assert "identifier_matches" in (codes := {r.code for r in found.reasons}) and "former_identifier" not in codes


def test_a_former_number_with_a_letter_is_told_as_such(directory: Directory) -> None:
    found = verify(directory, CORSICAN, person="2b7654321", view=View.ANONYMOUS)
    assert {"identifier_matches", "former_identifier"} <= {r.code for r in found.reasons}


def test_a_near_miss_is_told_of_one_holder_only(directory: Directory) -> None:
    found = verify(directory, NAMESAKES, name="Jean Dupomt", view=View.ANONYMOUS)
    assert found.verdict == "mismatch" and "one_letter_differs" not in {r.code for r in found.reasons}
