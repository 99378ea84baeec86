"""``GET /v1/search`` letter by letter, and of what is pasted: long names, towns with an article, numbers as they are
copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest
import search_world as world
from flask.testing import FlaskClient
from record_factories import NURSE, SUFFIX, make_address, make_organization, make_practitioner, make_role

from directory_service.entries.people import practitioner_entry
from directory_service.model.people import Coded
from directory_service.web.app import create_app

LIBERAL: Final = Coded("L", "Libéral, indépendant, artisan, commerçant")
SIRET: Final = "26690000000017"
# family, given, town, postcode, department
PEOPLE: Final = (
    ("D'ESSAIM", "ZOÉ", "L'HAY LES ROSES", "94240", ("94", "Val-de-Marne")),
    ("DE LA TOUR D'AUVERGNE", "MARIE AMÉLIE ROSE", "VILLENEUVE D ASCQ", "59491", ("59", "Nord")),
    ("QUATREFAGES", "PAUL", "ST ETIENNE", "42000", ("42", "Loire")),
)
ESSAIM, AUVERGNE, QUATREFAGES = (make_practitioner(n).national_id for n in range(300, 303))
NUMBER: Final = QUATREFAGES[1:]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    entries = []
    for n, (family, given, city, postcode, department) in enumerate(PEOPLE, 300):
        address = make_address(city=city, postcode=postcode, department=department)
        work = make_organization(
            n, name=f"CENTRE {n}", finess=f"{n}000005", siret=SIRET if n == 302 else "", address=address
        )
        roles = [make_role(work, profession=NURSE, **({"mode": LIBERAL} if n == 302 else {}))]
        person = make_practitioner(n, family_name=family, given_names=given, profession=NURSE, roles=roles)
        entries.append(practitioner_entry(person, [], SUFFIX))
    with closing(world.build(tmp_path_factory.mktemp("typing"), entries)) as directory:
        yield create_app(directory).test_client()


def ask(client: FlaskClient, **asked: str) -> list[dict[str, Any]]:
    answer = client.get("/v1/search", query_string=asked)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def found(client: FlaskClient, **asked: str) -> list[str]:
    return [item["id"] for item in ask(client, **asked)]


@pytest.mark.parametrize(
    ("typed", "meant", "least"),
    [
        ("zoé d essaim", ESSAIM, 5),
        ("essaim l hay les roses", ESSAIM, 10),
        ("l hay les roses", ESSAIM, 3),
        ("marie villeneuve d'ascq", AUVERGNE, 9),
        ("villeneuve d ascq", AUVERGNE, 3),
        ("amélie auvergne", AUVERGNE, 3),
        ("tour d auvergne", AUVERGNE, 4),
        ("dauvergne", AUVERGNE, 2),
        ("ma auvergne", AUVERGNE, 2),
        ("paul saint etienne", QUATREFAGES, 8),
    ],
)
def test_who_is_meant_is_there_after_each_letter(client: FlaskClient, typed: str, meant: str, least: int) -> None:
    for size in range(least, len(typed) + 1):
        assert meant in found(client, q=typed[:size], limit="100"), typed[:size]


@pytest.mark.parametrize(
    ("typed", "word", "field", "text"),
    [
        ("quatrefages s", "s", "city", "ST ETIENNE"),
        ("quatrefages in", "in", "profession", "Infirmier"),
        ("in quatrefages", "in", "profession", "Infirmier"),
        ("quatrefages ce", "ce", "structure", "CENTRE 302"),
        ("quatrefages lib", "lib", "mode", "Libéral, indépendant, artisan, commerçant"),
    ],
)
def test_what_begins_no_name_begins_whatever_else_a_word_may_be(
    client: FlaskClient, typed: str, word: str, field: str, text: str
) -> None:
    answer = client.get("/v1/search", query_string={"q": typed, "explain": "true"}).json
    (item,) = answer["items"]
    assert (item["id"], answer["total"], answer["total_exact"]) == (QUATREFAGES, 1, True) and not answer["relaxed"]
    (told,) = [w for w in item["match"]["words"] if w["word"] == word]
    assert (told["field"], told["match"], told["text"]) == (field, "prefix", text)


def test_a_mistyped_name_is_found_beside_a_short_beginning(client: FlaskClient) -> None:
    answer = client.get("/v1/search", query_string={"q": "quatrefagse in"}).json
    assert [item["id"] for item in answer["items"]] == [QUATREFAGES] and answer["relaxed"]


def test_short_words_are_names_as_long_as_somebody_has_one(client: FlaskClient) -> None:
    names = {p["family_name"] for p in ask(client, q="dupont je")}
    assert found(client, q="dupont je") == found(client, q="je dupont") and names == {"DUPONT"}
    assert not found(client, q="dupont ly", exact="true") and found(client, q="dupont ly")


def test_a_way_of_practising_is_a_word(client: FlaskClient) -> None:
    (item,) = ask(client, q="infirmière libérale quatrefages", explain="true")
    told = {w["word"]: (w["field"], w["match"]) for w in item["match"]["words"]}
    assert (item["id"], told["liberale"]) == (QUATREFAGES, ("mode", "exact"))
    assert found(client, q="infirmier salarie quatrefages") == []


@pytest.mark.parametrize(
    "pasted",
    [
        f"8 {NUMBER}",
        f"8\t{NUMBER}",
        f"RPPS{NUMBER}",
        f'"{NUMBER}"',
        f"({NUMBER})",
        f"{NUMBER},",
        f"PAUL;QUATREFAGES;{NUMBER}",
        f"42000 {NUMBER[:2]} {NUMBER[2:5]} {NUMBER[5:8]} {NUMBER[8:]}",
        "QUATREFAGES Paul, infirmier à Saint-Étienne (42)",
        "quatrefages st etienne cedex 2",
        "un infirmier a saint etienne",
        "paul quatrefages a 42000",
    ],
)
def test_what_is_pasted_is_read_whatever_stands_around_it(client: FlaskClient, pasted: str) -> None:
    assert found(client, q=pasted) == [QUATREFAGES]


def test_two_cells_of_a_spreadsheet_are_two_words(client: FlaskClient) -> None:
    assert found(client, q="QUATREFAGES\tPAUL") == [QUATREFAGES]
    assert client.get("/v1/suggest", query_string={"q": "jean\tdupont"}).json["items"]


def test_a_telephone_number_is_found_as_it_is_written_abroad(client: FlaskClient) -> None:
    at_home = found(client, q="04 72 00 00 00")
    assert at_home and at_home == found(client, q="+33 4 72 00 00 00") == found(client, q="0033472000000")


@pytest.mark.parametrize("number", [SIRET, f"{SIRET[:9]} {SIRET[9:]}", SIRET[:9], "302000005"])
def test_a_structure_is_named_by_any_of_its_numbers(client: FlaskClient, number: str) -> None:
    assert QUATREFAGES in found(client, structure=number)


@pytest.mark.parametrize(
    ("typed", "field", "text"),
    [
        ("atrefag", "family_name", "QUATREFAGES"),
        ("nfirmi", "profession", "Infirmier"),
        ("tetienn", "city", "ST ETIENNE"),
        ("oire", "department", "Loire"),
    ],
)
def test_what_stands_inside_is_told_by_its_part(client: FlaskClient, typed: str, field: str, text: str) -> None:
    items = ask(client, q=f"paul {typed}", explain="true")
    told = [w for item in items for w in item["match"]["words"] if w["word"] == typed]
    assert [(w["field"], w["text"]) for w in told] == [(field, text)]
