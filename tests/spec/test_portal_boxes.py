"""Whom a page leads to: mailboxes of wards and structures, the right box in place of a wrong one; why there is none."""

from __future__ import annotations

import pytest
import web_world as world
from flask.testing import FlaskClient
from portal_support import HTML, ZOE_BOX, text

from directory_service.index.directory import Directory
from directory_service.web.app import create_app
from directory_service.web.portal.french import source, structure, uses
from directory_service.web.portal.records import small_card
from importers.sources import sources

WARD = "cardiologie@ch-essai.mssante.fr"
CLOSED = "ancienne@medecin.mssante.fr"


@pytest.fixture(scope="module")
def client(opened: Directory) -> FlaskClient:
    return create_app(opened).test_client()


def searched(client: FlaskClient, **asked: str) -> str:
    return text(client.get("/", query_string=asked, headers=HTML))


# -- wards and structures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [WARD, "cardiologie essai"])
def test_the_button_finds_the_mailbox_of_a_ward(client: FlaskClient, asked: str) -> None:
    """It was proposed while typing, and who pressed the button, or had no scripts, was told that there is none."""
    page = searched(client, q=asked)
    assert f"Boîte d’un service ou d’une structure – CENTRE HOSPITALIER D'ESSAI , LYON {WARD}" in page
    assert "Aucun résultat" not in page and WARD in searched(client, q=asked, type="ORG")
    assert WARD not in searched(client, q=asked, type="PER").replace(asked, "")


def test_who_is_looked_for_by_name_comes_before_wards(client: FlaskClient) -> None:
    assert "Boîtes de services" not in searched(client, q="dupont")


def test_a_structure_that_is_asked_for_by_its_number_is_named(client: FlaskClient) -> None:
    assert "Ce numéro est celui de la structure CENTRE HOSPITALIER D'ESSAI" in searched(client, q="690 000 005")
    filtered = searched(client, structure="690000005")
    assert "Seulement CENTRE HOSPITALIER D'ESSAI" in filtered and "Lieu d’exercice" in filtered
    assert "Seulement la structure 999999999" in searched(client, structure="999999999")


def test_a_structure_without_a_name_is_not_called_by_its_number() -> None:
    assert structure({"id": "1690000005", "name": "1690000005"}) == "Structure sans nom"
    assert structure({"id": "1690000005", "name": "CH", "trade_name": "LES LILAS"}) == "LES LILAS"
    assert structure(None, "") == ""


# -- in place of a wrong one ------------------------------------------------------------------------------------------


def test_a_number_that_nobody_has_is_not_called_a_name(client: FlaskClient) -> None:
    mistyped = world.ZOE[1:-1] + str((int(world.ZOE[-1]) + 1) % 10)
    page = searched(client, q=mistyped)
    assert "Personne ne porte exactement ce numéro" in page and "Dr Zoé D'ESSAI" in page


def test_who_is_found_by_her_telephone_is_not_told_to_be_nearly_found(client: FlaskClient) -> None:
    page = searched(client, q="04 72 00 00 00")
    assert "Dr Zoé D'ESSAI" in page and "exactement" not in page


def test_an_address_that_the_search_does_not_find_leads_to_what_became_of_it(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": CLOSED}, headers=HTML)
    assert f'<a href="/boites/{CLOSED.replace("@", "%40")}">Vérifier l’adresse' in page.text


def test_a_closed_mailbox_says_when_and_leads_to_who_had_it(client: FlaskClient) -> None:
    """It was open since one day and closed since another, both at once."""
    answer = client.get(f"/boites/{CLOSED}", headers=HTML)
    page = text(answer)
    assert "Ouverte le 5 janvier 2026 Fermée le 1er juin 2026" in page and "Ouverte depuis" not in page
    assert "Elle a été celle de Dr Zoé D'ESSAI" in page and f'href="/professionnels/{world.ZOE}"' in answer.text


@pytest.mark.parametrize("wrong", ["zoe.d-essay@medecin.mssante.fr", "zoe.d-essai@medecin.msssante.fr"])
def test_an_unknown_address_is_told_with_the_one_that_was_meant(client: FlaskClient, wrong: str) -> None:
    for answer in (
        client.get(f"/boites/{wrong}", headers=HTML),
        client.post("/verification", data={"address": wrong}, headers=HTML),
    ):
        assert f"{ZOE_BOX} , Dr Zoé D'ESSAI" in text(answer)


def test_the_verdict_leads_to_the_holder_who_has_a_page(client: FlaskClient) -> None:
    answer = client.post("/verification", data={"address": CLOSED, "person": world.ZOE}, headers=HTML)
    assert f'<dd><a href="/professionnels/{world.ZOE}">Dr Zoé D&#39;ESSAI</a>' in answer.text


def test_the_code_carries_no_address_of_an_unsafe_domain(client: FlaskClient) -> None:
    """Pages warn of it; a telephone that holds it would not."""
    person = client.get(f"/v1/practitioners/{world.JEAN}").json
    unsafe = "ailleurs@nulle-part.fr"
    assert unsafe in [box["address"] for box in person["mailboxes"]]
    person["activities"][0]["structure"]["name"] = person["activities"][0]["structure"]["id"]
    card = small_card(person, [unsafe])
    assert "jean.dupont@medecin.mssante.fr" in card and unsafe not in card and "ORG" not in card


# -- why there is none ------------------------------------------------------------------------------------------------


def test_who_has_no_mailbox_may_be_reached_where_she_works(client: FlaskClient) -> None:
    page = text(client.get(f"/professionnels/{world.PAUL}", headers=HTML))
    assert "Aucune boîte publiée" in page and "La structure où cette personne exerce en a peut-être une" in page


def test_the_only_mailbox_comes_before_the_question_what_it_is_for(client: FlaskClient) -> None:
    page = client.get(f"/professionnels/{world.MARIE}", headers=HTML).text
    assert page.index('href="/boites/marie.lefevre') < page.index("Pour quel usage")
    two = client.get(f"/professionnels/{world.ZOE}", headers=HTML).text
    assert two.index("Pour quel usage") < two.index('href="/boites/')


def test_where_she_worked_is_not_told_as_where_she_works(client: FlaskClient) -> None:
    assert "Derniers lieux d’exercice connus" in text(client.get(f"/professionnels/{world.MARIE}", headers=HTML))


def test_a_line_of_a_book_says_who_no_longer_practises_and_who_has_no_mailbox(client: FlaskClient) -> None:
    sent = {"texte": "Nom;Prénom\nLefèvre;Marie\nMartin;Paul\n"}
    page = text(client.post("/nettoyage", data=sent, headers=HTML))
    gone, without = page.split("3 Martin")
    assert "N’exerce plus" in gone and "Pas de boîte publiée" in without


def test_uses_and_sources_are_told_in_french() -> None:
    assert uses(["prescription", "laboratory"]) == "ordonnances\N{NARROW NO-BREAK SPACE}; résultats d’analyses"
    assert [s.layout.id for s in sources() if source(s.layout.id) == s.layout.id] == []
