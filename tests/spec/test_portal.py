"""The portal without a browser: what its pages say, to whom, what they send along, and what they never show."""

from __future__ import annotations

import gzip
import html
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
import web_world as world
from flask import Flask
from flask.testing import FlaskClient
from portal_support import HTML, ZOE_BOX, text

from directory_service.index.directory import Directory
from directory_service.settings import Settings
from directory_service.trust.verdicts import Outcome
from directory_service.web import portal
from directory_service.web.app import create_app
from directory_service.web.portal.french import minute, sentence, typeset
from directory_service.web.portal.verifying import _SAYS

HIDDEN = "cachee@medecin.mssante.fr"
PAGES = (
    "/",
    "/?q=dupont",
    "/?q=zzzzzz",
    f"/professionnels/{world.ZOE}",
    "/organisations/690000005",
    f"/boites/{ZOE_BOX}",
    "/verification",
    "/nettoyage",
    "/aide",
    "/accessibilite",
    "/mentions-legales",
)


@pytest.fixture(scope="module")
def app(opened: Directory) -> Flask:
    return create_app(opened)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


# -- proposals while typing -------------------------------------------------------------------------------------------


def test_while_typing_people_are_proposed_by_more_than_their_name(client: FlaskClient) -> None:
    """As the button finds them, where ``/v1/suggest`` has nobody; in its shape, since one script draws both."""
    assert client.get("/v1/suggest?q=cardio lyon").json["items"] == []
    answer = client.get("/propositions?q=cardio lyon")
    (item,) = answer.json["items"]
    assert item["label"] == "Dr Zoé D'ESSAI" and item["person"] == {"id": world.ZOE} and item["address"] == ZOE_BOX
    assert item["hint"] == "Médecin, Cardiologie et Maladies vasculaires, CENTRE HOSPITALIER D'ESSAI, LYON"
    assert answer.headers["Cache-Control"] == "private, no-cache" and "ETag" in answer.headers
    held = client.get("/propositions?q=cardio lyon", headers={"If-None-Match": answer.headers["ETag"]})
    assert held.status_code == 304


def test_who_is_proposed_may_have_no_mailbox(client: FlaskClient) -> None:
    (item,) = client.get("/propositions?q=martin lyon").json["items"]
    assert item["address"] == "" and HIDDEN not in str(item)
    assert client.get("/propositions?q=").json["items"] == client.get("/propositions?q=zzzz").json["items"] == []


# -- frame ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_html_in_french_and_safe(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200 and answer.content_type == "text/html; charset=utf-8"
    assert '<html lang="fr">' in answer.text and answer.text.count("<h1") == 1
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("path", "filtered"), [("/?q=zzzzzz", False), ("/?q=zzzzzz&department=69", True)])
def test_nobody_is_told_to_drop_filters_that_are_not_there(client: FlaskClient, path: str, filtered: bool) -> None:
    page = client.get(path, headers=HTML).text
    assert "Aucun résultat" in page
    assert ('retirez un mot ou <a href="/?q=zzzzzz">les filtres</a>' in page) == filtered


@pytest.mark.parametrize("path", ["/verification", "/nettoyage", "/aide", "/accessibilite", "/mentions-legales"])
def test_an_address_that_is_typed_may_end_with_a_slash(client: FlaskClient, path: str) -> None:
    """The same page, the menu included."""
    assert client.get(f"{path}/", headers=HTML).text == client.get(path, headers=HTML).text


