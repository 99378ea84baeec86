"""``GET /v1/mailboxes``: mailboxes by criteria, those of wards and of holders whom no registry knows too, as LDAP finds
them in ``ou=bal`` (Ségur: national id, names, profession, specialty, address, structure, street, town, mailbox)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest
import search_world as world
from flask.testing import FlaskClient
from record_factories import SUFFIX, make_binding

from directory_service.entries.mailboxes import mailbox_entries
from directory_service.entries.wire import decode_attributes
from directory_service.index.directory import Directory
from directory_service.index.query import Query, Scope, View
from directory_service.ldap.filters import parse_filter
from directory_service.model.mailboxes import MailboxType
from directory_service.web.app import create_app

ORG, APP = MailboxType.ORGANIZATIONAL, MailboxType.APPLICATION
WARD = make_binding(30, "urgences@chu-rouen.mssante.fr", organization=world.ROUEN, type=ORG, service="URGENCES ADULTES")
LABORATORY = make_binding(31, "resultats@chu-rouen.mssante.fr", organization=world.ROUEN, type=APP, service="LABO")
OFFICE = make_binding(32, "accueil@tilleuls.mssante.fr", organization=world.LYON, type=ORG)
SECRET = make_binding(33, "secret@chu-rouen.mssante.fr", organization=world.ROUEN, type=ORG, unlisted=True)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    more = [entry for box in (WARD, LABORATORY, OFFICE, SECRET) for entry in mailbox_entries([box], SUFFIX)]
    with closing(world.build(tmp_path_factory.mktemp("boxes"), more)) as made:
        yield made


@pytest.fixture
def client(directory: Directory) -> FlaskClient:
    return create_app(directory).test_client()


def found(client: FlaskClient, asked: str) -> list[str]:
    answer = client.get(f"/v1/mailboxes?{quote(asked, safe='=&@')}")
    assert answer.status_code == 200 and answer.json["next"] is None and not answer.json["partial"]
    return sorted(item["address"].partition("@")[0] for item in answer.json["items"])


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ("type=ORG&city=Rouen", ["urgences"]),
        ("structure=CHU Rouen&type=APP", ["resultats"]),
        ("structure=760000158", ["r.delatour", "resultats", "urgences"]),
        ("service=urgences", ["urgences"]),
        ("q=urgences rouen", ["urgences"]),
        ("q=resultats@chu-rouen.mssante.fr", ["resultats"]),
        ("q=cardio lyon", ["jean.dupont", "p.dupontel"]),
        ("postcode=69003&type=ORG", ["accueil"]),
        ("department=76&type=ORG", ["urgences"]),
        ("department=Seine-Maritime&type=APP", ["resultats"]),
        ("city=lyon&profession=médecin", ["jean.dupont", "p.dupontel"]),
        ("city=ROUEN CEDEX&type=ORG", ["urgences"]),
        ("profession=cardiologue", ["jean.dupont", "p.dupontel"]),
        ("specialty=généraliste&city=paris", ["r.delatour"]),
        ("family=dupont&given=jean", ["jean.dupont"]),
        ("address=@chu-rouen", ["p.dupontel", "resultats", "urgences"]),
        ("address=@chu-rouen&type=PER", ["p.dupontel"]),
        ("address=secret@", []),
        ("city=nulle part", []),
    ],
)
def test_mailboxes_are_found_by_what_is_said_of_them(client: FlaskClient, asked: str, who: list[str]) -> None:
    assert found(client, asked) == who


@pytest.mark.parametrize(
    ("asked", "ldap"),
    [
        ("type=ORG&city=Rouen", "(&(asMailboxType=ORG)(l=Rouen))"),
        ("street=rue&profession=10", "(&(street=*rue*)(asProfessionCode=10))"),
        ("family=dupon", "(sn=*dupon*)"),
        ("address=mssante", "(mail=*mssante*)"),
        ("structure=rouen", "(o=*rouen*)"),
    ],
)
def test_ldap_finds_the_same(client: FlaskClient, directory: Directory, asked: str, ldap: str) -> None:
    hits = directory.search(Query(f"ou=bal,{SUFFIX}", Scope.ONE, parse_filter(ldap), 100), View.ANONYMOUS).hits
    addresses = {decode_attributes(hit.ber)["mail"][0].decode().partition("@")[0] for hit in hits}
    assert set(found(client, asked)) == addresses and addresses


def test_pages_follow_one_another_and_show_each_once(client: FlaskClient) -> None:
    whole = client.get("/v1/mailboxes?address=mssante").json["items"]
    pages, following = list[dict[str, object]](), ""
    while following is not None:
        page = client.get(f"/v1/mailboxes?address=mssante&limit=2&cursor={following}").json
        pages, following = pages + page["items"], page["next"]
    assert pages == whole and len(whole) > 4


@pytest.mark.parametrize(
    "asked", ["", "type=ORG", "status=active", "q=+", "type=XYZ&q=a", "limit=0&q=a", "cursor=abc&q=a", "nom=a"]
)
def test_what_is_asked_badly_is_400(client: FlaskClient, asked: str) -> None:
    assert client.get(f"/v1/mailboxes?{asked}").status_code == 400


def test_a_cursor_is_of_its_question_alone(client: FlaskClient) -> None:
    following = client.get("/v1/mailboxes?address=mssante&limit=2").json["next"]
    assert client.get(f"/v1/mailboxes?address=fr&limit=2&cursor={following}").status_code == 400


def test_an_item_says_whose_mailbox_it_is(client: FlaskClient) -> None:
    (ward,) = client.get("/v1/mailboxes?service=urgences").json["items"]
    assert (ward["type"], ward["structure"]["name"], ward["town"]) == ("ORG", world.ROUEN.name, "ROUEN")
    (doctor,) = client.get("/v1/mailboxes?family=de la tour").json["items"]
    assert doctor["person"]["id"] == world.people()[8] and "structure" not in doctor
