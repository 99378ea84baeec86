"""An address book that is cleaned on the portal: what each line is told, what is downloaded, and what is refused."""

from __future__ import annotations

import csv
import html
import io
import re

import orjson
import pytest
import web_world as world
from flask.testing import FlaskClient
from openpyxl import load_workbook
from portal_support import HTML, ZOE_BOX, text
from werkzeug.test import TestResponse

from directory_service.index.directory import Directory
from directory_service.web.app import create_app
from directory_service.web.portal.cleanup import _GROUP
from directory_service.web.portal.french import grouped


@pytest.fixture(scope="module")
def client(opened: Directory) -> FlaskClient:
    return create_app(opened).test_client()


BOOK = f"""Nom;Prénom;Note;Mail
D'Essai;Zoé;;{ZOE_BOX}
D'Essai;Zoe;=2+2;ancienne@medecin.mssante.fr
Dupont;Jean;;
Lefevre;Marie;;marie.lefevre@medecin.mssante.fr
Zorglub;Inconnu;;zorglub@exemple.org
"""

# As rows say them.
JEANS = [re.sub(r"\s", " ", grouped(number[1:])) for number in (world.JEAN, world.JEAN_BIS)]


def rows_of(page: TestResponse) -> list[str]:
    return [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row))
        for row in re.findall(r"<tr>\s*<td class=.num.*?</tr>", page.text.replace("<wbr>", ""), re.DOTALL)
    ]


def test_each_line_of_a_book_gets_its_advice(client: FlaskClient) -> None:
    page = client.post("/nettoyage", data={"fichier": (io.BytesIO(BOOK.encode("cp1252")), "carnet.csv")}, headers=HTML)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    kept, replaced, homonyms, gone, unknown = rows_of(page)
    assert "À garder" in kept and "confiance 99" in kept
    assert "À confirmer" in replaced and "adresse fermée depuis le 1er juin 2026" in replaced
    assert "zoe.d-essai" in replaced
    assert "Homonymes" in homonyms and all(rpps in homonyms for rpps in JEANS)
    assert "son titulaire n’exerce plus depuis le 1er juin 2026" in gone
    assert "Introuvable" in unknown and "Aucune fiche" in unknown


def test_every_address_of_a_line_is_looked_at(client: FlaskClient) -> None:
    sent = f"Nom;Prénom;Mail perso;Mail pro\nD'Essai;Zoé;zoe@nulle-part.fr;{ZOE_BOX}\n"
    page = client.post("/nettoyage", data={"texte": sent}, headers=HTML)
    (row,) = rows_of(page)
    assert "À garder" in row and f"{ZOE_BOX} : adresse en service" in row.replace("\u00a0", " ")
    assert "zoe@nulle-part.fr : domaine hors de l’espace de confiance" in row.replace("\u00a0", " ")
    made = client.post("/nettoyage/carnet.csv", data={"carnet": written(page)}).data.decode("utf-8-sig")
    titles, cells = csv.reader(io.StringIO(made, newline=""), delimiter=";")
    assert (titles[-1], cells[-1]) == ("Autres adresses", "zoe@nulle-part.fr : domaine hors de l'espace de confiance")


def test_an_ordinary_e_mail_beside_a_secure_one_is_looked_at_second(client: FlaskClient) -> None:
    sent = f"Nom;Prénom;Courriel;BAL MSSanté\nD'Essai;Zoé;zoe@nulle-part.fr;{ZOE_BOX}\nD'Essai;Zoé;{ZOE_BOX};\n"
    both, alone = rows_of(client.post("/nettoyage", data={"texte": sent}, headers=HTML))
    assert "À garder" in both and f"{ZOE_BOX} : adresse en service" in both.replace("\u00a0", " ")
    assert "zoe@nulle-part.fr : domaine hors de l’espace de confiance" in both.replace("\u00a0", " ")
    assert "À garder" in alone


def test_an_address_that_homonyms_share_is_kept(client: FlaskClient) -> None:
    sent = "Nom;Prénom;Mail\nDupont;Jean;partage@cabinet.mssante.fr\n"
    (row,) = rows_of(client.post("/nettoyage", data={"texte": sent}, headers=HTML))
    assert "À garder" in row and all(rpps in row for rpps in JEANS)


def test_a_book_that_came_back_is_answered_some_lines_at_a_time(client: FlaskClient) -> None:
    sent = {"texte": "Nom;Prénom\n" + "Dupont;Jean\n" * 40, "script": "1"}
    page = client.post("/nettoyage", data=sent, headers=HTML)
    assert rows_of(page) == [] and 'data-later="40"' in page.text
    book = orjson.loads(written(page))
    answer = client.post("/nettoyage/lignes", json=book | {"rows": book["rows"][:3], "lines": book["lines"][:3]})
    assert answer.json["sums"] == {"choose": 3} and answer.json["html"].count("<tr>") == 3
    assert len(rows_of(client.post("/nettoyage", data=sent | {"script": ""}, headers=HTML))) == 40


