"""What the MSSanté extract does to mailboxes: the address is the key, holders are found, history is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import factories as f
import pytest
from import_world import World

from directory_service.model.mailboxes import MailboxType

ONE, TWO = f.rpps(1), f.rpps(2)
BOX = "zoe.essai@ville.mssante.fr"


def test_a_personal_mailbox_is_bound_to_its_holder(world: World) -> None:
    world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox(BOX.upper(), ONE, paperless="O")])
    (binding,) = world.box(BOX)
    assert (binding.type, binding.holder_id, binding.paperless) == (MailboxType.PERSONAL, "8" + ONE, True)
    assert binding.since == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("written", ["{}", "1{}"], ids=["bare", "with its type digit"])
def test_an_organizational_mailbox_is_bound_to_its_structure_by_finess(world: World, written: str) -> None:
    world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox(BOX, place_id=written.format(f.finess(1)))])
    assert world.holders(BOX) == ["1" + f.finess(1)]
    (binding,) = world.box(BOX)
    assert binding.organization == world.person(ONE).roles[0].organization


def test_a_structure_known_by_mailboxes_only_is_created_then_adopted(world: World) -> None:
    world.day(1, mailboxes=[f.mailbox(BOX, name="MAISON DE SANTE", postcode="69003")])
    (before,) = world.box(BOX)
    assert before.organization and before.organization.name == "MAISON DE SANTE"
    world.day(2, activity=[f.activity(ONE, technical_id="R" + "1" * 14)])
    (after,) = world.box(BOX)
    assert after.organization == world.person(ONE).roles[0].organization
    assert after.organization and after.organization.name == "HOPITAL D'ESSAI"


def test_one_address_on_several_lines_is_one_mailbox_with_several_holders(world: World) -> None:
    lines = [f.mailbox(BOX, n) for n in (ONE, TWO)]
    report = world.day(
        1, activity=[f.activity(n) for n in (ONE, TWO)], mailboxes=[lines[0], f.mailbox("x@y.fr"), lines[1]]
    )
    assert report.counts["mailbox"] == {"created": 2}
    assert world.holders(BOX) == sorted(["8" + ONE, "8" + TWO])


def test_a_holder_in_no_registry_is_kept_as_written_and_found_when_she_arrives(world: World) -> None:
    world.day(1, mailboxes=[f.mailbox(BOX, ONE)])
    assert world.holders(BOX) == ["10" + BOX]
    assert world.box(BOX)[0].family_name == "ESSAI"
    world.day(2, activity=[f.activity(ONE)])
    assert world.holders(BOX) == ["8" + ONE]
    assert world.journal()[-1].subject == "mailbox"


def test_a_mailbox_that_vanishes_is_closed_and_one_that_returns_is_reopened(world: World) -> None:
    other = f.mailbox("x@y.fr")
    world.day(1, activity=[f.activity(ONE)], mailboxes=[f.mailbox(BOX, ONE), other])
    assert world.day(2, mailboxes=[other]).counts["mailbox"] == {"closed": 1, "unchanged": 1}
    assert [b.until for b in world.box(BOX)] == [datetime(2026, 11, 2, tzinfo=UTC)]
    assert world.day(3, mailboxes=[f.mailbox(BOX, ONE), other]).counts["mailbox"] == {"reopened": 1, "unchanged": 1}
    since = [(b.since.day, b.until.day if b.until else None) for b in world.box(BOX)]
    assert sorted(since, key=str) == [(1, 2), (3, None)]


def test_an_address_in_two_spellings_is_its_first_holder_s_every_day(world: World) -> None:
    """It went from one holder to the other and back, each day that the file changed."""
    one, other, *others = [f.rpps(n) for n in range(6)]
    world.day(1, activity=[f.activity(n) for n in (one, other, *others)])
    for day, elsewhere in enumerate(others, start=2):
        twice = [f.mailbox("zoe@essai.mssante.fr", one), f.mailbox("Zoe@essai.mssante.fr", other)]
        report = world.day(day, mailboxes=[*twice, f.mailbox("box@essai.mssante.fr", elsewhere)])
        assert report.files[0].warnings["address_twice"] == 1
    assert world.holders("zoe@essai.mssante.fr") == ["8" + one]
    assert len(world.box("zoe@essai.mssante.fr")) == 1


def test_the_same_holder_keeps_her_date_and_another_holder_opens_a_new_binding(world: World) -> None:
    world.day(1, activity=[f.activity(ONE), f.activity(TWO)], mailboxes=[f.mailbox(BOX, ONE)])
    assert world.day(2, mailboxes=[f.mailbox(BOX, ONE, service="Accueil")]).counts["mailbox"] == {"updated": 1}
    assert [(b.service, b.since.day, b.until) for b in world.box(BOX)] == [("Accueil", 1, None)]
    world.day(3, mailboxes=[f.mailbox(BOX, TWO)])
    held = {b.holder_id: (b.since.day, b.until.day if b.until else None) for b in world.box(BOX)}
    assert held == {"8" + ONE: (1, 3), "8" + TWO: (3, None)}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f.mailbox("pas une adresse", ONE), "address"),
        (f.mailbox("a@b", ONE), "address"),
        (f.mailbox("a@b.fr", ONE, type="XYZ"), "type"),
        (f.mailbox("a@b.fr", ONE, family_name=""), "name"),
    ],
)
def test_bad_lines_are_set_aside(world: World, row: dict[str, str], reason: str) -> None:
    report = world.day(1, mailboxes=[row, f.mailbox(BOX, ONE)])
    assert report.files[0].reasons == {reason: 1}
    assert report.counts["mailbox"] == {"created": 1}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("O", True), ("oui", True), ("1", True), ("N", False), ("false", False), ("", None), ("?", None)],
)
def test_every_plausible_spelling_of_paperless_is_read(world: World, written: str, meant: bool | None) -> None:
    world.day(1, mailboxes=[f.mailbox(BOX, ONE, paperless=written)])
    assert world.box(BOX)[0].paperless is meant


def test_a_structure_that_a_mailbox_names_first_is_still_what_the_activities_say(world: World) -> None:
    """Monotables are read after mailboxes."""
    world.day(1, cat18=[f.cat18(ONE)])
    world.day(2, mailboxes=[f.mailbox("a@b.fr", name="AUTREMENT")], cat18=[f.cat18(ONE, name="HOPITAL NOUVEAU")])
    assert [r.organization.name for r in world.person(ONE).roles if r.organization] == ["HOPITAL NOUVEAU"]