@pytest.mark.parametrize("path", PAGES)
def test_nothing_in_a_page_needs_another_site_or_an_inline_script(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers=HTML).text
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', page) == []
    assert re.findall(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=", page) == []


def test_no_link_leads_nowhere(client: FlaskClient) -> None:
    """From where people begin, and from each mailbox: that of a holder whom no register knows too."""
    ahead = [*PAGES, "/?department=69", *(f"/boites/{box[1]}" for box in world._BOXES if not box[3])]
    seen, dead = set[str](), list[str]()
    while ahead:
        url = ahead.pop().partition("#")[0]
        if url in seen:
            continue
        seen.add(url)
        answer = client.get(url, headers=HTML)
        dead += [url] if answer.status_code != 200 else []
        found = re.findall(r'(?:href|src)="(/[^"]*)"', answer.text if answer.mimetype == "text/html" else "")
        ahead += map(html.unescape, found)
    assert len(seen) > 50 and dead == []


def test_a_page_held_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/?q=dupont")
    again = client.get("/?q=dupont", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.data == b""


def test_pages_and_files_are_compressed_for_those_who_take_it(client: FlaskClient) -> None:
    for path in ("/?q=dupont", re.search(r'href="(/portail/[^"]+\.css)"', client.get("/").text)[1]):  # type: ignore[index]
        plain, packed = client.get(path), client.get(path, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
        assert gzip.decompress(packed.data) == plain.data and "Content-Encoding" not in plain.headers
        refused = client.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
        assert "Content-Encoding" not in refused.headers and refused.data == plain.data


def test_files_are_kept_for_a_year_under_their_own_hash_only(client: FlaskClient) -> None:
    url = re.search(r'src="(/portail/[^"]+\.js)"', client.get("/").text)[1]  # type: ignore[index]
    assert "immutable" in client.get(url).headers["Cache-Control"]
    old = client.get("/portail/000000000000/portal.js")
    assert old.status_code == 200 and old.headers["Cache-Control"] == "no-cache"
    assert client.get("/portail/000000000000/base.py").status_code == 404
    assert client.get("/portail/000000000000/..%2fbase.py").status_code == 404


# -- search -----------------------------------------------------------------------------------------------------------


def test_the_search_finds_and_its_links_lead_to_records(client: FlaskClient) -> None:
    page = client.get("/?q=dupont", headers=HTML)
    assert "2 résultats" in text(page)
    links = re.findall(r'href="(/professionnels/\d+)"', page.text)
    assert links == [f"/professionnels/{world.JEAN}", f"/professionnels/{world.JEAN_BIS}"]
    assert all(client.get(link).status_code == 200 for link in links)


def test_filters_narrow_the_search_and_stay_chosen(client: FlaskClient) -> None:
    page = client.get("/?q=lyon&specialty=SM04&department=69")
    assert "1 résultat " in text(page) and "Filtres (2 actifs)" in text(page)
    assert re.findall(r'<option value="(\w+)" selected', page.text) == ["SM04", "69"]


def test_filters_offer_what_the_people_found_have_and_say_how_many(client: FlaskClient) -> None:
    page = client.get("/?q=dupont").text
    assert re.findall(r'<option value="(\w+)">([^<]+)<', page) == [
        ("10", "Médecin (2)"),
        ("69", "69 – Rhône (2)"),
        ("PER", "Boîte personnelle (2)"),
    ]


def test_names_that_only_sound_alike_are_told_to_be_so(client: FlaskClient) -> None:
    assert "presque de même" in text(client.get("/?q=dupond"))
    assert "presque de même" not in text(client.get("/?q=dupont"))


def test_where_nobody_has_all_the_words_those_to_leave_out_are_offered(client: FlaskClient) -> None:
    assert "sans «" not in client.get("/?q=xqzwk").text + client.get("/?q=dupont").text
    page = client.get("/?q=Dr dupont - xqzwk&department=69")
    assert "sans « xqzwk » : 2 résultats" in text(page) and page.text.count("sans «") == 1
    link = html.unescape(re.search(r'<a href="([^"]+)">sans', page.text)[1])  # type: ignore[index]
    assert "2 résultats" in text(client.get(link)) and "department=69" in link


def test_pages_of_results_follow_one_another(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("directory_service.web.portal.searching.SCREEN", 3)
    first = client.get("/?department=69")
    following = re.search(r'href="([^"]+)" rel="next"', first.text)[1].replace("&amp;", "&")  # type: ignore[index]
    second = client.get(following)
    found = [set(re.findall(r'href="/professionnels/(\d+)"', page.text)) for page in (first, second)]
    assert [len(f) for f in found] == [3, 1] and not found[0] & found[1]
    assert "résultats, suite" in text(second) and 'rel="next"' not in second.text


def test_parameters_of_others_are_left_alone_and_ours_are_checked(client: FlaskClient) -> None:
    assert client.get("/?q=dupont&utm_source=x").status_code == 200
    wrong = client.get("/?q=dupont&type=XXX", headers=HTML)
    assert wrong.status_code == 400 and "La demande n’a pas été comprise" in text(wrong)
    assert client.get("/?type=PER", headers=HTML).status_code == 400
    assert client.get("/?q=dupont&cursor=@@", headers=HTML).status_code == 400


# -- records ----------------------------------------------------------------------------------------------------------


def test_the_mailboxes_of_a_practitioner_are_in_order_for_a_use_and_say_why(client: FlaskClient) -> None:
    path = f"/professionnels/{world.ZOE}"
    unsaid = text(client.get(path))
    assert "Pour quel usage ?" in unsaid and "Rien n’indique laquelle de ces boîtes est la bonne." in unsaid
    report = client.get(path, query_string={"usage": "report"})
    assert '<option value="report" selected>' in report.text
    assert "boîte personnelle (PER)" in text(report)
    assert client.get(path, query_string={"usage": "poésie"}, headers=HTML).status_code == 400


def test_homonyms_on_one_page_of_results_are_told_apart(client: FlaskClient) -> None:
    page = text(client.get("/", query_string={"q": "dupont jean"}))
    assert page.count("Homonyme") == 2 and "se distingue par" in page
    book = text(client.post("/nettoyage", data={"texte": "Nom;Prénom\nDupont;Jean\n"}, headers=HTML))
    assert book.count("se distingue par") == 2


def test_the_page_of_a_practitioner_says_all_that_is_public(client: FlaskClient) -> None:
    page = text(client.get(f"/professionnels/{world.ZOE}"))
    for said in (
        "Dr Zoé D'ESSAI", "Médecin, Cardiologie", "En exercice", ZOE_BOX, "CENTRE HOSPITALIER D'ESSAI", "69003 LYON",
        "04 72 00 00 00", "10 900 000 018", "691 234 563", "depuis le 1er juin 2026", "Télécharger la carte",
    ):  # fmt: skip
        assert said in page, said


def test_a_former_number_leads_to_her_page_and_says_so(client: FlaskClient) -> None:
    page = text(client.get(f"/professionnels/{world.ZOE_ADELI}"))
    assert "691 234 563) est un ancien numéro" in page and "Dr Zoé D'ESSAI" in page


def test_who_no_longer_practises_is_told(client: FlaskClient) -> None:
    assert "N’exerce plus depuis le 1er juin 2026" in text(client.get(f"/professionnels/{world.MARIE}"))


def test_the_card_is_drawn_as_a_code(client: FlaskClient) -> None:
    code = client.get(f"/cartes/{world.ZOE}.svg")
    assert code.content_type == "image/svg+xml" and code.data.startswith(b"<svg")
    assert client.get("/cartes/810000000000.svg").status_code == 404


def test_the_page_of_a_structure_leads_to_its_people(client: FlaskClient) -> None:
    page = client.get("/organisations/690000005")
    assert "cardiologie@ch-essai.mssante.fr" in text(page) and "FINESS 690000005" in text(page)
    people = client.get(re.search(r'href="(/\?structure=[^"]+)"', page.text)[1])  # type: ignore[index]
    assert "4 résultats" in text(people)


def test_the_page_of_a_mailbox_tells_its_holders_of_then_and_now(client: FlaskClient) -> None:
    page = text(client.get("/boites/reprise@cabinet.mssante.fr"))
    assert "Ouverte" in page and "Opérateur essai" in page
    assert "Dr Jean DUPONT : du 5 janvier 2026 au 1er juin 2026" in page
    assert "Dr Zoé D'ESSAI : depuis le 1er juin 2026" in page
    assert "Fermée depuis le 1er juin 2026" in text(client.get("/boites/ancienne@medecin.mssante.fr"))


def test_an_unlisted_mailbox_is_nowhere_and_nobody_can_tell_it_from_none(client: FlaskClient) -> None:
    def answers(address: str) -> list[tuple[int, str]]:
        asked = [
            client.get(f"/boites/{address}", headers=HTML),
            client.post("/verification", data={"address": address}, headers=HTML),
            client.post(f"/boites/{address}", data={"person": "Martin"}, headers=HTML),
            client.post("/nettoyage", data={"texte": f"Nom;Mail\nMartin;{address}"}, headers=HTML),
        ]
        return [(a.status_code, re.sub(r"\d\d h \d\d", "", text(a)).replace(address, "…")) for a in asked]

    assert answers(HIDDEN) == answers("wxqzkj@medecin.mssante.fr")
    for path in (*PAGES, f"/professionnels/{world.PAUL}", "/?q=martin", "/?q=cachee", "/?department=69"):
        page = client.get(path, headers=HTML).text
        for asked in ('value="cachee"', "q=cachee", "«\N{NO-BREAK SPACE}cachee"):
            page = page.replace(asked, "")
        assert "cachee" not in page


# -- verification -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "person", "said"),
    [
        (ZOE_BOX, "", "Cette boîte est ouverte et sûre."),
        (ZOE_BOX, "d'essai zoe", "Oui, cette adresse est bien la sienne."),
        (f"<{ZOE_BOX}>", "", "Cette boîte est ouverte et sûre."),  # as mail clients copy it
        (f"Zoé D'ESSAI <{ZOE_BOX}>", "", "Cette boîte est ouverte et sûre."),
        (f"mailto:{ZOE_BOX}", "", "Cette boîte est ouverte et sûre."),
        (ZOE_BOX, world.ZOE_ADELI, "L’identifiant donné est un ancien numéro du titulaire."),
        (ZOE_BOX, "Dupont", "Non, cette adresse n’est pas la sienne."),
        ("ancienne@medecin.mssante.fr", world.ZOE, "Cette adresse a été la sienne, elle ne l’est plus."),
        ("marie.lefevre@medecin.mssante.fr", "", "Le titulaire n’exerce plus."),
        ("ailleurs@nulle-part.fr", "", "Le domaine de cette adresse n’est pas sûr."),
        ("partage@cabinet.mssante.fr", "Jean Dupont", "Plusieurs titulaires portent ce nom"),
        ("personne@medecin.mssante.fr", "", "Cette adresse n’est pas dans l’annuaire."),
    ],
)
def test_the_verdict_is_told_in_plain_french(client: FlaskClient, address: str, person: str, said: str) -> None:
    page = client.post("/verification", data={"address": address, "person": person}, headers=HTML)
    assert page.status_code == 200 and said in text(page) and "(heure de Paris)" in text(page)
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("instant", "shown"),
    [("2026-07-31T22:05:59Z", "1er août 2026 à 00 h 05"), ("2026-12-31T23:30:00Z", "1er janvier 2027 à 00 h 30")],
)
def test_the_time_of_day_is_that_of_paris(instant: str, shown: str) -> None:
    assert minute(instant).replace("\N{NARROW NO-BREAK SPACE}", " ") == f"{shown} (heure de Paris)"


def test_the_verdict_on_a_patient_leads_to_no_page_that_is_not_there(client: FlaskClient) -> None:
    for address, leads in ((ZOE_BOX, True), ("255081416802538@patient.mssante.fr", False)):
        page = client.post("/verification", data={"address": address}, headers=HTML)
        assert "Cette boîte est ouverte et sûre." in text(page)
        assert ("Voir la boîte" in text(page)) is leads


def test_every_verdict_has_its_words() -> None:
    assert set(_SAYS) == set(Outcome)


def test_the_page_and_the_api_give_one_verdict(client: FlaskClient) -> None:
    question = {"address": ZOE_BOX, "person": world.JEAN}
    page = text(client.post("/verification", data=question))
    for reason in client.post("/v1/verify", json=question).json["reasons"]:
        assert typeset(reason["text"]) in page


@pytest.mark.parametrize(
    ("given", "field"), [({"person": "zoe"}, "address"), ({"address": "zoe"}, "address"), ({"address": " "}, "address")]
)
def test_a_form_that_lacks_something_comes_back_with_what_and_where(
    client: FlaskClient, given: dict[str, str], field: str
) -> None:
    page = client.post("/verification", data=given, headers=HTML)
    assert page.status_code == 400 and "<title>Erreur" in page.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text)
    assert re.search(rf'aria-describedby="[^"]*{field}-faute"', page.text)


# -- faults -----------------------------------------------------------------------------------------------------------


def test_faults_are_pages_for_people_and_problems_for_programs(client: FlaskClient) -> None:
    for path in ("/rien", "/professionnels/10100000000", "/organisations/000000000", "/boites/a@b.fr"):
        for_people, for_programs = client.get(path, headers=HTML), client.get(path)
        assert for_people.status_code == for_programs.status_code == 404
        assert for_people.mimetype == "text/html" and for_people.headers["Content-Security-Policy"]
    assert client.get("/rien").mimetype == "application/problem+json"
    assert client.get("/v1/rien", headers=HTML).mimetype == "application/problem+json"
    assert client.get("/v1/practitioners/1", headers=HTML).mimetype == "application/problem+json"
    assert client.post("/aide", headers=HTML).mimetype == "text/html"


def test_a_number_that_was_mistyped_leads_to_the_one_that_was_meant(client: FlaskClient) -> None:
    page = client.get(f"/professionnels/{world.ZOE[1:-1]}", headers=HTML)
    assert page.status_code == 404 and "Vouliez-vous dire" in text(page)
    assert f'href="/professionnels/{world.ZOE[1:]}"' in page.text


def test_a_fault_of_ours_has_its_number_and_tells_nothing_else(
    client: FlaskClient, opened: Directory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("dupont")

    monkeypatch.setattr(opened, "find", fails)
    with caplog.at_level(logging.DEBUG):
        page = client.get("/?q=dupont", headers=HTML)
    assert page.status_code == 500 and "Une erreur est survenue" in text(page)
    number = re.search(r"Incident ([0-9a-f]{12})", text(page))
    assert number and number[1] in caplog.text and "dupont" not in caplog.text


def test_without_an_index_pages_say_to_come_back(tmp_path: Path) -> None:
    directory = Directory(tmp_path, "o=annuaire-sante,c=fr")
    client = create_app(directory).test_client()
    for path in ("/", "/?q=dupont"):
        page = client.get(path, headers=HTML)
        assert page.status_code == 503 and "n’est pas disponible" in text(page) and page.headers["Retry-After"]
    directory.close()


def test_nothing_that_is_asked_is_logged(opened: Directory, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = create_app(opened, Settings(data=tmp_path, access_log=str(tmp_path / "log"))).test_client()
    with caplog.at_level(logging.DEBUG):
        client.get("/?q=dupont", headers=HTML)
        client.get(f"/boites/{ZOE_BOX}", headers=HTML)
        client.post("/verification", data={"address": ZOE_BOX, "person": "dupont"})
        client.post("/nettoyage", data={"texte": f"dupont;{ZOE_BOX}"})
    log = (tmp_path / "log").read_text() + caplog.text
    assert log.count("/") and "dupont" not in log.lower() and "zoe" not in log


# -- settings ---------------------------------------------------------------------------------------------------------


def test_the_service_has_the_name_and_the_contact_that_were_set(opened: Directory, tmp_path: Path) -> None:
    known = Settings(data=tmp_path, service_name="Annuaire d'<Essai>", service_contact="aide@exemple.fr")
    page = create_app(opened, known).test_client().get("/accessibilite").text
    assert "Annuaire d&#39;&lt;Essai&gt;" in page and "aide@exemple.fr" in page
    renamed = create_app(opened, replace(known, service_name="Autre")).test_client()
    held = create_app(opened, known).test_client().get("/aide").headers["ETag"]
    assert renamed.get("/aide", headers={"If-None-Match": held}).status_code == 200


def test_the_portal_can_be_left_out(opened: Directory, tmp_path: Path) -> None:
    client = create_app(opened, Settings(data=tmp_path, portal=False)).test_client()
    assert client.get("/", headers=HTML).mimetype == "application/problem+json"
    assert client.get("/v1/suggest?q=dupont").status_code == 200


@pytest.mark.parametrize(
    ("said", "set_"),
    [
        ("l'adresse : est-elle sûre ?", "l’adresse\N{NO-BREAK SPACE}: est-elle sûre\N{NARROW NO-BREAK SPACE}?"),
        ("la structure (paramètre structure)", "la structure"),
        (
            "« BAL » ; 5 %",
            "«\N{NO-BREAK SPACE}BAL\N{NO-BREAK SPACE}»\N{NARROW NO-BREAK SPACE}; 5\N{NARROW NO-BREAK SPACE}%",
        ),
    ],
)
def test_what_the_api_says_is_set_as_the_rest_of_the_page(said: str, set_: str) -> None:
    """Reasons stood on pages with typewriter apostrophes, and told people of parameters."""
    assert typeset(said) == set_
    assert sentence("au plus 200 caractères") == "Au plus 200 caractères."


def test_a_person_who_asked_too_much_reads_a_sentence(client: FlaskClient) -> None:
    page = text(client.get("/", query_string={"q": "a" * 300}, headers=HTML))
    assert "La demande n’a pas été comprise" in page and "Au plus 200 caractères." in page


def test_pages_leave_no_ordinary_space_before_a_double_mark() -> None:
    for path in sorted((Path(portal.__file__).parent / "templates").rglob("*.html")):
        shown = re.sub(r"\{[{%#].*?[#%}]\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"\w [:;?!»]|« ", re.sub(r"<[^>]+>", " <> ", shown)), path.name
