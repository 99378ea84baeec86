"""What the staff see of a question: both sides as they are today, under heads that say what they are."""

from __future__ import annotations

import factories as f
import pytest
from import_world import World
from review_world import ADELI, BOX, RPPS, conflicting, doubtful, probable, queue
from terminals import on_terminal

from directory_service.commands.reviewing import sure
from directory_service.registry.engine import reading
from directory_service.registry.sheets import read_sides
from importers import review


def show(world: World, number: int, width: int = 100) -> str:
    url = world.engine.url.render_as_string(hide_password=False)
    asked = ("--database-url", url, "review", "show", str(number))
    return on_terminal("-m", "directory_service.cli", *asked, width=width)


def test_a_mailbox_is_shown_with_what_it_says_today_and_once(world: World) -> None:
    """Names that had left stood beside those of today, and one address was open and closed at once."""
    other = f.mailbox("paul@ville.mssante.fr", RPPS)
    world.day(1, activity=[f.activity(RPPS)], mailboxes=[f.mailbox(BOX, RPPS), other])
    changed = f.mailbox(BOX, RPPS, family_name="TIERS", given_names="Paul", profession_code="999")
    world.day(2, mailboxes=[changed, other])
    (asked,) = queue(world)
    with reading(world.engine) as connection:
        box, holder = read_sides(connection, asked)
    assert (list(box["Nom"]), list(box["Prénoms"])) == (["TIERS"], ["Paul"])
    assert list(holder["BAL"]) == ["paul@ville.mssante.fr", BOX]
    assert list(box["Profession"]) == ["code 999, sans libellé"]


def test_each_kind_of_question_has_its_own_heads(world: World) -> None:
    """A mailbox that asks who holds it was headed « would be absorbed »."""
    shown = show(world, doubtful(world).pk)
    assert "La boîte dit" in shown and "Le titulaire" in shown and "absorbée" not in shown


def test_a_link_is_headed_by_registry_and_table(world: World) -> None:
    shown = show(world, conflicting(world).pk)
    assert "D'après le registre" in shown and "D'après la table" in shown and "absorbée" not in shown


def test_two_records_that_became_one_are_shown_once(world: World) -> None:
    asked = probable(world)
    assert "Serait absorbée" in show(world, asked.pk)
    review.accept(world.engine, asked.pk, actor="alice")
    shown = show(world, asked.pk)
    assert f"fiche unique : de 0{ADELI} et 8{RPPS}" in shown and shown.count("Identifiant") == 1


@pytest.mark.parametrize(
    ("probability", "said"), [(None, ""), (0.5, "50,0 %"), (0.9994, "99,9 %"), (0.9999989, "> 99,9 %")]
)
def test_no_likelihood_is_told_as_a_certainty(probability: float | None, said: str) -> None:
    assert sure(probability) == said