def written(page: TestResponse) -> str:
    found = re.search(r'<textarea name="carnet"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_result_is_downloaded_with_the_columns_of_the_book(client: FlaskClient, form: str) -> None:
    book = written(client.post("/nettoyage", data={"texte": BOOK}))
    answer = client.post(f"/nettoyage/carnet.{form}", data={"carnet": book})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="carnet-nettoye.{form}"'
    if form == "csv":
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), delimiter=";"))
    else:
        cells = load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)
        rows = [["" if value is None else str(value) for value in row] for row in cells]
    assert rows[0][:6] == ["Nom", "Prénom", "Note", "Mail", "Avis", "État de l’adresse"]
    assert [row[4] for row in rows[1:]][:3] == ["À garder", "À confirmer", "Homonymes"]
    assert rows[2][2] == ("'=2+2" if form == "csv" else "=2+2")
    assert rows[2][9] == f"reprise@cabinet.mssante.fr | {ZOE_BOX}"


def test_columns_that_are_not_known_are_asked_for(client: FlaskClient) -> None:
    page = client.post("/nettoyage", data={"texte": "Blip;Blop\n123;45\n"}, headers=HTML)
    assert "Que contient chaque colonne" in text(page)
    chosen = {"carnet": written(page), "colonne-0": "family", "colonne-1": ""}
    again = client.post("/nettoyage", data=chosen, headers=HTML)
    assert "Carnet vérifié" in text(again) and len(rows_of(again)) >= 1


def test_a_short_book_comes_whole_and_each_field_is_that_of_one_column(client: FlaskClient) -> None:
    page = client.post("/nettoyage", data={"texte": "Blip;Blop\nDupont;Martin\n", "script": "1"}, headers=HTML)
    assert "data-later" not in page.text
    for chosen, fields in (("family", {"0": "family"}), ("text", {"0": "text", "1": "text"})):
        sent = {"carnet": written(page), "script": "1", "colonne-0": chosen, "colonne-1": chosen}
        again = client.post("/nettoyage", data=sent, headers=HTML)
        assert len(rows_of(again)) >= 1 and "data-later" not in again.text
        assert orjson.loads(written(again))["fields"] == fields


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        ({"texte": " "}, 400, "Choisissez un fichier"),
        ({"fichier": (io.BytesIO(b"\x89PNG\0"), "x.csv")}, 400, "ni un fichier CSV ni un fichier XLSX"),
        ({"texte": "a\n" * 6000}, 422, "Le carnet dépasse 5 000 lignes : découpez-le."),
        ({"carnet": '{"rows":1}'}, 400, "recommencez"),
        ({"carnet": '{"titles":["a"],"fields":{"7":"family"},"rows":[["x"]],"lines":[1]}'}, 400, "recommencez"),
        ({"carnet": '{"titles":["a"],"fields":{},"rows":[["x","y"]],"lines":[1]}'}, 400, "recommencez"),
    ],
)
def test_what_cannot_be_cleaned_is_said_on_the_page(
    client: FlaskClient, sent: dict[str, object], status: int, says: str
) -> None:
    page = client.post("/nettoyage", data=sent, headers=HTML)
    assert page.status_code == status and says in text(page) and 'role="alert"' in page.text


def test_posts_that_are_not_ours_are_refused(client: FlaskClient) -> None:
    assert client.post("/nettoyage", json={}).status_code == 415
    assert client.post("/nettoyage/lignes", data={}).status_code == 415
    assert client.post("/nettoyage/carnet.ods", data={}).status_code == 400
    many = {"titles": ["a"], "fields": {}, "rows": [["x"]] * (_GROUP + 1), "lines": [1] * (_GROUP + 1)}
    assert client.post("/nettoyage/lignes", json=many).status_code == 422


def test_a_large_book_stays_in_memory(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """werkzeug would spool more than 500 kB of a file to the disk."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a file was written")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(f"tempfile.{name}", never)
        monkeypatch.setattr(f"werkzeug.formparser.{name}", never, raising=False)
    start = b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
    rows = b"Nom;Note\n" + (b"Zorglub;" + b"x" * 900 + b"\n") * 700
    script = b'--edge\r\nContent-Disposition: form-data; name="script"\r\n\r\n1\r\n'
    body = script + start % (b"fichier", b"c.csv") + rows + b"\r\n--edge--\r\n"
    page = client.post("/nettoyage", data=body, content_type="multipart/form-data; boundary=edge")
    assert page.status_code == 200 and 'data-later="700"' in page.text


def test_what_a_book_holds_is_text_on_the_page(client: FlaskClient) -> None:
    sent = "Nom;Prénom\n<script>alert(1)</script>;</textarea><b>"
    page = client.post("/nettoyage", data={"texte": sent}, headers=HTML)
    assert "<script>alert" not in page.text and "</textarea><b>" not in page.text
